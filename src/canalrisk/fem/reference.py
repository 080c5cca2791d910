"""Shape functions, quadrature and reference geometry of hexahedra and surface quads."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_HEX = np.array(
    [(-1, -1, -1), (1, -1, -1), (1, 1, -1), (-1, 1, -1), (-1, -1, 1), (1, -1, 1), (1, 1, 1), (-1, 1, 1)], float
)
_QUAD = _HEX[:4, :2]
GAUSS = 1.0 / np.sqrt(3.0)


def hex_shape(xi: Array) -> Array:
    """Trilinear shape functions (q, 8) at local points `xi` (q, 3)."""
    values: Array = np.prod(1.0 + xi[:, None, :] * _HEX, axis=-1) / 8.0
    return values


def _slopes(xi: Array, corners: Array) -> Array:
    """Differentiate: (q, nodes, d) of the multilinear shape functions of `corners` (nodes, d)."""
    factors = 1.0 + xi[:, None, :] * corners
    out = np.empty((len(xi), *corners.shape))
    for axis in range(corners.shape[1]):
        others = [k for k in range(corners.shape[1]) if k != axis]
        out[:, :, axis] = corners[:, axis] * np.prod(factors[:, :, others], axis=-1) / len(corners)
    return out


def quad_shape(xi: Array) -> Array:
    """Bilinear shape functions (q, 4) at local points `xi` (q, 2)."""
    values: Array = np.prod(1.0 + xi[:, None, :] * _QUAD, axis=-1) / 4.0
    return values


def quadrature_points(points: Array, cells: Index) -> Array:
    """World positions (m, 8, 3) of the 2 x 2 x 2 Gauss points; point q lies towards VTK corner q."""
    positions: Array = np.einsum("qa,eai->eqi", hex_shape(GAUSS * _HEX), points[cells])
    return positions


def hex_gradients(points: Array, cells: Index) -> tuple[Array, Array]:
    """Return reference gradients (m, 8, 3, 8: point, axis, node), 1/mm, and weights (m, 8), mm3."""
    slopes = _slopes(GAUSS * _HEX, _HEX)
    jacobian = np.einsum("eai,qaj->eqij", points[cells], slopes)
    gradients = np.einsum("eqji,qaj->eqia", np.linalg.inv(jacobian), slopes)
    return np.ascontiguousarray(gradients), np.linalg.det(jacobian)


def quad_rule(points: int) -> Array:
    """Local points (points^2, 2) of the Gauss rule with 2 or 3 points per direction."""
    line = np.array((-GAUSS, GAUSS)) if points == 2 else np.sqrt(0.6) * np.array((-1.0, 0.0, 1.0))
    if points == 2:
        corners: Array = GAUSS * _QUAD
        return corners
    grid: Array = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    return grid


def quad_areas(points: Array, quads: Index, *, rule: int) -> Array:
    """Return reference areas (k, rule^2) of the points of `quad_rule`, mm2."""
    line = np.ones(2) if rule == 2 else np.array((5.0, 8.0, 5.0)) / 9.0
    tangents = np.einsum("eai,qaj->eqij", points[quads], _slopes(quad_rule(rule), _QUAD))
    size: Array = np.linalg.norm(np.cross(tangents[..., 0], tangents[..., 1]), axis=-1)
    return np.ascontiguousarray(size * np.outer(line, line).ravel())


def quad_gradients(points: Array, quads: Index) -> tuple[Array, Array]:
    """Surface gradients (k, 4, 2, 4: point, tangent axis, node) and reference areas (k, 4) of 2 x 2 points.

    The two tangent axes of each point are orthonormal.
    """
    slopes = _slopes(quad_rule(2), _QUAD)
    tangents = np.einsum("eai,qaj->eqij", points[quads], slopes)
    first = tangents[..., 0] / np.linalg.norm(tangents[..., 0], axis=-1, keepdims=True)
    normal = np.cross(tangents[..., 0], tangents[..., 1])
    areas = np.linalg.norm(normal, axis=-1)
    second = np.cross(normal / areas[..., None], first)
    frame = np.stack((first, second), axis=-2)
    jacobian = frame @ tangents
    gradients = np.einsum("eqji,qaj->eqia", np.linalg.inv(jacobian), slopes)
    return np.ascontiguousarray(gradients), areas
