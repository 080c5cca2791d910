"""The choice of a direct solver, and the older one: block-tridiagonal Cholesky along the sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import UsageError
from canalrisk.fem.dissection import dissect
from canalrisk.fem.elimination import eliminate
from canalrisk.fem.kept import Factorisation
from canalrisk.fem.kernels import blas, blocks
from canalrisk.fem.multifrontal import Multifrontal, Precision
from canalrisk.fem.pattern import NO_LINKS, Gather, Index, Pattern, build_pattern, node_graph, section_starts

Array = NDArray[np.float64]
Method = Literal["multifrontal", "sections"]
__all__ = ["BlockCholesky", "Method", "Precision", "build_solver", "single_twin"]


def build_solver(
    cells: Index, *, points: Array, section_size: int, method: Method = "multifrontal", links: Index = NO_LINKS
) -> tuple[Pattern, Gather, Factorisation]:
    """Pattern of the matrix in the order of a direct solver, and that solver.

    Parameters
    ----------
    cells : (m, 8) ndarray
    points : (n, 3) ndarray
        mm; where to cut the mesh.
    section_size : int
        Nodes per section of a swept mesh, 0 if it is none.
    method : {"multifrontal", "sections"}
        Nested dissection, or block-tridiagonal along the sweep: its test twin.
    links : (l, 2) ndarray, optional
        Pairs of nodes that the matrix joins though they share no cell: ends of trusses.

    Returns
    -------
    Pattern
    Gather
        Of the hexahedra's blocks, see `build_pattern`.
    Factorisation
    """
    n = len(points)
    if method == "sections":
        order, starts = section_starts(cells, n_nodes=n, section_size=section_size, links=links)
        pattern, gather = build_pattern(cells, order=order, links=links)
        return pattern, gather, BlockCholesky(pattern, starts)
    coordinates = points
    if section_size > 0:
        # The sections of a bent tube are not planes of any coordinate.
        coordinates = np.column_stack((points, np.arange(n) // section_size))
    graph = node_graph(cells, n, links)
    tree = eliminate(graph, dissect(graph, coordinates))
    pattern, gather = build_pattern(cells, order=tree.order, links=links)
    return pattern, gather, Multifrontal(pattern, tree)


def single_twin(solver: Factorisation) -> Multifrontal:
    """Return the same direct solver in single precision.

    Raises
    ------
    UsageError
        If `solver` has none.
    """
    if not isinstance(solver, Multifrontal):
        raise UsageError("single precision without multifrontal", where="prepare", fix="leave out method or precision")
    return Multifrontal(solver.pattern, solver.tree, precision="single")


@dataclass(eq=False)
class BlockCholesky:
    """A factor and its work space, kept for the life of a mesh.

    Parameters
    ----------
    pattern : Pattern
        Blocks in the order of the sections.
    starts : (s + 1,) ndarray
        First block position of each section.
    """

    pattern: Pattern
    starts: Index

    def __post_init__(self) -> None:
        """Allocate everything once."""
        sizes = 3 * np.diff(self.starts)
        widest = int(sizes.max())
        n = len(self.pattern.order)
        self._offsets = np.concatenate(([0], np.cumsum(sizes**2))).astype(np.int64)
        self._factor = np.empty(int(self._offsets[-1]))
        self._coupling = np.empty((2, widest, widest))
        self._update = np.empty((2, widest, widest))
        self._first = np.empty((2, widest), np.int64)
        self._integers = np.zeros((2, 8), np.int32)
        self._status = np.zeros(3, np.int64)
        self._blocks = np.empty((self.pattern.n_blocks, 9))
        self._free = np.ones((n, 3), np.bool_)
        self._shift = np.empty((n, 3))
        self._x = np.empty((n, 3))
        self._t = np.empty((n, 3))

    @property
    def nbytes(self) -> int:
        """Size of the stored factor, bytes."""
        return int(self._factor.nbytes)

    @property
    def worth(self) -> float:
        """How many solves take as long as one factorisation, about."""
        return 14.0

    def twin(self) -> BlockCholesky:
        """Return a solver of the same pattern with a factor of its own."""
        return BlockCholesky(self.pattern, self.starts)

    def factor(self, matrix: Array, *, free: NDArray[np.bool_], shift: Array) -> bool:
        """Factor the matrix plus a diagonal; call under `one_blas_thread()`.

        Parameters
        ----------
        matrix : (p, 9) ndarray
            Blocks in the order of the pattern; copied, as substitution needs those of the factored matrix.
        free : (n, 3) ndarray of bool
            False rows and columns are replaced by the identity. By node.
        shift : (n, 3) ndarray
            Added to the diagonal of free rows, N/mm. By node.

        Returns
        -------
        bool
            False if the matrix is not positive definite.
        """
        order = self.pattern.order
        np.copyto(self._blocks, matrix)
        np.take(free, order, axis=0, out=self._free)
        np.take(shift, order, axis=0, out=self._shift)
        p = self.pattern
        blocks.factorise(
            self.starts,
            self._offsets,
            p.pointer,
            p.column,
            self._blocks,
            self._free,
            self._shift,
            self._factor,
            self._coupling,
            self._update,
            self._first,
            blas.LETTERS,
            blas.SCALARS,
            self._integers,
            self._status,
        )
        return not self._status.any()

    def solve(self, right: Array) -> Array:
        """Solve with the last successful factor; call under `one_blas_thread()`.

        Parameters
        ----------
        right : (n, 3) or (k, n, 3) ndarray
            By node; zero where not free.

        Returns
        -------
        ndarray
            Of the same shape.
        """
        if right.ndim == 3:
            return np.stack([self.solve(one) for one in right])
        p = self.pattern
        np.take(right, p.order, axis=0, out=self._x)
        for inward in (1, 0):
            blocks.substitute(
                inward,
                self.starts,
                self._offsets,
                p.pointer,
                p.column,
                self._blocks,
                self._free,
                self._factor,
                self._x,
                self._t,
                blas.LETTERS,
                self._integers,
            )
        result = np.empty_like(self._x)
        result[p.order] = self._x
        return result
