"""A mass ready to be measured against, and how near it comes to structures given as surface points."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from canalrisk.anatomy.sections import sample_planes
from canalrisk.anatomy.spine import BAND_MM, Array, Distance
from canalrisk.field import zero_points
from canalrisk.field.grid import Grid

_MARGIN_VOXELS = 3


@dataclass(frozen=True, eq=False)
class Mass:
    """A mass that is there: signed distance on the whole grid, mm, and the part of the grid that holds it.

    `window` cuts that part, three voxels of margin included, out of arrays on `grid`; `near` is the distance there
    and `local` its grid.
    """

    distance: Distance
    grid: Grid
    window: tuple[slice, ...]
    near: Distance
    local: Grid

    @cached_property
    def surface(self) -> cKDTree:
        """Points of the surface."""
        return cKDTree(zero_points(self.near, grid=self.local))

    def level(self, points: Array) -> Array:
        """Signed distance (...) of points (..., 3), mm, clipped to the field's band."""
        return sample_planes(self.distance, grid=self.grid, points=points)


def mass_of(distance: Distance | None, *, grid: Grid) -> Mass | None:
    """Make a mass ready; None where there is none."""
    if distance is None:
        return None
    inside = distance < 0
    used = [np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    if not len(used[0]):
        return None
    low = np.maximum([part[0] - _MARGIN_VOXELS for part in used], 0)
    high = np.minimum([part[-1] + 1 + _MARGIN_VOXELS for part in used], distance.shape)
    window = tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))
    return Mass(distance, grid, window, np.ascontiguousarray(distance[window]), grid.crop(low, high))


@dataclass(frozen=True, eq=False)
class Nearest:
    """Least distance from a mass, mm (negative: depth in it), the structure's point there (3,), and its index."""

    distance: float
    point: Array
    index: int


def nearest(mass: Mass, points: Array, *, radius: float = 0.0) -> Nearest | None:
    """Find a structure's point nearest to a mass.

    Parameters
    ----------
    mass : Mass
        From `mass_of`.
    points : (n, 3) ndarray
        Points on the structure's surface, mm, a voxel or less apart; on its axis where `radius` is given.
    radius : float
        Taken off the distance, mm.

    Returns
    -------
    Nearest or None
        None without points. Beyond the field's band the distance is that between surface points.
    """
    if not len(points):
        return None
    away = mass.level(points)
    k = int(np.argmin(away))
    gap = float(away[k])
    if gap > BAND_MM - 0.1:
        between, _ = mass.surface.query(points)
        k = int(np.argmin(between))
        gap = float(between[k])
    return Nearest(gap - radius, points[k], k)
