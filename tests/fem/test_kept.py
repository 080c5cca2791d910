"""Conjugate gradients on a factor of another matrix, and Newton with it."""

from __future__ import annotations

import numpy as np
import pytest
from test_multifrontal import _random_blocks, _sparse

from canalrisk._jit import one_blas_thread
from canalrisk.errors import UsageError
from canalrisk.fem import Load, Model, NeoHookean, Settings, Springs, Supports, dofs, prepare, solve
from canalrisk.fem.assemble import evaluate, times_free
from canalrisk.fem.kept import KeptFactor, alone, conjugate_gradients
from canalrisk.fem.linear import build_solver
from canalrisk.fem.multifrontal import Multifrontal
from canalrisk.mesh import elliptic_cylinder
from conftest import block


def _problem(seed: int):  # type: ignore[no-untyped-def]
    mesh = block(4, 4, 6)
    pattern, _, solver = build_solver(mesh.cells, points=mesh.points, section_size=mesh.section_size)
    blocks = _random_blocks(pattern, seed=seed)
    n = len(mesh.points)
    right = np.random.default_rng(seed).normal(size=(n, 3))
    return pattern, solver, blocks, right, np.ones((n, 3), bool)


def test_solves_with_the_matrix_of_now() -> None:
    pattern, solver, blocks, right, free = _problem(1)
    # A change of one tenth, symmetric since blocks on the diagonal stay as they are.
    other = blocks * (1.0 + 0.1 * np.random.default_rng(8).random((len(blocks), 1)))
    matrix = _sparse(pattern, other)
    kept = KeptFactor(solver, limit=10)

    def times(x: np.ndarray) -> np.ndarray:
        return (matrix @ x.ravel()).reshape(-1, 3)

    with one_blas_thread():
        assert alone(kept.improve(times, right, free=free, tolerance=1e-2), kept.solve) is None
        assert kept.factor(blocks, free=free, shift=np.zeros_like(right))
        assert alone(kept.improve(times, right, free=free, tolerance=1e-2), kept.solve) is not None
        x, _ = alone(conjugate_gradients(times, right, tolerance=1e-10, limit=40), kept.solve)
        assert x is not None
        assert np.linalg.norm(times(x) - right) <= 1.01e-10 * np.linalg.norm(right)
        # Another set of supports, or a factor that is no neighbour's, is not used.
        fewer = free.copy()
        fewer[3, 1] = False
        assert alone(kept.improve(times, right, free=fewer, tolerance=1e-2), kept.solve) is None
        kept.forget()
        assert alone(kept.improve(times, right, free=free, tolerance=1e-2), kept.solve) is None


def test_negative_curvature_and_bad_pace_are_told() -> None:
    pattern, solver, blocks, right, free = _problem(2)
    matrix = _sparse(pattern, blocks)
    with one_blas_thread():
        assert solver.factor(blocks, free=free, shift=np.zeros_like(right))
        negative = conjugate_gradients(lambda x: -(matrix @ x.ravel()).reshape(-1, 3), right, tolerance=1e-6, limit=50)
        found, _ = alone(negative, solver.solve)
        assert found is None
        # Without a factor, 1000 : 1 in the diagonal: hundreds of iterations, recognised long before.
        scale = np.logspace(0, 3, right.size).reshape(-1, 3)
        asking = conjugate_gradients(lambda x: scale * x, right, tolerance=1e-10, limit=15)
        found, iterations = alone(asking, lambda x: x)
        assert found is None
        assert iterations < 15


def test_single_precision_factor_reaches_double_accuracy() -> None:
    mesh = elliptic_cylinder((4, 2, 10))
    fixed = dofs(mesh.node_sets["ends"])
    law = NeoHookean.from_young(0.25, poisson=0.49)
    system = prepare(Model(mesh=mesh, materials=(law,), supports=Supports(fixed=fixed)))
    evaluate(system, np.zeros_like(mesh.points), touches=(), forces=None, tangent=True)
    exact = system.cholesky.solver
    assert isinstance(exact, Multifrontal)
    single = KeptFactor(Multifrontal(exact.pattern, exact.tree, precision="single"), limit=10)
    right = np.where(system.free, np.random.default_rng(3).normal(size=mesh.points.shape), 0.0)
    with one_blas_thread():
        assert single.factor(system.matrix, free=system.free, shift=np.zeros_like(right))
        assert system.cholesky.factor(system.matrix, free=system.free, shift=np.zeros_like(right))
        asking = single.improve(lambda v: times_free(system, v), right, free=system.free, tolerance=1e-10)
        x = alone(asking, single.solve)
        expected = system.cholesky.solve(right)
    assert single.nbytes == exact.nbytes // 2
    assert x is not None
    assert np.linalg.norm(times_free(system, x) - right) <= 1e-9 * np.linalg.norm(right)
    # The residual is 1e-10 of the right-hand side; the condition of the matrix is below 1e5.
    assert x == pytest.approx(expected, rel=0, abs=1e-5 * np.abs(expected).max())


def test_newton_ends_at_the_same_state_with_fewer_factorisations() -> None:
    mesh = elliptic_cylinder((4, 2, 10))
    fixed = np.concatenate([dofs(mesh.node_sets["ends"])])
    system = prepare(Model(mesh=mesh, materials=(NeoHookean(0.1, 1.0),), supports=Supports(fixed=fixed)))
    system.cholesky.limit = 10
    forces = np.zeros_like(mesh.points)
    forces[mesh.node_sets["post"], 1] = 2e-2
    loads = [Load(forces=f * forces) for f in (0.5, 1.0)]
    fresh = solve(system, loads, settings=Settings(tolerance=1e-9, keep_factor=False))
    kept = solve(system, loads, settings=Settings(tolerance=1e-9))
    assert all(s.converged for s in (*fresh, *kept))
    assert sum(s.factorisations for s in kept) < 0.7 * sum(s.factorisations for s in fresh)
    # Quadratic end: at most one iteration more per load.
    assert sum(s.iterations for s in kept) <= sum(s.iterations for s in fresh) + len(loads)
    # Residuals of 1e-9 of the forces, a condition below 1e4.
    assert np.abs(kept[-1].u - fresh[-1].u).max() < 1e-5 * np.abs(fresh[-1].u).max()


@pytest.mark.parametrize(("share", "definite"), [(0.0, True), (0.9, True), (0.999, True), (1.001, False), (1.5, False)])
def test_a_matrix_is_certified_just_when_it_is_definite(share: float, definite: bool) -> None:
    """K - c v v' is definite if and only if c v' K^-1 v < 1 (determinant lemma); K's factor is the one at hand."""
    pattern, solver, blocks, v, free = _problem(4)
    matrix = _sparse(pattern, blocks)
    kept = KeptFactor(solver, limit=30)
    with one_blas_thread():
        assert kept.factor(blocks, free=free, shift=np.zeros_like(v))
        c = share / float(np.vdot(v, kept.solve(v)))
        asking = kept.certify(lambda x: (matrix @ x.ravel()).reshape(-1, 3) - c * np.vdot(v, x) * v, free=free)
        assert alone(asking, kept.solve) is definite


@pytest.mark.parametrize(("share", "definite"), [(0.9, True), (1.0001, False), (1.01, False)])
def test_a_slender_body_that_buckles_is_never_certified(share: float, definite: bool) -> None:
    """The same condition, 1e-4 beyond it, for a uniform lateral load on a rod: its response is a very soft mode.

    A load in which soft modes have no share would not show them.
    """
    mesh = elliptic_cylinder((4, 2, 20), half_width=1.0, half_depth=1.0, length=40.0)
    law = NeoHookean.from_young(0.25, poisson=0.4999)
    system = prepare(Model(mesh=mesh, materials=(law,), supports=Supports(fixed=dofs(mesh.node_sets["ends"]))))
    kept, free = system.cholesky, system.free
    kept.limit = 30
    evaluate(system, np.zeros_like(mesh.points), touches=(), forces=None, tangent=True)
    v = np.where(free, np.array((1.0, 0.0, 0.0)), 0.0)
    with one_blas_thread():
        assert kept.factor(system.matrix, free=free, shift=np.zeros_like(v))
        c = share / float(np.vdot(v, kept.solve(v)))
        asking = kept.certify(lambda x: times_free(system, x) - c * np.vdot(v, x) * v, free=free)
        assert alone(asking, kept.solve) is definite


def _pressed_down(*, precision: str, keep: bool = True):  # type: ignore[no-untyped-def]
    mesh = elliptic_cylinder((4, 2, 10))
    fixed = dofs(mesh.node_sets["ends"])
    law = NeoHookean.from_young(0.25, poisson=0.49)
    system = prepare(Model(mesh=mesh, materials=(law,), supports=Supports(fixed=fixed)), precision=precision)  # type: ignore[arg-type]
    forces = np.zeros_like(mesh.points)
    forces[mesh.node_sets["post"], 1] = 2e-2
    return system, solve(system, [Load(forces=forces)], settings=Settings(tolerance=1e-9, keep_factor=keep))[-1]


@pytest.mark.parametrize("keep", [True, False])
def test_single_precision_gives_the_same_state(keep: bool) -> None:
    _, double = _pressed_down(precision="double")
    system, single = _pressed_down(precision="single", keep=keep)
    assert single.converged, single.reason
    assert system.cholesky.is_rough is keep
    # Both meet a residual of 1e-9 of the forces; the condition is below 1e4.
    assert np.abs(single.u - double.u).max() < 1e-5 * np.abs(double.u).max()
    assert single.iterations <= double.iterations + 1


def test_what_single_precision_refuses_is_factored_in_double() -> None:
    """A body on springs of 1e-9 of its stiffness is singular to seven digits and not to sixteen."""
    mesh = block(2, 2, 2)
    springs = Springs(np.repeat(np.arange(8), 3), np.tile(np.eye(3), (8, 1)), np.full(24, 1e-9))
    model = Model(mesh=mesh, materials=(NeoHookean(1.0, 1.0),), supports=Supports(springs=springs))
    system = prepare(model, precision="single")
    evaluate(system, np.zeros_like(mesh.points), touches=(), forces=None, tangent=True)
    kept, nothing = system.cholesky, np.zeros_like(mesh.points)
    with one_blas_thread():
        assert kept.factor(system.matrix, free=system.free, shift=nothing)
        assert not kept.is_rough
        assert kept.factor(system.matrix, free=system.free, shift=nothing + 0.1)
        assert kept.is_rough
        assert kept.factor(system.matrix, free=system.free, shift=nothing + 0.1, exactly=True)
        assert not kept.is_rough


def test_single_precision_needs_the_multifrontal_solver() -> None:
    mesh = elliptic_cylinder((2, 1, 4))
    with pytest.raises(UsageError):
        prepare(Model(mesh=mesh, materials=(NeoHookean(1.0, 10.0),)), method="sections", precision="single")
