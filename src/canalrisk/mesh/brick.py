"""Bricks of hexahedra."""

from __future__ import annotations

import numpy as np

from canalrisk.mesh.hexmesh import Array, HexMesh, lateral_quads


def brick(divisions: tuple[int, int, int], *, size: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> HexMesh:
    """Brick from the origin of nx x ny x nz equal hexahedra.

    Parameters
    ----------
    divisions : (nx, ny, nz)
        Numbers of hexahedra along the edges.
    size : (float, float, float)
        Lengths of the edges, mm.

    Returns
    -------
    HexMesh
        As `rectilinear`.
    """
    return rectilinear(*(np.linspace(0.0, s, n + 1) for s, n in zip(size, divisions, strict=True)))


def rectilinear(x: Array, y: Array, z: Array) -> HexMesh:
    """Brick of hexahedra between given planes, swept along z.

    Parameters
    ----------
    x, y, z : (n,) ndarray
        Increasing coordinates of the planes, mm.

    Returns
    -------
    HexMesh
        With node sets ``x0``, ``x1``, ``y0``, ... for its six faces.
    """
    grid = np.stack(np.meshgrid(z, y, x, indexing="ij"), axis=-1)[..., ::-1].reshape(-1, 3)
    section = len(x) * len(y)
    index = np.arange(len(grid)).reshape(len(z), len(y), len(x))
    low = np.stack([index[:-1, :-1, :-1], index[:-1, :-1, 1:], index[:-1, 1:, 1:], index[:-1, 1:, :-1]], axis=-1)
    cells = np.concatenate([low, low + section], axis=-1).reshape(-1, 8)
    faces = {
        f"{name}{k}": np.flatnonzero(grid[:, axis] == planes[-k])
        for axis, (name, planes) in enumerate(zip("xyz", (x, y, z), strict=True))
        for k in (0, 1)
    }
    surface = lateral_quads(cells, section_size=section, n_sections=len(z))
    return HexMesh(np.ascontiguousarray(grid), np.ascontiguousarray(cells, np.int64), surface, faces, section, len(z))
