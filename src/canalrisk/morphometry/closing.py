"""What belongs to a foramen's section: the free space about the path, its joint clefts closed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from canalrisk.anatomy.sections import plane_moments
from canalrisk.anatomy.spine import Array
from canalrisk.morphometry import _kernels

# A section whose free space reaches this far from the path is open.
OPEN_MM = 12.0
# Clefts (facet and uncovertebral joints: cartilage and capsule are seldom segmented) narrower than this share of
# the foramen's own width, and than 4.4 mm, are no way out and no room for a root: the section is what balls that wide
# reach from the path. How far a ball gets into a cleft of nearly its own width hangs on a tenth of a voxel, so that
# the area is the mean over the shares. A long foramen has a waist of its own: wider balls need not pass from end to
# end, they need only lie where the narrowest of them do that find no way out.
CLEFT_SHARES = (0.66, 0.70, 0.74, 0.78, 0.82, 0.86, 0.90)
WIDEST_CLEFT_MM = 4.4
# Round balls leave out corners, and the clefts' mouths: this much further counts, which is less than a root's width.
CORNER_MM = 1.0
# The path runs near the middle of the free space: the largest ball's centre lies within this.
NEAR_PATH_MM = 2.0
_WHOLE = np.ones((3, 3), bool)
_BLOCKED_MM = 0.4


def closed_levels(free: Array, room: Array, radius: Array, *, step: float) -> tuple[NDArray[np.intp], Array]:
    """Close the clefts of sections across a foramen.

    Parameters
    ----------
    free : (k, m, m) ndarray
        Distance from the walls on each section's nodes, mm, positive in free space.
    room : (k,) ndarray
        Radius of the largest free ball about the path, mm.
    radius : (m, m) ndarray
        Distance of the nodes from the path, mm.
    step : float
        Distance of the nodes, mm.

    Returns
    -------
    closed : (c,) ndarray of int
        Sections that are neither open nor blocked.
    level : (c, 7, m, m) ndarray
        Per cleft share, mm: negative in the section.
    """
    ranks = [_ranks(plane, float(wide), radius) for plane, wide in zip(free, room, strict=True)]
    closed = np.array([k for k, rank in enumerate(ranks) if rank is not None], np.intp)
    chosen = np.ascontiguousarray(free[closed], np.float64)
    rank = np.array([rank for rank in ranks if rank is not None], np.int64).reshape(chosen.shape)
    reached = np.empty((len(closed), len(CLEFT_SHARES), *radius.shape))
    _kernels.fitted_balls(chosen, rank, float(step), CORNER_MM, reached)
    return closed, np.maximum(-chosen[:, None], -(reached + CORNER_MM))


def _ranks(free: Array, room: float, radius: Array) -> NDArray[np.int64] | None:
    """Last share at which each node (m, m) is a centre of balls in the section; None where open or blocked.

    A share whose balls find a way out is passed over: the next wider one, for which the section is closed, stands
    for it.
    """
    widest = min(room, 0.5 * WIDEST_CLEFT_MM / CLEFT_SHARES[-1])
    rank = np.full(free.shape, -1, np.int64)
    section = None
    for n, share in enumerate(CLEFT_SHARES):
        if section is None:
            section = _closed_piece(free > share * widest, radius)
        if section is not None:
            rank[section & (free > share * widest)] = n
    return rank if section is not None and widest > _BLOCKED_MM else None


def _closed_piece(wide: NDArray[np.bool_], radius: Array) -> NDArray[np.bool_] | None:
    """Give the connected piece about the path; None where there is none or it leads out."""
    labels, _ = ndimage.label(wide, structure=_WHOLE)
    near = labels[radius < NEAR_PATH_MM]
    near = near[near > 0]
    if not len(near):
        return None
    piece: NDArray[np.bool_] = labels == np.bincount(near).argmax()
    return piece if radius[piece].max() <= OPEN_MM else None


def mean_area(level: Array, *, step: float) -> float:
    """Mean area, mm2, of what is negative in the levels (n, m, m) of one section."""
    return float(plane_moments(level, step=step)[0].mean())


def largest_piece(level: Array, *, step: float) -> Array:
    """Levels (n, m, m) of which only the largest connected piece of what is negative is left in each, mm."""
    piece = level.copy()
    for n, plane in enumerate(level):
        pieces, count = ndimage.label(plane < 0)
        if count > 1:
            largest = pieces == 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
            # Nodes beside the piece carry the rest of its border cells; those of other pieces do not.
            piece[n] = np.where((pieces > 0) & ~largest, step, plane)
    return piece


def extent(level: Array, *, step: float) -> tuple[float, float]:
    """Height along the first axis and least width in its middle third, mm, means over the levels (n, m, m)."""
    height, width = np.mean([_extent(plane, step) for plane in level], axis=0).tolist()
    return height, width


def _extent(plane: Array, step: float) -> tuple[float, float]:
    height = float(_lengths(plane.T).max()) * step
    width = _lengths(plane) * step
    rows = np.flatnonzero(width > 0)
    if len(rows) < 3:
        return 0.0, 0.0
    third = (rows[-1] - rows[0]) / 3.0
    middle = np.linspace(rows[0] + third, rows[-1] - third, 21)
    return height, float(np.interp(middle, np.arange(len(width)), width).min())


def _lengths(level: Array) -> Array:
    """Negative length of each row, in steps, with linear crossings."""
    a, b = level[:, :-1], level[:, 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where((a < 0) & (b < 0), 1.0, np.where((a < 0) | (b < 0), np.maximum(-a, -b) / np.abs(a - b), 0.0))
    total: Array = part.sum(axis=1)
    return total
