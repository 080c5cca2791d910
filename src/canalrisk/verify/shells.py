"""Meshes of thick spheres and tubes by their planes of symmetry."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from canalrisk.mesh.hexmesh import HexMesh
from canalrisk.verify.core import rectilinear, swept


def octant(n: int, *, inner: float, outer: float, layers: int) -> HexMesh:
    """Eighth of a thick sphere, x, y, z >= 0: three patches of n x n quads (a cube's corner), swept radially, mm."""
    line = np.tan(0.25 * np.pi * np.linspace(0.0, 1.0, n + 1))
    s, t = np.meshgrid(line, line, indexing="ij")
    one = np.ones_like(s)
    patches = np.stack([np.stack(p, axis=-1) for p in ((one, s, t), (t, one, s), (s, t, one))]).reshape(-1, 3)
    rays = patches / np.linalg.norm(patches, axis=1, keepdims=True)
    _, first, number = np.unique(np.round(rays, 9), axis=0, return_index=True, return_inverse=True)
    index = number.reshape(3, n + 1, n + 1)
    quads = np.stack([index[:, :-1, :-1], index[:, 1:, :-1], index[:, 1:, 1:], index[:, :-1, 1:]], -1).reshape(-1, 4)
    size = len(first)
    radii = np.linspace(inner, outer, layers + 1)
    points = (radii[:, None, None] * rays[first]).reshape(-1, 3)
    points[np.abs(points) < 1e-12] = 0.0
    low = quads + size * np.arange(layers)[:, None, None]
    return swept(points, np.concatenate([low, low + size], axis=-1).reshape(-1, 8), size)


def quarter_tube(n: int, *, inner: float, outer: float, layers: int, thickness: float) -> HexMesh:
    """Quarter of a thick tube about z, x, y >= 0, one element of `thickness` along z, swept around, mm."""
    flat = rectilinear(
        np.array([0.0, thickness]), np.linspace(inner, outer, layers + 1), np.linspace(0.0, 0.5 * np.pi, n + 1)
    )
    height, radius, angle = flat.points.T
    points = np.stack((radius * np.cos(angle), radius * np.sin(angle), height), axis=-1)
    points[np.abs(points) < 1e-12] = 0.0
    return replace(flat, points=points)
