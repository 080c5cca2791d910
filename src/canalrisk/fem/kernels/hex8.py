"""Eight-node hexahedron with mean dilatation (Q1P0): energy, forces, tangent, one element at a time.

Simo, Taylor and Pister 1985: the total potential sum_q w_q psi_iso(F_q) + sum_q w_q U(v / V) with the element's
volume ratio v / V. Local matrices are kept component by component, nodes innermost: eight nodes fill one vector.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from canalrisk._jit import inline_kernel, kernel, pkernel
from canalrisk.fem.kernels.constitutive import isochoric, volumetric

CHUNKS = 32


@inline_kernel
def spatial_gradients(u, cell, gradient, spatial, b, out_f):
    """Deformation at one point: fills g = dN/dx (3, 8), b = F F^T (6,) and F (3, 3); returns J (g, b only if J > 0)."""
    f00 = f11 = f22 = 1.0
    f01 = f02 = f10 = f12 = f20 = f21 = 0.0
    for a in range(8):
        node = cell[a]
        x, y, z = u[node, 0], u[node, 1], u[node, 2]
        p, q, r = gradient[0, a], gradient[1, a], gradient[2, a]
        f00 += x * p
        f01 += x * q
        f02 += x * r
        f10 += y * p
        f11 += y * q
        f12 += y * r
        f20 += z * p
        f21 += z * q
        f22 += z * r
    c00 = f11 * f22 - f12 * f21
    c01 = f12 * f20 - f10 * f22
    c02 = f10 * f21 - f11 * f20
    jacobian = f00 * c00 + f01 * c01 + f02 * c02
    out_f[0, 0], out_f[0, 1], out_f[0, 2] = f00, f01, f02
    out_f[1, 0], out_f[1, 1], out_f[1, 2] = f10, f11, f12
    out_f[2, 0], out_f[2, 1], out_f[2, 2] = f20, f21, f22
    if not jacobian > 0.0:
        return jacobian
    inv = 1.0 / jacobian
    # Rows of F^-T: what a reference gradient is multiplied by.
    t00, t01, t02 = c00 * inv, c01 * inv, c02 * inv
    t10 = (f02 * f21 - f01 * f22) * inv
    t11 = (f00 * f22 - f02 * f20) * inv
    t12 = (f01 * f20 - f00 * f21) * inv
    t20 = (f01 * f12 - f02 * f11) * inv
    t21 = (f02 * f10 - f00 * f12) * inv
    t22 = (f00 * f11 - f01 * f10) * inv
    for a in range(8):
        p, q, r = gradient[0, a], gradient[1, a], gradient[2, a]
        spatial[0, a] = t00 * p + t01 * q + t02 * r
        spatial[1, a] = t10 * p + t11 * q + t12 * r
        spatial[2, a] = t20 * p + t21 * q + t22 * r
    b[0] = f00 * f00 + f01 * f01 + f02 * f02
    b[1] = f10 * f10 + f11 * f11 + f12 * f12
    b[2] = f20 * f20 + f21 * f21 + f22 * f22
    b[3] = f00 * f10 + f01 * f11 + f02 * f12
    b[4] = f10 * f20 + f11 * f21 + f12 * f22
    b[5] = f00 * f20 + f01 * f21 + f02 * f22
    return jacobian


@inline_kernel
def _add_tangent(g, c, tau, s, local, geometric):
    """Add B^T c B (six component blocks, i <= k) and the initial-stress term of one point."""
    for r in range(6):
        c0, c1, c2, c3, c4, c5 = c[r, 0], c[r, 1], c[r, 2], c[r, 3], c[r, 4], c[r, 5]
        for n in range(8):
            x, y, z = g[0, n], g[1, n], g[2, n]
            s[r, n] = c0 * x + c3 * y + c5 * z
            s[6 + r, n] = c3 * x + c1 * y + c4 * z
            s[12 + r, n] = c5 * x + c4 * y + c2 * z
    for a in range(8):
        x, y, z = g[0, a], g[1, a], g[2, a]
        for n in range(8):
            local[0, a, n] += x * s[0, n] + y * s[3, n] + z * s[5, n]
        for n in range(8):
            local[1, a, n] += x * s[6, n] + y * s[9, n] + z * s[11, n]
        for n in range(8):
            local[2, a, n] += x * s[12, n] + y * s[15, n] + z * s[17, n]
        for n in range(8):
            local[3, a, n] += x * s[9, n] + y * s[7, n] + z * s[10, n]
        for n in range(8):
            local[4, a, n] += x * s[15, n] + y * s[13, n] + z * s[16, n]
        for n in range(8):
            local[5, a, n] += x * s[17, n] + y * s[16, n] + z * s[14, n]
        p = tau[0] * x + tau[3] * y + tau[5] * z
        q = tau[3] * x + tau[1] * y + tau[4] * z
        r_ = tau[5] * x + tau[4] * y + tau[2] * z
        for n in range(8):
            geometric[a, n] += p * g[0, n] + q * g[1, n] + r_ * g[2, n]


@inline_kernel
def _store_tangent(local, geometric, mean, curvature, out):
    """Write the 36 node pairs a <= b as 3 x 3 blocks: the order in which the gather reads them."""
    p = 0
    for a in range(8):
        ax, ay, az = curvature * mean[0, a], curvature * mean[1, a], curvature * mean[2, a]
        for n in range(a, 8):
            bx, by, bz = mean[0, n], mean[1, n], mean[2, n]
            e = geometric[a, n]
            out[p, 0] = local[0, a, n] + e + ax * bx
            out[p, 1] = local[1, a, n] + ax * by
            out[p, 2] = local[2, a, n] + ax * bz
            out[p, 3] = local[1, n, a] + ay * bx
            out[p, 4] = local[3, a, n] + e + ay * by
            out[p, 5] = local[4, a, n] + ay * bz
            out[p, 6] = local[2, n, a] + az * bx
            out[p, 7] = local[4, n, a] + az * by
            out[p, 8] = local[5, a, n] + e + az * bz
            p += 1


@kernel
def _elements(first, last, u, cells, gradients, weights, table, index, tangent, energy, force, blocks, lowest):
    spatial = np.empty((8, 3, 8))
    b = np.empty((8, 6))
    jacobians = np.empty(8)
    tau = np.empty(6)
    c = np.empty((6, 6))
    work = np.empty((10, 6))
    f = np.empty((3, 3))
    mean = np.empty((3, 8))
    s = np.empty((18, 8))
    local = np.empty((6, 8, 8))
    geometric = np.empty((8, 8))
    for e in range(first, last):
        low = np.inf
        for q in range(8):
            jacobians[q] = spatial_gradients(u, cells[e], gradients[e, q], spatial[q], b[q], f)
            low = min(low, jacobians[q])
        lowest[e] = low
        if not low > 0.0:
            energy[e] = np.inf
            continue
        volume0 = volume = 0.0
        mean[:] = 0.0
        for q in range(8):
            w = weights[e, q]
            volume0 += w
            wj = w * jacobians[q]
            volume += wj
            for i in range(3):
                for a in range(8):
                    mean[i, a] += wj * spatial[q, i, a]
        ratio = volume / volume0
        total = pressure = curvature = 0.0
        for q in range(8):
            u0, u1, u2 = volumetric(table[index[e, q]], ratio)
            total += weights[e, q] * u0
            pressure += weights[e, q] * u1
            curvature += weights[e, q] * u2
        pressure /= volume0
        curvature /= volume0 * volume0
        for a in range(8):
            for i in range(3):
                force[e, a, i] = pressure * mean[i, a]
        if tangent:
            local[:] = 0.0
            geometric[:] = 0.0
        for q in range(8):
            w, jacobian, g = weights[e, q], jacobians[q], spatial[q]
            total += w * isochoric(table[index[e, q]], b[q], jacobian, tau, c, tangent, work)
            for a in range(8):
                x, y, z = w * g[0, a], w * g[1, a], w * g[2, a]
                force[e, a, 0] += tau[0] * x + tau[3] * y + tau[5] * z
                force[e, a, 1] += tau[3] * x + tau[1] * y + tau[4] * z
                force[e, a, 2] += tau[5] * x + tau[4] * y + tau[2] * z
            if tangent:
                pj = pressure * jacobian
                for i in range(3):
                    for k in range(3):
                        c[i, k] += pj
                    c[i, i] -= 2.0 * pj
                    c[i + 3, i + 3] -= pj
                    tau[i] += pj
                for i in range(6):
                    tau[i] *= w
                    for k in range(6):
                        c[i, k] *= w
                _add_tangent(g, c, tau, s, local, geometric)
        energy[e] = total
        if tangent:
            _store_tangent(local, geometric, mean, curvature, blocks[e])


@pkernel
def evaluate_hexahedra(u, cells, gradients, weights, table, index, tangent, energy, force, blocks, lowest):
    """Energy (m,), nodal forces (m, 8, 3), tangent blocks (m, 36, 9; only if `tangent`) and least J (m,).

    An element with J <= 0 at a quadrature point gets infinite energy and untouched forces.
    """
    m = len(cells)
    for chunk in prange(CHUNKS):
        _elements(
            chunk * m // CHUNKS,
            (chunk + 1) * m // CHUNKS,
            u,
            cells,
            gradients,
            weights,
            table,
            index,
            tangent,
            energy,
            force,
            blocks,
            lowest,
        )


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
