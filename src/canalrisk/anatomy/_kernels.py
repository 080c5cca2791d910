"""Compiled loops over planes: area and centroid of what is negative, by exact linear marching."""

from __future__ import annotations

import numpy as np

from canalrisk._jit import inline_kernel, kernel


@inline_kernel
def _corner(area, vp, vq, vr, p, q, r):
    # Area and first moment, along one axis, of the corner at p that the zero line cuts off.
    tq, tr = vp / (vp - vq), vp / (vp - vr)
    part = area * tq * tr
    return part, part * (p + (tq * (q - p) + tr * (r - p)) / 3.0)


@inline_kernel
def _triangle(va, vb, vc, xa, xb, xc, ya, yb, yc, area):
    """Area, x moment and y moment of the negative part of a triangle with linear values."""
    na, nb, nc = va < 0.0, vb < 0.0, vc < 0.0
    count = int(na) + int(nb) + int(nc)
    if count == 0:
        return 0.0, 0.0, 0.0
    full_x, full_y = area * (xa + xb + xc) / 3.0, area * (ya + yb + yc) / 3.0
    if count == 3:
        return area, full_x, full_y
    lone = count == 1
    if na == lone and nb != lone and nc != lone:
        part, mx = _corner(area, va, vb, vc, xa, xb, xc)
        _, my = _corner(area, va, vb, vc, ya, yb, yc)
    elif nb == lone and na != lone and nc != lone:
        part, mx = _corner(area, vb, va, vc, xb, xa, xc)
        _, my = _corner(area, vb, va, vc, yb, ya, yc)
    else:
        part, mx = _corner(area, vc, va, vb, xc, xa, xb)
        _, my = _corner(area, vc, va, vb, yc, ya, yb)
    if lone:
        return part, mx, my
    return area - part, full_x - mx, full_y - my


@inline_kernel
def _cell(v00, v01, v10, v11, x0, y0, step):
    """Area, x moment and y moment of what is negative in a square cell, as four triangles about its mean value."""
    x1, xc, y1, yc = x0 + step, x0 + 0.5 * step, y0 + step, y0 + 0.5 * step
    quarter = 0.25 * step * step
    vc = 0.25 * ((v00 + v11) + (v01 + v10))
    a1, u1, w1 = _triangle(v00, v01, vc, x0, x1, xc, y0, y0, yc, quarter)
    a2, u2, w2 = _triangle(v01, v11, vc, x1, x1, xc, y0, y1, yc, quarter)
    a3, u3, w3 = _triangle(v11, v10, vc, x1, x0, xc, y1, y1, yc, quarter)
    a4, u4, w4 = _triangle(v10, v00, vc, x0, x0, xc, y1, y0, yc, quarter)
    return (a1 + a3) + (a2 + a4), (u1 + u3) + (u2 + u4), (w1 + w3) + (w2 + w4)


@inline_kernel
def _halfway(a, b, c, d):
    # Keys' cubic between b and c.
    return 0.5625 * (b + c) - 0.0625 * (a + d)


@kernel
def plane_moments(values, keep, step, origin, out):
    """Area and centroid of ``values < 0`` on each plane of a stack.

    `values` float64 (n, m, m) with axis 1 = v, axis 2 = u; node (i, j) lies at (origin + j step, origin + i step);
    `keep` uint8 (n, m, m), or (0, 0, 0) for all: a cell counts when any of its corners is kept; `out` float64
    (n, 3): area, u moment, v moment. Linear marching cuts an outline's arcs to their chords, 2 pi / 12 step^2 of area;
    a cell that the outline cuts is therefore halved, with values by Keys' cubic, which leaves a quarter of that.
    Mirror images give the same number.
    """
    n, rows, columns = values.shape
    half = 0.5 * step
    between, rest = np.empty((3, 3)), np.empty(4)
    for k in range(n):
        area, mu, mv = 0.0, 0.0, 0.0
        for i in range(rows - 1):
            y0 = origin + i * step
            for j in range(columns - 1):
                v00, v01 = values[k, i, j], values[k, i, j + 1]
                v10, v11 = values[k, i + 1, j], values[k, i + 1, j + 1]
                if v00 >= 0.0 and v01 >= 0.0 and v10 >= 0.0 and v11 >= 0.0:
                    continue
                if keep.size > 0 and not (
                    keep[k, i, j] or keep[k, i, j + 1] or keep[k, i + 1, j] or keep[k, i + 1, j + 1]
                ):
                    continue
                x0 = origin + j * step
                cut = not (v00 < 0.0 and v01 < 0.0 and v10 < 0.0 and v11 < 0.0)
                farthest = np.inf
                if cut and 1 <= i < rows - 2 and 1 <= j < columns - 2:
                    farthest = np.abs(values[k, i - 1 : i + 3, j - 1 : j + 3]).max()
                # Further than a cell's neighbours can be from its outline: not a distance, or the image's edge.
                if not farthest < 4.0 * step:
                    a, u, w = _cell(v00, v01, v10, v11, x0, y0, step)
                    area, mu, mv = area + a, mu + u, mv + w
                    continue
                part = values[k, i - 1 : i + 3, j - 1 : j + 3]
                for p in range(4):
                    rest[p] = _halfway(part[p, 0], part[p, 1], part[p, 2], part[p, 3])
                for p in range(2):
                    between[2 * p, 0], between[2 * p, 1], between[2 * p, 2] = (
                        part[p + 1, 1],
                        rest[p + 1],
                        part[p + 1, 2],
                    )
                between[1, 0] = _halfway(part[0, 1], part[1, 1], part[2, 1], part[3, 1])
                between[1, 1] = _halfway(rest[0], rest[1], rest[2], rest[3])
                between[1, 2] = _halfway(part[0, 2], part[1, 2], part[2, 2], part[3, 2])
                for p in range(2):
                    for q in range(2):
                        a, u, w = _cell(
                            between[p, q],
                            between[p, q + 1],
                            between[p + 1, q],
                            between[p + 1, q + 1],
                            x0 + q * half,
                            y0 + p * half,
                            half,
                        )
                        area, mu, mv = area + a, mu + u, mv + w
        out[k, 0], out[k, 1], out[k, 2] = area, mu, mv


@kernel
def negative_runs(values, step, out):
    """Find the runs of negative values along rays, with linear crossings.

    `values` float64 (n, m), samples `step` apart; `out` float64 (n, 4): total negative length, longest run,
    its start and its end (distance from the first sample). Rays without a run give zeros and NaN, NaN.
    """
    n, m = values.shape
    for k in range(n):
        total, longest, first, last = 0.0, 0.0, np.nan, np.nan
        begin = 0.0 if values[k, 0] < 0.0 else np.nan
        for j in range(1, m):
            a, b = values[k, j - 1], values[k, j]
            if a < 0.0 <= b or (a >= 0.0 and b < 0.0):
                place = step * (j - 1 + a / (a - b))
                if b < 0.0:
                    begin = place
                else:
                    length = place - begin
                    total += length
                    if length > longest:
                        longest, first, last = length, begin, place
        if values[k, m - 1] < 0.0:
            place = step * (m - 1)
            length = place - begin
            total += length
            if length > longest:
                longest, first, last = length, begin, place
        out[k, 0], out[k, 1], out[k, 2], out[k, 3] = total, longest, first, last
