"""Shortest distance between two structures given as signed distances."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from canalrisk.anatomy.sections import sample_planes
from canalrisk.anatomy.spine import BAND_MM, Distance
from canalrisk.field.grid import Grid

_IN_BAND_MM = BAND_MM - 0.1


def clearance(first: Distance, second: Distance, *, grid: Grid) -> float:
    """Shortest distance between two structures, mm; negative is the depth of their overlap.

    Parameters
    ----------
    first, second : (nx, ny, nz) ndarray of float32
        Signed distances, mm.
    grid : Grid
        Their grid.

    Returns
    -------
    float
        The sum of two distances is least, and equals their gap, on the shortest line between them; the
        least voxel is refined on tri-linear samples. Beyond the fields' band, the distance between voxels.
    """
    # Where either distance is clipped the sum says nothing. The shortest line's middle is as far from the one as from
    # the other; further along it, deep inside one of them, the same sum would carry the distances' far-field errors.
    within = max(float(first.min()), float(second.min())) < 0
    usable = (first < _IN_BAND_MM) & (second < _IN_BAND_MM) & (np.abs(first - second) <= 2.0 * grid.spacing.max())
    total = np.where(usable, first + second, np.float32(np.inf))
    place = np.unravel_index(int(np.argmin(total)), total.shape)
    if not within or not np.isfinite(total[place]):
        a, b = (grid.to_world(np.argwhere(field < 0)) for field in (first, second))
        if not len(a) or not len(b):
            return float("nan")
        return float(cKDTree(a).query(b[:: max(1, len(b) // 20_000)])[0].min() - grid.spacing.mean())
    centre = grid.to_world(np.array(place, float))
    best, step = float(total[place]), 0.5 * float(grid.spacing.max())
    cube = np.stack(np.meshgrid(*[(-1.0, 0.0, 1.0)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    for _ in range(12):
        points = centre + step * cube
        both = sample_planes(first, grid=grid, points=points) + sample_planes(second, grid=grid, points=points)
        k = int(np.argmin(both))
        if both[k] < best - 1e-9:
            best, centre = float(both[k]), points[k]
        else:
            step *= 0.5
    return best
