"""Exact nearest seed along lines, and the distance from each voxel to its foot."""

from __future__ import annotations

import numpy as np
from numba import prange

from canalrisk._jit import inline_kernel, pkernel
from canalrisk.field._kernels.interface import _project

# Interface voxels whose foot points differ in distance by less than this may each lead to the nearest one; looked at
# up to this far from the boundary (6 mm at 0.5 mm), where roots and masses are near bone.
_TIE_VOXELS = 0.5
_TIE_REACH_VOXELS = 12.0


@inline_kernel
def _envelope(cost, site, count, step, at, start):
    """Lower envelope of the parabolas cost[q] + (step (x - q))^2, q < count; returns how many remain.

    Felzenszwalb and Huttenlocher 2012, Theory Comput 8:415-428.
    """
    used = -1
    for q in range(count):
        if site[q] < 0:
            continue
        while used >= 0:
            p = at[used]
            cross = ((cost[q] - cost[p]) / (step * step) + q * q - p * p) / (2.0 * (q - p))
            if cross > start[used]:
                break
            used -= 1
        if used < 0:
            cross = -np.inf
        used += 1
        at[used] = q
        start[used] = cross
    return used + 1


@inline_kernel
def _sweep_line(cost, site, count, step, at, start, new_cost, new_site):
    used = _envelope(cost, site, count, step, at, start)
    m = 0
    for q in range(count):
        if used == 0:
            new_cost[q], new_site[q] = np.inf, -1
            continue
        while m + 1 < used and start[m + 1] < q:
            m += 1
        p = at[m]
        new_cost[q] = cost[p] + (step * (q - p)) ** 2
        new_site[q] = site[p]


@pkernel
def nearest_along(site, cost, step):
    """One pass, along the last axis, of the exact nearest-marked-voxel transform, in place.

    `site` int32 (n0, n1, n2): row number at marked voxels, -1 elsewhere; `cost` float32, same shape: 0 at marked
    voxels, inf elsewhere. After passes along all three axes (views with each axis last) `site` is the row of the
    nearest marked voxel and `cost` the squared distance between centres, mm2.
    """
    n0, n1, n2 = site.shape
    for i in prange(n0):
        c, s = np.empty(n2), np.empty(n2, np.int32)
        at, start = np.empty(n2, np.int64), np.empty(n2)
        for j in range(n1):
            for q in range(n2):
                c[q], s[q] = cost[i, j, q], site[i, j, q]
            used = _envelope(c, s, n2, step, at, start)
            if used == 0:
                continue
            m = 0
            for q in range(n2):
                while m + 1 < used and start[m + 1] < q:
                    m += 1
                p = at[m]
                cost[i, j, q] = c[p] + (step * (q - p)) ** 2
                site[i, j, q] = s[p]


@inline_kernel
def _square(x, feet, row):
    return (x[0] - feet[row, 0]) ** 2 + (x[1] - feet[row, 1]) ** 2 + (x[2] - feet[row, 2]) ** 2


@inline_kernel
def _added(row, rows, count):
    """Append `row` to the first `count` of `rows` unless it is among them; returns how many there are now."""
    for m in range(count):
        if rows[m] == row:
            return count
    rows[count] = row
    return count + 1


@inline_kernel
def _apart(at, one, other):
    """Whether two interface voxels (rows of `at`) are no neighbours."""
    return max(abs(at[one, 0] - at[other, 0]), abs(at[one, 1] - at[other, 1]), abs(at[one, 2] - at[other, 2])) > 1


@inline_kernel
def _descended(x, feet, around, row):
    """Go from interface voxel to neighbour until no foot point is nearer to `x`: its squared distance and row."""
    best, seen = np.inf, -1
    while row != seen:
        seen = row
        for m in range(27):
            r = around[seen, m]
            if r < 0:
                break
            d2 = _square(x, feet, r)
            if d2 < best:
                best, row = d2, r
    return best, row


@pkernel
def neighbours(lattice, voxels, at, around):
    """Place of every interface voxel into `at` int32 (n, 3), and the rows about it, itself too, into `around` (n, 27).

    Rows come in the order of the axes; -1 ends them. What each of a million voxels asks is then looked up once.
    """
    nx, ny, nz = lattice.shape
    for m in prange(voxels.size):
        flat = voxels[m]
        i, j, k = flat // (ny * nz), flat // nz % ny, flat % nz
        at[m, 0], at[m, 1], at[m, 2] = i, j, k
        count = 0
        for a in range(max(i - 1, 0), min(i + 2, nx)):
            for b in range(max(j - 1, 0), min(j + 2, ny)):
                for c in range(max(k - 1, 0), min(k + 2, nz)):
                    if lattice[a, b, c] >= 0:
                        around[m, count] = lattice[a, b, c]
                        count += 1
        if count < 27:
            around[m, count] = -1


@pkernel
def foot_distance(coefficients, site, lattice, at, around, feet, normals, spacing, near, band, distance):
    """Distance of every voxel to the nearest foot point around its nearest interface voxel, mm, clipped to `band`.

    `site` row of the nearest interface voxel; `lattice` int32 row at interface voxels, -1 elsewhere; `at`, `around`
    from `neighbours`. Within `near` mm
    the best foot point is refined by projection, so that no trace of their spacing remains where contact
    looks at the field. Further out the surface is taken as flat up to half a voxel around the foot point.
    """
    nx, ny, nz = site.shape
    tolerance = 1e-5 * min(spacing[0], spacing[1], spacing[2])
    widest = max(spacing[0], spacing[1], spacing[2])
    flat_part = 0.5 * widest
    tie, tie_reach = _TIE_VOXELS * widest, (_TIE_REACH_VOXELS * widest) ** 2
    limit = (band + 2.0 * widest) ** 2
    for i in prange(nx):
        x, p, out = np.empty(3), np.empty(3), np.empty(4)
        rows, squares = np.empty(7, np.int64), np.empty(7)
        for j in range(ny):
            for k in range(nz):
                x[0], x[1], x[2] = i * spacing[0], j * spacing[1], k * spacing[2]
                if distance[i, j, k] > limit:
                    distance[i, j, k] = band
                    continue
                # Of equally near interface voxels the transform names one, by the order of its passes; the face
                # neighbours name the others.
                rows[0], count = site[i, j, k], 1
                for a in range(3):
                    for side in (-1, 1):
                        i1 = i + (side if a == 0 else 0)
                        j1 = j + (side if a == 1 else 0)
                        k1 = k + (side if a == 2 else 0)
                        if 0 <= i1 < nx and 0 <= j1 < ny and 0 <= k1 < nz:
                            count = _added(site[i1, j1, k1], rows, count)
                first = 0
                for m in range(count):
                    squares[m] = _square(x, feet, rows[m])
                    first = m if squares[m] < squares[first] else first
                most = (np.sqrt(squares[first]) + tie) ** 2 if squares[first] < tie_reach else 0.0
                best, row = _descended(x, feet, around, rows[first])
                for m in range(count):
                    if m != first and squares[m] <= most and _apart(at, rows[m], row):
                        d2, r = _descended(x, feet, around, rows[m])
                        if d2 < best:
                            best, row = d2, r
                best = np.sqrt(best)
                if best < near and lattice[i, j, k] < 0:
                    p[0], p[1], p[2] = feet[row, 0], feet[row, 1], feet[row, 2]
                    if _project(coefficients, spacing, x, p, tolerance, out):
                        d = np.sqrt((x[0] - p[0]) ** 2 + (x[1] - p[1]) ** 2 + (x[2] - p[2]) ** 2)
                        best = min(best, d)
                elif best >= near:
                    along = 0.0
                    for a in range(3):
                        along += (x[a] - feet[row, a]) * normals[row, a]
                    beside = max(np.sqrt(max(best * best - along * along, 0.0)) - flat_part, 0.0)
                    best = np.sqrt(along * along + beside * beside)
                distance[i, j, k] = min(best, band)
