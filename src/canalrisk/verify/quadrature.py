"""Gauss quadrature of loads over cells and faces, independent of the element's own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from canalrisk.mesh.hexmesh import HexMesh
from canalrisk.verify.core import Array, Index


def gauss(points: int, dimensions: int) -> tuple[Array, Array]:
    """Gauss points (q, d) and weights (q,) of the reference square or cube [-1, 1]^d."""
    line, weight = np.polynomial.legendre.leggauss(points)
    grid = np.stack(np.meshgrid(*[line] * dimensions, indexing="ij"), axis=-1).reshape(-1, dimensions)
    weights = np.prod(np.stack(np.meshgrid(*[weight] * dimensions, indexing="ij"), axis=-1), axis=-1).ravel()
    return grid, weights


_CORNERS = np.array(
    [(-1, -1, -1), (1, -1, -1), (1, 1, -1), (-1, 1, -1), (-1, -1, 1), (1, -1, 1), (1, 1, 1), (-1, 1, 1)]
)


def shape(local: Array) -> tuple[Array, Array]:
    """Multilinear shape functions (q, a) and slopes (q, a, d) on the square or cube, written out once more."""
    d = local.shape[1]
    corners = _CORNERS[: 2**d, :d]
    factor = 1.0 + local[:, None, :] * corners
    slopes = np.stack(
        [corners[:, k] * np.prod(np.delete(factor, k, axis=2), axis=2) for k in range(d)], axis=-1
    )  # fmt: skip
    return np.prod(factor, axis=2) / 2**d, slopes / 2**d


def scatter(mesh: HexMesh, elements: Index, part: Array) -> Array:
    """Sum element vectors (e, a, 3) into nodal ones (n, 3)."""
    loads = np.zeros_like(mesh.points)
    np.add.at(loads, elements, part)
    return loads


def surface_loads(mesh: HexMesh, quads: Index, traction: Callable[[Array], Array]) -> Array:
    """Consistent nodal loads (n, 3) of a traction per reference area (..., 3) on quads, 4 x 4 Gauss points."""
    local, weights = gauss(4, 2)
    values, slopes = shape(local)
    corners = mesh.points[quads]
    where = np.einsum("qa,eai->eqi", values, corners)
    tangents = np.einsum("eai,qaj->eqij", corners, slopes)
    area = weights * np.linalg.norm(np.cross(tangents[..., 0], tangents[..., 1]), axis=-1)
    return scatter(mesh, quads, np.einsum("eq,qa,eqi->eai", area, values, traction(where)))
