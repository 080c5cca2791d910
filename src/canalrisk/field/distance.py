"""Signed distance to, and volume under, the zero level of a sampled function."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canalrisk.field import _kernels
from canalrisk.field.grid import Grid
from canalrisk.field.spline import check_shape, fit_spline

Distance = NDArray[np.float32]

# Up to this many voxels from the boundary every voxel has its own foot point.
NEAR_VOXELS = 3.0
# A value's share in the spline falls to a quarter from voxel to voxel: this far away it is below rounding.
_SPLINE_VOXELS = 26


def redistance(values: ArrayLike, *, grid: Grid, band: float = 15.0) -> Distance:
    """Signed distance to the zero level of any level-set function.

    The zero level is that of the tricubic B-spline through the values.

    Parameters
    ----------
    values : (nx, ny, nz) array_like
        Negative inside. Only its neighbourhood of zero matters.
    grid : Grid
        Grid of `values`.
    band : float
        Distances are clipped to +-band, mm.

    Returns
    -------
    (nx, ny, nz) ndarray of float32
        mm, negative inside.

    Raises
    ------
    GeometryError
        If shape and grid differ.

    References
    ----------
    Chopp 2001, SIAM J Sci Comput 23:230-244 (projection near the level); Felzenszwalb and Huttenlocher
    2012, Theory Comput 8:415-428 (nearest interface voxel elsewhere).
    """
    level = np.ascontiguousarray(values, np.float32)
    check_shape(level.shape, grid)
    voxels = _kernels.interface_voxels(level)
    out = np.where(level < 0, np.float32(-band), np.float32(band))
    if voxels.size == 0:
        return out
    # Beyond the band everything is clipped: what lies there need not be looked at.
    index = np.stack(np.unravel_index(voxels, level.shape), axis=1)
    reach = np.maximum(np.ceil(band / grid.spacing).astype(int) + 2, _SPLINE_VOXELS)
    low, high = np.maximum(index.min(axis=0) - reach, 0), np.minimum(index.max(axis=0) + 1 + reach, level.shape)
    window = tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))
    inner = np.ascontiguousarray(level[window])
    voxels = np.ravel_multi_index(tuple((index - low).T), inner.shape)
    out[window] = _within(inner, voxels, grid=grid.crop(low, high), band=band)
    return out


def _within(level: Distance, voxels: NDArray[np.int64], *, grid: Grid, band: float) -> Distance:
    """Signed distance on a window about all interface `voxels` (flat indices)."""
    sign = np.where(level < 0, np.float32(-1), np.float32(1))
    spacing = grid.spacing
    coefficients = fit_spline(level, grid=grid).coefficients
    starts = np.empty((voxels.size, 3))
    _kernels.linear_crossings(level, spacing, voxels, starts)
    feet, normals = np.empty_like(starts), np.empty_like(starts)
    status = np.empty(voxels.size, np.uint8)
    _kernels.foot_points(coefficients, spacing, voxels, starts, feet, normals, status)

    lattice = np.full(level.shape, -1, np.int32)
    lattice.ravel()[voxels] = np.arange(voxels.size, dtype=np.int32)
    site, distance = lattice.copy(), np.where(lattice < 0, np.inf, 0.0).astype(np.float32)
    for axis in (2, 1, 0):
        _kernels.nearest_along(np.moveaxis(site, axis, 2), np.moveaxis(distance, axis, 2), float(spacing[axis]))
    near = NEAR_VOXELS * float(spacing.max())
    at, around = np.empty((voxels.size, 3), np.int32), np.empty((voxels.size, 27), np.int32)
    _kernels.neighbours(lattice, voxels, at, around)
    _kernels.foot_distance(coefficients, site, lattice, at, around, feet, normals, spacing, near, band, distance)
    return sign * distance


def volume(values: ArrayLike, *, grid: Grid, level: float = 0.0) -> float:
    """Sub-voxel volume of {values < level}, mm3.

    Parameters
    ----------
    values : (nx, ny, nz) array_like
        Signed distance or any other level-set function. Values that are not finite must be clipped first.
    grid : Grid
        Grid of `values`.
    level : float
        Level.

    Returns
    -------
    float
        mm3; of a sphere of radius 2 mm on 0.5 mm voxels within 0.02 %.

    Raises
    ------
    GeometryError
        If shape and grid differ.

    References
    ----------
    Scardovelli and Zaleski 2000, J Comput Phys 164:228-237 (volume under a plane in a box).
    """
    array = np.ascontiguousarray(values, np.float32)
    check_shape(array.shape, grid)
    per_slab = np.empty(array.shape[0])
    _kernels.voxels_below(array, level, per_slab)
    return float(per_slab.sum() * grid.voxel_volume)
