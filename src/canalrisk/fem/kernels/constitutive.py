"""Isochoric Kirchhoff stress and spatial tangent from the left Cauchy-Green tensor.

Every law is a function of the isochoric deformation only; the volumetric part belongs to the element.
Voigt order: xx, yy, zz, xy, yz, xz. Ogden constants follow Abaqus: W = sum 2 mu / alpha^2 (sum l^alpha - 3).
"""

from __future__ import annotations

import numpy as np

from canalrisk._jit import inline_kernel

# Columns of the material table (see `canalrisk.fem.materials.material_table`).
KIND, VOLUMETRIC, KAPPA, TERMS, FIRST = 0, 1, 2, 3, 4
NEO_HOOKE, OGDEN = 0, 1
LOG, QUADRATIC = 0, 1


@inline_kernel
def volumetric(row, jacobian):
    """Energy U, U' and U'' at volume ratio `jacobian` > 0 per reference volume."""
    kappa = row[KAPPA]
    if row[VOLUMETRIC] == LOG:
        e = jacobian - 1.0
        # J^2 - 1 - 2 ln J loses all digits near 1; e^2 + 2 (e - ln(1 + e)) keeps them.
        energy = 0.25 * kappa * (e * e + 2.0 * (e - np.log1p(e)))
        return energy, 0.5 * kappa * (jacobian - 1.0 / jacobian), 0.5 * kappa * (1.0 + 1.0 / (jacobian * jacobian))
    e = jacobian - 1.0
    return 0.5 * kappa * e * e, kappa * e, kappa


@inline_kernel
def neo_hooke(row, b, jacobian, tau, c, tangent):
    """Isochoric neo-Hookean; returns the energy, fills `tau` (6,) and, if `tangent`, `c` (6, 6)."""
    mu = row[FIRST]
    scale = mu * jacobian ** (-2.0 / 3.0)
    trace = b[0] + b[1] + b[2]
    mean = trace / 3.0
    for i in range(3):
        tau[i] = scale * (b[i] - mean)
        tau[i + 3] = scale * b[i + 3]
    if tangent:
        f = 2.0 / 3.0
        iso = f * scale * trace
        for i in range(6):
            for j in range(6):
                c[i, j] = 0.0
        for i in range(3):
            for j in range(3):
                c[i, j] = -iso / 3.0 - f * (tau[i] + tau[j])
            c[i, i] += iso
            c[i + 3, i + 3] = 0.5 * iso
            for j in range(3):
                c[i, j + 3] = -f * tau[j + 3]
                c[j + 3, i] = c[i, j + 3]
    return 0.5 * (scale * trace - 3.0 * mu)


@inline_kernel
def eigen3(b, values, vectors):
    """Eigenvalues and orthonormal eigenvectors (columns) of a symmetric 3 x 3 tensor in Voigt order, by Jacobi.

    Jacobi keeps the vectors orthonormal to rounding however close the eigenvalues are.
    """
    a00, a11, a22, a01, a12, a02 = b[0], b[1], b[2], b[3], b[4], b[5]
    for i in range(3):
        for j in range(3):
            vectors[i, j] = 1.0 if i == j else 0.0
    for _ in range(12):
        off = a01 * a01 + a12 * a12 + a02 * a02
        if off <= 1e-34 * (a00 * a00 + a11 * a11 + a22 * a22):
            break
        for pair in range(3):
            if pair == 0:
                p, q, apq, d = 0, 1, a01, a11 - a00
            elif pair == 1:
                p, q, apq, d = 1, 2, a12, a22 - a11
            else:
                p, q, apq, d = 0, 2, a02, a22 - a00
            if apq == 0.0:
                continue
            # t = tan of the rotation, the smaller root.
            h = abs(d) + np.sqrt(d * d + 4.0 * apq * apq)
            t = 2.0 * apq / h
            if d < 0.0:
                t = -t
            cs = 1.0 / np.sqrt(1.0 + t * t)
            sn = t * cs
            if pair == 0:
                a00 -= t * apq
                a11 += t * apq
                a01 = 0.0
                a02, a12 = cs * a02 - sn * a12, sn * a02 + cs * a12
            elif pair == 1:
                a11 -= t * apq
                a22 += t * apq
                a12 = 0.0
                a01, a02 = cs * a01 - sn * a02, sn * a01 + cs * a02
            else:
                a00 -= t * apq
                a22 += t * apq
                a02 = 0.0
                a01, a12 = cs * a01 - sn * a12, sn * a01 + cs * a12
            for i in range(3):
                vp, vq = vectors[i, p], vectors[i, q]
                vectors[i, p] = cs * vp - sn * vq
                vectors[i, q] = sn * vp + cs * vq
    values[0], values[1], values[2] = a00, a11, a22


@inline_kernel
def sinh_ratio(a, x):
    """Return sinh(a x) / sinh(x), accurate through x = 0."""
    if abs(x) * max(1.0, abs(a)) < 1e-2:
        a2, x2 = a * a, x * x
        return a * (1.0 + (a2 - 1.0) * x2 / 6.0 * (1.0 + (3.0 * a2 - 7.0) * x2 / 60.0))
    return np.sinh(a * x) / np.sinh(x)


@inline_kernel
def ogden(row, b, jacobian, tau, c, tangent, work):
    """Isochoric Ogden of up to three terms in principal stretches.

    The shear moduli of the spatial tangent in principal axes are differences over differences of stretches;
    they are written with sinh(a x)/sinh(x), x = ln(l_i / l_j), so that equal stretches lose no digits.
    """
    values, vectors = work[0], work[1:4]
    eigen3(b, values, vectors)
    third = np.log(jacobian) / 3.0
    l0 = 0.5 * np.log(values[0]) - third
    l1 = 0.5 * np.log(values[1]) - third
    l2 = 0.5 * np.log(values[2]) - third
    # Rounding leaves a trace of order 1e-16; removing it keeps the energy free of a first-order error.
    m = (l0 + l1 + l2) / 3.0
    l0, l1, l2 = l0 - m, l1 - m, l2 - m
    energy = 0.0
    t0 = t1 = t2 = 0.0
    d00 = d11 = d22 = d01 = d12 = d02 = 0.0
    g01 = g12 = g02 = 0.0
    for term in range(int(row[TERMS])):
        mu, alpha = row[FIRST + 2 * term], row[FIRST + 1 + 2 * term]
        e0, e1, e2 = np.expm1(alpha * l0), np.expm1(alpha * l1), np.expm1(alpha * l2)
        total = e0 + e1 + e2
        factor = 2.0 * mu / alpha
        energy += factor / alpha * total
        mean = total / 3.0
        t0 += factor * (e0 - mean)
        t1 += factor * (e1 - mean)
        t2 += factor * (e2 - mean)
        if tangent:
            s0, s1, s2 = 1.0 + e0, 1.0 + e1, 1.0 + e2
            ninth = (3.0 + total) / 9.0
            two = 2.0 * mu
            d00 += two * (s0 / 3.0 + ninth)
            d11 += two * (s1 / 3.0 + ninth)
            d22 += two * (s2 / 3.0 + ninth)
            d01 += two * (ninth - (s0 + s1) / 3.0)
            d12 += two * (ninth - (s1 + s2) / 3.0)
            d02 += two * (ninth - (s0 + s2) / 3.0)
            h = 0.5 * alpha
            # l_j^2 (tau_i - tau_j) / (l_i^2 - l_j^2), of which tau_j is taken below.
            g01 += factor * s1 * np.exp(h * (l0 - l1) - (l0 - l1)) * sinh_ratio(h, l0 - l1)
            g12 += factor * s2 * np.exp(h * (l1 - l2) - (l1 - l2)) * sinh_ratio(h, l1 - l2)
            g02 += factor * s2 * np.exp(h * (l0 - l2) - (l0 - l2)) * sinh_ratio(h, l0 - l2)
    basis = work[4:10]
    for i in range(3):
        x, y, z = vectors[0, i], vectors[1, i], vectors[2, i]
        basis[i, 0], basis[i, 1], basis[i, 2] = x * x, y * y, z * z
        basis[i, 3], basis[i, 4], basis[i, 5] = x * y, y * z, x * z
    for k in range(6):
        tau[k] = t0 * basis[0, k] + t1 * basis[1, k] + t2 * basis[2, k]
    if tangent:
        g01, g12, g02 = g01 - t1, g12 - t2, g02 - t2
        for pair in range(3):
            i = 0 if pair != 1 else 1
            j = 1 if pair == 0 else 2
            x, y, z = vectors[0, i], vectors[1, i], vectors[2, i]
            p, q, r = vectors[0, j], vectors[1, j], vectors[2, j]
            row_ = basis[3 + pair]
            row_[0], row_[1], row_[2] = x * p, y * q, z * r
            row_[3], row_[4], row_[5] = 0.5 * (x * q + y * p), 0.5 * (y * r + z * q), 0.5 * (x * r + z * p)
        d00, d11, d22 = d00 - 2.0 * t0, d11 - 2.0 * t1, d22 - 2.0 * t2
        for k in range(6):
            r0 = d00 * basis[0, k] + d01 * basis[1, k] + d02 * basis[2, k]
            r1 = d01 * basis[0, k] + d11 * basis[1, k] + d12 * basis[2, k]
            r2 = d02 * basis[0, k] + d12 * basis[1, k] + d22 * basis[2, k]
            # A symmetric shear mode counts twice (ij and ji), each half: 4 * g * (sym) (sym).
            s0, s1, s2 = 4.0 * g01 * basis[3, k], 4.0 * g12 * basis[4, k], 4.0 * g02 * basis[5, k]
            for n in range(6):
                c[k, n] = (
                    r0 * basis[0, n]
                    + r1 * basis[1, n]
                    + r2 * basis[2, n]
                    + s0 * basis[3, n]
                    + s1 * basis[4, n]
                    + s2 * basis[5, n]
                )
    return energy


@inline_kernel
def isochoric(row, b, jacobian, tau, c, tangent, work):
    """Dispatch on the kind of law; returns the energy per reference volume."""
    if row[KIND] == NEO_HOOKE:
        return neo_hooke(row, b, jacobian, tau, c, tangent)
    return ogden(row, b, jacobian, tau, c, tangent, work)
