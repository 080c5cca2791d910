"""Polygons cut from the deformed cord surface by fixed planes, as an MRI slice would."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from canalrisk.mesh import HexMesh

Array = NDArray[np.float64]


def cut_sections(mesh: HexMesh, points: Array, *, origins: Array, right: Array, anterior: Array) -> Array:
    """Intersect the cord's surface with planes.

    Parameters
    ----------
    mesh : HexMesh
        Swept mesh; its ring gives r surface lines that run along the cord.
    points : (n, 3) ndarray
        Node positions, mm (deformed or not).
    origins, right, anterior : (p, 3) ndarray
        Planes and their unit axes.

    Returns
    -------
    (p, r, 2) ndarray
        Polygon in plane coordinates (right, anterior), mm; NaN where a surface line does not cross the plane.
    """
    lines = points.reshape(mesh.n_sections, mesh.section_size, 3)[:, mesh.ring]
    normal = np.cross(right, anterior)
    polygons = np.full((len(origins), len(mesh.ring), 2), np.nan)
    columns = np.arange(len(mesh.ring))
    for plane, (origin, axis) in enumerate(zip(origins, normal, strict=True)):
        height = (lines - origin) @ axis
        crossing = (height[:-1] <= 0) & (height[1:] > 0)
        # A strongly curved tube crosses a plane again far away: keep the crossing nearest the origin.
        distance = np.where(crossing, np.linalg.norm(lines[:-1] - origin, axis=2), np.inf)
        layer = distance.argmin(axis=0)
        if not crossing[layer, columns].all():
            continue
        low, high = height[layer, columns], height[layer + 1, columns]
        part = (low / (low - high))[:, None]
        hit = (1.0 - part) * lines[layer, columns] + part * lines[layer + 1, columns] - origin
        polygons[plane] = np.stack((hit @ right[plane], hit @ anterior[plane]), axis=-1)
    return polygons


def polygon_area(polygons: Array) -> Array:
    """Areas (p,) of polygons (p, r, 2), counter-clockwise positive."""
    x, y = polygons[..., 0], polygons[..., 1]
    area: Array = 0.5 * (x * np.roll(y, -1, axis=-1) - np.roll(x, -1, axis=-1) * y).sum(axis=-1)
    return area


def compression_ratio(polygons: Array) -> Array:
    """AP extent over RL extent, (p,), of polygons (p, r, 2)."""
    extent = polygons.max(axis=1) - polygons.min(axis=1)
    ratio: Array = extent[:, 1] / extent[:, 0]
    return ratio
