from __future__ import annotations

import numpy as np
import pytest

from canalrisk.errors import UsageError
from canalrisk.fem import Load, Model, NeoHookean, Obstacle, Supports, dofs, first_touch, prepare, solve
from canalrisk.fem.assemble import Touch, evaluate
from canalrisk.fem.obstacles import Passage
from conftest import block, dense_matrix, field


@pytest.mark.parametrize("case", ["outside", "inside", "blend", "buffer"])
def test_contact_force_and_tangent_are_derivatives(sphere, case: str) -> None:  # type: ignore[no-untyped-def]
    mesh = block(2, 2, 2, size=(2.0, 2.0, 2.0))
    other = field(lambda x, y, z: np.sqrt(x**2 + 1.3 * y**2 + z**2 + 0.3) - 2.7)
    obstacle = {
        "outside": Obstacle("o", sphere, offset=0.1, translation=(0.2, -1.0, 0.3)),
        "inside": Obstacle("o", sphere, sign=-1, offset=0.6),
        "blend": Obstacle("o", sphere, other, blend=0.4, translation=(0.0, -2.0, 0.0)),
        "buffer": Obstacle("o", sphere, sign=-1, buffer_thickness=2.5, buffer_pressure=0.3),
    }[case]
    system = prepare(Model(mesh=mesh, materials=(NeoHookean(1e-6, 1e-6),)))
    rng = np.random.default_rng(5)
    known = 0.2 * rng.random(system.contact_weights.shape)
    touch = Touch(obstacle, 2.0, known)
    u = 0.05 * rng.normal(size=mesh.points.shape)
    at = evaluate(system, u, touches=(touch,), forces=None, tangent=True)
    assert (touch.pressure > 0).any()
    assert at.residual.sum(axis=0) == pytest.approx(-touch.resultant.sum(axis=0), abs=1e-6)
    dense, h = dense_matrix(system), 1e-6
    scale = np.abs(dense).max()
    for direction in rng.normal(size=(6, *u.shape)):
        plus, minus = (
            evaluate(system, u + s * h * direction, touches=(touch,), forces=None, tangent=False) for s in (1, -1)
        )
        product = (dense @ direction.ravel()).reshape(u.shape)
        assert np.abs((plus.residual - minus.residual) / (2 * h) - product).max() < 1e-7 * scale
        slope = float(np.vdot(at.residual, direction))
        assert (plus.energy - minus.energy) / (2 * h) == pytest.approx(slope, abs=1e-7 * np.abs(at.residual).sum())


def test_plane_pressed_on_a_block(plane) -> None:  # type: ignore[no-untyped-def]
    # A frictionless plate in full contact makes uniaxial compression: nominal stress of the closed form in
    # mu (l - l^-2) as the bulk modulus grows.
    mesh = block(2, 2, 2)
    y = mesh.points[:, 1]
    mu = 0.1
    fixed = np.concatenate(
        [dofs(np.flatnonzero(mesh.points[:, k] == (1.0 if k == 1 else 0.0)), axes=(k,)) for k in range(3)]
    )
    system = prepare(Model(mesh=mesh, materials=(NeoHookean(mu, 1e4 * mu),), supports=Supports(fixed=fixed)))
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
