"""Planes orthogonal to the centreline: sampling, areas, chords, and where along the spine a plane is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from canalrisk._jit import threads
from canalrisk.anatomy import _kernels
from canalrisk.anatomy.spine import Array, Centreline, Distance, Spine
from canalrisk.field import _kernels as field_kernels
from canalrisk.field.grid import Grid

HALF_WIDTH_MM = 20.0
STEP_MM = 0.5
_OUTSIDE = 1e3
# Fewer points are found sooner than threads are started.
_MANY = 20_000
_NEAR_VOXELS = 2.0

_ALL = np.zeros((0, 0, 0), np.uint8)


def section_plane(spine: Spine, index: int, *, half_width: float = HALF_WIDTH_MM, step: float = 0.25) -> Array:
    """World points of one section.

    Parameters
    ----------
    spine : Spine
        The spine.
    index : int
        Index into ``spine.centreline.s``.
    half_width, step : float
        Half the edge of the square and the distance of its points, mm.

    Returns
    -------
    (m, m, 3) ndarray
        mm; axis 0 runs anteriorly, axis 1 to the patient's right, both from -half_width.
    """
    plane: Array = plane_points(spine.centreline, slice(index, index + 1), half_width=half_width, step=step)[0]
    return plane


def offsets(half_width: float, step: float) -> Array:
    """Offsets of the plane's points along an axis, symmetric about zero, mm."""
    n = round(half_width / step)
    return np.asarray(np.arange(-n, n + 1) * step, np.float64)


def plane_points(
    line: Centreline, which: slice | NDArray[np.intp], *, half_width: float = HALF_WIDTH_MM, step: float = STEP_MM
) -> Array:
    """World points (n, m, m, 3) of several sections, mm; axes as in `section_plane`."""
    t = offsets(half_width, step)
    return (
        line.points[which][:, None, None]
        + t[None, :, None, None] * line.anterior[which][:, None, None]
        + t[None, None, :, None] * line.right[which][:, None, None]
    )


def sample_planes(field: Distance, *, grid: Grid, points: Array) -> Array:
    """Sample a distance field, third order near its zero; outside the grid it is taken to be far outside."""
    # The compiled loop itself: the checks and crops of `linear_sample` cost more than the sampling here.
    rows = np.ascontiguousarray(np.asarray(points, np.float64).reshape(-1, 3))
    out = np.empty(len(rows), np.float32)
    values = np.ascontiguousarray(field, np.float32)
    near = _NEAR_VOXELS * float(grid.spacing.max())
    field_kernels.level_points(values, np.ascontiguousarray(grid.inverse), rows, near, np.float32(_OUTSIDE), out)
    return out.astype(np.float64).reshape(points.shape[:-1])


def plane_moments(
    values: Array, *, step: float, keep: NDArray[np.bool_] | None = None
) -> tuple[Array, NDArray[np.float64]]:
    """Area and centroid of what is negative on each plane.

    Parameters
    ----------
    values : (n, m, m) ndarray
        Level-set samples, negative inside; axis 1 anterior, axis 2 right, centred.
    step : float
        Distance of the samples, mm.
    keep : (n, m, m) ndarray of bool, optional
        Only cells that touch a kept node count.

    Returns
    -------
    area : (n,) ndarray
        mm2; of an ellipse the size of a cord within 0.1 % at steps of 0.5 mm.
    centroid : (n, 2) ndarray
        (right, anterior) offsets, mm; NaN where the area is zero.
    """
    out = np.empty((len(values), 3))
    origin = -0.5 * (values.shape[2] - 1) * step
    mask = _ALL if keep is None else np.ascontiguousarray(keep, np.uint8)
    _kernels.plane_moments(np.ascontiguousarray(values, np.float64), mask, float(step), origin, out)
    with np.errstate(invalid="ignore", divide="ignore"):
        centroid = np.where(out[:, :1] > 0, out[:, 1:] / out[:, :1], np.nan)
    return out[:, 0], centroid


def negative_runs(values: Array, *, step: float) -> Array:
    """Find the runs of negative values along rays.

    Parameters
    ----------
    values : (n, m) ndarray
        Level-set samples along n rays.
    step : float
        Distance of the samples, mm.

    Returns
    -------
    (n, 4) ndarray
        Total negative length, longest run, its start and end measured from the first sample, mm.
    """
    out = np.empty((len(values), 4))
    _kernels.negative_runs(np.ascontiguousarray(values, np.float64), float(step), out)
    return out


def curve_coordinates(line: Centreline, points: ArrayLike) -> tuple[Array, Array, Array, NDArray[np.intp]]:
    """Arc length and in-plane offsets of world points.

    Parameters
    ----------
    line : Centreline
        The centreline.
    points : (n, 3) array_like
        mm.

    Returns
    -------
    s, right, anterior : (n,) ndarray
        mm; beyond the ends `s` runs on along the end tangent.
    nearest : (n,) ndarray of int
        Index of the nearest section.
    """
    x = np.asarray(points, float)
    _, nearest = cKDTree(line.points).query(x, workers=threads() if len(x) > _MANY else 1)
    away = x - line.points[nearest]
    s = line.s[nearest] + np.einsum("ij,ij->i", away, line.tangent[nearest])
    right = np.einsum("ij,ij->i", away, line.right[nearest])
    anterior = np.einsum("ij,ij->i", away, line.anterior[nearest])
    return s, right, anterior, nearest


def point_at(line: Centreline, s: float) -> tuple[Array, Array, Array, Array]:
    """Point, right, anterior and tangent (3,) of the centreline at arc length `s`, mm; clamped to the ends."""
    i = int(np.clip(np.searchsorted(line.s, s) - 1, 0, len(line.s) - 2))
    w = float(np.clip((s - line.s[i]) / (line.s[i + 1] - line.s[i]), 0.0, 1.0))
    mixed = [(1 - w) * a[i] + w * a[i + 1] for a in (line.points, line.right, line.anterior, line.tangent)]
    right, anterior, tangent = (a / np.linalg.norm(a) for a in mixed[1:])
    return mixed[0], right, anterior, tangent


def level_at(spine: Spine, s: float) -> str:
    """Name of the vertebra or disc level nearest to arc length `s`, mm."""
    return min(spine.landmarks, key=lambda name: (abs(spine.landmarks[name] - s), name))


def levels_of(spine: Spine, s: ArrayLike) -> list[str]:
    """`level_at` for many arc lengths."""
    return [level_at(spine, float(value)) for value in np.asarray(s, float)]
