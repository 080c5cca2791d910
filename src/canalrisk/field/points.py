"""Points on the zero level of a sampled field."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canalrisk.field import _kernels
from canalrisk.field.grid import Grid
from canalrisk.field.spline import check_shape


def zero_points(values: ArrayLike, *, grid: Grid) -> NDArray[np.float64]:
    """Points of the zero level, one for each voxel beside it: the nearest crossing along the array axes.

    Parameters
    ----------
    values : (nx, ny, nz) array_like
        Signed distance or any other level-set function.
    grid : Grid
        Grid of `values`.

    Returns
    -------
    (n, 3) ndarray
        mm; none where the sign never changes. Neighbours lie within a voxel's diagonal.

    Raises
    ------
    GeometryError
        If shape and grid differ.
    """
    level = np.ascontiguousarray(values, np.float32)
    check_shape(level.shape, grid)
    voxels = _kernels.interface_voxels(level)
    feet = np.empty((voxels.size, 3))
    _kernels.linear_crossings(level, grid.spacing, voxels, feet)
    return grid.to_world(feet / grid.spacing)
