"""Four-node surface elements: tension-field membrane, and contact with sampled fields."""

from __future__ import annotations

import numpy as np
from numba import prange

from canalrisk._jit import inline_kernel, kernel, pkernel
from canalrisk.field._kernels import bspline_point

CHUNKS = 16


@inline_kernel
def relaxed(e11, e22, e12, stiffness, poisson, residual, s, c):
    """Tension-field St Venant-Kirchhoff: energy per reference area, `s` (3,) and `c` (3, 3) in (11, 22, 2 * 12).

    Taut, wrinkled or slack by the principal Green strains; `residual` times the full law is kept so that a
    slack membrane still has some stiffness (Pipkin 1986, IMA J Appl Math 36:85).
    """
    plane = stiffness / (1.0 - poisson * poisson)
    shear = 0.5 * plane * (1.0 - poisson)
    trace = e11 + e22
    full = 0.5 * plane * (e11 * e11 + e22 * e22 + 2.0 * poisson * e11 * e22) + 2.0 * shear * e12 * e12
    half = 0.5 * (e11 - e22)
    radius = np.sqrt(half * half + e12 * e12)
    high, low = 0.5 * trace + radius, 0.5 * trace - radius
    part = 1.0 if low + poisson * high > 0.0 else residual
    s[0] = part * plane * (e11 + poisson * e22)
    s[1] = part * plane * (e22 + poisson * e11)
    s[2] = part * 2.0 * shear * e12
    c[0, 0] = c[1, 1] = part * plane
    c[0, 1] = c[1, 0] = part * plane * poisson
    c[0, 2] = c[2, 0] = c[1, 2] = c[2, 1] = 0.0
    c[2, 2] = part * shear
    energy = part * full
    if part < 1.0 and high > 0.0:
        # Wrinkled: uniaxial tension along the first principal direction. Here high > low, as low <= -nu high.
        pull = (1.0 - residual) * stiffness
        stress = pull * high
        cos2 = half / radius
        sin2 = e12 / radius
        n0, n1, n2 = 0.5 * (1.0 + cos2), 0.5 * (1.0 - cos2), 0.5 * sin2
        m0, m1, m2 = -sin2, sin2, cos2
        turn = 0.5 * stress / (high - low)
        energy += 0.5 * stress * high
        s[0] += stress * n0
        s[1] += stress * n1
        s[2] += stress * n2
        c[0, 0] += pull * n0 * n0 + turn * m0 * m0
        c[1, 1] += pull * n1 * n1 + turn * m1 * m1
        c[2, 2] += pull * n2 * n2 + turn * m2 * m2
        c[0, 1] += pull * n0 * n1 + turn * m0 * m1
        c[0, 2] += pull * n0 * n2 + turn * m0 * m2
        c[1, 2] += pull * n1 * n2 + turn * m1 * m2
        c[1, 0], c[2, 0], c[2, 1] = c[0, 1], c[0, 2], c[1, 2]
    return energy


@kernel
def evaluate_membranes(x, quads, gradients, weights, properties, tangent, energy, force, blocks):
    """Energy (k,), nodal forces (k, 4, 3) and tangent blocks (k, 10, 9) of membranes at positions `x` (n, 3).

    Serial: under 1 ms for a cord, and a parallel loop would double its compilation.
    """
    s, c = np.empty(3), np.empty((3, 3))
    f, g = np.empty((3, 2)), np.empty((2, 4))
    strain = np.empty((4, 3, 3))
    pull = np.empty((3, 3))
    for e in range(len(quads)):
        stiffness, poisson, residual, stretch = properties[e, 0], properties[e, 1], properties[e, 2], properties[e, 3]
        total = 0.0
        force[e, :, :] = 0.0
        if tangent:
            blocks[e, :, :] = 0.0
        for q in range(4):
            # A prestrained sheet is natural at 1 / stretch of its size on the undeformed body.
            w = weights[e, q] / (stretch * stretch)
            f[:] = 0.0
            for a in range(4):
                g[0, a], g[1, a] = stretch * gradients[e, q, 0, a], stretch * gradients[e, q, 1, a]
                for i in range(3):
                    f[i, 0] += x[quads[e, a], i] * g[0, a]
                    f[i, 1] += x[quads[e, a], i] * g[1, a]
            e11 = 0.5 * (f[0, 0] * f[0, 0] + f[1, 0] * f[1, 0] + f[2, 0] * f[2, 0] - 1.0)
            e22 = 0.5 * (f[0, 1] * f[0, 1] + f[1, 1] * f[1, 1] + f[2, 1] * f[2, 1] - 1.0)
            e12 = 0.5 * (f[0, 0] * f[0, 1] + f[1, 0] * f[1, 1] + f[2, 0] * f[2, 1])
            total += w * relaxed(e11, e22, e12, stiffness, poisson, residual, s, c)
            for a in range(4):
                p = w * (s[0] * g[0, a] + s[2] * g[1, a])
                r = w * (s[2] * g[0, a] + s[1] * g[1, a])
                for i in range(3):
                    force[e, a, i] += f[i, 0] * p + f[i, 1] * r
                    strain[a, 0, i] = f[i, 0] * g[0, a]
                    strain[a, 1, i] = f[i, 1] * g[1, a]
                    strain[a, 2, i] = f[i, 0] * g[1, a] + f[i, 1] * g[0, a]
            if not tangent:
                continue
            pair = 0
            for a in range(4):
                for i in range(3):
                    for m in range(3):
                        pull[m, i] = w * (
                            c[m, 0] * strain[a, 0, i] + c[m, 1] * strain[a, 1, i] + c[m, 2] * strain[a, 2, i]
                        )
                p = w * (s[0] * g[0, a] + s[2] * g[1, a])
                r = w * (s[2] * g[0, a] + s[1] * g[1, a])
                for b in range(a, 4):
                    initial = p * g[0, b] + r * g[1, b]
                    for i in range(3):
                        for j in range(3):
                            blocks[e, pair, 3 * i + j] += (
                                pull[0, i] * strain[b, 0, j]
                                + pull[1, i] * strain[b, 1, j]
                                + pull[2, i] * strain[b, 2, j]
                            )
                        blocks[e, pair, 4 * i] += initial
                    pair += 1
        energy[e] = total


@inline_kernel
def gap_at(p, q, r, c0, inverse0, c1, inverse1, numbers, first, second):
    """Gap of one obstacle at a point; leaves the gap with its gradient and Hessian in `first` (10,).

    `numbers`: blend, sign, offset, penalty, buffer thickness, buffer pressure.
    """
    blend, sign = numbers[0], numbers[1]
    if blend < 1.0:
        bspline_point(c0, inverse0, p, q, r, first)
    else:
        first[:10] = 0.0
    if blend > 0.0:
        bspline_point(c1, inverse1, p, q, r, second)
        for m in range(10):
            first[m] = (1.0 - blend) * first[m] + blend * second[m]
    for m in range(10):
        first[m] *= sign
    first[0] -= numbers[2]
    return first[0]


@kernel
def _contacts(
    begin, end, x, quads, shape, weights, c0, inverse0, c1, inverse1, numbers, multiplier,
    tangent, ahead, lag, energy, force, blocks, pressure, gap, resultant, normal,
):  # fmt: skip
    first, second, h = np.empty(10), np.empty(10), np.empty((3, 3))
    penalty, thickness, stiff = numbers[3], numbers[4], numbers[5]
    for e in range(begin, end):
        total = 0.0
        for q in range(len(shape)):
            px = py = pz = 0.0
            for a in range(4):
                n = quads[e, a]
                px += shape[q, a] * x[n, 0]
                py += shape[q, a] * x[n, 1]
                pz += shape[q, a] * x[n, 2]
            g = gap_at(px, py, pz, c0, inverse0, c1, inverse1, numbers, first, second)
            gap[e, q] = g
            normal[e, q, 0], normal[e, q, 1], normal[e, q, 2] = first[1], first[2], first[3]
            w, known = weights[e, q], multiplier[e, q]
            push, slope = 0.0, 0.0
            trial = known - penalty * g
            if trial > 0.0:
                push, slope = trial, penalty
                total += 0.5 * w * (trial * trial - known * known) / penalty
            else:
                total -= 0.5 * w * known * known / penalty
            if g < thickness:
                s = (thickness - g) / thickness
                push += stiff * s * s
                slope += 2.0 * stiff * s / thickness
                total += w * stiff * thickness * s * s * s / 3.0
            pressure[e, q] = push
            if push <= 0.0:
                continue
            fx, fy, fz = -w * push * first[1], -w * push * first[2], -w * push * first[3]
            resultant[e, 0] -= fx
            resultant[e, 1] -= fy
            resultant[e, 2] -= fz
            for a in range(4):
                force[e, a, 0] += shape[q, a] * fx
                force[e, a, 1] += shape[q, a] * fy
                force[e, a, 2] += shape[q, a] * fz
            if not tangent:
                continue
            bend = ahead[e, q] if lag else push
            h[0, 0], h[1, 1], h[2, 2] = first[4], first[5], first[6]
            h[0, 1] = h[1, 0] = first[7]
            h[0, 2] = h[2, 0] = first[8]
            h[1, 2] = h[2, 1] = first[9]
            for i in range(3):
                for j in range(3):
                    h[i, j] = w * (slope * first[1 + i] * first[1 + j] - bend * h[i, j])
            pair = 0
            for a in range(4):
                for b in range(a, 4):
                    ab = shape[q, a] * shape[q, b]
                    for i in range(3):
                        for j in range(3):
                            blocks[e, pair, 3 * i + j] += ab * h[i, j]
                    pair += 1
        energy[e] += total


@pkernel
def evaluate_contacts(
    x, quads, shape, weights, c0, inverse0, c1, inverse1, numbers, multiplier,
    tangent, ahead, lag, energy, force, blocks, pressure, gap, resultant, normal,
):  # fmt: skip
    """Add one obstacle: energy (f,), forces (f, 4, 3), blocks (f, 10, 9); pressure, gap (f, p) are its own.

    `resultant` (f, 3) receives the force of the obstacle on each face. `numbers` as in `gap_at`; points are those
    of shape functions `shape` (p, 4) with reference areas `weights` (f, p), so that the contact forces have a
    potential. With `lag` the tangent's curvature term takes the pressures `ahead` (f, p) instead of the state's own.
    `normal` (f, p, 3) receives the gradients of the gap.
    """
    m = len(quads)
    for chunk in prange(CHUNKS):
        _contacts(
            chunk * m // CHUNKS, (chunk + 1) * m // CHUNKS, x, quads, shape, weights, c0, inverse0, c1, inverse1,
            numbers, multiplier, tangent, ahead, lag, energy, force, blocks, pressure, gap, resultant, normal,
        )  # fmt: skip


@kernel
def gaps(x, quads, shape, c0, inverse0, c1, inverse1, numbers, out):
    """Gap (f, p) of one obstacle at the points of shape functions `shape` (p, 4). Serial, like the membranes."""
    first, second = np.empty(10), np.empty(10)
    for e in range(len(quads)):
        for q in range(len(shape)):
            px = py = pz = 0.0
            for a in range(4):
                n = quads[e, a]
                px += shape[q, a] * x[n, 0]
                py += shape[q, a] * x[n, 1]
                pz += shape[q, a] * x[n, 2]
            out[e, q] = gap_at(px, py, pz, c0, inverse0, c1, inverse1, numbers, first, second)
