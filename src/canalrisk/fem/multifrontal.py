"""Direct solver: multifrontal Cholesky on a nested dissection, symbolic part and work space kept for a mesh."""

from __future__ import annotations

import copy
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from canalrisk._jit import threads
from canalrisk.fem.elimination import Tree
from canalrisk.fem.kernels import fronts, substitution
from canalrisk.fem.pattern import Index, Pattern
from canalrisk.fem.schedule import build_schedule

Array = NDArray[np.float64]
# Operations of a factorisation that take as long as reading an entry of the factor twice (measured).
OPERATIONS_PER_ENTRY = 45.0
Precision = Literal["double", "single"]


class Multifrontal:
    """A factor and its work space, kept for the life of a mesh.

    Parameters
    ----------
    pattern : Pattern
        Blocks in the order of `tree`.
    tree : Tree
    precision : {"double", "single"}
        Of the factor. A single one takes half the memory and time; its solutions have six digits at best, and
        matrices that are nearly singular in it are refused.
    """

    def __init__(self, pattern: Pattern, tree: Tree, *, precision: Precision = "double") -> None:
        self.pattern, self.tree = pattern, tree
        self._type = np.float64 if precision == "double" else np.float32
        self._schedule = build_schedule(tree)
        self._symbolic = _symbolic(pattern, tree, self._schedule.update)
        self._size = int(self._symbolic.panels[-1])
        self._factor = np.empty(0, self._type)
        self._work = np.empty(0, self._type)
        self._counters = np.zeros(2 * len(tree.parent) + 4, np.int64)

    @property
    def nbytes(self) -> int:
        """Size of the stored factor, bytes."""
        return self._size * np.dtype(self._type).itemsize

    @property
    def work_nbytes(self) -> int:
        """Size of the space for updates, bytes."""
        return self._schedule.room * np.dtype(self._type).itemsize

    @property
    def worth(self) -> float:
        """How many solves take as long as one factorisation, about."""
        return float(self.tree.operations.sum()) / (OPERATIONS_PER_ENTRY * self.tree.entries)

    def twin(self) -> Multifrontal:
        """Return a solver of the same pattern with a factor of its own; the symbolic part is shared."""
        other = copy.copy(self)
        other._factor = np.empty(0, self._type)
        other._work = np.empty(0, self._type)
        other._counters = np.zeros_like(self._counters)
        return other

    def factor(self, matrix: Array, *, free: NDArray[np.bool_], shift: Array) -> bool:
        """Factor the matrix plus a diagonal; call under `one_blas_thread()`.

        Parameters
        ----------
        matrix : (p, 9) ndarray
            Blocks in the order of the pattern.
        free : (n, 3) ndarray of bool
            False rows and columns are replaced by the identity. By node.
        shift : (n, 3) ndarray
            Added to the diagonal of free rows, N/mm. By node.

        Returns
        -------
        bool
            False if the matrix is not positive definite.
        """
        order = self.tree.order
        if not len(self._factor):
            self._factor = np.empty(self._size, self._type)
            self._work = np.empty(self._schedule.room, self._type)
        self._counters[:] = 0
        fronts.factorise(
            threads(),
            self._schedule.factor,
            self._counters,
            self._symbolic,
            matrix,
            free[order],
            shift[order],
            self._factor,
            self._work,
        )
        return bool(self._counters[-3] == 0)

    def solve(self, right: Array) -> Array:
        """Solve with the last successful factor; call under `one_blas_thread()`.

        Parameters
        ----------
        right : (n, 3) or (k, n, 3) ndarray
            By node; zero where not free. Several at once take less time than one after another.

        Returns
        -------
        ndarray
            Of the same shape.
        """
        if right.ndim == 2:
            solution: Array = self.solve(right[None])[0]
            return solution
        k, n, _ = right.shape
        x = np.ascontiguousarray(right[:, self.tree.order], self._type)
        y = np.empty(3 * k * len(self.tree.rows), self._type)
        for todo in (self._schedule.forward, self._schedule.backward):
            self._counters[:] = 0
            substitution.substitute(
                threads(), todo, self._counters, self._symbolic, self._factor, x.ravel(), y, 3 * n, k
            )
        result = np.empty((k, n, 3))
        result[:, self.tree.order] = x
        return result


def _symbolic(pattern: Pattern, tree: Tree, update: Index) -> Any:
    """Arrays that the kernels read."""
    s, n = len(tree.parent), len(tree.order)
    pivots, below = tree.widths
    owner = np.repeat(np.arange(s), np.diff(tree.starts))
    height = (pivots + below).astype(np.int64)
    panels = -(-pivots // fronts.PANEL)
    whole = panels - 1
    # Panels but the last are full; see `kernels.fronts`.
    size = fronts.PANEL * whole * height - fronts.PANEL**2 * (whole * (whole - 1) // 2)
    size += (pivots - whole * fronts.PANEL) * (height - whole * fronts.PANEL)
    fronts_of_rows = np.repeat(np.arange(s), np.diff(tree.pointer))
    keys = fronts_of_rows * n + tree.rows

    def place(front: Index, position: Index) -> Index:
        """Where a position stands in a front, by node."""
        count = tree.starts[front + 1] - tree.starts[front]
        found = np.searchsorted(keys, front * n + position) - tree.pointer[front] + count
        return np.where(position < tree.starts[front + 1], position - tree.starts[front], found).astype(np.int64)

    local = place(tree.parent[fronts_of_rows], tree.rows)
    by_parent = np.argsort(tree.parent, kind="stable")
    by_parent = by_parent[tree.parent[by_parent] >= 0]
    return fronts.Fronts(
        starts=tree.starts,
        pointer=tree.pointer,
        rows=tree.rows,
        local=local,
        runs=_runs(local, fronts_of_rows),
        first_child=np.searchsorted(tree.parent[by_parent], np.arange(s + 1)).astype(np.int64),
        children=by_parent.astype(np.int64),
        panels=np.concatenate(([0], np.cumsum(size))).astype(np.int64),
        update=update,
        blocks=pattern.pointer,
        place=place(np.repeat(owner, np.diff(pattern.pointer)), pattern.column),
    )


def _runs(local: Index, front: Index) -> Index:
    """Where the run of consecutive numbers of one front ends that each entry of `local` is in."""
    if not len(local):
        return np.empty(0, np.int64)
    last = np.append((np.diff(local) != 1) | (np.diff(front) != 0), True)
    stops = np.flatnonzero(last)
    return (stops[np.searchsorted(stops, np.arange(len(local)))] + 1).astype(np.int64)
