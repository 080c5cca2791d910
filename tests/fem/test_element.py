from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from canalrisk.errors import GeometryError
from canalrisk.fem import Load, Membrane, Model, NeoHookean, Ogden, Supports, dofs, prepare, solve, stress_strain
from canalrisk.fem.assemble import evaluate
from canalrisk.fem.reference import quadrature_points
from conftest import block


def _distorted(n: int = 3):  # type: ignore[no-untyped-def]
    mesh = block(n, n, n)
    rng = np.random.default_rng(0)
    inner = np.all((mesh.points > 0) & (mesh.points < 1), axis=1)
    points = mesh.points.copy()
    points[inner] += 0.05 * rng.uniform(-1, 1, (int(inner.sum()), 3))
    return replace(mesh, points=points), inner


@pytest.mark.parametrize("law", [NeoHookean(1.0, 50.0), Ogden(1.0, 12.5, 50.0)], ids=["neo-Hooke", "Ogden"])
def test_patch(law: NeoHookean | Ogden) -> None:
    # A linear displacement on the boundary of a distorted mesh must be met by the same linear displacement inside.
    mesh, inner = _distorted()
    h = np.array([[0.10, 0.05, 0.0], [-0.04, -0.08, 0.06], [0.02, 0.0, 0.05]])
    exact = mesh.points @ h.T
    fixed = dofs(np.flatnonzero(~inner))
    system = prepare(Model(mesh=mesh, materials=(law,), supports=Supports(fixed=fixed)))
    state = solve(system, [Load(prescribed=exact.ravel()[fixed])])[0]
    assert state.converged, state.reason
    assert np.abs(state.u - exact).max() < 1e-7
    fields = stress_strain(system, state.u)
    assert np.ptp(fields.cauchy, axis=(0, 1)).max() < 1e-5 * np.abs(fields.cauchy).max()
    assert fields.jacobian == pytest.approx(np.linalg.det(np.eye(3) + h), rel=1e-6)


def test_rigid_rotation_changes_nothing_but_direction() -> None:
    mesh, _ = _distorted(2)
    membrane = Membrane(mesh.surface, 30.0, 0.3, 0.1)
    system = prepare(Model(mesh=mesh, materials=(Ogden(1.0, 12.5, 50.0),), membranes=(membrane,)))
    rng = np.random.default_rng(2)
    u = 0.02 * rng.normal(size=mesh.points.shape)
    turn = Rotation.from_rotvec([0.7, -1.9, 0.4]).as_matrix()
    before = evaluate(system, u, touches=(), forces=None, tangent=False)
    turned = (mesh.points + u) @ turn.T + [3.0, -2.0, 5.0] - mesh.points
    after = evaluate(system, turned, touches=(), forces=None, tangent=False)
    assert after.energy == pytest.approx(before.energy, rel=1e-11)
    assert np.abs(after.residual - before.residual @ turn.T).max() < 1e-11 * np.abs(before.residual).max() * 50
    still = evaluate(system, mesh.points @ turn.T - mesh.points, touches=(), forces=None, tangent=False)
    assert abs(still.energy) < 1e-12
    assert np.abs(still.residual).max() < 1e-11


def test_mean_dilatation_does_not_lock_in_bending() -> None:
    # Slender cantilever, tip force: Euler-Bernoulli with E = 2 mu (1 + nu), nu = 0.4999. Full integration of the
    # displacement element would be many times too stiff; four bilinear layers alone cost about 1 / 4^2 = 6 %.
    length, depth, mu = 20.0, 1.0, 1.0
    mesh = block(1, 4, 80, size=(1.0, depth, length))
    z = mesh.points[:, 2]
    nu = 0.4999
    law = NeoHookean(mu, 2 * mu * (1 + nu) / (3 * (1 - 2 * nu)))
    system = prepare(Model(mesh=mesh, materials=(law,), supports=Supports(fixed=dofs(np.flatnonzero(z == 0)))))
    tip = np.flatnonzero(z == length)
    forces = np.zeros_like(mesh.points)
    forces[tip, 1] = 1e-5 / len(tip)
    state = solve(system, [Load(forces=forces)])[0]
    assert state.converged, state.reason
    beam = 1e-5 * length**3 / (3 * 2 * mu * (1 + nu) * depth**3 / 12)
    assert state.u[tip, 1].mean() == pytest.approx(beam, rel=0.08)


def test_material_per_quadrature_point() -> None:
    mesh = block(1, 1, 1)
    soft, hard = NeoHookean(1.0, 10.0), NeoHookean(3.0, 30.0)
    index = np.array([[0, 0, 0, 0, 1, 1, 1, 1]])
    upper = quadrature_points(mesh.points, mesh.cells)[0, :, 2] > 0.5
    assert np.array_equal(index[0] == 1, upper)
    # Volume-preserving shear has uniform energy density: the mixture is the mean.
    u = 0.2 * mesh.points[:, [1, 0, 0]] * [1.0, 0.0, 0.0]
    energy = []
    for materials, where in (((soft,), None), ((hard,), None), ((soft, hard), index)):
        system = prepare(Model(mesh=mesh, materials=materials, material_index=where))
        energy.append(evaluate(system, u, touches=(), forces=None, tangent=False).energy)
    assert energy[2] == pytest.approx(0.5 * (energy[0] + energy[1]), rel=1e-12)


def test_inverted_cell_is_refused() -> None:
    mesh = block(1, 1, 1)
    with pytest.raises(GeometryError):
        prepare(Model(mesh=replace(mesh, cells=np.roll(mesh.cells, 4, axis=1)), materials=(NeoHookean(1.0, 1.0),)))
