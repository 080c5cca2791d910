"""Fixed sparsity: order of the blocks, node pairs, and who contributes to each pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import breadth_first_order, reverse_cuthill_mckee

Index = NDArray[np.int64]

# Local node pairs a <= b of an element, in the order in which the kernels store their blocks.
HEX_PAIRS = np.array([(a, b) for a in range(8) for b in range(a, 8)])
LINK_PAIRS = np.array([(0, 1)])
NO_LINKS = np.empty((0, 2), np.int64)
QUAD_PAIRS = np.array([(a, b) for a in range(4) for b in range(a, 4)])


@dataclass(frozen=True, eq=False)
class Gather:
    """Contributions to each target: ``source[pointer[t]:pointer[t + 1]]`` goes to ``targets[t]``."""

    targets: Index
    pointer: Index
    source: Index


@dataclass(frozen=True, eq=False)
class Pattern:
    """Upper half of the symmetric block matrix in block order.

    Parameters
    ----------
    order : (n,) ndarray
        Node of each block position.
    rank : (n,) ndarray
        Block position of each node.
    pointer, column : ndarray
        Compressed rows of the blocks (i, j), j >= i; the diagonal block comes first.
    """

    order: Index
    rank: Index
    pointer: Index
    column: Index

    @property
    def n_blocks(self) -> int:
        """Number of stored 3 x 3 blocks."""
        return len(self.column)


def section_starts(cells: Index, *, n_nodes: int, section_size: int, links: Index = NO_LINKS) -> tuple[Index, Index]:
    """Order of the nodes and section boundaries such that cells join equal or neighbouring sections only.

    Parameters
    ----------
    cells : (m, 8) ndarray
    n_nodes : int
    section_size : int
        Nodes per section of a swept mesh. Where it does not describe `cells` (or is 0), breadth-first levels
        from a far node take its place, so that any mesh can be solved.
    links : (l, 2) ndarray, optional
        Further pairs of nodes that the matrix joins.

    Returns
    -------
    order : (n,) ndarray
        Node of each block position.
    starts : (s + 1,) ndarray
    """
    graph = node_graph(cells, n_nodes, links)
    if section_size > 0 and n_nodes % section_size == 0:
        section, ends = cells // section_size, links // section_size
        wide = (section.max(axis=1) - section.min(axis=1)).max()
        if max(wide, np.abs(ends[:, 0] - ends[:, 1]).max(initial=0)) <= 1:
            level = np.arange(n_nodes) // section_size
            return _order_within(graph, level)
    level = np.full(n_nodes, -1)
    base = 0
    while (level < 0).any():
        seed = int(np.flatnonzero(level < 0)[0])
        for _ in range(2):
            reached, parents = breadth_first_order(graph, seed, directed=False)
            seed = int(reached[-1])
        reached, parents = breadth_first_order(graph, seed, directed=False)
        level[reached[0]] = base
        for node in reached[1:]:
            level[node] = level[parents[node]] + 1
        base = int(level[reached].max()) + 1
    return _order_within(graph, level)


def node_graph(cells: Index, n_nodes: int, links: Index = NO_LINKS) -> csr_array:
    """Symmetric adjacency of the nodes: ones where they share a cell or a link (l, 2)."""
    rows = np.concatenate([cells[:, HEX_PAIRS[:, 0]].ravel(), links[:, 0]])
    columns = np.concatenate([cells[:, HEX_PAIRS[:, 1]].ravel(), links[:, 1]])
    half = coo_array((np.ones(len(rows), np.int8), (rows, columns)), shape=(n_nodes, n_nodes))
    return csr_array((half + half.T).astype(bool).astype(np.int8))


def _order_within(graph: csr_array, level: Index) -> tuple[Index, Index]:
    """Sort by level; inside a level by reverse Cuthill-McKee of the level's own graph.

    A narrow band inside the sections leaves zeros at the top of L^-1 O, which the factorisation skips.
    """
    pieces, starts = [], [0]
    for k in range(int(level.max()) + 1):
        nodes = np.flatnonzero(level == k)
        inner = reverse_cuthill_mckee(csr_array(graph[nodes][:, nodes]), symmetric_mode=True)
        pieces.append(nodes[inner])
        starts.append(starts[-1] + len(nodes))
    return np.concatenate(pieces).astype(np.int64), np.array(starts, np.int64)


def build_pattern(cells: Index, *, order: Index, links: Index = NO_LINKS) -> tuple[Pattern, Gather]:
    """Pattern of the matrix and the gather of the hexahedra's blocks.

    Parameters
    ----------
    cells : (m, 8) ndarray
    order : (n,) ndarray
        Node of each block position: the order of elimination.
    links : (l, 2) ndarray, optional
        Further pairs of nodes that the matrix joins.

    Returns
    -------
    Pattern
    Gather
        Sources number the blocks element by element in the order of `HEX_PAIRS`; -s - 1 marks a transposed one.
    """
    n_nodes = len(order)
    rank = np.empty(n_nodes, np.int64)
    rank[order] = np.arange(n_nodes)
    keys, transposed = _keys(cells, HEX_PAIRS, rank, n_nodes)
    # Nodes without a cell still need a diagonal block.
    diagonal = np.arange(n_nodes, dtype=np.int64) * (n_nodes + 1)
    joined, _ = _keys(links, LINK_PAIRS, rank, n_nodes)
    present = np.unique(np.concatenate([keys, joined, diagonal]))
    pointer = np.searchsorted(present // n_nodes, np.arange(n_nodes + 1))
    pattern = Pattern(order, rank, pointer.astype(np.int64), present % n_nodes)
    return pattern, _gather(np.searchsorted(present, keys), transposed)


def _keys(elements: Index, pairs: Index, rank: Index, n_nodes: int) -> tuple[Index, NDArray[np.bool_]]:
    i, j = rank[elements[:, pairs[:, 0]]].ravel(), rank[elements[:, pairs[:, 1]]].ravel()
    return np.minimum(i, j) * n_nodes + np.maximum(i, j), i > j


def _gather(positions: Index, transposed: NDArray[np.bool_]) -> Gather:
    source = np.arange(len(positions), dtype=np.int64)
    source = np.where(transposed, -source - 1, source)
    # A stable sort keeps element order inside each target: the sum's order, hence its bits, is fixed.
    by_target = np.argsort(positions, kind="stable")
    targets, first = np.unique(positions[by_target], return_index=True)
    pointer = np.append(first, len(positions))
    return Gather(targets.astype(np.int64), pointer.astype(np.int64), source[by_target])


def surface_gather(pattern: Pattern, quads: Index) -> Gather:
    """Gather of the blocks of surface elements, whose node pairs are all pairs of hexahedra."""
    n = len(pattern.order)
    rows = np.repeat(np.arange(n), np.diff(pattern.pointer))
    present = rows * n + pattern.column
    keys, transposed = _keys(quads, QUAD_PAIRS, pattern.rank, n)
    return _gather(np.searchsorted(present, keys), transposed)


def lower_half(pattern: Pattern) -> Gather:
    """Strictly lower half of the matrix: row i has, transposed, blocks `source` in columns `targets`."""
    rows = np.repeat(np.arange(len(pattern.order)), np.diff(pattern.pointer))
    strict = np.flatnonzero(pattern.column > rows)
    by_column = strict[np.argsort(pattern.column[strict], kind="stable")]
    pointer = np.searchsorted(pattern.column[by_column], np.arange(len(pattern.order) + 1))
    return Gather(rows[by_column], pointer.astype(np.int64), by_column.astype(np.int64))


def nodal_gather(elements: Index, *, n_nodes: int) -> Gather:
    """Gather of nodal vectors: targets are all nodes, sources the (element, local node) pairs."""
    by_node = np.argsort(elements.ravel(), kind="stable").astype(np.int64)
    pointer = np.searchsorted(elements.ravel()[by_node], np.arange(n_nodes + 1)).astype(np.int64)
    return Gather(np.arange(n_nodes, dtype=np.int64), pointer, by_node)
