"""Foramen stations: sections across the root's path where bone closes the free space all round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from canalrisk.anatomy.sections import offsets, plane_moments, sample_planes
from canalrisk.anatomy.spine import Array, Distance, Foramen
from canalrisk.field.grid import Grid

HALF_MM = 14.0
STEP_MM = 0.4
# A section whose free space reaches this far from the path is open.
OPEN_MM = 12.0
# Clefts (facet and uncovertebral joints: cartilage and capsule are seldom segmented) narrower than this share of
# the foramen's own width, and than 4 mm, are no way out and no room for a root.
CLEFT_SHARE = 0.7
WIDEST_CLEFT_MM = 4.0


@dataclass(frozen=True, eq=False)
class Stations:
    """Closed sections of one foramen before the mass.

    `place` (k,) mm along the path; `points` (k, m, m, 3) mm; `wall` (k, m, m) level set, negative in free
    space; `keep` (k, m, m) nodes of the free component; `area` (k,) mm2; `height`, `width` (k,) mm.
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
        component = _component(free[k], in_canal[k], radius)
        if component is not None:
            kept.append((k, component))
    rows = np.array([k for k, _ in kept], int)
    keep = np.array([component for _, component in kept], bool).reshape(len(rows), len(t), len(t))
    level = -free[rows]
    area, _ = plane_moments(level, step=STEP_MM, keep=keep) if len(rows) else (np.zeros(0), None)
    size = np.array([_extent(level[i], keep[i]) for i in range(len(rows))]).reshape(-1, 2)
    return Stations(which[rows] * 0.5, points[rows], level, keep, area, size[:, 0], size[:, 1])


def free_area(stations: Stations, mass: Distance | None, *, grid: Grid) -> Array:
    """Free area (k,) mm2 of each station when a mass takes its part: the largest piece left.

    A station that the mass does not reach keeps exactly its area without mass.
    """
    if mass is None or not len(stations.place):
        return stations.area
    values = sample_planes(mass, grid=grid, points=stations.points)
    area = stations.area.copy()
    for k in range(len(area)):
        if values[k][stations.keep[k]].min() > 2 * STEP_MM:
            continue
        level = np.maximum(stations.wall[k], -values[k])
        pieces, count = ndimage.label((level < 0) & stations.keep[k])
        found = [0.0]
        for piece in range(1, count + 1):
            keep = (
                stations.keep[k]
                & ndimage.binary_dilation(pieces == piece, iterations=2)
                & ((pieces == piece) | (pieces == 0))
            )
            found.append(float(plane_moments(level[None], step=STEP_MM, keep=keep[None])[0][0]))
        area[k] = min(max(found), stations.area[k])
    return area


def _component(free: Array, in_canal: NDArray[np.bool_], radius: Array) -> NDArray[np.bool_] | None:
    """Nodes of the free space around the path; None where it is open or blocked."""
    cleft = min(CLEFT_SHARE * float(free[radius < 2.0].max()), 0.5 * WIDEST_CLEFT_MM)
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
    distance = ndimage.distance_transform_edt(~component) * STEP_MM
    grown: NDArray[np.bool_] = distance <= cleft + 0.5 * STEP_MM
    return grown


def _extent(level: Array, keep: NDArray[np.bool_]) -> tuple[float, float]:
    """Height along the pedicle line and least width in its middle third, mm."""
    inside = (level < 0) & keep
    rows = np.flatnonzero(inside.any(axis=1))
    if len(rows) < 3:
        return 0.0, 0.0

    def length(values: Array, kept: NDArray[np.bool_]) -> float:
        total = 0.0
        for a, b, use in zip(values[:-1], values[1:], kept[:-1] | kept[1:], strict=True):
            if use and (a < 0 or b < 0):
                total += STEP_MM if (a < 0 and b < 0) else STEP_MM * max(-a, -b) / abs(a - b)
        return total

    height = max(length(level[:, j], keep[:, j]) for j in np.flatnonzero(inside.any(axis=0)))
    third = len(rows) // 3
    middle = rows[third : len(rows) - third]
    return height, min(length(level[i], keep[i]) for i in middle)
