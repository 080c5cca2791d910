"""Arrival time of a front that starts at a level set: |grad T| F = 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canalrisk.errors import UsageError
from canalrisk.field import _kernels
from canalrisk.field.distance import redistance
from canalrisk.field.grid import Grid
from canalrisk.field.spline import check_shape


def arrival_time(phi0: ArrayLike, speed: ArrayLike, *, grid: Grid, limit: float = float("inf")) -> NDArray[np.float32]:
    """Signed arrival time of a front that leaves the zero level of `phi0` outwards and inwards.

    Second-order fast marching. The voxels on both sides of the zero level start from their sub-voxel distance.

    Parameters
    ----------
    phi0 : (nx, ny, nz) array_like
        Level-set function, negative inside; need not be a distance.
    speed : (nx, ny, nz) array_like
        Front speed per voxel, mm per unit of time; 0 is a barrier. Where tissues share a voxel give the harmonic mean.
    grid : Grid
        Grid of both.
    limit : float
        Stop where |T| exceeds this; voxels further away hold +-inf, as do those behind barriers.

    Returns
    -------
    (nx, ny, nz) ndarray of float32
        T, negative inside.

    Raises
    ------
    GeometryError
        If a shape and the grid differ.
    UsageError
        If a speed is negative or not finite.

    References
    ----------
    Sethian 1999, SIAM Rev 41:199-235.
    """
    level = np.ascontiguousarray(phi0, np.float32)
    rate = np.ascontiguousarray(speed, np.float32)
    check_shape(level.shape, grid)
    check_shape(rate.shape, grid)
    if not (np.isfinite(rate).all() and (rate >= 0).all()):
        raise UsageError("front speed is negative or not finite", where="speed", fix="give speeds >= 0, mm per year")
    spacing = grid.spacing
    with np.errstate(divide="ignore"):
        slowness = np.float32(1) / rate.ravel()
    voxels = _kernels.interface_voxels(level)
    seeds = redistance(level, grid=grid, band=3.0 * float(spacing.max())).ravel()[voxels]
    inside = level.ravel() < 0
    start = np.full(level.size, np.inf)
    open_ = np.isfinite(slowness[voxels])
    start[voxels[open_]] = seeds[open_].astype(np.float64) * slowness[voxels[open_]]
    shape = np.array(grid.shape, np.int64)
    out = np.empty(level.size, np.float32)
    for side, sign in ((~inside, 1.0), (inside, -1.0)):
        place = np.where(side, np.int32(_kernels.FAR), np.int32(_kernels.CLOSED))
        place[voxels[open_]] = _kernels.ACCEPTED
        time = start.copy()
        time[voxels[open_]] *= sign
        _kernels.march(time, place, slowness, shape, spacing, limit)
        time[time > limit] = np.inf
        out[side] = sign * time[side]
    return out.reshape(level.shape)
