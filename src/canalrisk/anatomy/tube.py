"""A tube about the centreline in polar form: radius over arc length and angle, and back to the voxel grid."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from canalrisk.anatomy.sections import curve_coordinates, negative_runs, sample_planes
from canalrisk.anatomy.spine import BAND_MM, Array, Centreline, Distance
from canalrisk.field import redistance
from canalrisk.field.grid import Grid

N_ANGLES = 120
STEP_MM = 0.25
LONGEST_RAY_MM = 25.0


@dataclass(frozen=True, eq=False)
class Tube:
    """Radius (n, N_ANGLES) of a star-shaped tube, mm, about `centre` (n, 2) offsets (right, anterior) of `line`.

    Angle 0 is right, a quarter turn is anterior.
    """

    line: Centreline
    centre: Array
    radius: Array


def angles() -> Array:
    """Give the N_ANGLES ray angles, rad, from right towards anterior."""
    return np.asarray(np.arange(N_ANGLES) * (2 * np.pi / N_ANGLES), np.float64)


def rays(line: Centreline, centre: Array, *, longest: float = LONGEST_RAY_MM) -> Array:
    """Sample points (n, N_ANGLES, m, 3) along rays from the tube's centre, mm, STEP_MM apart."""
    start = line.points + centre[:, :1] * line.right + centre[:, 1:] * line.anterior
    along = np.arange(0.0, longest + 1e-9, STEP_MM)
    phi = angles()
    direction = np.cos(phi)[None, :, None] * line.right[:, None] + np.sin(phi)[None, :, None] * line.anterior[:, None]
    points: Array = start[:, None, None] + along[None, None, :, None] * direction[:, :, None]
    return points


def measure_tube(field: Distance, *, grid: Grid, line: Centreline, centre: Array) -> Tube:
    """Radius at which each ray first leaves a structure (0 where its start lies outside)."""
    n = len(line.s)
    values = sample_planes(field, grid=grid, points=rays(line, centre)).reshape(n * N_ANGLES, -1)
    # Only the first run matters: everything after the first exit counts as outside.
    values[np.logical_or.accumulate(values >= 0, axis=1) & (values < 0)] = 1e-3
    runs = negative_runs(values, step=STEP_MM)
    radius = np.where(values[:, 0] < 0, np.nan_to_num(runs[:, 3]), 0.0)
    return Tube(line, centre, radius.reshape(n, N_ANGLES))


def tube_distance(tube: Tube, *, grid: Grid, exact: bool = True) -> Distance:
    """Signed distance of a tube on a grid.

    Parameters
    ----------
    tube : Tube
        Its ends are open: the last sections are carried on over half a section spacing.
    grid : Grid
        Where to evaluate.
    exact : bool
        False gives a level set with the right zero that is no distance: enough for sections, and quick.

    Returns
    -------
    (nx, ny, nz) ndarray of float32
        mm, negative inside, clipped to +-15.
    """
    line = tube.line
    reach = float(tube.radius.max()) + 4.0
    low, high = _box(line.points, grid, reach)
    local = grid.crop(low, high)
    points = local.to_world(np.moveaxis(np.indices(local.shape), 0, -1).reshape(-1, 3))
    s, right, anterior, _ = curve_coordinates(line, points)
    place = s / (line.s[1] - line.s[0])
    clamped = np.clip(place, 0, len(line.s) - 1)
    u = right - np.interp(clamped, np.arange(len(line.s)), tube.centre[:, 0])
    v = anterior - np.interp(clamped, np.arange(len(line.s)), tube.centre[:, 1])
    r = np.hypot(u, v)
    turn = np.mod(np.arctan2(v, u), 2 * np.pi) * (N_ANGLES / (2 * np.pi))
    wrapped = np.concatenate([tube.radius[:, -2:], tube.radius, tube.radius[:, :3]], axis=1)
    radius = map_coordinates(wrapped, [clamped, turn + 2], order=1, mode="nearest")
    beyond = np.maximum(-s, s - line.s[-1]) - 0.25
    level = np.maximum(r - radius, beyond)
    out = np.full(grid.shape, BAND_MM, np.float32)
    window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    out[window] = np.clip(level, -BAND_MM, BAND_MM).reshape(local.shape)
    if not exact:
        return out
    wide_low, wide_high = _box(line.points, grid, reach + BAND_MM)
    wide = tuple(slice(a, b) for a, b in zip(wide_low, wide_high, strict=True))
    out[wide] = redistance(out[wide], grid=grid.crop(wide_low, wide_high), band=BAND_MM)
    return out


def interpolated(tube: Tube, affected: NDArray[np.bool_]) -> Tube:
    """Replace the radius and centre of affected sections by interpolation along `s` from the others."""
    known = ~affected
    s = tube.line.s
    radius = np.stack([np.interp(s, s[known], tube.radius[known, k]) for k in range(N_ANGLES)], axis=1)
    centre = np.stack([np.interp(s, s[known], tube.centre[known, k]) for k in range(2)], axis=1)
    return replace(tube, radius=radius, centre=centre)


def _box(points: Array, grid: Grid, margin: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    voxel = grid.to_voxel(points)
    pad = margin / grid.spacing
    low = np.maximum(np.floor(voxel.min(axis=0) - pad).astype(np.int64), 0)
    high = np.minimum(np.ceil(voxel.max(axis=0) + pad).astype(np.int64) + 1, np.array(grid.shape))
    return low, high
