"""The multifrontal solver against SciPy's sparse LU and a dense Cholesky, on meshes and on graphs that are none."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import bsr_array, csc_array, triu
from scipy.sparse.linalg import spsolve

from canalrisk._jit import one_blas_thread, set_threads
from canalrisk.fem.dissection import dissect
from canalrisk.fem.elimination import eliminate
from canalrisk.fem.linear import build_solver
from canalrisk.fem.multifrontal import Multifrontal
from canalrisk.fem.pattern import Pattern, build_pattern, node_graph
from canalrisk.mesh import elliptic_cylinder
from conftest import block


def _random_blocks(pattern: Pattern, *, seed: int) -> np.ndarray:
    """Symmetric blocks with a dominant diagonal, hence positive definite."""
    random = np.random.default_rng(seed)
    blocks = random.normal(size=(pattern.n_blocks, 3, 3))
    n = len(pattern.order)
    row = np.repeat(np.arange(n), np.diff(pattern.pointer))
    own = row == pattern.column
    blocks[own] = blocks[own] + blocks[own].transpose(0, 2, 1)
    weight = np.zeros((n, 3))
    np.add.at(weight, row, np.abs(blocks).sum(axis=2))
    np.add.at(weight, pattern.column, np.abs(blocks).sum(axis=1))
    blocks[own] += np.einsum("ni,ij->nij", weight[row[own]], np.eye(3))
    return np.ascontiguousarray(blocks.reshape(-1, 9))


def _sparse(pattern: Pattern, blocks: np.ndarray) -> csc_array:
    """The whole matrix by node."""
    n = len(pattern.order)
    upper = triu(bsr_array((blocks.reshape(-1, 3, 3), pattern.column, pattern.pointer), shape=(3 * n, 3 * n)))
    back = (3 * pattern.rank[:, None] + np.arange(3)).ravel()
    return csc_array((upper + triu(upper, 1).T).tocsr()[back][:, back])


def _two_bricks() -> tuple[np.ndarray, np.ndarray]:
    """Two bricks apart from each other, and three nodes that belong to nothing."""
    a, b = block(5, 4, 7), block(3, 3, 9)
    points = np.concatenate([a.points, b.points + 7.0, np.eye(3)])
    return np.concatenate([a.cells, b.cells + len(a.points)]), points


def _tangle() -> tuple[np.ndarray, np.ndarray]:
    """Cells of eight nodes at random: coordinates say little about who is joined to whom."""
    random = np.random.default_rng(5)
    return np.stack([random.choice(300, 8, replace=False) for _ in range(90)]), random.normal(size=(300, 3))


def _tube() -> tuple[np.ndarray, np.ndarray]:
    mesh = elliptic_cylinder((6, 3, 24))
    return mesh.cells, mesh.points


GRAPHS = {"two bricks": _two_bricks, "tangle": _tangle, "tube": _tube}


@pytest.mark.parametrize("name", list(GRAPHS))
def test_against_sparse_lu(name: str) -> None:
    cells, points = GRAPHS[name]()
    pattern, _, solver = build_solver(cells, points=points, section_size=0)
    assert isinstance(solver, Multifrontal)
    blocks = _random_blocks(pattern, seed=1)
    random = np.random.default_rng(2)
    n = len(points)
    free = random.random((n, 3)) > 0.1
    shift = random.random((n, 3))
    right = np.where(free, random.normal(size=(4, n, 3)), 0.0)
    with one_blas_thread():
        assert solver.factor(blocks, free=free, shift=shift)
        single = np.stack([solver.solve(r) for r in right])
        several = solver.solve(right)
    keep = free.ravel()
    matrix = _sparse(pattern, blocks)
    matrix.setdiag(matrix.diagonal() + shift.ravel())
    expected = np.zeros((4, 3 * n))
    for k in range(4):
        expected[k, keep] = spsolve(matrix[keep][:, keep], right[k].ravel()[keep])
    # Diagonal dominance bounds the condition by a few: rounding is all that may remain.
    assert single.reshape(4, -1) == pytest.approx(expected, rel=0, abs=1e-13 * np.abs(expected).max())
    assert several.reshape(4, -1) == pytest.approx(expected, rel=0, abs=1e-13 * np.abs(expected).max())


@pytest.mark.parametrize("name", list(GRAPHS))
def test_one_negative_pivot_anywhere_is_found(name: str) -> None:
    cells, points = GRAPHS[name]()
    pattern, _, solver = build_solver(cells, points=points, section_size=0)
    n = len(points)
    blocks = _random_blocks(pattern, seed=3)
    free, shift = np.ones((n, 3), bool), np.zeros((n, 3))
    with one_blas_thread():
        for node in np.random.default_rng(4).choice(n, 12, replace=False):
            spoiled = blocks.copy()
            # A diagonal entry below zero makes any symmetric matrix indefinite.
            spoiled[pattern.pointer[pattern.rank[node]], 4] = -1e-3
            assert not solver.factor(spoiled, free=free, shift=shift)
            assert solver.factor(blocks, free=free, shift=shift)
        spoiled = blocks.copy()
        spoiled[pattern.pointer[3], 0] = np.nan
        assert not solver.factor(spoiled, free=free, shift=shift)


def test_bits_do_not_depend_on_threads() -> None:
    mesh = elliptic_cylinder((8, 4, 32))
    pattern, _, solver = build_solver(mesh.cells, points=mesh.points, section_size=mesh.section_size)
    blocks = _random_blocks(pattern, seed=6)
    n = len(mesh.points)
    right = np.random.default_rng(7).normal(size=(3, n, 3))
    found = []
    with one_blas_thread():
        for threads in (1, 2, 2):
            set_threads(threads)
            assert solver.factor(blocks, free=np.ones((n, 3), bool), shift=np.zeros((n, 3)))
            found.append((solver.solve(right[0]).tobytes(), solver.solve(right).tobytes()))
    set_threads(2)
    assert found[0] == found[1] == found[2]


def test_every_node_is_in_one_set_and_no_set_joins_two_parts() -> None:
    mesh = elliptic_cylinder((6, 3, 24))
    graph = node_graph(mesh.cells, len(mesh.points))
    sets = dissect(graph, mesh.points)
    assert np.array_equal(np.sort(np.concatenate(sets)), np.arange(len(mesh.points)))
    tree = eliminate(graph, sets)
    assert np.array_equal(np.sort(tree.order), np.arange(len(mesh.points)))
    # Fill by plain symbolic elimination of the permuted matrix, column by column.
    n = len(mesh.points)
    rank = np.argsort(tree.order)
    below = [set() for _ in range(n)]
    for cell in rank[mesh.cells]:
        for i in cell:
            below[i] |= {int(j) for j in cell if j > i}
    for i in range(n):
        if below[i]:
            first = min(below[i])
            below[first] |= below[i] - {first}
    owner = np.repeat(np.arange(len(tree.parent)), np.diff(tree.starts))
    for i in range(n):
        f = owner[i]
        stored = set(range(i + 1, tree.starts[f + 1])) | set(tree.rows[tree.pointer[f] : tree.pointer[f + 1]].tolist())
        assert below[i] <= stored


def test_counts_of_the_reference_mesh() -> None:
    """The design counted 8.5 GFLOP and 89 MB for a nested dissection of S."""
    mesh = elliptic_cylinder("S")
    graph = node_graph(mesh.cells, len(mesh.points))
    tree = eliminate(graph, dissect(graph, mesh.points))
    pattern, _ = build_pattern(mesh.cells, order=tree.order)
    assert tree.operations.sum() < 8.5e9
    assert 8 * tree.entries < 89e6
    # What is stored on top: the upper halves of diagonal blocks.
    assert Multifrontal(pattern, tree).nbytes < 1.15 * 8 * tree.entries
