"""An independent check of a converged state: residual, penetration and J written anew in NumPy from the formulas.

Nothing of `canalrisk.fem` is used. Fields are given as voxel values and read by `scipy.ndimage.map_coordinates`; their
gradients are central differences of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates, spline_filter

HEX = np.array([(-1, -1, -1), (1, -1, -1), (1, 1, -1), (-1, 1, -1), (-1, -1, 1), (1, -1, 1), (1, 1, 1), (-1, 1, 1)])
QUAD = HEX[:4, :2]
G2 = 1 / np.sqrt(3.0)


@dataclass(frozen=True)
class Law:
    """Ogden, one term: 2 mu / alpha^2 (sum lbar^alpha - 3), U = kappa (J^2 - 1 - 2 ln J) / 4. alpha 2 is neo-Hooke."""

    mu: float
    alpha: float
    kappa: float


@dataclass(frozen=True)
class Sheet:
    """Tension-field membrane: relaxed plane-stress St Venant-Kirchhoff, `rest` of the full law kept."""

    quads: np.ndarray
    young: float
    poisson: float
    thickness: float
    rest: float


class Field:
    """Sign and voxel values of a signed distance on an axis-parallel grid, moved rigidly by `shift`, less `offset`."""

    def __init__(self, values, low, spacing, *, sign=1, shift=(0.0, 0.0, 0.0), offset=0.0):
        self._coefficients = spline_filter(np.asarray(values, float), order=3, mode="mirror")
        self._low, self._spacing = np.asarray(low, float) + shift, spacing
        self._sign, self._offset = sign, offset

    def gap(self, x):
        voxel = (np.asarray(x, float) - self._low) / self._spacing
        shape = np.array(self._coefficients.shape)
        inside = np.clip(voxel, 0, shape - 1)
        value = map_coordinates(self._coefficients, inside.reshape(-1, 3).T, order=3, mode="mirror", prefilter=False)
        return self._sign * value.reshape(x.shape[:-1]) - self._offset

    def gradient(self, x, h=1e-4):
        step = h * np.eye(3)
        return np.stack([(self.gap(x + s) - self.gap(x - s)) / (2 * h) for s in step], axis=-1)


def shape_and_slopes(corners, xi):
    """Multilinear shape functions (q, n) and slopes (q, n, d) at local points `xi` (q, d)."""
    factor = 1 + xi[:, None, :] * corners
    slopes = np.stack(
        [corners[:, k] * np.prod(np.delete(factor, k, axis=2), axis=2) for k in range(corners.shape[1])], axis=-1
    )
    return np.prod(factor, axis=2) / len(corners), slopes / len(corners)


def hexahedra(points, cells, u, laws, law_of_cell):
    """Forces (m, 8, 3) of mean-dilatation hexahedra and J at the 8 quadrature points and at the 8 corners."""
    forces = np.zeros((len(cells), 8, 3))
    dets = []
    for xi in (G2 * HEX, 1.0 * HEX):
        _, slopes = shape_and_slopes(HEX, xi)
        jacobian = np.einsum("eai,qaj->eqij", points[cells], slopes)
        gradient = np.einsum("qaj,eqji->eqai", slopes, np.linalg.inv(jacobian))
        f = np.eye(3) + np.einsum("eai,eqaj->eqij", u[cells], gradient)
        dets.append(np.linalg.det(f))
        if len(dets) == 1:
            weight, points_f, points_g = np.linalg.det(jacobian), f, gradient
    j = dets[0]
    volume = weight.sum(axis=1)
    theta = (weight * j).sum(axis=1) / volume
    left, stretch, right = np.linalg.svd(points_f)
    # det F > 0: the reflections of both factors cancel.
    mu, alpha, kappa = (np.array([getattr(laws[k], n) for k in law_of_cell]) for n in ("mu", "alpha", "kappa"))
    power = (stretch * j[..., None] ** (-1 / 3)) ** alpha[:, None, None]
    slope = (2 * mu / alpha)[:, None, None] * (power - power.mean(axis=-1, keepdims=True)) / stretch
    piola = np.einsum("eqia,eqa,eqaj->eqij", left, slope, right)
    pressure = kappa / 2 * (theta - 1 / theta)
    cofactor = j[..., None, None] * np.swapaxes(np.linalg.inv(points_f), -1, -2)
    piola = piola + pressure[:, None, None, None] * cofactor
    forces = np.einsum("eq,eqij,eqaj->eai", weight, piola, points_g)
    return forces, dets[0], dets[1]


def surface_points(points, quads, xi):
    """Shape functions (q, 4), tangents (f, q, 3, 2) and areas (f, q) of quads."""
    shape, slopes = shape_and_slopes(QUAD, xi)
    tangent = np.einsum("fai,qaj->fqij", points[quads], slopes)
    return shape, slopes, tangent, np.linalg.norm(np.cross(tangent[..., 0], tangent[..., 1]), axis=-1)


def sheet_forces(points, u, sheet):
    """Forces (k, 4, 3) of a tension-field membrane."""
    _, slopes, tangent, area = surface_points(points, sheet.quads, G2 * QUAD)
    # Orthonormal frame of the reference tangent plane.
    frame, upper = np.linalg.qr(tangent)
    gradient = np.einsum("qaj,fqjk->fqak", slopes, np.linalg.inv(upper))
    f = np.einsum("fai,fqak->fqik", (points + u)[sheet.quads], gradient)
    strain = 0.5 * (np.einsum("fqik,fqil->fqkl", f, f) - np.eye(2))
    value, axis = np.linalg.eigh(strain)
    low, high = value[..., 0], value[..., 1]
    plane = sheet.young / (1 - sheet.poisson**2)
    trace = low + high
    full = plane * ((1 - sheet.poisson) * strain + sheet.poisson * trace[..., None, None] * np.eye(2))
    n = axis[..., 1]
    uniaxial = sheet.young * high[..., None, None] * n[..., :, None] * n[..., None, :]
    taut = low + sheet.poisson * high > 0
    relaxed = np.where(taut[..., None, None], full, np.where((high > 0)[..., None, None], uniaxial, 0.0))
    stress = sheet.thickness * (sheet.rest * full + (1 - sheet.rest) * relaxed)
    del frame
    return np.einsum("fq,fqik,fqkl,fqal->fai", area, f, stress, gradient)


@dataclass(frozen=True)
class Verdict:
    """What the checker found: see `check`."""

    residual: float
    least_jacobian: float
    least_corner: float
    penetration: float
    penetration_3x3: float
    deepest_node: float
    widest_open: float
    least_pressure: float


def check(points, cells, u, *, laws, law_of_cell, sheets, springs, fixed, quads, fields, pressures):
    """Recompute a state that is claimed to be an equilibrium.

    `pressures` (f, 4) are the claimed contact pressures at the 2 x 2 points of `quads`, per field.

    residual: free forces over all element forces, Euclidean; least_jacobian, least_corner: J at quadrature points
    and corners; penetration at the 2 x 2 points, on 3 x 3 points, and of any node of the body, mm; widest_open:
    greatest gap, mm, of a point that carries pressure; least_pressure, MPa.
    """
    total = np.zeros_like(points)
    square = 0.0

    def add(nodes, forces):
        nonlocal square
        np.add.at(total, nodes, forces)
        square += float((forces**2).sum())

    forces, j, corner = hexahedra(points, cells, u, laws, law_of_cell)
    add(cells, forces)
    for sheet in sheets:
        add(sheet.quads, sheet_forces(points, u, sheet))
    shape, _, _, area = surface_points(points, quads, G2 * QUAD)
    nine = np.sqrt(0.6) * np.array([(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)])
    shape9 = surface_points(points, quads, nine)[0]
    x = (points + u)[quads]
    at, at9 = np.einsum("qa,fai->fqi", shape, x), np.einsum("qa,fai->fqi", shape9, x)
    depth = depth9 = node = opened = 0.0
    contact = np.zeros((len(quads), 4, 3))
    for field, pressure in zip(fields, pressures, strict=True):
        gap = field.gap(at)
        depth, depth9 = max(depth, -gap.min()), max(depth9, -field.gap(at9).min())
        node = max(node, -field.gap(points + u).min())
        opened = max(opened, float(gap[pressure > 0].max(initial=0.0)))
        contact -= np.einsum("fq,fq,fqi,qa->fai", pressure, area, field.gradient(at), shape)
    add(quads, contact)
    nodes, directions, stiffness = springs
    stretch = np.einsum("si,si->s", directions, u[nodes])
    np.add.at(total, nodes, (stiffness * stretch)[:, None] * directions)
    free = np.ones(total.size, bool)
    free[fixed] = False
    return Verdict(
        residual=float(np.linalg.norm(total.ravel()[free]) / np.sqrt(square)),
        least_jacobian=float(j.min()),
        least_corner=float(corner.min()),
        penetration=depth,
        penetration_3x3=depth9,
        deepest_node=node,
        widest_open=opened,
        least_pressure=float(min(p.min() for p in pressures)),
    )
