"""Compiled evaluation of constructive solids: a short list of rounded parts per vertebra.

A part is one row of `WIDTH` float64: kind, operation, blend radius mm, mirror flag, centre (3),
rotation world-to-part by rows (9), sizes (8).
"""

from __future__ import annotations

import math

import numpy as np

from canalrisk._jit import inline_kernel, kernel
from canalrisk.phantom._kernels.tubes import FAR, superellipse

WIDTH = 24
BLOCK = 6


@inline_kernel
def _ellipsoid(x, y, z, a, b, c):
    k0 = math.sqrt((x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2)
    k1 = math.sqrt((x / (a * a)) ** 2 + (y / (b * b)) ** 2 + (z / (c * c)) ** 2)
    if k1 < 1e-9:
        return -min(a, b, c)
    return k0 * (k0 - 1.0) / k1


@inline_kernel
def _box(x, y, z, a, b, c, r):
    qx, qy, qz = abs(x) - a + r, abs(y) - b + r, abs(z) - c + r
    outside = math.sqrt(max(qx, 0.0) ** 2 + max(qy, 0.0) ** 2 + max(qz, 0.0) ** 2)
    return outside + min(max(qx, qy, qz), 0.0) - r


@inline_kernel
def _cone(x, y, z, length, r1, r2, flat):
    # Round cone from the origin along +z; `flat` > 1 widens it along part-x.
    t = min(max(z / length, 0.0), 1.0)
    dz = z - t * length
    return math.sqrt((x / flat) ** 2 + y * y + dz * dz) - (r1 + (r2 - r1) * t)


@inline_kernel
def _body(x, y, z, half_w, half_d, half_h, lower, waist, concave_up, concave_low, wedge):
    # Vertebral body: superellipse section that narrows at the waist, concave endplates, wedge angle.
    t = min(max(z / half_h, -1.3), 1.3)
    taper = 1.0 - waist * (1.0 - t * t) - 0.5 * (1.0 - lower) * (1.0 - t)
    a = half_w * taper
    # The wall towards the canal is nearly flat; only the front is waisted.
    b = half_d * (1.0 - (0.8 if y > 0.0 else 0.25) * waist * (1.0 - t * t) + 0.02 * (1.0 - t))
    side = superellipse(x, y, a, b, 2.6)
    px, py = x / half_w, y / half_d
    # Upper endplate: hollow across (between the uncinates), convex front to back; lower: the reverse.
    bevel = 1.2 if y > 0.0 else 0.5
    top = half_h - wedge * y - concave_up * (1.0 - min(px * px, 1.0)) - bevel * concave_up * py * py
    low = -half_h + wedge * y + concave_low * (1.0 - min(py * py + 0.4 * px * px, 1.0))
    cap = max(z - top, low - z)
    m = max(side, cap)
    # Rounded rim.
    h = max(1.6 - abs(side - cap), 0.0) / 1.6
    return m + h * h * 0.4


@inline_kernel
def _pillar(x, y, z, half_w, half_d, half_h, sine, cosine, waist):
    # Articular pillar: rounded column cut by two parallel planes, the facets.
    along = -sine * y + cosine * z
    t = min(abs(along) / half_h, 1.0)
    shrink = 1.0 - waist * (1.0 - t * t)
    side = superellipse(x, y, half_w * shrink, half_d * shrink, 2.6)
    cap = abs(along) - half_h
    m = max(side, cap)
    h = max(2.6 - abs(side - cap), 0.0) / 2.6
    return m + h * h * 0.65


@inline_kernel
def _lamina(y, z, canal, thickness, half_h, slope, front):
    # Shell around the canal: `front` is the most anterior y; the lower edge is thicker and lies further back.
    t = min(max(z / half_h, -1.0), 1.0)
    lean = 0.5 * slope * (1.0 - t)
    shell = max(lean - 0.2 - canal, canal - lean - thickness * (1.0 - 0.28 * t))
    edge = max(abs(z) - half_h, y - front)
    m = max(shell, edge)
    h = max(2.2 - abs(shell - edge), 0.0) / 2.2
    return m + h * h * 0.55


@inline_kernel
def _part(row, x, y, z, canal):
    kind = int(row[0])
    if row[3] > 0.5:
        x = abs(x)
    dx, dy, dz = x - row[4], y - row[5], z - row[6]
    if kind == 4:
        return _lamina(dy, dz, canal, row[16], row[17], row[18], row[19])
    px = row[7] * dx + row[8] * dy + row[9] * dz
    py = row[10] * dx + row[11] * dy + row[12] * dz
    pz = row[13] * dx + row[14] * dy + row[15] * dz
    if kind == 0:
        return _ellipsoid(px, py, pz, row[16], row[17], row[18])
    if kind == 1:
        return _box(px, py, pz, row[16], row[17], row[18], row[19])
    if kind == 2:
        return _cone(px, py, pz, row[16], row[17], row[18], row[19])
    if kind == 3:
        return _body(px, py, pz, row[16], row[17], row[18], row[19], row[20], row[21], row[22], row[23])
    return _pillar(px, py, pz, row[16], row[17], row[18], row[19], row[20], row[21])


@inline_kernel
def _warp(x, y, z, ripple):
    # A low-frequency displacement breaks the mirror symmetry that no real vertebra has.
    wx, wy, wz = x, y, z
    for k in range(ripple.shape[0]):
        s = math.sin(ripple[k, 0] * x + ripple[k, 1] * y + ripple[k, 2] * z + ripple[k, 3])
        wx += ripple[k, 4] * s
        wy += ripple[k, 5] * s
        wz += ripple[k, 6] * s
    return wx, wy, wz


@inline_kernel
def _solid(parts, keep, kept, x, y, z, canal):
    d = FAR
    for m in range(kept):
        row = parts[keep[m]]
        e = _part(row, x, y, z, canal)
        blend = row[2]
        if row[1] < 0.0:
            e = -e
            h = max(blend - abs(d - e), 0.0) / blend
            d = max(d, e) + h * h * blend * 0.25
        else:
            h = max(blend - abs(d - e), 0.0) / blend
            d = min(d, e) - h * h * blend * 0.25
    return max(d, -canal)


@kernel
def evaluate(parts, ripple, frame, origin, step, canal, out):
    """Signed pseudo-distance of a solid on a regular grid (axes along world axes).

    parts (n, 24); ripple (m, 7); frame (3, 4) world to local; origin (3,), step: centre of voxel 0 and
    edge, mm; canal, out (nx, ny, nz) float32. Blocks whose centre is far from the surface are filled
    with the centre's value: only the sign matters there. In the others, parts whose surface is out of
    reach (block, blend and joint gap) are left out.
    """
    nx, ny, nz = out.shape
    radius = 0.87 * BLOCK * step * 1.5
    half = 0.5 * (BLOCK - 1)
    keep = np.empty(parts.shape[0], np.int64)
    for i0 in range(0, nx, BLOCK):
        for j0 in range(0, ny, BLOCK):
            for k0 in range(0, nz, BLOCK):
                i1, j1, k1 = min(i0 + BLOCK, nx), min(j0 + BLOCK, ny), min(k0 + BLOCK, nz)
                wx = origin[0] + (i0 + half) * step
                wy = origin[1] + (j0 + half) * step
                wz = origin[2] + (k0 + half) * step
                x = frame[0, 0] * wx + frame[0, 1] * wy + frame[0, 2] * wz + frame[0, 3]
                y = frame[1, 0] * wx + frame[1, 1] * wy + frame[1, 2] * wz + frame[1, 3]
                z = frame[2, 0] * wx + frame[2, 1] * wy + frame[2, 2] * wz + frame[2, 3]
                x, y, z = _warp(x, y, z, ripple)
                centre = canal[(i0 + i1) // 2, (j0 + j1) // 2, (k0 + k1) // 2]
                kept = 0
                for m in range(parts.shape[0]):
                    if _part(parts[m], x, y, z, centre) < radius + parts[m, 2] + 1.5:
                        keep[kept] = m
                        kept += 1
                d = _solid(parts, keep, kept, x, y, z, centre)
                if abs(d) > radius + 1.5:
                    for i in range(i0, i1):
                        for j in range(j0, j1):
                            for k in range(k0, k1):
                                out[i, j, k] = d
                    continue
                for i in range(i0, i1):
                    for j in range(j0, j1):
                        for k in range(k0, k1):
                            wx = origin[0] + i * step
                            wy = origin[1] + j * step
                            wz = origin[2] + k * step
                            x = frame[0, 0] * wx + frame[0, 1] * wy + frame[0, 2] * wz + frame[0, 3]
                            y = frame[1, 0] * wx + frame[1, 1] * wy + frame[1, 2] * wz + frame[1, 3]
                            z = frame[2, 0] * wx + frame[2, 1] * wy + frame[2, 2] * wz + frame[2, 3]
                            x, y, z = _warp(x, y, z, ripple)
                            out[i, j, k] = _solid(parts, keep, kept, x, y, z, canal[i, j, k])
