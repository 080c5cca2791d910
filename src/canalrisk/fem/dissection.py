"""Nested dissection of the nodes by their coordinates: which nodes separate which."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Array = NDArray[np.float64]
Index = NDArray[np.int64]

# Pieces of at most this many nodes are eliminated as one dense block.
LEAF = 32
# An even cut is worth a separator this much larger than that of a 3:1 cut; more uneven ones only where no other exists.
UNEVEN = 0.5
MOST_UNEVEN = 0.5


@dataclass(eq=False)
class _Pieces:
    """Pieces of one level: nodes sorted by piece, the piece of each node (-1 done), edges inside pieces."""

    piece: Index
    rows: Index
    columns: Index


def dissect(graph: csr_array, coordinates: Array) -> list[Index]:
    """Cut the graph in two by a small separator, the halves again, and so on.

    Every candidate cut is a plane "coordinate below t": its separator are the nodes on one side with a neighbour
    on the other. All positions t of all coordinates are counted at once, for all pieces of a level together.

    Parameters
    ----------
    graph : (n, n) csr_array
        Symmetric adjacency of the nodes.
    coordinates : (n, d) ndarray
        Functions of the nodes to cut along: x, y, z and, for a swept mesh, the section.

    Returns
    -------
    list of ndarray
        Sets of nodes, leaves and separators, each before the separators above it (postorder).
    """
    n = graph.shape[0]
    rows = np.repeat(np.arange(n), np.diff(graph.indptr))
    pieces = _Pieces(np.zeros(n, np.int64), rows, graph.indices.astype(np.int64))
    # A path is a number of the binary tree: 1 for the root, 2 p and 2 p + 1 for the parts of p.
    paths = [1]
    found: list[tuple[int, Index]] = []
    while paths:
        sets, pieces, paths = _level(pieces, paths, coordinates)
        found += sets
    return [nodes for _, nodes in sorted(found, key=lambda item: _postorder(item[0]))]


def _postorder(path: int) -> tuple[int, ...]:
    """Key by which parts come before the separator between them."""
    return (*(int(bit) for bit in bin(path)[3:]), 2)


def _level(pieces: _Pieces, paths: list[int], coordinates: Array) -> tuple[list[tuple[int, Index]], _Pieces, list[int]]:
    """Split every piece of the level; return finished sets, the pieces of the next level and their paths."""
    piece = pieces.piece
    active = np.flatnonzero(piece >= 0)
    count = np.bincount(piece[active], minlength=len(paths))
    side = _cuts(pieces, active, count, coordinates)
    small = count <= LEAF
    found: list[tuple[int, Index]] = []
    by_piece = active[np.argsort(piece[active], kind="stable")]
    stops = np.cumsum(count)
    next_paths: list[int] = []
    following = np.full(len(piece), -1)
    for number, path in enumerate(paths):
        nodes = by_piece[stops[number] - count[number] : stops[number]]
        if small[number]:
            found.append((path, nodes))
            continue
        where = side[nodes]
        if (where == 2).any():
            found.append((path, nodes[where == 2]))
        for half in (0, 1):
            part = nodes[where == half]
            if len(part):
                following[part] = len(next_paths)
                next_paths.append(2 * path + half)
    inside = (following[pieces.rows] >= 0) & (following[pieces.rows] == following[pieces.columns])
    return found, _Pieces(following, pieces.rows[inside], pieces.columns[inside]), next_paths


def _cuts(pieces: _Pieces, active: Index, count: Index, coordinates: Array) -> NDArray[np.int8]:
    """Side of every active node in the best cut of its piece: 0, 1, or 2 for the separator."""
    piece, rows, columns = pieces.piece, pieces.rows, pieces.columns
    stops = np.cumsum(count)
    starts = stops - count
    best = np.full(len(count), np.inf)
    side = np.zeros(len(piece), np.int8)
    joined, first = np.unique(rows, return_index=True)
    own = piece[active]
    for axis in range(coordinates.shape[1]):
        order = active[np.lexsort((coordinates[active, axis], own))]
        rank = np.zeros(len(piece), np.int64)
        rank[order] = np.arange(len(order))
        low, high = rank.copy(), rank.copy()
        if len(first):
            neighbours = rank[columns]
            high[joined] = np.maximum(high[joined], np.maximum.reduceat(neighbours, first))
            low[joined] = np.minimum(low[joined], np.minimum.reduceat(neighbours, first))
        before = np.arange(len(order)) - np.repeat(starts, count) + 1
        after = np.repeat(count, count) - before
        for below in (True, False):
            # Node i separates at all positions from rank to high (or from low to rank).
            opens, closes = (rank, high) if below else (low, rank)
            change = np.bincount(opens[order], minlength=len(order) + 1)
            change -= np.bincount(closes[order], minlength=len(order) + 1)
            size = np.cumsum(change)[: len(order)]
            a, b = (before - size, after) if below else (before, after - size)
            uneven = np.abs(a - b) / np.maximum(a + b, 1)
            excess = np.maximum(uneven - MOST_UNEVEN, 0.0)
            cost = (size + 0.1) * (1.0 + UNEVEN * (uneven / MOST_UNEVEN) ** 2 + 1e6 * excess)
            cost[np.minimum(a, b) <= 0] = np.inf
            least = np.minimum.reduceat(cost, starts)
            better = np.flatnonzero(least < best)
            if not len(better):
                continue
            best[better] = least[better]
            hit = np.flatnonzero(cost == np.repeat(least, count))
            owner, at = np.unique(own_of(hit, stops), return_index=True)
            position = np.zeros(len(count), np.int64)
            position[owner] = hit[at]
            chosen = np.isin(own, better)
            nodes = active[chosen]
            t = position[piece[nodes]]
            past = rank[nodes] > t
            parted = (rank[nodes] <= t) & (high[nodes] > t) if below else past & (low[nodes] <= t)
            side[nodes] = np.where(parted, 2, past)
    stuck = ~np.isfinite(best)
    # Everything is joined to everything: no cut, the whole piece is one block.
    side[active[stuck[own]]] = 2
    return side


def own_of(positions: Index, stops: Index) -> Index:
    """Piece that owns each sorted position."""
    return np.searchsorted(stops, positions, side="right")
