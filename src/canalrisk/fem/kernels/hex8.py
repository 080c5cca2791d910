"""Eight-node hexahedron with mean dilatation (Q1P0): energy, forces, tangent, one element at a time.

Simo, Taylor and Pister 1985: the total potential sum_q w_q psi_iso(F_q) + sum_q w_q U(v / V) with the element's
volume ratio v / V. Lanes are the eight quadrature points while stresses are computed, and the eight nodes while forces
and tangent are summed over the points.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from canalrisk._jit import kernel, part_kernel, pkernel
from canalrisk.fem.kernels.constitutive import ENERGY, RESPONSE, SCRATCH, STRESS, TANGENT
from canalrisk.fem.kernels.lanes import load, lowest, splat, store, total, transpose
from canalrisk.fem.kernels.response import element_response, element_volumetric

CHUNKS = 32
# Voigt number of a pair of axes.
VOIGT = np.array(((0, 3, 5), (3, 1, 4), (5, 4, 2)))
# Component blocks (i, j), i <= j, of the tangent.
FIRST_AXIS, SECOND_AXIS = np.array((0, 0, 0, 1, 1, 2)), np.array((0, 1, 2, 1, 2, 2))


@part_kernel
def determinant(f):
    """Return det F as lanes of tensors `f` (9, 8: row-major components)."""
    first = load(f, 0) * (load(f, 4) * load(f, 8) - load(f, 5) * load(f, 7))
    second = load(f, 1) * (load(f, 5) * load(f, 6) - load(f, 3) * load(f, 8))
    return first + second + load(f, 2) * (load(f, 3) * load(f, 7) - load(f, 4) * load(f, 6))


@part_kernel
def deformation(u, cells, gradients, e, turned, f):
    """Write F (9, 8: row-major components, lanes = points) of element `e`; `turned` (24, 8) is scratch. Return J."""
    for j in range(3):
        transpose(gradients, 24 * e + j, 3, turned, 8 * j)
    zero, one = splat(0.0), splat(1.0)
    f00, f01, f02 = one, zero, zero
    f10, f11, f12 = zero, one, zero
    f20, f21, f22 = zero, zero, one
    for a in range(8):
        node = cells[e, a]
        x, y, z = u[node, 0], u[node, 1], u[node, 2]
        p, q, r = load(turned, a), load(turned, 8 + a), load(turned, 16 + a)
        f00, f01, f02 = f00 + x * p, f01 + x * q, f02 + x * r
        f10, f11, f12 = f10 + y * p, f11 + y * q, f12 + y * r
        f20, f21, f22 = f20 + z * p, f21 + z * q, f22 + z * r
    store(f00, f, 0)
    store(f01, f, 1)
    store(f02, f, 2)
    store(f10, f, 3)
    store(f11, f, 4)
    store(f12, f, 5)
    store(f20, f, 6)
    store(f21, f, 7)
    store(f22, f, 8)
    return determinant(f)


@part_kernel
def _inverse_transpose(f, jacobian, t):
    """Write F^-T (9, 8): what a reference gradient is multiplied by."""
    inverse = 1.0 / jacobian
    for i in range(3):
        p, q = 3 * ((i + 1) % 3), 3 * ((i + 2) % 3)
        for j in range(3):
            k, n = (j + 1) % 3, (j + 2) % 3
            minor = load(f, p + k) * load(f, q + n) - load(f, p + n) * load(f, q + k)
            store(inverse * minor, t, 3 * i + j)


@part_kernel
def _press(response, pressure_j, tangent):
    """Add the mean pressure to stress and tangent."""
    for i in range(3):
        store(load(response, STRESS + i) + pressure_j, response, STRESS + i)
        if tangent:
            for j in range(3):
                k = TANGENT + 6 * i + j
                store(load(response, k) + pressure_j, response, k)
            k = TANGENT + 7 * i
            store(load(response, k) - 2.0 * pressure_j, response, k)
            k += 21
            store(load(response, k) - pressure_j, response, k)


@part_kernel
def _forces(response, weight, t, gradients, e, piola, local, force):
    """Nodal forces: the weighted sum over the points of first Piola stress times reference gradient."""
    for i in range(3):
        for j in range(3):
            p = load(response, STRESS + VOIGT[i, 0]) * load(t, j)
            p = load(response, STRESS + VOIGT[i, 1]) * load(t, 3 + j) + p
            p = load(response, STRESS + VOIGT[i, 2]) * load(t, 6 + j) + p
            store(weight * p, piola, 3 * i + j)
    x = y = z = splat(0.0)
    for q in range(8):
        for j in range(3):
            g = load(gradients, 24 * e + 3 * q + j)
            x = x + piola[j, q] * g
            y = y + piola[3 + j, q] * g
            z = z + piola[6 + j, q] * g
    store(x, local, 0)
    store(y, local, 1)
    store(z, local, 2)
    for a in range(8):
        for i in range(3):
            force[e, a, i] = local[i, a]


@part_kernel
def _moduli(response, weight, moduli):
    """Write w (c_ikjl + delta_ij tau_kl) of component block (i, j) to row 9 * block + 3 * k + l of `moduli` (54, 8)."""
    for block in range(6):
        i, j = FIRST_AXIS[block], SECOND_AXIS[block]
        for k in range(3):
            for n in range(3):
                value = load(response, TANGENT + 6 * VOIGT[i, k] + VOIGT[j, n])
                if i == j:
                    value = value + load(response, STRESS + VOIGT[k, n])
                store(weight * value, moduli, 9 * block + 3 * k + n)


@part_kernel
def _modes(moduli, t, gradients, e, wj, spatial, rows, mean):
    """Spatial gradients (24, 8: point and axis, nodes), stress rates (144, 8) and volume gradient (3, 8).

    Row 24 * block + 3 * q + k of `rows` is what spatial gradient k of a node is contracted with to give component
    block (i, j) of the tangent: the block's moduli times the spatial gradients.
    """
    m0 = m1 = m2 = splat(0.0)
    for q in range(8):
        row = 24 * e + 3 * q
        p, r, s = load(gradients, row), load(gradients, row + 1), load(gradients, row + 2)
        x = t[0, q] * p + t[1, q] * r + t[2, q] * s
        y = t[3, q] * p + t[4, q] * r + t[5, q] * s
        z = t[6, q] * p + t[7, q] * r + t[8, q] * s
        store(x, spatial, 3 * q)
        store(y, spatial, 3 * q + 1)
        store(z, spatial, 3 * q + 2)
        m0, m1, m2 = m0 + wj[0, q] * x, m1 + wj[0, q] * y, m2 + wj[0, q] * z
        for block in range(6):
            for k in range(3):
                c = 9 * block + 3 * k
                rate = moduli[c, q] * x + moduli[c + 1, q] * y + moduli[c + 2, q] * z
                store(rate, rows, 24 * block + 3 * q + k)
    store(m0, mean, 0)
    store(m1, mean, 1)
    store(m2, mean, 2)


@part_kernel
def _contract(spatial, rows, mean, curvature, local):
    """Component blocks (48, 8: block and node a, node b): modes, and the curvature of U times the volume gradients."""
    for block in range(6):
        i = FIRST_AXIS[block]
        across = curvature * load(mean, SECOND_AXIS[block])
        k0, k1, k2, k3 = mean[i, 0] * across, mean[i, 1] * across, mean[i, 2] * across, mean[i, 3] * across
        k4, k5, k6, k7 = mean[i, 4] * across, mean[i, 5] * across, mean[i, 6] * across, mean[i, 7] * across
        for m in range(24):
            v = load(rows, 24 * block + m)
            k0 = k0 + spatial[m, 0] * v
            k1 = k1 + spatial[m, 1] * v
            k2 = k2 + spatial[m, 2] * v
            k3 = k3 + spatial[m, 3] * v
            k4 = k4 + spatial[m, 4] * v
            k5 = k5 + spatial[m, 5] * v
            k6 = k6 + spatial[m, 6] * v
            k7 = k7 + spatial[m, 7] * v
        store(k0, local, 8 * block)
        store(k1, local, 8 * block + 1)
        store(k2, local, 8 * block + 2)
        store(k3, local, 8 * block + 3)
        store(k4, local, 8 * block + 4)
        store(k5, local, 8 * block + 5)
        store(k6, local, 8 * block + 6)
        store(k7, local, 8 * block + 7)


@part_kernel
def _store_tangent(local, out):
    """Write the 36 node pairs a <= b as 3 x 3 blocks: the order in which the gather reads them."""
    p = 0
    for a in range(8):
        for b in range(a, 8):
            out[p, 0] = local[a, b]
            out[p, 1] = local[8 + a, b]
            out[p, 2] = local[16 + a, b]
            out[p, 3] = local[8 + b, a]
            out[p, 4] = local[24 + a, b]
            out[p, 5] = local[32 + a, b]
            out[p, 6] = local[16 + b, a]
            out[p, 7] = local[32 + b, a]
            out[p, 8] = local[40 + a, b]
            p += 1


@kernel
def _elements(
    begin, end, u, cells, gradients, weights, table, index, directions, tangent, ahead, lag,
    energy, force, blocks, least, pressures, rates,
):  # fmt: skip
    f, t, piola, turned = np.empty((9, 8)), np.empty((9, 8)), np.empty((9, 8)), np.empty((24, 8))
    response, other, work = np.empty((RESPONSE, 8)), np.empty((RESPONSE, 8)), np.empty((SCRATCH, 8))
    spatial, rows, mean, wj = np.empty((24, 8)), np.empty((144, 8)), np.empty((3, 8)), np.empty((1, 8))
    moduli, local = np.empty((54, 8)), np.empty((48, 8))
    for e in range(begin, end):
        jacobian = deformation(u, cells, gradients, e, turned, f)
        least[e] = lowest(jacobian)
        if not least[e] > 0.0:
            energy[e] = np.inf
            continue
        weight = load(weights, e)
        volume0, volume = total(weight), total(weight * jacobian)
        potential, pressure, curvature = element_volumetric(table, index, weights, e, volume / volume0)
        pressure /= volume0
        curvature /= volume0 * volume0
        element_response(table, index, e, f, jacobian, directions, response, other, work, tangent)
        energy[e] = potential + total(weight * load(response, ENERGY))
        _inverse_transpose(f, jacobian, t)
        _press(response, pressure * jacobian, tangent)
        _forces(response, weight, t, gradients, e, piola, local, force)
        pressures[e, 0], pressures[e, 1] = pressure, curvature
        if tangent:
            if lag:
                _press(response, (ahead[e] - pressure) * jacobian, tangent)
            store(weight * jacobian, wj, 0)
            _moduli(response, weight, moduli)
            _modes(moduli, t, gradients, e, wj, spatial, rows, mean)
            for a in range(8):
                rates[e, a, 0], rates[e, a, 1], rates[e, a, 2] = mean[0, a], mean[1, a], mean[2, a]
            _contract(spatial, rows, mean, curvature, local)
            _store_tangent(local, blocks[e])


@pkernel
def evaluate_hexahedra(
    u, cells, gradients, weights, table, index, directions, tangent, ahead, lag,
    energy, force, blocks, least, pressures, rates,
):  # fmt: skip
    """Energy (m,), nodal forces (m, 8, 3), tangent blocks (m, 36, 9; only if `tangent`) and least J (m,).

    An element with J <= 0 at a quadrature point gets infinite energy and untouched forces. `directions` (m, 3, 8)
    are the fibres at the points, of no elements if no material has any. With `lag` the tangent takes its initial
    stress from the mean stresses `ahead` (m,) instead of the state's own. `pressures` (m, 2): mean stress U' and its
    slope over the element's volume; `rates` (m, 8, 3; only if `tangent`): slope of the volume over the nodes' places.
    """
    m = len(cells)
    for chunk in prange(CHUNKS):
        _elements(
            chunk * m // CHUNKS, (chunk + 1) * m // CHUNKS, u, cells, gradients, weights, table, index, directions,
            tangent, ahead, lag, energy, force, blocks, least, pressures, rates,
        )  # fmt: skip


@kernel
def corner_jacobians(x, cells, out):
    """Least triple product of the three edges at the corners of each cell, (m,), at nodal positions `x` (n, 3)."""
    for e in range(len(cells)):
        low = np.inf
        for corner in range(8):
            base = corner & 4
            k = corner - base
            o = cells[e, corner]
            p, q = cells[e, base + (k + 1) % 4], cells[e, base + (k + 3) % 4]
            r = cells[e, corner + 4 - 2 * base]
            if base == 4:
                p, q = q, p
            a0, a1, a2 = x[p, 0] - x[o, 0], x[p, 1] - x[o, 1], x[p, 2] - x[o, 2]
            b0, b1, b2 = x[q, 0] - x[o, 0], x[q, 1] - x[o, 1], x[q, 2] - x[o, 2]
            c0, c1, c2 = x[r, 0] - x[o, 0], x[r, 1] - x[o, 1], x[r, 2] - x[o, 2]
            triple = (a1 * b2 - a2 * b1) * c0 + (a2 * b0 - a0 * b2) * c1 + (a0 * b1 - a1 * b0) * c2
            low = min(low, triple)
        out[e] = low
