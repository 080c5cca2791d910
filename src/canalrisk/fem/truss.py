"""Tension-only trusses between nodes, or from nodes to anchors in space: denticulate ligaments, rootlets."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import UsageError
from canalrisk.fem.pattern import Pattern

Array = NDArray[np.float64]
Index = NDArray[np.int64]

ANCHOR = -1


@dataclass(frozen=True, eq=False)
class Trusses:
    """Straight 2-node trusses with energy EA L0 e^2 / 2, e = l / L0 - 1; shortened ones keep a share of it.

    Parameters
    ----------
    nodes : (t, 2) ndarray of int64
        Nodes that each truss joins; -1 as the second for an anchor.
    stiffness : (t,) ndarray
        Cross-section times Young's modulus EA, N.
    anchors : (t, 3) ndarray, optional
        Where anchors stand beside the undeformed body, mm; rows of trusses without one are not read. `Load.anchors`
        moves them.
    prestrain : float or (t,) ndarray
        Strain e in the undeformed body; negative for slack that has to be taken up first. It sets the rest length L0.
    residual : float
        Share of the stiffness kept in compression, so that the tangent sees slack trusses.
    """

    nodes: Index
    stiffness: Array
    anchors: Array | None = None
    prestrain: float | Array = 0.0
    residual: float = 1e-3

    @property
    def links(self) -> Index:
        """Pairs of nodes (l, 2) joined by trusses."""
        pairs: Index = self.nodes[self.nodes[:, 1] != ANCHOR]
        return pairs


@dataclass(eq=False)
class TrussGroup:
    """Trusses ready for assembly; `standing` (t, 3) is where anchors are now, mm."""

    nodes: Index
    stiffness: Array
    rest: Array
    residual: float
    anchored: NDArray[np.bool_]
    anchors: Array
    standing: Array
    rows: tuple[Index, Index]
    links: Index

    def move_anchors(self, motion: Array | None) -> None:
        """Put the anchors at their places plus `motion` (t, 3), mm; back to their places by default."""
        self.standing = self.anchors if motion is None else self.anchors + motion


def no_trusses() -> Trusses:
    """Return an empty group."""
    return Trusses(np.empty((0, 2), np.int64), np.empty(0))


def truss_problem(trusses: Trusses, *, points: Array) -> tuple[str, str] | None:
    """Say what is wrong with `trusses` on `points` (n, 3) and how to cure it, if anything is."""
    t, n = len(trusses.nodes), len(points)
    nodes, stiffness = trusses.nodes, trusses.stiffness
    if nodes.shape != (t, 2) or stiffness.shape != (t,):
        return f"trusses with nodes {nodes.shape} and stiffness {stiffness.shape}", "give (t, 2) nodes and (t,) EA"
    if t == 0:
        return None
    if nodes[:, 0].min() < 0 or nodes.max() >= n or nodes[:, 1].min() < ANCHOR:
        return "trusses on nodes that do not exist", "give nodes of the mesh; only the second may be -1, an anchor"
    if (nodes[:, 1] == ANCHOR).any() and (trusses.anchors is None or trusses.anchors.shape != (t, 3)):
        return "trusses to anchors without places", f"give anchors ({t}, 3)"
    if np.any(np.asarray(trusses.prestrain) <= -1) or not stiffness.min() > 0:
        return "trusses without stiffness or rest length", "give EA above 0 N and prestrain above -1"
    if not 0 <= trusses.residual <= 1:
        return f"truss residual {trusses.residual}", "give a share from 0 to 1"
    if not _lengths(trusses, points).min() > 0:
        return "a truss of length 0", "join two different places"
    return None


def prepare_trusses(trusses: Trusses, *, points: Array, pattern: Pattern) -> TrussGroup:
    """Rest lengths and positions in the matrix.

    Raises
    ------
    UsageError
        If the matrix has no place for a pair of nodes: trusses may change on a prepared mesh, their pairs may not.
    """
    nodes = np.ascontiguousarray(trusses.nodes, np.int64)
    anchored = nodes[:, 1] == ANCHOR
    rest = _lengths(trusses, points) / (1.0 + np.asarray(trusses.prestrain))
    anchors = np.zeros((len(nodes), 3)) if trusses.anchors is None else np.array(trusses.anchors, np.float64)
    first, second = pattern.rank[nodes[:, 0]], pattern.rank[nodes[~anchored, 1]]
    # The diagonal block is the first of its row.
    rows = pattern.pointer[first], pattern.pointer[second]
    links, found = _positions(pattern, first[~anchored], second)
    if not found.all():
        worst = nodes[~anchored][~found][0]
        raise UsageError(
            f"a new truss between nodes {worst[0]} and {worst[1]}, for which the prepared matrix has no place",
            where="fem.Trusses",
            fix="prepare the model with this truss",
        )
    stiffness = np.array(trusses.stiffness, np.float64)
    return TrussGroup(nodes, stiffness, rest, trusses.residual, anchored, anchors, anchors, rows, links)


def _positions(pattern: Pattern, first: Index, second: Index) -> tuple[Index, NDArray[np.bool_]]:
    """Find the stored blocks that join block positions `first` and `second`, and whether there are any."""
    n = len(pattern.order)
    present = np.repeat(np.arange(n), np.diff(pattern.pointer)) * n + pattern.column
    wanted = np.minimum(first, second) * n + np.maximum(first, second)
    at = np.minimum(np.searchsorted(present, wanted), len(present) - 1)
    return at, present[at] == wanted


def _lengths(trusses: Trusses, points: Array) -> Array:
    """Lengths (t,) in the undeformed body, mm."""
    other = points[trusses.nodes[:, 1]]
    if trusses.anchors is not None:
        other = np.where((trusses.nodes[:, 1] == ANCHOR)[:, None], trusses.anchors, other)
    lengths: Array = np.linalg.norm(other - points[trusses.nodes[:, 0]], axis=1)
    return lengths


def _pull(group: TrussGroup, x: Array) -> tuple[Array, Array, Array, Array]:
    """Direction from the first node (t, 3), length, strain and share of the stiffness in force (t,)."""
    other = np.where(group.anchored[:, None], group.standing, x[group.nodes[:, 1]])
    along = other - x[group.nodes[:, 0]]
    length = np.maximum(np.linalg.norm(along, axis=1), np.finfo(np.float64).tiny)
    strain = length / group.rest - 1.0
    return along / length[:, None], length, strain, np.where(strain > 0.0, 1.0, group.residual)


def truss_tensions(group: TrussGroup, x: Array, *, anchors: Array | None = None) -> Array:
    """Return the forces in the trusses, positive in tension.

    Parameters
    ----------
    group : TrussGroup
        ``system.trusses``.
    x : (n, 3) ndarray
        Positions of the nodes, ``system.points + state.u``, mm.
    anchors : (t, 3) ndarray, optional
        Displacement of the anchors, as in `Load`, mm.

    Returns
    -------
    (t,) ndarray
        N.
    """
    standing = group.anchors if anchors is None else group.anchors + anchors
    _, _, strain, share = _pull(replace(group, standing=standing), x)
    force: Array = share * group.stiffness * strain
    return force


def add_trusses(group: TrussGroup, x: Array, *, residual: Array, matrix: Array | None) -> tuple[float, float]:
    """Add forces and, if asked for, the tangent of all trusses; return energy and sum of squared forces.

    Parameters
    ----------
    group : TrussGroup
    x : (n, 3) ndarray
        Positions, mm.
    residual : (n, 3) ndarray
        Gradient of the potential, N.
    matrix : (p, 9) ndarray or None
        Blocks of the pattern, N/mm.
    """
    n, length, strain, share = _pull(group, x)
    force = share * group.stiffness * strain
    energy = 0.5 * float(np.sum(force * strain * group.rest))
    inner = ~group.anchored
    np.add.at(residual, group.nodes[:, 0], -force[:, None] * n)
    np.add.at(residual, group.nodes[inner, 1], force[inner, None] * n[inner])
    if matrix is not None:
        outer = n[:, :, None] * n[:, None, :]
        stretch, turn = share * group.stiffness / group.rest, force / length
        block = (stretch - turn)[:, None, None] * outer + turn[:, None, None] * np.eye(3)
        flat = block.reshape(-1, 9)
        np.add.at(matrix, group.rows[0], flat)
        np.add.at(matrix, group.rows[1], flat[inner])
        # A truss's block is symmetric: whether the stored block is the transpose does not matter.
        np.add.at(matrix, group.links, -flat[inner])
    return energy, float(np.sum(force * force) * 2.0)
