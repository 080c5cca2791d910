"""Measuring on labels, independent of the package's own morphometry."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import distance_transform_edt, map_coordinates
from scipy.ndimage import label as components

from canalrisk.phantom import STATIONS

STEP = 0.1


def section(model, labelmap, station, values):
    """Area mm2, AP and RL mm of some labels in the plane across the canal at a station."""
    at = int(np.argmin(np.abs(model.curve.s - model.curve.stations[STATIONS.index(station)])))
    centre, up = np.array([0.0, *model.curve.points[at]]), np.array([0.0, *model.curve.tangent[at]])
    front = np.array([0.0, up[2], -up[1]])
    u = np.arange(-18.0, 18.0 + STEP / 2, STEP)
    plane = centre + u[:, None, None] * np.array([1.0, 0.0, 0.0]) + u[None, :, None] * front
    inside = np.isin(nearest(labelmap.labels, labelmap.grid, plane), values)
    return inside.sum() * STEP**2, np.ptp(u[inside.any(axis=0)]) + STEP, np.ptp(u[inside.any(axis=1)]) + STEP


def foramen_size(model, labelmap, channel):
    """Least free area, with height and width there, over planes across the foramen's axis."""
    up = channel.up - channel.direction * (channel.up @ channel.direction)
    up /= np.linalg.norm(up)
    across = np.cross(up, channel.direction)
    step = 0.2
    u = np.arange(-12.0, 12.0 + step / 2, step)
    middle = len(u) // 2
    best = (np.inf, 0.0, 0.0)
    for t in np.arange(-1.0, 6.5, 0.5):
        plane = channel.centre + t * channel.direction + u[:, None, None] * across + u[None, :, None] * up
        values = nearest(labelmap.labels, labelmap.grid, plane)
        solid = ((values > 0) & (values <= 8)) | ((values >= 102) & (values <= 107)) | (values == 63)
        # Joint gaps lead out of the foramen: they are closed by opening the free space with a 1 mm disc.
        core, _ = components(distance_transform_edt(~solid) * step > 1.0)
        if core[middle, middle] == 0:
            continue
        free = (distance_transform_edt(core != core[middle, middle]) * step < 1.2) & ~solid
        closed = not (free[0].any() or free[-1].any() or free[:, 0].any() or free[:, -1].any())
        if closed and free.sum() * step**2 < best[0]:
            wide = float(np.median([run(free[:, middle + k], middle) for k in range(-7, 8)])) * step
            best = (free.sum() * step**2, run(free[middle], middle) * step, wide)
    return best


def run(line, middle):
    """Length in samples of the True run around `middle`."""
    low = high = middle
    while low > 0 and line[low - 1]:
        low -= 1
    while high < len(line) - 1 and line[high + 1]:
        high += 1
    return high - low + 1


def nearest(values, grid, points):
    """Label at world points of any shape (..., 3)."""
    voxels = grid.to_voxel(points.reshape(-1, 3)).T
    return map_coordinates(values, voxels, order=0, mode="constant").reshape(points.shape[:-1])
