"""Closed-form bodies and grids to voxelise them on."""

from __future__ import annotations

import numpy as np

from canalrisk.field import Grid

SPACINGS = {"0.5": (0.5, 0.5, 0.5), "0.8": (0.8, 0.8, 0.8), "0.3": (0.3, 0.3, 0.3), "slices": (0.4, 0.4, 1.5)}


def rotation(seed):
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return matrix


def cube_grid(spacing, *, half=13.0, turn=None, flip=(1, 1, 1)):
    """Grid centred near the origin, optionally rotated and with flipped axes."""
    spacing = np.asarray(spacing, float)
    shape = tuple(int(np.ceil(2 * half / s)) for s in spacing)
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) if turn is None else turn) * spacing * np.asarray(flip)
    affine[:3, 3] = -affine[:3, :3] @ ((np.array(shape) - 1) / 2) + [0.03, -0.05, 0.02]
    return Grid(shape, affine)


def within_voxel(n=512):
    """Points (n, 3) spread evenly over a voxel, in voxels from its centre; no two on one plane along the axes.

    Kronecker sequence of the root 1.2207 of x^4 = x + 1 (the golden ratio's like in three dimensions).
    """
    root = 1.2207440846057596
    return (0.5 + np.arange(n)[:, None] * root ** -np.arange(1.0, 4.0)) % 1.0 - 0.5


def world(grid):
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), axis=-1)
    return grid.to_world(index)


def sphere(points, radius, centre=(0.13, 0.21, -0.07)):
    """Exact signed distance."""
    return np.linalg.norm(points - np.asarray(centre), axis=-1) - radius


def tube(points, radius, axis, *, half=8.0, centre=(0.11, -0.17, 0.23)):
    """Exact signed distance of a round-ended tube (volume pi r^2 2h + 4/3 pi r^3)."""
    axis = np.asarray(axis, float) / np.linalg.norm(axis)
    offset = points - np.asarray(centre)
    along = np.clip(offset @ axis, -half, half)
    return np.linalg.norm(offset - along[..., None] * axis, axis=-1) - radius


def tube_wall(radius, axis, *, half=8.0, centre=(0.11, -0.17, 0.23), seed=0, n=2000):
    """Points on the tube's cylindrical wall."""
    rng = np.random.default_rng(seed)
    axis = np.asarray(axis, float) / np.linalg.norm(axis)
    u = np.cross(axis, [0.3, 0.5, 0.8])
    u /= np.linalg.norm(u)
    v = np.cross(axis, u)
    angle, along = rng.uniform(0, 2 * np.pi, n), rng.uniform(-half, half, n)
    ring = np.cos(angle)[:, None] * u + np.sin(angle)[:, None] * v
    return np.asarray(centre) + along[:, None] * axis + radius * ring


def ellipsoid_level(points, axes, turn):
    """Level-set function of an ellipsoid (not a distance)."""
    return np.linalg.norm((points @ turn.T) / np.asarray(axes), axis=-1) - 1.0


def slab(points, thickness, normal, *, extent=7.0):
    """Square plate: negative inside."""
    normal = np.asarray(normal, float) / np.linalg.norm(normal)
    basis, _ = np.linalg.qr(np.column_stack([normal, np.eye(3)[:, :2] + 0.1]))
    local = np.abs((points - 0.05) @ basis)
    return np.max(local - np.array([thickness / 2, extent, extent]), axis=-1)
