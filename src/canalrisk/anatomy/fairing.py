"""Tubes without the steps of their voxels: the surface is faired within half a voxel of its label."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter1d, map_coordinates

from canalrisk.anatomy.centreline import canal_sections
from canalrisk.anatomy.sections import curve_coordinates
from canalrisk.anatomy.spine import BAND_MM, Array, Centreline, Distance
from canalrisk.anatomy.tube import N_ANGLES, angles, measure_tube
from canalrisk.field import redistance
from canalrisk.field.grid import Grid

ALONG_MM = 2.0
# An angle, so that a flat cord keeps its ellipse as well as a wide canal does.
AROUND_RAD = 0.12
# A binary label places its surface to half a voxel: fairing may use that freedom and no more.
_FREEDOM_VOXELS = 0.5
# Slope of a surface to the nearest voxel plane: below the first its steps are three voxels and longer, which the
# field's own smoothing leaves in part; above the second they are shorter than two, and nothing is left to fair.
_LEVEL, _STEEP = 0.3, 0.6
_NEAR_MM = 4.0
_END_SECTIONS = 4


def faired(field: Distance, *, grid: Grid, line: Centreline) -> Distance:
    """Fair the surface of canal, sac or cord.

    Where a surface runs nearly along a voxel plane, its label has steps many voxels long that no smoothing of
    the voxels removes; diameters then wobble by half a voxel. There, and only there, the radius over arc length and
    angle is smoothed with a kernel that leaves cubic variation unchanged, and the surface moves by at most half a
    voxel: elsewhere its place is known, and smoothing would only take away the canal's waists.

    Parameters
    ----------
    field : (nx, ny, nz) ndarray of float32
        Signed distance of a star-shaped tube about the centreline, mm.
    grid : Grid
        Its grid.
    line : Centreline
        The centreline.

    Returns
    -------
    (nx, ny, nz) ndarray of float32
        Signed distance, mm.
    """
    area, centroid, _ = canal_sections(field, grid=grid, line=line)
    known = area > 0.3 * np.median(area)
    if known.sum() < 20:
        return field
    for k in range(2):
        centroid[:, k] = np.interp(line.s, line.s[known], centroid[known, k])
    tube = measure_tube(field, grid=grid, line=line, centre=centroid)
    # The label's rounded end would spread inwards: the last 2 mm move with what lies before them.
    first, last = np.flatnonzero(known)[[_END_SECTIONS, -1 - _END_SECTIONS]]
    radius = tube.radius[first : last + 1]
    spacing = float(line.s[1] - line.s[0])
    smooth = _smoothed(radius, ALONG_MM / spacing, axis=0, mode="nearest")
    smooth = _smoothed(smooth, AROUND_RAD * N_ANGLES / (2 * np.pi), axis=1, mode="wrap")
    # Along the normal, not along the ray: the surface of an ellipse is not square to its radius.
    slope = np.gradient(np.pad(smooth, ((0, 0), (1, 1)), mode="wrap"), 2 * np.pi / N_ANGLES, axis=1)[:, 1:-1]
    square = 1.0 / np.hypot(1.0, slope / np.maximum(smooth, 1.0))
    freedom = _FREEDOM_VOXELS * float(np.prod(grid.spacing)) ** (1 / 3)
    move = (smooth - radius) * square
    # What smoothing would move much further than voxels can be wrong is anatomy, and stays.
    move = np.clip(move, -freedom, freedom) * np.clip(2.0 - np.abs(move) / freedom, 0.0, 1.0)
    move *= np.clip((_STEEP - _steepness(line, centroid, smooth, first, grid)) / (_STEEP - _LEVEL), 0.0, 1.0)
    move[radius <= 0] = 0.0

    near = np.flatnonzero(np.abs(field.ravel()) < _NEAR_MM)
    points = grid.to_world(np.stack(np.unravel_index(near, field.shape), axis=1))
    s, right, anterior, _ = curve_coordinates(line, points)
    place = np.clip(s / spacing, 0, len(line.s) - 1)
    index = np.arange(len(line.s))
    u, v = right - np.interp(place, index, centroid[:, 0]), anterior - np.interp(place, index, centroid[:, 1])
    turn = np.mod(np.arctan2(v, u), 2 * np.pi) * (N_ANGLES / (2 * np.pi))
    wrapped = np.concatenate([move, move[:, :2]], axis=1)
    shift = map_coordinates(wrapped, [place - first, turn], order=1, mode="nearest")
    level = field.copy()
    level.ravel()[near] -= shift.astype(np.float32)
    return redistance(level, grid=grid, band=BAND_MM)


def _steepness(line: Centreline, centre: Array, radius: Array, first: int, grid: Grid) -> Array:
    """Slope (n, N_ANGLES) of a tube's surface to the voxel plane that it is nearest to."""
    part = slice(first, first + len(radius))
    phi = angles()
    right = centre[part, :1] + radius * np.cos(phi)
    anterior = centre[part, 1:] + radius * np.sin(phi)
    points = line.points[part, None] + right[..., None] * line.right[part, None]
    points = points + anterior[..., None] * line.anterior[part, None]
    along = np.gradient(points, axis=0)
    around = np.roll(points, -1, axis=1) - np.roll(points, 1, axis=1)
    # A plane of voxels is spanned by two of the grid's axes: slopes are those in voxel units.
    normal = np.abs(np.cross(along, around) @ grid.affine[:3, :3])
    nearest = normal.max(axis=-1)
    slope: Array = np.sqrt(np.maximum((normal**2).sum(axis=-1) - nearest**2, 0.0)) / np.maximum(nearest, 1e-12)
    return slope


def _smoothed(values: Array, sigma: float, *, axis: int, mode: str) -> Array:
    # 2 G(s) - G(sqrt2 s) has no second moment: rounded ends stay where they are.
    once = gaussian_filter1d(values, sigma, axis=axis, mode=mode)
    twice = gaussian_filter1d(values, sigma * np.sqrt(2.0), axis=axis, mode=mode)
    result: Array = 2.0 * once - twice
    return result
