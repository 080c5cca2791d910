"""Order of elimination: supernodes, the tree they form, and the rows that each of them fills."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Index = NDArray[np.int64]

# A model of the time of one front, in units of a nanosecond of one core: what a front costs beyond its arithmetic,
# operations per unit in small fronts, and moves of update entries. It decides only which supernodes are joined.
FRONT, RATE, MOVE = 10_000.0, 30.0, 1.0


@dataclass(frozen=True, eq=False)
class Tree:
    """Supernodes in the order of elimination, children before parents and whole subtrees together.

    Parameters
    ----------
    order : (n,) ndarray
        Node of each position.
    starts : (s + 1,) ndarray
        First position of each supernode.
    parent : (s,) ndarray
        Supernode that takes the update, -1 at roots.
    pointer, rows : ndarray
        Later positions that each supernode fills, sorted.
    """

    order: Index
    starts: Index
    parent: Index
    pointer: Index
    rows: Index

    @property
    def widths(self) -> tuple[Index, Index]:
        """Numbers of pivots and of rows below them, in scalars."""
        return 3 * np.diff(self.starts), 3 * np.diff(self.pointer)

    @property
    def operations(self) -> NDArray[np.float64]:
        """Floating-point operations of each front."""
        p, q = (w.astype(np.float64) for w in self.widths)
        return p**3 / 3.0 + p * p * q + p * q * q

    @property
    def entries(self) -> int:
        """Entries of the factor."""
        p, q = self.widths
        return int((p * (p + 1) // 2 + p * q).sum())


def eliminate(graph: csr_array, sets: list[Index]) -> Tree:
    """Find the fill of an elimination in the order of `sets`, join small supernodes, and put subtrees together.

    Parameters
    ----------
    graph : (n, n) csr_array
        Symmetric adjacency of the nodes.
    sets : list of ndarray
        Nodes of each supernode; all of them together are all nodes.

    Returns
    -------
    Tree
    """
    n = graph.shape[0]
    first = np.concatenate(([0], np.cumsum([len(nodes) for nodes in sets])))
    order = np.concatenate(sets)
    rank = np.empty(n, np.int64)
    rank[order] = np.arange(n)
    owner = np.repeat(np.arange(len(sets)), np.diff(first))
    ordered = graph[order]
    rows: list[Index] = []
    children: list[list[int]] = [[] for _ in sets]
    pivots: list[list[int]] = [[s] for s in range(len(sets))]
    roots = []
    for s in range(len(sets)):
        beside = rank[ordered.indices[ordered.indptr[first[s]] : ordered.indptr[first[s + 1]]]]
        filled = np.unique(np.concatenate([beside, *(rows[c] for c in children[s])]))
        rows.append(filled[filled >= first[s + 1]])
        _join(s, first, rows, children, pivots)
        if len(rows[s]):
            children[owner[rows[s][0]]].append(s)
        else:
            roots.append(s)
    return _numbered(roots, order, first, rows, children, pivots)


def _seconds(p: float, q: float) -> float:
    """Modelled cost of a front of p pivots and q rows below them."""
    return FRONT + (p**3 / 3.0 + p * p * q + p * q * q) / RATE + MOVE * q * q


def _join(s: int, first: Index, rows: list[Index], children: list[list[int]], pivots: list[list[int]]) -> None:
    """Take those children into supernode `s` whose joint front is cheaper than two."""
    width = 3.0 * (first[s + 1] - first[s])
    below = 3.0 * len(rows[s])
    kept: list[int] = []
    for c in sorted(children[s], key=lambda c: -len(rows[c])):
        own = 3.0 * sum(first[m + 1] - first[m] for m in pivots[c])
        apart = _seconds(own, 3.0 * len(rows[c])) + _seconds(width, below)
        if _seconds(width + own, below) < apart:
            width += own
            pivots[s] = pivots[c] + pivots[s]
            kept += children[c]
        else:
            kept.append(c)
    children[s] = kept


def _numbered(
    roots: list[int], order: Index, first: Index, rows: list[Index], children: list[list[int]], pivots: list[list[int]]
) -> Tree:
    """Postorder of the joined tree; of several children the one that leaves most room free comes first."""
    peak: dict[int, float] = {}

    def own(s: int) -> float:
        return float(len(rows[s])) ** 2

    sequence: list[int] = []
    walk = [(s, False) for s in roots]
    while walk:
        s, seen = walk.pop()
        if seen:
            children[s].sort(key=lambda c: own(c) - peak[c])
            held, peak[s] = 0.0, 0.0
            for c in children[s]:
                peak[s] = max(peak[s], held + peak[c])
                held += own(c)
            peak[s] = max(peak[s], held + own(s))
        else:
            walk.append((s, True))
            walk += [(c, False) for c in children[s]]
    walk = [(s, False) for s in reversed(roots)]
    while walk:
        s, seen = walk.pop()
        if seen:
            sequence.append(s)
        else:
            walk.append((s, True))
            walk += [(c, False) for c in reversed(children[s])]
    old = np.concatenate([np.arange(first[m], first[m + 1]) for s in sequence for m in pivots[s]])
    new = np.empty(len(old), np.int64)
    new[old] = np.arange(len(old))
    sizes = [sum(first[m + 1] - first[m] for m in pivots[s]) for s in sequence]
    starts = np.concatenate(([0], np.cumsum(sizes))).astype(np.int64)
    filled = [np.sort(new[rows[s]]) for s in sequence]
    pointer = np.concatenate(([0], np.cumsum([len(r) for r in filled]))).astype(np.int64)
    owner = np.repeat(np.arange(len(sequence)), np.diff(starts))
    parent = np.array([owner[r[0]] if len(r) else -1 for r in filled], np.int64)
    return Tree(order[old], starts, parent, pointer, np.concatenate(filled).astype(np.int64))
