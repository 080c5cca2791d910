from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from test_materials import LAWS

from canalrisk._jit import set_threads
from canalrisk.errors import GeometryError, UsageError
from canalrisk.fem import (
    Load,
    Material,
    Membrane,
    Model,
    NeoHookean,
    Supports,
    System,
    dofs,
    prepare,
    solve,
    stress_strain,
)
from canalrisk.fem.assemble import evaluate
from canalrisk.fem.post import patch_average
from canalrisk.fem.reference import quadrature_points
from canalrisk.mesh import elliptic_cylinder
from canalrisk.mesh.hexmesh import HexMesh
from conftest import block, dense_matrix


def _distorted(n: int = 3) -> tuple[HexMesh, np.ndarray]:
    mesh = block(n, n, n)
    rng = np.random.default_rng(0)
    inner = np.all((mesh.points > 0) & (mesh.points < 1), axis=1)
    points = mesh.points.copy()
    points[inner] += 0.05 * rng.uniform(-1, 1, (int(inner.sum()), 3))
    return replace(mesh, points=points), inner


def _fibres(mesh: HexMesh) -> np.ndarray:
    """Fibre directions that vary from point to point."""
    return np.random.default_rng(6).normal(size=(len(mesh.cells), 8, 3))


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS.keys())
def test_patch(law: Material) -> None:
    # A linear displacement on the boundary of a distorted mesh must be met by the same linear displacement inside.
    mesh, inner = _distorted()
    h = np.array([[0.10, 0.05, 0.0], [-0.04, -0.08, 0.06], [0.02, 0.0, 0.05]])
    exact = mesh.points @ h.T
    fixed = dofs(np.flatnonzero(~inner))
    fibres = np.tile((0.6, 0.0, 0.8), (len(mesh.cells), 1))
    system = prepare(Model(mesh=mesh, materials=(law,), supports=Supports(fixed=fixed), fibres=fibres))
    state = solve(system, [Load(prescribed=exact.ravel()[fixed])])[0]
    assert state.converged, state.reason
    assert np.abs(state.u - exact).max() < 1e-7
    fields = stress_strain(system, state.u)
    assert np.ptp(fields.cauchy, axis=(0, 1)).max() < 1e-5 * np.abs(fields.cauchy).max()
    assert fields.jacobian == pytest.approx(np.linalg.det(np.eye(3) + h), rel=1e-6)
    assert fields.patch_pressure == pytest.approx(fields.pressure.mean(), rel=1e-5)


@pytest.mark.parametrize("law", [*LAWS.values(), None], ids=[*LAWS.keys(), "all in one element"])
def test_force_and_tangent_are_derivatives(law: Material | None) -> None:
    mesh = block(1, 1, 1)
    rng = np.random.default_rng(1)
    points = mesh.points + 0.1 * rng.normal(size=mesh.points.shape)
    materials = tuple(LAWS.values()) if law is None else (law,)
    index = np.array([[5, 1, 2, 7, 2, 0, 6, 3]]) if law is None else None
    model = Model(mesh=replace(mesh, points=points), materials=materials, material_index=index, fibres=_fibres(mesh))
    system = prepare(model)
    u = 0.12 * rng.normal(size=points.shape)
    at = evaluate(system, u, touches=(), forces=None, tangent=True)
    assert at.valid
    matrix = dense_matrix(system)
    h = 1e-6
    columns, slopes = [], []
    for k in range(24):
        step = np.zeros(24)
        step[k] = h
        plus, minus = (
            evaluate(system, u + s * step.reshape(8, 3), touches=(), forces=None, tangent=False) for s in (1, -1)
        )
        columns.append((plus.residual - minus.residual).ravel() / (2 * h))
        slopes.append((plus.energy - minus.energy) / (2 * h))
    assert np.abs(np.array(columns).T - matrix).max() < 1e-7 * np.abs(matrix).max()
    assert np.abs(np.array(slopes) - at.residual.ravel()).max() < 1e-7 * np.abs(at.residual).max()
    # The assembled matrix is stored as a half; the element's own blocks on the diagonal must be symmetric.
    assert np.abs(matrix - matrix.T).max() < 1e-15 * np.abs(matrix).max()


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS.keys())
def test_rigid_rotation_changes_nothing_but_direction(law: Material) -> None:
    mesh, _ = _distorted(2)
    membrane = Membrane(mesh.surface, 30.0, 0.3, 0.1)
    system = prepare(Model(mesh=mesh, materials=(law,), membranes=(membrane,), fibres=_fibres(mesh)))
    rng = np.random.default_rng(2)
    u = 0.02 * rng.normal(size=mesh.points.shape)
    turn = Rotation.from_rotvec([0.7, -1.9, 0.4]).as_matrix()
    before = evaluate(system, u, touches=(), forces=None, tangent=True)
    matrix = dense_matrix(system).reshape(-1, 3, len(u), 3)
    turned = (mesh.points + u) @ turn.T + [0.3, -0.2, 0.5] - mesh.points
    after = evaluate(system, turned, touches=(), forces=None, tangent=True)
    assert after.energy == pytest.approx(before.energy, rel=1e-12)
    assert np.abs(after.residual - before.residual @ turn.T).max() < 1e-12 * before.scale
    expected = np.einsum("ik,akbl,jl->aibj", turn, matrix, turn)
    assert np.abs(dense_matrix(system).reshape(matrix.shape) - expected).max() < 1e-12 * np.abs(matrix).max()
    still = evaluate(system, mesh.points @ turn.T - mesh.points, touches=(), forces=None, tangent=False)
    assert abs(still.energy) < 1e-12
    assert np.abs(still.residual).max() < 1e-12 * np.abs(matrix).max()


def test_threads_do_not_change_bits() -> None:
    mesh = elliptic_cylinder((4, 2, 8))
    model = Model(
        mesh=mesh,
        materials=tuple(LAWS.values()),
        material_index=np.arange(8 * len(mesh.cells)).reshape(-1, 8) // 5 % len(LAWS),
        fibres=_fibres(mesh),
    )
    system = prepare(model)
    u = 0.02 * np.random.default_rng(3).normal(size=mesh.points.shape)
    answers = []
    threads = numba.get_num_threads()
    try:
        for count in (1, 2):
            set_threads(count)
            at = evaluate(replace_held(system), u, touches=(), forces=None, tangent=True)
            answers.append((at.energy, at.residual.tobytes(), system.matrix.tobytes()))
    finally:
        set_threads(threads)
    assert answers[0] == answers[1]


def replace_held(system: System) -> System:
    """Forget what the buffers hold, so that everything is computed again."""
    system.held = None
    return system


def test_patch_average_removes_a_checkerboard() -> None:
    # Equal cells with values +-1 in turn: eight cells around every inner node sum to zero.
    mesh = block(4, 4, 4)
    x, y, z = np.moveaxis(mesh.points[mesh.cells].mean(axis=1) * 4, 1, 0).astype(int)
    board = (-1.0) ** (x + y + z)
    average = patch_average(board, cells=mesh.cells, volumes=np.ones(64))
    inside = np.all([(v >= 1) & (v <= 2) for v in (x, y, z)], axis=0)
    assert np.abs(average[inside]).max() < 1e-15
    assert patch_average(np.full(64, 2.5), cells=mesh.cells, volumes=np.arange(1.0, 65.0)) == pytest.approx(2.5)


def test_missing_fibres_are_refused() -> None:
    mesh = block(1, 1, 1)
    law = LAWS["fibres"]
    for fibres in (None, np.zeros((1, 3)), np.ones((8, 3))):
        with pytest.raises(UsageError):
            prepare(Model(mesh=mesh, materials=(law,), fibres=fibres))


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
