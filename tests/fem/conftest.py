from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from canalrisk.fem import System
from canalrisk.field import Grid, Spline, fit_spline
from canalrisk.mesh import HexMesh, brick


def block(nx: int, ny: int, nz: int, *, size: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> HexMesh:
    """Brick of nx x ny x nz hexahedra swept along z."""
    return brick((nx, ny, nz), size=size)


def dense_matrix(system: System) -> np.ndarray:
    """Return the whole matrix last formed."""
    p = system.pattern
    n = len(p.order)
    full = np.zeros((n, 3, n, 3))
    for i in range(n):
        for k in range(p.pointer[i], p.pointer[i + 1]):
            a, b = p.order[i], p.order[p.column[k]]
            full[a, :, b, :] = system.matrix[k].reshape(3, 3)
            full[b, :, a, :] = system.matrix[k].reshape(3, 3).T
    return full.reshape(3 * n, 3 * n)


def field(function: Callable[..., np.ndarray], *, half: float = 10.0, spacing: float = 0.5) -> Spline:
    """Spline of an analytic function of x, y, z on a cube of half edge `half` mm."""
    n = round(2 * half / spacing) + 1
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = -half
    grid = Grid((n, n, n), affine)
    points = grid.to_world(np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1))
    return fit_spline(function(*np.moveaxis(points, -1, 0)), grid=grid)


@pytest.fixture(scope="session")
def sphere() -> Spline:
    return field(lambda x, y, z: np.sqrt(x**2 + y**2 + z**2 + 1e-12) - 3.0)


@pytest.fixture(scope="session")
def plane() -> Spline:
    """Field y: linear, so its spline is exact."""
    return field(lambda x, y, z: y + 0.0 * x)
