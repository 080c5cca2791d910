"""Foramen stations: sections across the root's path where bone closes the free space all round."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.ndimage import uniform_filter1d

from canalrisk.anatomy.sections import curve_coordinates, offsets, sample_planes
from canalrisk.anatomy.spine import Array, Centreline, Distance, Foramen
from canalrisk.field.grid import Grid
from canalrisk.morphometry.closing import NEAR_PATH_MM, closed_levels, extent, largest_piece, mean_area

HALF_MM = 14.0
STEP_MM = 0.25
# Sections lie this far apart, from the canal's edge outwards to the end of the path.
APART_MM = 0.5
_LONGEST_MM = 12.0
_FINE_MM = 0.1
# The foramen's own width, that clefts are compared with, is the mean over this much of the path.
_ROOM_OVER_MM = 2.0
# The foramen ends at the facet's outer edge: what closes again this much further out is another space.
_GAP_MM = 1.5


@dataclass(frozen=True, eq=False)
class Stations:
    """Closed sections of one foramen before the mass.

    `place` (k,) mm along the path; `points` (k, m, m, 3) mm; `wall` (k, n, m, m) level sets, mm, negative in the
    section, one per cleft share (`canalrisk.morphometry.closing`); `tissue` (k, m, m) mm, negative in the soft tissue
    that bounds the soft-tissue variant; `area` (k,) mm2; `height`, `width` (k,) mm; `looked` sections in all, of
    which those that are open or blocked are left out.
    """

    place: Array
    points: Array
    wall: Array
    tissue: Array
    area: Array
    height: Array
    width: Array
    looked: int = 0


def find_stations(foramen: Foramen, *, wall: tuple[Distance, ...], canal: Distance, grid: Grid) -> Stations:
    """Cut a foramen across its root's path and keep the closed sections.

    Parameters
    ----------
    foramen : Foramen
        With its path and pedicle centres.
    wall : tuple of (nx, ny, nz) ndarray
        Signed distances of what bounds the foramen (bone, discs), mm.
    canal : (nx, ny, nz) ndarray
        Signed distance of the canal, mm: the first section lies where the path leaves it.
    grid : Grid
        Their grid.

    Returns
    -------
    Stations
        Possibly none.
    """
    place, centre, tangent = _beyond_canal(foramen.path, canal, grid=grid)
    upright = foramen.pedicle_above - foramen.pedicle_below
    up = upright - (tangent @ upright)[:, None] * tangent
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    across = np.cross(tangent, up)

    def free(t: Array) -> tuple[Array, Array]:
        points = (
            centre[:, None, None]
            + t[None, :, None, None] * up[:, None, None]
            + t[None, None, :, None] * across[:, None, None]
        )
        return points, np.minimum.reduce([sample_planes(part, grid=grid, points=points) for part in wall])

    fine = offsets(NEAR_PATH_MM, _FINE_MM)
    near = np.hypot(fine[:, None], fine[None, :]) <= NEAR_PATH_MM
    room = np.where(near, free(fine)[1], -np.inf).max(axis=(1, 2))
    room = uniform_filter1d(room, round(_ROOM_OVER_MM / APART_MM) + 1, mode="nearest")
    t = offsets(HALF_MM, STEP_MM)
    points, distance = free(t)
    closed, level = closed_levels(distance, room, np.hypot(t[:, None], t[None, :]), step=STEP_MM)
    run = _first_run(place[closed])
    closed, level = closed[run], level[run]
    area = np.array([mean_area(planes, step=STEP_MM) for planes in level])
    size = np.array([extent(planes, step=STEP_MM) for planes in level]).reshape(-1, 2)
    tissue = np.full((len(closed), len(t), len(t)), np.inf)
    return Stations(place[closed], points[closed], level, tissue, area, size[:, 0], size[:, 1], len(place))


def _beyond_canal(path: Array, canal: Distance, *, grid: Grid) -> tuple[Array, Array, Array]:
    """Distance along the path (k,), point and tangent (k, 3) of the sections from the canal's edge outwards."""
    arc = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))))
    depth = sample_planes(canal, grid=grid, points=path)
    inside = np.flatnonzero(depth <= 0)
    start = 0.0
    if len(inside) and inside[-1] + 1 < len(path):
        # Where it leaves the canal between two points: the sections must not hang on where the path's points fall.
        i = int(inside[-1])
        start = arc[i] + (arc[i + 1] - arc[i]) * depth[i] / (depth[i] - depth[i + 1])
    place = np.arange(start, min(arc[-1], start + _LONGEST_MM), APART_MM)
    tangent = np.gradient(path, arc, axis=0)
    centre, way = (np.stack([np.interp(place, arc, part[:, k]) for k in range(3)], axis=1) for part in (path, tangent))
    return place, centre, way / np.linalg.norm(way, axis=1, keepdims=True)


def _first_run(place: Array) -> slice:
    """Keep closed sections up to the first gap that is longer than `_GAP_MM`, once there are three."""
    breaks = np.flatnonzero(np.diff(place) > _GAP_MM + 0.01) + 1
    first = 0
    for end in (*breaks.tolist(), len(place)):
        if end - first >= 3:
            return slice(first, end)
        first = end
    return slice(breaks[-1] if len(breaks) else 0, len(place))


def mirrored(stations: Stations, *, line: Centreline) -> Stations:
    """Reflect stations in the mid-sagittal plane of the centreline's frame: the other side stands for this one."""
    points = stations.points.reshape(-1, 3)
    if not len(points):
        return stations
    _, right, _, nearest = curve_coordinates(line, points)
    moved = points - 2.0 * right[:, None] * line.right[nearest]
    return replace(stations, points=moved.reshape(stations.points.shape))


def without(stations: Stations) -> Stations:
    """Give no station at all: nothing can be measured."""
    empty = {part.name: getattr(stations, part.name)[:0] for part in fields(stations) if part.name != "looked"}
    return Stations(**empty, looked=stations.looked)


def bounded_by_tissue(stations: Stations) -> Stations:
    """Sections less the soft tissue in them: the largest piece left of each (area, height and width as well)."""
    wall, area = stations.wall.copy(), stations.area.copy()
    size = np.stack((stations.height, stations.width), axis=1)
    for k in _reached(stations, stations.tissue):
        wall[k] = largest_piece(np.maximum(wall[k], -stations.tissue[k]), step=STEP_MM)
        area[k] = min(mean_area(wall[k], step=STEP_MM), area[k])
        size[k] = extent(wall[k], step=STEP_MM)
    return replace(stations, wall=wall, area=area, height=size[:, 0], width=size[:, 1])


def less_mass(stations: Stations, mass: Distance | None, *, grid: Grid) -> Stations:
    """Sections less a mass: the largest piece left of each (area, height and width as well).

    A station that the mass does not reach keeps exactly what it had without mass.
    """
    if mass is None or not len(stations.place):
        return stations
    tissue = sample_planes(mass, grid=grid, points=stations.points)
    return bounded_by_tissue(replace(stations, tissue=tissue))


def _reached(stations: Stations, tissue: Array) -> list[int]:
    return [
        k
        for k in range(len(stations.place))
        if tissue[k][(stations.wall[k] < STEP_MM).any(axis=0)].min() <= 2 * STEP_MM
    ]


def over_thickness(area: Array, place: Array) -> Array:
    """Mean area (k,) mm2 over 1 mm of path about each station: one 0.5 mm cut carries the voxels' noise."""
    mean = np.empty_like(area)
    for k in range(len(area)):
        mean[k] = area[np.abs(place - place[k]) < 0.75].mean()
    return mean


def least(mean: Array) -> tuple[int, float]:
    """Narrowest station and the least of the parabola through its area and its two neighbours' (mm2).

    The stations' places along the path shift with the canal's edge: the least between them does not.
    """
    k = int(np.argmin(mean))
    if 0 < k < len(mean) - 1:
        rise, fall = mean[k + 1] - mean[k], mean[k - 1] - mean[k]
        if rise + fall > 0:
            return k, max(0.0, float(mean[k] - (rise - fall) ** 2 / (8.0 * (rise + fall))))
    return k, float(mean[k])
