from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from canalrisk.errors import UsageError
from canalrisk.fem import Load, Model, NeoHookean, Obstacle, Supports, dofs, first_touch, prepare, solve
from canalrisk.fem.assemble import Touch, evaluate
from canalrisk.fem.obstacles import Passage
from canalrisk.field import RigidMotion
from conftest import block, dense_matrix, field


@pytest.mark.parametrize("rule", [2, 3])
@pytest.mark.parametrize("case", ["outside", "inside", "blend", "buffer", "turned", "several"])
def test_contact_force_and_tangent_are_derivatives(sphere, case: str, rule: int) -> None:  # type: ignore[no-untyped-def]
    mesh = block(2, 2, 2, size=(2.0, 2.0, 2.0))
    other = field(lambda x, y, z: np.sqrt(x**2 + 1.3 * y**2 + z**2 + 0.3) - 2.7)
    motion = RigidMotion((0.4, -0.9, 0.6), (0.5, 0.0, -1.0), (0.1, -1.6, 0.2))
    turned = Obstacle("o", sphere, other, blend=0.6, offset=0.1, motion=motion, translation=(0.0, -0.3, 0.0))
    obstacles = {
        "outside": Obstacle("o", sphere, offset=0.1, translation=(0.2, -1.0, 0.3)),
        "inside": Obstacle("o", sphere, sign=-1, offset=0.6),
        "blend": Obstacle("o", sphere, other, blend=0.4, translation=(0.0, -2.0, 0.0)),
        "buffer": Obstacle("o", sphere, sign=-1, buffer_thickness=2.5, buffer_pressure=0.3),
        "turned": turned,
        "several": (turned, Obstacle("wall", sphere, sign=-1, offset=0.6, motion=motion)),
    }[case]
    obstacles = obstacles if isinstance(obstacles, tuple) else (obstacles,)
    system = prepare(Model(mesh=mesh, materials=(NeoHookean(1e-6, 1e-6),), contact_rule=rule))
    rng = np.random.default_rng(5)
    known = 0.2 * rng.random(system.contact_weights.shape)
    touches = tuple(Touch(obstacle, 2.0, known) for obstacle in obstacles)
    u = 0.05 * rng.normal(size=mesh.points.shape)
    at = evaluate(system, u, touches=touches, forces=None, tangent=True)
    assert all((touch.pressure > 0).any() for touch in touches)
    assert at.residual.sum(axis=0) == pytest.approx(-sum(t.resultant.sum(axis=0) for t in touches), abs=1e-6)
    dense, h = dense_matrix(system), 1e-6
    scale = np.abs(dense).max()
    for direction in rng.normal(size=(6, *u.shape)):
        plus, minus = (
            evaluate(system, u + s * h * direction, touches=touches, forces=None, tangent=False) for s in (1, -1)
        )
        product = (dense @ direction.ravel()).reshape(u.shape)
        assert np.abs((plus.residual - minus.residual) / (2 * h) - product).max() < 1e-7 * scale
        slope = float(np.vdot(at.residual, direction))
        assert (plus.energy - minus.energy) / (2 * h) == pytest.approx(slope, abs=1e-7 * np.abs(at.residual).sum())


@pytest.mark.parametrize("rule", [2, 3])
def test_plane_pressed_on_a_block(plane, rule: int) -> None:  # type: ignore[no-untyped-def]
    # A frictionless plate in full contact makes uniaxial compression: nominal stress of the closed form in
    # mu (l - l^-2) as the bulk modulus grows.
    mesh = block(2, 2, 2)
    y = mesh.points[:, 1]
    mu = 0.1
    fixed = np.concatenate(
        [dofs(np.flatnonzero(mesh.points[:, k] == (1.0 if k == 1 else 0.0)), axes=(k,)) for k in range(3)]
    )
    model = Model(mesh=mesh, materials=(NeoHookean(mu, 1e4 * mu),), supports=Supports(fixed=fixed), contact_rule=rule)
    system = prepare(model)
    assert system.contact_weights.sum() == pytest.approx(4.0)  # four lateral sides of 1 mm2
    # The block hangs from y = 1 and the plate comes from below.
    loads = [Load((Obstacle("plate", plane, offset=offset),)) for offset in (-0.5, 0.0, 0.2)]
    states = solve(system, loads)
    assert [state.converged for state in states] == [True] * 3
    assert np.abs(states[0].contacts["plate"].force).max() == 0.0
    assert np.abs(states[0].u).max() == 0.0
    last = states[-1].contacts["plate"]
    expected = mu * (0.8**-2 - 0.8)
    assert last.force[1] == pytest.approx(expected, rel=0.005)
    assert last.penetration < 0.02
    assert np.abs(last.force[[0, 2]]).max() < 1e-9
    # Reactions balance the obstacle.
    assert states[-1].reactions[y == 1.0, 1].sum() == pytest.approx(-last.force[1], rel=1e-5)
    area = (last.pressure * system.contact_weights).sum()
    assert area == pytest.approx(last.force[1], rel=1e-9)


def test_passage_is_linear_and_exact_at_its_ends(sphere, plane) -> None:  # type: ignore[no-untyped-def]
    a = Obstacle("o", sphere, offset=-1.0, translation=(0.0, 1.0, 0.0))
    b = Obstacle("o", sphere, plane, blend=0.5, offset=1.0)
    middle = Passage.between(a, b).at(0.5)
    assert (middle.blend, middle.offset, middle.translation) == (0.25, 0.0, (0.0, 0.5, 0.0))
    # From a half-way blend to a new field: the mixture becomes a field of its own.
    way = Passage.between(b, Obstacle("o", plane))
    point = np.array([[1.0, 2.0, 0.5]])
    mixed = 0.5 * sphere.value(point) + 0.5 * plane.value(point)
    assert way.at(0.0).spline0.value(point) == pytest.approx(mixed)
    assert way.at(1.0).blend == 1.0
    with pytest.raises(UsageError):
        Passage.between(a, Obstacle("o", sphere, sign=-1))


def test_a_turned_field_is_the_field_of_the_turned_body() -> None:
    def egg(x, y, z):  # type: ignore[no-untyped-def]
        return np.sqrt(x**2 + (y / 2) ** 2 + z**2 + 0.01) - 2.0

    # A quarter turn about z takes the long axis from y to x; the spline's voxels map onto voxels.
    motion = RigidMotion((0.0, 0.0, np.pi / 2))
    turned, straight = Obstacle("o", field(egg), motion=motion), Obstacle("o", field(lambda x, y, z: egg(y, x, z)))
    system = prepare(Model(mesh=block(2, 2, 2, size=(3.0, 2.0, 2.0)), materials=(NeoHookean(1.0, 10.0),)))
    x = system.points - [1.0, 0.5, 0.3]
    zero = np.zeros_like(system.contact_weights)
    gaps = [Touch(o, 1.0, zero).gaps(system, x, check=True) for o in (turned, straight)]
    assert gaps[0] == pytest.approx(gaps[1], abs=1e-12)
    half = Passage.between(replace(turned, motion=RigidMotion()), turned).at(0.5)
    assert half.motion.rotation == pytest.approx((0.0, 0.0, np.pi / 4))


def test_a_paddle_turned_into_a_block_balances(plane) -> None:  # type: ignore[no-untyped-def]
    # The half space y < 0 turns about the lower left edge of a block held above: it lifts the right side most, and what
    # it presses is carried by the supports. Turned by a in one load, the same as in two.
    mesh = block(3, 3, 2, size=(3.0, 3.0, 2.0))
    y = mesh.points[:, 1]
    system = prepare(
        Model(mesh=mesh, materials=(NeoHookean(1.0, 10.0),), supports=Supports(fixed=dofs(np.flatnonzero(y == 3.0))))
    )
    loads = [Load((Obstacle("paddle", plane, motion=RigidMotion((0.0, 0.0, a))),)) for a in (-0.05, 0.1, 0.2)]
    once, twice = solve(system, [loads[0], loads[2]])[-1], solve(system, loads)[-1]
    assert once.converged, once.reason
    contact = once.contacts["paddle"]
    normal = np.array((-np.sin(0.2), np.cos(0.2), 0.0))
    assert contact.force == pytest.approx(np.linalg.norm(contact.force) * normal, abs=1e-9)
    assert once.reactions.sum(axis=0) == pytest.approx(-contact.force, abs=1e-5 * np.linalg.norm(contact.force))
    assert twice.contacts["paddle"].force == pytest.approx(contact.force, rel=0.005, abs=1e-9)
    assert np.abs(once.u - twice.u).max() < 0.005


def test_insertion_starts_at_first_touch(sphere) -> None:  # type: ignore[no-untyped-def]
    mesh = block(2, 2, 2, size=(2.0, 2.0, 2.0))
    system = prepare(Model(mesh=mesh, materials=(NeoHookean(1.0, 10.0),)))
    still = np.zeros_like(mesh.points)
    # The sphere of radius 3 about (-1.5, 1, 1) reaches the face x = 0: its depth there is 1.5 mm.
    obstacle = Obstacle("o", sphere, translation=(-1.5, 1.0, 1.0))
    grown = first_touch(system, still, obstacle, way="grow")
    assert grown.offset == pytest.approx(-1.5, abs=0.02)
    moved = first_touch(system, still, obstacle, way="move")
    assert moved.offset == 0.0
    assert moved.translation == pytest.approx((-3.0, 1.0, 1.0), abs=0.05)
    far = Obstacle("o", sphere, translation=(-6.0, 1.0, 1.0))
    assert first_touch(system, still, far) is far
