"""Cubic B-spline and trilinear sampling, value to Hessian."""

from __future__ import annotations

import numpy as np
from numba import prange

from canalrisk._jit import inline_kernel, pkernel


@inline_kernel
def _mirror(i, n):
    if i < 0:
        i = -i
    if i > n - 1:
        i = 2 * (n - 1) - i
    return min(max(i, 0), n - 1)


@inline_kernel
def _weights(t):
    s = 1.0 - t
    return (
        s * s * s / 6.0,
        (4.0 - 6.0 * t * t + 3.0 * t * t * t) / 6.0,
        (4.0 - 6.0 * s * s + 3.0 * s * s * s) / 6.0,
        t * t * t / 6.0,
    )


@inline_kernel
def _slopes(t):
    s = 1.0 - t
    return (-0.5 * s * s, 0.5 * t * (3.0 * t - 4.0), 0.5 * s * (4.0 - 3.0 * s), 0.5 * t * t)


@inline_kernel
def _bends(t):
    return (1.0 - t, 3.0 * t - 2.0, 1.0 - 3.0 * t, t)


@inline_kernel
def bspline_point(coefficients, inverse, x, y, z, out):
    """Value, gradient and Hessian of a cubic B-spline at one world point.

    `coefficients` float64 (nx, ny, nz) C with mirror boundary (`fit_spline`), `inverse` float64 (3 or 4, 4)
    world mm to voxel index, `out` float64 (10,): value, g_x, g_y, g_z, H_xx, H_yy, H_zz, H_xy, H_xz, H_yz
    in world axes. Outside the grid the field continues constant (slope zero along the left axis); a
    point that is not finite gives NaN.
    """
    nx, ny, nz = coefficients.shape
    u = inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2] * z + inverse[0, 3]
    v = inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2] * z + inverse[1, 3]
    w = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2] * z + inverse[2, 3]
    if not (np.isfinite(u) and np.isfinite(v) and np.isfinite(w)):
        out[:10] = np.nan
        return
    in_u = 1.0 if 0.0 <= u <= nx - 1 else 0.0
    in_v = 1.0 if 0.0 <= v <= ny - 1 else 0.0
    in_w = 1.0 if 0.0 <= w <= nz - 1 else 0.0
    u = min(max(u, 0.0), nx - 1.0)
    v = min(max(v, 0.0), ny - 1.0)
    w = min(max(w, 0.0), nz - 1.0)
    i = max(min(int(u), nx - 2), 0)
    j = max(min(int(v), ny - 2), 0)
    k = max(min(int(w), nz - 2), 0)
    au, av, aw = _weights(u - i), _weights(v - j), _weights(w - k)
    bu, bv, bw = _slopes(u - i), _slopes(v - j), _slopes(w - k)
    cu, cv, cw = _bends(u - i), _bends(v - j), _bends(w - k)
    k0, k1, k2, k3 = _mirror(k - 1, nz), k, _mirror(k + 1, nz), _mirror(k + 2, nz)

    f = fu = fv = fw = fuu = fvv = fww = fuv = fuw = fvw = 0.0
    for a in range(4):
        ia = _mirror(i - 1 + a, nx)
        s = sv = sw = svv = sww = svw = 0.0
        for b in range(4):
            jb = _mirror(j - 1 + b, ny)
            c0, c1 = coefficients[ia, jb, k0], coefficients[ia, jb, k1]
            c2, c3 = coefficients[ia, jb, k2], coefficients[ia, jb, k3]
            q = aw[0] * c0 + aw[1] * c1 + aw[2] * c2 + aw[3] * c3
            qw = bw[0] * c0 + bw[1] * c1 + bw[2] * c2 + bw[3] * c3
            qww = cw[0] * c0 + cw[1] * c1 + cw[2] * c2 + cw[3] * c3
            s += av[b] * q
            sv += bv[b] * q
            svv += cv[b] * q
            sw += av[b] * qw
            svw += bv[b] * qw
            sww += av[b] * qww
        f += au[a] * s
        fu += bu[a] * s
        fuu += cu[a] * s
        fv += au[a] * sv
        fuv += bu[a] * sv
        fvv += au[a] * svv
        fw += au[a] * sw
        fuw += bu[a] * sw
        fvw += au[a] * svw
        fww += au[a] * sww
    # Constant extension: what points along a clamped axis has no slope.
    fu, fv, fw = fu * in_u, fv * in_v, fw * in_w
    fuu, fvv, fww = fuu * in_u, fvv * in_v, fww * in_w
    fuv, fuw, fvw = fuv * in_u * in_v, fuw * in_u * in_w, fvw * in_v * in_w

    out[0] = f
    for p in range(3):
        out[1 + p] = inverse[0, p] * fu + inverse[1, p] * fv + inverse[2, p] * fw
    for m in range(6):
        p = m if m < 3 else (0 if m < 5 else 1)
        q_ = m if m < 3 else (1 if m == 3 else 2)
        u0, u1, u2 = inverse[0, p], inverse[1, p], inverse[2, p]
        w0, w1, w2 = inverse[0, q_], inverse[1, q_], inverse[2, q_]
        out[4 + m] = (
            fuu * u0 * w0
            + fvv * u1 * w1
            + fww * u2 * w2
            + fuv * (u0 * w1 + u1 * w0)
            + fuw * (u0 * w2 + u2 * w0)
            + fvw * (u1 * w2 + u2 * w1)
        )


@pkernel
def bspline_points(coefficients, inverse, points, out):
    """`bspline_point` at every row of `points` (n, 3) into `out` (n, 10)."""
    for m in prange(points.shape[0]):
        bspline_point(coefficients, inverse, points[m, 0], points[m, 1], points[m, 2], out[m])


@pkernel
def trilinear_points(values, inverse, points, fill, out):
    """Trilinear samples of float32 `values` at world `points` (n, 3); `fill` beyond half a voxel outside."""
    nx, ny, nz = values.shape
    for m in prange(points.shape[0]):
        x, y, z = points[m, 0], points[m, 1], points[m, 2]
        u = inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2] * z + inverse[0, 3]
        v = inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2] * z + inverse[1, 3]
        w = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2] * z + inverse[2, 3]
        # The comparison is false for NaN, so that points which are not finite get the fill too.
        if not (-0.5 <= u <= nx - 0.5 and -0.5 <= v <= ny - 0.5 and -0.5 <= w <= nz - 0.5):
            out[m] = fill
            continue
        u, v, w = min(max(u, 0.0), nx - 1.0), min(max(v, 0.0), ny - 1.0), min(max(w, 0.0), nz - 1.0)
        i, j, k = max(min(int(u), nx - 2), 0), max(min(int(v), ny - 2), 0), max(min(int(w), nz - 2), 0)
        i1, j1, k1 = min(i + 1, nx - 1), min(j + 1, ny - 1), min(k + 1, nz - 1)
        a, b, c = u - i, v - j, w - k
        low = (1.0 - b) * ((1.0 - c) * values[i, j, k] + c * values[i, j, k1]) + b * (
            (1.0 - c) * values[i, j1, k] + c * values[i, j1, k1]
        )
        high = (1.0 - b) * ((1.0 - c) * values[i1, j, k] + c * values[i1, j, k1]) + b * (
            (1.0 - c) * values[i1, j1, k] + c * values[i1, j1, k1]
        )
        out[m] = (1.0 - a) * low + a * high


@inline_kernel
def _keys(t, i, n):
    """Weights of samples i - 1 .. i + 2 at i + t (Keys 1981); linear in the outermost cells, where one is missing."""
    if i < 1 or i > n - 3:
        return 0.0, 1.0 - t, t, 0.0
    t2, t3 = t * t, t * t * t
    return (
        0.5 * (2.0 * t2 - t - t3),
        0.5 * (3.0 * t3 - 5.0 * t2 + 2.0),
        0.5 * (4.0 * t2 - 3.0 * t3 + t),
        0.5 * (t3 - t2),
    )


@pkernel
def level_points(values, inverse, points, near, fill, out):
    """Sample the distance `values` (float32) at world `points` (n, 3): trilinear, by cubic convolution near zero.

    Trilinear samples of a distance lie above it wherever the level is convex, by h^2/8 per mm of radius: enough for
    1 % of a cord's area at 1 mm voxels. Cubic convolution has no such term and looks no further than two voxels.
    `near`: |trilinear sample| below which it is used; `fill` beyond half a voxel outside.

    Keys 1981, IEEE Trans Acoust Speech Signal Process 29:1153-1160 (a = -1/2, third order).
    """
    nx, ny, nz = values.shape
    trilinear_points(values, inverse, points, fill, out)
    for m in prange(points.shape[0]):
        if not abs(out[m]) < near:
            continue
        x, y, z = points[m, 0], points[m, 1], points[m, 2]
        u = inverse[0, 0] * x + inverse[0, 1] * y + inverse[0, 2] * z + inverse[0, 3]
        v = inverse[1, 0] * x + inverse[1, 1] * y + inverse[1, 2] * z + inverse[1, 3]
        w = inverse[2, 0] * x + inverse[2, 1] * y + inverse[2, 2] * z + inverse[2, 3]
        u, v, w = min(max(u, 0.0), nx - 1.0), min(max(v, 0.0), ny - 1.0), min(max(w, 0.0), nz - 1.0)
        i, j, k = max(min(int(u), nx - 2), 0), max(min(int(v), ny - 2), 0), max(min(int(w), nz - 2), 0)
        a, b, c = _keys(u - i, i, nx), _keys(v - j, j, ny), _keys(w - k, k, nz)
        k0, k1, k2, k3 = max(k - 1, 0), k, min(k + 1, nz - 1), min(k + 2, nz - 1)
        total = 0.0
        for p in range(4):
            ip = min(max(i - 1 + p, 0), nx - 1)
            row = 0.0
            for q in range(4):
                jq = min(max(j - 1 + q, 0), ny - 1)
                s = c[0] * values[ip, jq, k0] + c[1] * values[ip, jq, k1]
                s += c[2] * values[ip, jq, k2] + c[3] * values[ip, jq, k3]
                row += b[q] * s
            total += a[p] * row
        out[m] = total
