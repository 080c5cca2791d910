from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from canalrisk._jit import one_blas_thread, set_threads
from canalrisk.fem import Model, NeoHookean, Supports, dofs, prepare
from canalrisk.fem.assemble import evaluate, times_matrix
from canalrisk.mesh import elliptic_cylinder
from conftest import block, dense_matrix


def _ready(mesh, fixed, method="multifrontal"):  # type: ignore[no-untyped-def]
    model = Model(mesh=mesh, materials=(NeoHookean(1.0, 30.0),), supports=Supports(fixed=fixed))
    system = prepare(model, method=method)
    u = 0.001 * np.random.default_rng(0).normal(size=mesh.points.shape)
    evaluate(system, u, touches=(), forces=None, tangent=True)
    return system


@pytest.mark.parametrize("layers", [1, 2, 5, 6])
@pytest.mark.parametrize("swept", [True, False])
@pytest.mark.parametrize("method", ["multifrontal", "sections"])
def test_against_dense_solution(layers: int, swept: bool, method: str) -> None:
    mesh = block(4, 5, layers)
    if not swept:
        # Any node numbering: levels of the graph take the place of sections.
        shuffle = np.random.default_rng(1).permutation(len(mesh.points))
        back = np.argsort(shuffle)
        mesh = replace(mesh, points=mesh.points[shuffle], cells=back[mesh.cells], surface=back[mesh.surface])
    fixed = dofs(np.flatnonzero(mesh.points[:, 0] == 0.0))
    system = _ready(mesh, fixed, method)
    free = system.free.ravel()
    dense = dense_matrix(system)[np.ix_(free, free)]
    right = np.where(system.free, np.random.default_rng(2).normal(size=mesh.points.shape), 0.0)
    with one_blas_thread():
        assert system.cholesky.factor(system.matrix, free=system.free, shift=np.zeros_like(right))
        x = system.cholesky.solve(right)
        expected = np.linalg.solve(dense, right.ravel()[free])
        assert x.ravel()[free] == pytest.approx(expected, rel=1e-8, abs=1e-10 * np.abs(expected).max())
        assert np.abs(x.ravel()[~free]).max() == 0.0
        # A shift is added to the diagonal, and an indefinite matrix is recognised.
        assert system.cholesky.factor(system.matrix, free=system.free, shift=np.full_like(right, 0.7))
        shifted = np.linalg.solve(dense + 0.7 * np.eye(len(dense)), right.ravel()[free])
        assert system.cholesky.solve(right).ravel()[free] == pytest.approx(shifted, rel=1e-8, abs=1e-12)
        lowest = np.linalg.eigvalsh(dense)[0]
        assert lowest > 0
        assert not system.cholesky.factor(system.matrix, free=system.free, shift=np.full_like(right, -1.01 * lowest))
        assert system.cholesky.factor(system.matrix, free=system.free, shift=np.full_like(right, -0.99 * lowest))


def test_product_with_the_matrix() -> None:
    system = _ready(block(3, 3, 3), np.empty(0, np.int64))
    x = np.random.default_rng(3).normal(size=system.points.shape)
    assert times_matrix(system, x).ravel() == pytest.approx(dense_matrix(system) @ x.ravel(), rel=1e-10, abs=1e-10)


@pytest.mark.parametrize("method", ["multifrontal", "sections"])
def test_threads_do_not_change_bits(method: str) -> None:
    mesh = elliptic_cylinder((4, 2, 10))
    results = []
    for threads in (1, 2):
        set_threads(threads)
        system = _ready(mesh, dofs(mesh.node_sets["ends"]), method)
        right = np.where(system.free, 1.0, 0.0)
        with one_blas_thread():
            assert system.cholesky.factor(system.matrix, free=system.free, shift=np.zeros_like(right))
            results.append((system.matrix.tobytes(), system.cholesky.solve(right).tobytes()))
    set_threads(2)
    assert results[0] == results[1]
