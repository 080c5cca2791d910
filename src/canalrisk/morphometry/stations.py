"""Foramen stations: sections across the root's path where bone closes the free space all round."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from canalrisk.anatomy.sections import curve_coordinates, offsets, plane_moments, sample_planes
from canalrisk.anatomy.spine import Array, Centreline, Distance, Foramen
from canalrisk.field.grid import Grid

HALF_MM = 14.0
STEP_MM = 0.4
# A section whose free space reaches this far from the path is open.
OPEN_MM = 12.0
# Clefts (facet and uncovertebral joints: cartilage and capsule are seldom segmented) narrower than this share of
# the foramen's own width, and than 4.4 mm, are no way out and no room for a root. The area is the mean over the
# shares, so that a cleft just at one of them does not make it jump.
CLEFT_SHARES = (0.65, 0.7, 0.75, 0.8, 0.85)
WIDEST_CLEFT_MM = 4.4


@dataclass(frozen=True, eq=False)
class Stations:
    """Closed sections of one foramen before the mass.

    `place` (k,) mm along the path; `points` (k, m, m, 3) mm; `wall` (k, m, m) level set, negative in free
    space; `keep` (k, 5, m, m) nodes of the free component per cleft share; `area` (k,) mm2; `height`, `width` (k,) mm.
    """

    place: Array
    points: Array
    wall: Array
    keep: NDArray[np.bool_]
    area: Array
    height: Array
    width: Array


def find_stations(foramen: Foramen, *, wall: tuple[Distance, ...], canal: Distance, grid: Grid) -> Stations:
    """Cut a foramen across its root's path and keep the closed sections.

    Parameters
    ----------
    foramen : Foramen
        With its path and pedicle centres.
    wall : tuple of (nx, ny, nz) ndarray
        Signed distances of what bounds the foramen (bone, discs), mm.
    canal : (nx, ny, nz) ndarray
        Signed distance of the canal, mm: a section whose free space runs into it is open.
    grid : Grid
        Their grid.

    Returns
    -------
    Stations
        Possibly none.
    """
    path = foramen.path
    tangent = np.gradient(path, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    outside = sample_planes(canal, grid=grid, points=path) > 0
    which = np.flatnonzero(outside)
    t = offsets(HALF_MM, STEP_MM)
    upright = foramen.pedicle_above - foramen.pedicle_below
    up = upright - (tangent[which] @ upright)[:, None] * tangent[which]
    up /= np.linalg.norm(up, axis=1, keepdims=True)
    across = np.cross(tangent[which], up)
    points = (
        path[which, None, None]
        + t[None, :, None, None] * up[:, None, None]
        + t[None, None, :, None] * across[:, None, None]
    )
    free = np.minimum.reduce([sample_planes(part, grid=grid, points=points) for part in wall])
    in_canal = sample_planes(canal, grid=grid, points=points) < 0
    radius = np.hypot(t[:, None], t[None, :])
    kept: list[tuple[int, NDArray[np.bool_]]] = []
    for k in range(len(which)):
        components = _components(free[k], in_canal[k], radius)
        if components is not None:
            kept.append((k, components))
    kept = _first_run(kept)
    rows = np.array([k for k, _ in kept], int)
    keep = np.array([components for _, components in kept], bool).reshape(-1, len(CLEFT_SHARES), len(t), len(t))
    level = -free[rows]
    area = np.array([_mean_area(level[i], keep[i]) for i in range(len(rows))])
    size = np.array([_extent(level[i], keep[i, -1]) for i in range(len(rows))]).reshape(-1, 2)
    return Stations(which[rows] * 0.5, points[rows], level, keep, area, size[:, 0], size[:, 1])


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
    return Stations(*(getattr(stations, part.name)[:0] for part in fields(stations)))


def free_area(stations: Stations, mass: Distance | None, *, grid: Grid) -> Array:
    """Free area (k,) mm2 of each station when a mass takes its part: the largest piece left.

    A station that the mass does not reach keeps exactly its area without mass.
    """
    if mass is None or not len(stations.place):
        return stations.area
    values = sample_planes(mass, grid=grid, points=stations.points)
    area = stations.area.copy()
    for k in range(len(area)):
        if values[k][stations.keep[k].any(axis=0)].min() > 2 * STEP_MM:
            continue
        level = np.maximum(stations.wall[k], -values[k])
        left = np.stack([_largest_piece(level, keep) for keep in stations.keep[k]])
        area[k] = min(_mean_area(level, left), stations.area[k])
    return area


def _mean_area(level: Array, keep: NDArray[np.bool_]) -> float:
    return float(plane_moments(np.repeat(level[None], len(keep), axis=0), step=STEP_MM, keep=keep)[0].mean())


def _largest_piece(level: Array, keep: NDArray[np.bool_]) -> NDArray[np.bool_]:
    pieces, count = ndimage.label((level < 0) & keep)
    if count < 2:
        return keep
    size = np.bincount(pieces.ravel())
    largest = pieces == 1 + int(np.argmax(size[1:]))
    # Nodes beside the piece carry the rest of its border cells; those of other pieces do not.
    near: NDArray[np.bool_] = keep & ndimage.binary_dilation(largest, iterations=2) & (largest | (pieces == 0))
    return near


def over_thickness(area: Array, place: Array) -> Array:
    """Mean area (k,) mm2 over 1 mm of path about each station: one 0.5 mm cut carries the voxels' noise."""
    mean = np.empty_like(area)
    for k in range(len(area)):
        mean[k] = area[np.abs(place - place[k]) < 0.75].mean()
    return mean


def _components(free: Array, in_canal: NDArray[np.bool_], radius: Array) -> NDArray[np.bool_] | None:
    """Nodes (5, m, m) of the free space around the path per cleft share; None where it is open or blocked."""
    room = float(free[radius < 2.0].max())
    found = []
    for share in CLEFT_SHARES:
        cleft = min(share * room, 0.5 * WIDEST_CLEFT_MM)
        if cleft < STEP_MM:
            return None
        labels, _ = ndimage.label((free > cleft) & (radius < HALF_MM))
        near = labels[radius < 2.0]
        near = near[near > 0]
        if not len(near):
            return None
        component = labels == np.bincount(near).argmax()
        if radius[component].max() > OPEN_MM or (component & in_canal).any():
            return None
        found.append(ndimage.distance_transform_edt(~component) * STEP_MM <= cleft + STEP_MM)
    return np.stack(found)


def _first_run(kept: list[tuple[int, NDArray[np.bool_]]]) -> list[tuple[int, NDArray[np.bool_]]]:
    # The foramen ends at the facet's outer edge: what closes again 1.5 mm further out is another space.
    run = kept[:1]
    for station in kept[1:]:
        if station[0] - run[-1][0] > 3:
            if len(run) >= 3:
                break
            run = []
        run.append(station)
    return run


def _extent(level: Array, keep: NDArray[np.bool_]) -> tuple[float, float]:
    """Height along the pedicle line and least width in its middle third, mm."""
    inside = (level < 0) & keep
    rows = np.flatnonzero(inside.any(axis=1))
    if len(rows) < 3:
        return 0.0, 0.0

    height = float(_lengths(level.T, keep.T).max())
    third = len(rows) // 3
    middle = rows[third : len(rows) - third]
    return height, float(_lengths(level[middle], keep[middle]).min())


def _lengths(level: Array, keep: NDArray[np.bool_]) -> Array:
    """Negative length of each row between kept nodes, mm, with linear crossings."""
    a, b = level[:, :-1], level[:, 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        part = np.where((a < 0) & (b < 0), 1.0, np.where((a < 0) | (b < 0), np.maximum(-a, -b) / np.abs(a - b), 0.0))
    total: Array = (part * (keep[:, :-1] | keep[:, 1:])).sum(axis=1) * STEP_MM
    return total
