"""Signed distance to the boundary of a structure given by the share of each voxel that it fills."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canalrisk.errors import LabelError
from canalrisk.field import _kernels
from canalrisk.field.distance import redistance
from canalrisk.field.grid import Grid
from canalrisk.field.label import signed_distance
from canalrisk.field.spline import check_shape

Level = NDArray[np.float32]

_ROUNDS = 4
# Partly filled voxels per voxel face between inside and outside: 0.7 to 0.9 where shares are partial volume, 2.1 and
# more behind a Gaussian of 0.6 voxels.
_PLAIN, _BLURRED = 0.3, 2.0
# Shares this near to empty or full are the rounding of 8 bits.
_ROUNDING = 0.01
_MARGIN = 3


def from_fraction(fraction: ArrayLike, *, grid: Grid, band: float = 15.0) -> Level:
    """Signed distance to the boundary of a structure whose share of every voxel is known (partial volume).

    The distance is made such that the plane through each voxel at that distance, with the distance's own slope and
    curvature, cuts off the voxel's share. A map blurred wider than a voxel cannot be met so: its boundary is where it
    is half full, which lies inside a convex outline by half the blur's variance times the outline's curvature. A map
    with hardly a partly filled voxel is a plain mask and goes to `signed_distance`. `softness` tells which.

    Parameters
    ----------
    fraction : (nx, ny, nz) array_like
        0 to 1.
    grid : Grid
        Grid of `fraction`.
    band : float
        Distances are clipped to +-band, mm.

    Returns
    -------
    (nx, ny, nz) ndarray of float32
        mm, negative inside. An empty map gives +band everywhere, a full one -band.

    Raises
    ------
    GeometryError
        If shape and grid differ.
    LabelError
        If a value is not finite or outside 0 to 1.

    References
    ----------
    Scardovelli and Zaleski 2000, J Comput Phys 164:228-237 (volume under a plane in a box).
    """
    share = np.ascontiguousarray(fraction, np.float32)
    check_shape(share.shape, grid)
    if not (np.isfinite(share).all() and share.min() >= 0.0 and share.max() <= 1.0):
        raise LabelError("shares outside 0 to 1", where="soft segmentation", fix="scale the map so that 1 is full")
    kind = softness(share)
    if kind == "plain":
        return signed_distance(share >= 0.5, grid=grid, band=band)
    used = np.stack(np.nonzero(share >= _ROUNDING), axis=1)
    reach = np.ceil(band / grid.spacing).astype(int) + _MARGIN
    low, high = np.maximum(used.min(axis=0) - reach, 0), np.minimum(used.max(axis=0) + 1 + reach, share.shape)
    window = tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))
    out = np.full(grid.shape, band, np.float32)
    inner, local = np.ascontiguousarray(share[window]), grid.crop(low, high)
    if kind == "blurred":
        out[window] = redistance(0.5 - inner, grid=local, band=band)
    else:
        out[window] = _matched(inner, grid=local, band=band)
    return out


def softness(fraction: ArrayLike) -> Literal["plain", "partial", "blurred"]:
    """Tell a plain mask, partial volume and a map blurred wider than a voxel from one another.

    Parameters
    ----------
    fraction : (nx, ny, nz) array_like
        Shares, 0 to 1.

    Returns
    -------
    {"plain", "partial", "blurred"}
        By the number of partly filled voxels per voxel face between inside and outside: 0.7 to 0.9 where shares are
        partial volume, none in a mask, more than two where the boundary is smeared over several voxels.
    """
    share = np.asarray(fraction)
    mixed = np.count_nonzero((share > _ROUNDING) & (share < 1.0 - _ROUNDING))
    inside = share >= 0.5
    faces = sum(np.count_nonzero(np.diff(inside, axis=axis)) for axis in range(3))
    if mixed <= _PLAIN * faces:
        return "plain"
    return "partial" if mixed <= _BLURRED * faces else "blurred"


def _matched(share: Level, *, grid: Grid, band: float) -> Level:
    near = _MARGIN * float(grid.spacing.max())
    level = redistance(0.5 - share, grid=grid, band=near)
    matched = np.empty_like(level)
    for _ in range(_ROUNDS):
        _kernels.match_shares(level, share, float(grid.spacing.min()), matched)
        level = redistance(matched, grid=grid, band=near)
    return redistance(level, grid=grid, band=band)
