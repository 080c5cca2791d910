"""Sampling of fields between voxel centres: C2 cubic B-splines and trilinear."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import ndimage

from canalrisk._jit import threads
from canalrisk.errors import GeometryError
from canalrisk.field import _kernels
from canalrisk.field.grid import Grid

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Spline:
    """A field as a tricubic B-spline in the world frame; twice continuously differentiable.

    Outside the grid the field continues constant from the nearest edge.

    Parameters
    ----------
    grid : Grid
        Where the coefficients are.
    coefficients : (nx, ny, nz) ndarray
        B-spline coefficients, mirror boundary, C order. Made by `fit_spline`.
    """

    grid: Grid
    coefficients: Array

    def evaluate(self, points: ArrayLike) -> tuple[Array, Array, Array]:
        """Value (n,), gradient (n, 3) and Hessian (n, 3, 3) at world `points` (n, 3), mm."""
        out = self._all(points)
        hessian = out[:, [4, 7, 8, 7, 5, 9, 8, 9, 6]].reshape(-1, 3, 3)
        return out[:, 0].copy(), out[:, 1:4].copy(), hessian

    def value_gradient(self, points: ArrayLike) -> tuple[Array, Array]:
        """Value (n,) and gradient (n, 3) at world `points` (n, 3), mm."""
        out = self._all(points)
        return out[:, 0].copy(), out[:, 1:4].copy()

    def value(self, points: ArrayLike) -> Array:
        """Value (n,) at world `points` (n, 3), mm."""
        return self._all(points)[:, 0].copy()

    def _all(self, points: ArrayLike) -> Array:
        rows = np.ascontiguousarray(np.asarray(points, np.float64).reshape(-1, 3))
        out = np.empty((len(rows), 10))
        _kernels.bspline_points(self.coefficients, self.grid.inverse, rows, out)
        return out


def fit_spline(values: ArrayLike, *, grid: Grid) -> Spline:
    """Interpolate voxel values by a tricubic B-spline.

    Parameters
    ----------
    values : (nx, ny, nz) array_like
        Field at the voxel centres. Crop large fields first (`Grid.crop`): the coefficients are float64.
    grid : Grid
        Grid of `values`.

    Returns
    -------
    Spline
        Equal to `values` at the voxel centres.

    Raises
    ------
    GeometryError
        If shape and grid differ.

    References
    ----------
    Unser, Aldroubi, Eden 1993, IEEE Trans Signal Process 41:821-833.
    """
    array = np.asarray(values, np.float64)
    check_shape(array.shape, grid)
    return Spline(grid, _filtered(array))


def _filtered(values: Array) -> Array:
    """Coefficients of a tricubic spline, mirror boundary; lines are shared among threads, each line is one's own."""
    out = np.array(values, np.float64, order="C")
    with ThreadPoolExecutor(threads()) as pool:
        for axis in range(3):
            # Along the other of the two slowest axes the array falls into blocks of whole lines.
            blocks = np.array_split(out, 4 * threads(), axis=1 if axis == 0 else 0)
            list(pool.map(partial(_filter_block, axis=axis), blocks))
    return out


def _filter_block(block: Array, *, axis: int) -> None:
    if block.size:
        ndimage.spline_filter1d(block, 3, axis=axis, output=block, mode="mirror")


def linear_sample(
    values: NDArray[np.generic], *, grid: Grid, points: ArrayLike, fill: float = float("nan")
) -> NDArray[np.float32]:
    """Sample an array trilinearly.

    Parameters
    ----------
    values : (nx, ny, nz) ndarray
        Any real or boolean type; only the box around `points` is read.
    grid : Grid
        Grid of `values`.
    points : (..., 3) array_like
        World points, mm.
    fill : float
        Result where a point lies more than half a voxel outside the outermost voxel centres.

    Returns
    -------
    ndarray of float32, (...)

    Raises
    ------
    GeometryError
        If shape and grid differ.
    """
    check_shape(values.shape, grid)
    world = np.asarray(points, np.float64)
    rows = np.ascontiguousarray(world.reshape(-1, 3))
    out = np.full(len(rows), fill, np.float32)
    voxel = grid.to_voxel(rows)
    shape = np.array(grid.shape)
    reachable = np.all((voxel >= -0.5) & (voxel <= shape - 0.5), axis=1)
    if reachable.any():
        low = np.clip(np.floor(voxel[reachable].min(axis=0)).astype(int) - 1, 0, shape - 1)
        high = np.clip(np.ceil(voxel[reachable].max(axis=0)).astype(int) + 2, 1, shape)
        box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        part = np.ascontiguousarray(values[box], np.float32)
        # Rows outside the whole grid are outside the box too, by construction of its margins.
        inside = np.ascontiguousarray(rows[reachable])
        got = np.empty(len(inside), np.float32)
        _kernels.trilinear_points(part, grid.crop(low, high).inverse, inside, fill, got)
        out[reachable] = got
    return out.reshape(world.shape[:-1])


def check_shape(shape: tuple[int, ...], grid: Grid) -> None:
    """Raise `GeometryError` unless `shape` is the grid's."""
    if tuple(shape) != tuple(grid.shape):
        raise GeometryError(
            f"array of shape {tuple(shape)} on a grid of shape {tuple(grid.shape)}",
            where="field",
            fix="crop the grid together with the array",
        )
