"""Compiled loops over sampled fields: sampling, distances, label smoothing, volumes, fast marching."""

from __future__ import annotations

import numpy as np
from numba import prange

from canalrisk._jit import inline_kernel, kernel, pkernel


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


@kernel
def interface_voxels(values):
    """Flat indices of voxels whose field differs in sign (negative or not) from a face neighbour's."""
    nx, ny, nz = values.shape
    count = 0
    found = np.empty(1024, np.int64)
    for i in range(nx):
        for j in range(ny):
            for k in range(nz):
                s = values[i, j, k] < 0.0
                if (
                    (i > 0 and (values[i - 1, j, k] < 0.0) != s)
                    or (i < nx - 1 and (values[i + 1, j, k] < 0.0) != s)
                    or (j > 0 and (values[i, j - 1, k] < 0.0) != s)
                    or (j < ny - 1 and (values[i, j + 1, k] < 0.0) != s)
                    or (k > 0 and (values[i, j, k - 1] < 0.0) != s)
                    or (k < nz - 1 and (values[i, j, k + 1] < 0.0) != s)
                ):
                    if count == found.size:
                        bigger = np.empty(2 * count, np.int64)
                        bigger[:count] = found
                        found = bigger
                    found[count] = (i * ny + j) * nz + k
                    count += 1
    return found[:count].copy()


@inline_kernel
def _level_and_slope(coefficients, u, v, w, out):
    """Value and gradient of the cubic B-spline at voxel position (u, v, w), voxel units, into `out` (4,)."""
    nx, ny, nz = coefficients.shape
    u, v, w = min(max(u, 0.0), nx - 1.0), min(max(v, 0.0), ny - 1.0), min(max(w, 0.0), nz - 1.0)
    i, j, k = max(min(int(u), nx - 2), 0), max(min(int(v), ny - 2), 0), max(min(int(w), nz - 2), 0)
    au, av, aw = _weights(u - i), _weights(v - j), _weights(w - k)
    bu, bv, bw = _slopes(u - i), _slopes(v - j), _slopes(w - k)
    k0, k1, k2, k3 = _mirror(k - 1, nz), k, _mirror(k + 1, nz), _mirror(k + 2, nz)
    f = fu = fv = fw = 0.0
    for a in range(4):
        ia = _mirror(i - 1 + a, nx)
        s = sv = sw = 0.0
        for b in range(4):
            jb = _mirror(j - 1 + b, ny)
            c0, c1 = coefficients[ia, jb, k0], coefficients[ia, jb, k1]
            c2, c3 = coefficients[ia, jb, k2], coefficients[ia, jb, k3]
            q = aw[0] * c0 + aw[1] * c1 + aw[2] * c2 + aw[3] * c3
            s += av[b] * q
            sv += bv[b] * q
            sw += av[b] * (bw[0] * c0 + bw[1] * c1 + bw[2] * c2 + bw[3] * c3)
        f += au[a] * s
        fu += bu[a] * s
        fv += au[a] * sv
        fw += au[a] * sw
    out[0], out[1], out[2], out[3] = f, fu, fv, fw


@inline_kernel
def _project(coefficients, spacing, x, p, tolerance, out):
    """Move `p` to the zero level's point nearest to `x` (both mm in the grid's own axes); True if it converged.

    `out` (4,) holds the level and its gradient (per mm) where `p` last was. Alternates a Newton step onto the level
    and a tangential step towards `x` (Chopp 2001, SIAM J Sci Comput 23:230-244).
    """
    reach = 0.5 * min(spacing[0], spacing[1], spacing[2])
    for _ in range(20):
        _level_and_slope(coefficients, p[0] / spacing[0], p[1] / spacing[1], p[2] / spacing[2], out)
        g2 = dot = 0.0
        for a in range(3):
            out[1 + a] /= spacing[a]
            g2 += out[1 + a] * out[1 + a]
            dot += (x[a] - p[a]) * out[1 + a]
        if not g2 > 0.0:
            return False
        length = 0.0
        for a in range(3):
            step = x[a] - p[a] - (dot + out[0]) / g2 * out[1 + a]
            length += step * step
        length = np.sqrt(length)
        damp = 1.0 if length <= reach else reach / length
        for a in range(3):
            p[a] += damp * (x[a] - p[a] - (dot + out[0]) / g2 * out[1 + a])
        if length < tolerance:
            return True
    return False


@pkernel
def foot_points(coefficients, spacing, voxels, starts, feet, normals, status):
    """Nearest points of the zero level, mm in the grid's own axes, into `feet` (n, 3); unit `normals` there.

    `voxels` flat indices (n,), `starts` (n, 3) first guesses. `status` 1 where the projection converged to a
    point not further from the voxel than the guess (plus a quarter voxel); otherwise `feet` keeps the guess.
    """
    _nx, ny, nz = coefficients.shape
    slack = min(spacing[0], spacing[1], spacing[2])
    tolerance = 1e-5 * slack
    for m in prange(voxels.size):
        x, p, out = np.empty(3), np.empty(3), np.empty(4)
        flat = voxels[m]
        x[0] = (flat // (ny * nz)) * spacing[0]
        x[1] = (flat // nz % ny) * spacing[1]
        x[2] = (flat % nz) * spacing[2]
        before = 0.0
        for a in range(3):
            p[a] = starts[m, a]
            before += (x[a] - p[a]) ** 2
        done = _project(coefficients, spacing, x, p, tolerance, out)
        after = (x[0] - p[0]) ** 2 + (x[1] - p[1]) ** 2 + (x[2] - p[2]) ** 2
        if done and np.sqrt(after) <= np.sqrt(before) + 0.25 * slack:
            status[m] = 1
            for a in range(3):
                feet[m, a] = p[a]
        else:
            status[m] = 0
            for a in range(3):
                feet[m, a] = starts[m, a]
            _level_and_slope(
                coefficients, feet[m, 0] / spacing[0], feet[m, 1] / spacing[1], feet[m, 2] / spacing[2], out
            )
            for a in range(3):
                out[1 + a] /= spacing[a]
        size = np.sqrt(out[1] ** 2 + out[2] ** 2 + out[3] ** 2)
        for a in range(3):
            normals[m, a] = out[1 + a] / size if size > 0.0 else 0.0


@kernel
def linear_crossings(values, spacing, voxels, feet):
    """Nearest sign change along the axes through each interface voxel, mm in the grid's own axes, into `feet`."""
    nx, ny, nz = values.shape
    for m in range(voxels.size):
        flat = voxels[m]
        i, j, k = flat // (ny * nz), flat // nz % ny, flat % nz
        own = values[i, j, k]
        best = np.inf
        for a in range(3):
            for step in (-1, 1):
                i1 = i + (step if a == 0 else 0)
                j1 = j + (step if a == 1 else 0)
                k1 = k + (step if a == 2 else 0)
                if 0 <= i1 < nx and 0 <= j1 < ny and 0 <= k1 < nz:
                    other = values[i1, j1, k1]
                    if (other < 0.0) != (own < 0.0):
                        t = own / (own - other)
                        if t * spacing[a] < best:
                            best = t * spacing[a]
                            feet[m, 0] = (i + (t * step if a == 0 else 0.0)) * spacing[0]
                            feet[m, 1] = (j + (t * step if a == 1 else 0.0)) * spacing[1]
                            feet[m, 2] = (k + (t * step if a == 2 else 0.0)) * spacing[2]


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


@pkernel
def foot_distance(coefficients, site, lattice, voxels, feet, normals, spacing, near, band, distance):
    """Distance of every voxel to the nearest foot point around its nearest interface voxel, mm, clipped to `band`.

    `site` row of the nearest interface voxel; `lattice` int32 row at interface voxels, -1 elsewhere. Within `near` mm
    the best foot point is refined by projection, so that no trace of their spacing remains where contact
    looks at the field. Further out the surface is taken as flat up to half a voxel around the foot point.
    """
    nx, ny, nz = site.shape
    tolerance = 1e-5 * min(spacing[0], spacing[1], spacing[2])
    widest = max(spacing[0], spacing[1], spacing[2])
    flat_part = 0.5 * widest
    limit = (band + 2.0 * widest) ** 2
    for i in prange(nx):
        x, p, out = np.empty(3), np.empty(3), np.empty(4)
        for j in range(ny):
            previous = -1
            for k in range(nz):
                x[0], x[1], x[2] = i * spacing[0], j * spacing[1], k * spacing[2]
                if distance[i, j, k] > limit:
                    distance[i, j, k] = band
                    continue
                row, best, seen = site[i, j, k], np.inf, -1
                # The nearest interface voxel need not own the nearest foot point: descend from it or, far out, from the
                # last voxel's foot point if that is nearer.
                if previous >= 0 and distance[i, j, k] > near * near:
                    here, there = 0.0, 0.0
                    for a in range(3):
                        here += (x[a] - feet[row, a]) ** 2
                        there += (x[a] - feet[previous, a]) ** 2
                    row = previous if there < here else row
                while row != seen:
                    seen = row
                    flat = voxels[row]
                    ci, cj, ck = flat // (ny * nz), flat // nz % ny, flat % nz
                    for a in range(max(ci - 1, 0), min(ci + 2, nx)):
                        for b in range(max(cj - 1, 0), min(cj + 2, ny)):
                            for c in range(max(ck - 1, 0), min(ck + 2, nz)):
                                r = lattice[a, b, c]
                                if r < 0:
                                    continue
                                d2 = (x[0] - feet[r, 0]) ** 2 + (x[1] - feet[r, 1]) ** 2 + (x[2] - feet[r, 2]) ** 2
                                if d2 < best:
                                    best, row = d2, r
                previous = row
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


@pkernel
def smooth_part(level, zone, out):
    """Weight 0..1 of how far from a ridge of the distance `level` (voxel units) each voxel is, into `out`.

    Distances have slope one except on their ridges (medial surfaces), which smoothing must not round off. 0 where
    |level| >= `zone`.
    """
    nx, ny, nz = level.shape
    for i in prange(nx):
        for j in range(ny):
            for k in range(nz):
                out[i, j, k] = 0.0
                if abs(level[i, j, k]) >= zone:
                    continue
                least = 1.0
                for a in range(max(i - 1, 0), min(i + 2, nx)):
                    for b in range(max(j - 1, 0), min(j + 2, ny)):
                        for c in range(max(k - 1, 0), min(k + 2, nz)):
                            ga = level[min(a + 1, nx - 1), b, c] - level[max(a - 1, 0), b, c]
                            gb = level[a, min(b + 1, ny - 1), c] - level[a, max(b - 1, 0), c]
                            gc = level[a, b, min(c + 1, nz - 1)] - level[a, b, max(c - 1, 0)]
                            slope = 0.5 * np.sqrt(ga * ga + gb * gb + gc * gc)
                            least = min(least, max((slope - 0.75) / 0.2, 0.0))
                out[i, j, k] = least


@inline_kernel
def _laplacian(f, i, j, k):
    nx, ny, nz = f.shape
    total = f[max(i - 1, 0), j, k] + f[min(i + 1, nx - 1), j, k]
    total += f[i, max(j - 1, 0), k] + f[i, min(j + 1, ny - 1), k]
    total += f[i, j, max(k - 1, 0)] + f[i, j, min(k + 1, nz - 1)]
    return total - 6.0 * f[i, j, k]


@pkernel
def laplacian_in(f, zone, out):
    """Seven-point Laplacian (voxel units) where |f| < `zone`, 0 elsewhere, into `out`."""
    nx, ny, nz = f.shape
    for i in prange(nx):
        for j in range(ny):
            for k in range(nz):
                out[i, j, k] = _laplacian(f, i, j, k) if abs(f[i, j, k]) < zone else 0.0


@inline_kernel
def _consistent(value, opposite):
    """`value` moved to where a distance can be; `opposite` is that to the other label's nearest centre."""
    if opposite < 0.0:
        return min(max(value, opposite), -max(-opposite - 1.0, 0.05))
    return max(min(value, opposite), opposite - 1.0, 0.05)


@pkernel
def flatten_step(level, ahead, bend, weight, opposite, step, momentum):
    """One projected, accelerated step down the bending energy sum (Laplacian level)^2 / 2, in place.

    `ahead` the extrapolated level whose Laplacian is `bend`. Beck and Teboulle 2009, SIAM J Imaging Sci 2:183-202.
    """
    nx, ny, nz = level.shape
    for i in prange(nx):
        for j in range(ny):
            for k in range(nz):
                if weight[i, j, k] > 0.0:
                    old = level[i, j, k]
                    new = ahead[i, j, k] - step * weight[i, j, k] * _laplacian(bend, i, j, k)
                    new = _consistent(new, opposite[i, j, k])
                    level[i, j, k] = new
                    ahead[i, j, k] = new + momentum * (new - old)


@pkernel
def surplus_blocks(level, inside, surplus, area):
    """Volume of {level < 0} beyond the label's, and boundary area, per block of 2 x 2 x 2 voxels (voxel units)."""
    nx, ny, nz = level.shape
    for p in prange(surplus.shape[0]):
        for q in range(surplus.shape[1]):
            for r in range(surplus.shape[2]):
                volume, surface = 0.0, 0.0
                for i in range(2 * p, min(2 * p + 2, nx)):
                    for j in range(2 * q, min(2 * q + 2, ny)):
                        for k in range(2 * r, min(2 * r + 2, nz)):
                            f = level[i, j, k]
                            # A ramp narrower than a voxel: the wider it is the more a curved boundary gains.
                            volume += min(max(0.5 - 2.0 * f, 0.0), 1.0) - inside[i, j, k]
                            surface += 0.5 if abs(f) < 1.0 else 0.0
                surplus[p, q, r] = volume
                area[p, q, r] = surface


@pkernel
def shift_level(level, shift, opposite, zone):
    """Add the block-wise `shift` (trilinear between block centres) to `level` within `zone`, in place."""
    nx, ny, nz = level.shape
    mx, my, mz = shift.shape
    for i in prange(nx):
        u = min(max(0.5 * i - 0.25, 0.0), mx - 1.0)
        p = min(int(u), max(mx - 2, 0))
        p1, a = min(p + 1, mx - 1), u - p
        for j in range(ny):
            v = min(max(0.5 * j - 0.25, 0.0), my - 1.0)
            q = min(int(v), max(my - 2, 0))
            q1, b = min(q + 1, my - 1), v - q
            for k in range(nz):
                if abs(level[i, j, k]) >= zone:
                    # Specks that smoothing had lost come back here.
                    if abs(opposite[i, j, k]) < zone:
                        level[i, j, k] = _consistent(level[i, j, k], opposite[i, j, k])
                    continue
                w = min(max(0.5 * k - 0.25, 0.0), mz - 1.0)
                r = min(int(w), max(mz - 2, 0))
                r1, c = min(r + 1, mz - 1), w - r
                low = (1.0 - b) * ((1.0 - c) * shift[p, q, r] + c * shift[p, q, r1])
                low += b * ((1.0 - c) * shift[p, q1, r] + c * shift[p, q1, r1])
                high = (1.0 - b) * ((1.0 - c) * shift[p1, q, r] + c * shift[p1, q, r1])
                high += b * ((1.0 - c) * shift[p1, q1, r] + c * shift[p1, q1, r1])
                level[i, j, k] = _consistent(level[i, j, k] + (1.0 - a) * low + a * high, opposite[i, j, k])


@inline_kernel
def _box_fraction(offset, a, b, c):
    """Share of the cube |xi| <= 1/2 where offset + a xi_1 + b xi_2 + c xi_3 < 0 (Scardovelli and Zaleski 2000)."""
    a, b, c = abs(a), abs(b), abs(c)
    total = a + b + c
    if total == 0.0:
        return 1.0 if offset < 0.0 else 0.0
    # Nearly axis-parallel planes: keep the polynomial away from 0/0; moves the fraction by less than 1e-3.
    a, b, c = max(a, 1e-3 * total), max(b, 1e-3 * total), max(c, 1e-3 * total)
    total = a + b + c
    x = 0.5 * total - offset
    if x <= 0.0:
        return 0.0
    if x >= total:
        return 1.0
    f = x**3
    f -= max(x - a, 0.0) ** 3 + max(x - b, 0.0) ** 3 + max(x - c, 0.0) ** 3
    f += max(x - a - b, 0.0) ** 3 + max(x - a - c, 0.0) ** 3 + max(x - b - c, 0.0) ** 3
    return min(max(f / (6.0 * a * b * c), 0.0), 1.0)


@pkernel
def voxels_below(values, level, per_slab):
    """Sub-voxel count of {values < level} per slab of the first axis into `per_slab` (nx,).

    Each voxel holds a plane through its mean value (fourth-order: centre plus Laplacian / 24) with the central
    difference as slope; the share of the voxel below the plane is exact.
    """
    nx, ny, nz = values.shape
    for i in prange(nx):
        total = 0.0
        for j in range(ny):
            for k in range(nz):
                f = values[i, j, k] - level
                i0, i1 = values[max(i - 1, 0), j, k] - level, values[min(i + 1, nx - 1), j, k] - level
                j0, j1 = values[i, max(j - 1, 0), k] - level, values[i, min(j + 1, ny - 1), k] - level
                k0, k1 = values[i, j, max(k - 1, 0)] - level, values[i, j, min(k + 1, nz - 1)] - level
                if f < 0.0 and i0 < 0.0 and i1 < 0.0 and j0 < 0.0 and j1 < 0.0 and k0 < 0.0 and k1 < 0.0:
                    total += 1.0
                elif f < 0.0 or i0 < 0.0 or i1 < 0.0 or j0 < 0.0 or j1 < 0.0 or k0 < 0.0 or k1 < 0.0:
                    mean = f + (i0 + i1 + j0 + j1 + k0 + k1 - 6.0 * f) / 24.0
                    total += _box_fraction(mean, 0.5 * (i1 - i0), 0.5 * (j1 - j0), 0.5 * (k1 - k0))
        per_slab[i] = total


# What `place` holds for a voxel that is not in the heap of the march.
FAR, ACCEPTED, CLOSED = -1, -2, -3


@inline_kernel
def _upwind(time, place, flat, stride, before, after):
    """Upwind data along one axis: order, nearest accepted value, the one behind it.

    `before`, `after` how many voxels there are on either side.
    """
    order, near, behind = 0, np.inf, np.inf
    if before > 0 and place[flat - stride] == ACCEPTED:
        order, near = 1, time[flat - stride]
        if before > 1 and place[flat - 2 * stride] == ACCEPTED and time[flat - 2 * stride] <= near:
            order, behind = 2, time[flat - 2 * stride]
    if after > 0 and place[flat + stride] == ACCEPTED and time[flat + stride] < near:
        order, near = 1, time[flat + stride]
        if after > 1 and place[flat + 2 * stride] == ACCEPTED and time[flat + 2 * stride] <= near:
            order, behind = 2, time[flat + 2 * stride]
    return order, near, behind


@inline_kernel
def _eikonal(time, place, slowness, shape, spacing, flat, work):
    """Arrival time at one voxel from its accepted neighbours; second-order one-sided where two are in line."""
    near, value, weight = work[0], work[1], work[2]
    stride, rest = 1, flat
    simple = np.inf
    for axis in range(2, -1, -1):
        position = rest % shape[axis]
        rest //= shape[axis]
        order, first, second = _upwind(time, place, flat, stride, position, shape[axis] - 1 - position)
        stride *= shape[axis]
        near[axis], weight[axis], value[axis] = first, 0.0, first
        if order > 0:
            simple = min(simple, first + slowness * spacing[axis])
            weight[axis] = 1.0 / spacing[axis] ** 2
        if order == 2:
            weight[axis] *= 2.25
            value[axis] = (4.0 * first - second) / 3.0
    # An axis whose upwind value is not below the solution does not carry the front: drop the latest, retry.
    for _ in range(3):
        a, b, c, latest = 0.0, 0.0, -slowness * slowness, -1
        for axis in range(3):
            if weight[axis] > 0.0:
                a += weight[axis]
                b += weight[axis] * value[axis]
                c += weight[axis] * value[axis] * value[axis]
                if latest < 0 or near[axis] > near[latest]:
                    latest = axis
        if latest < 0:
            break
        square = b * b - a * c
        if square >= 0.0:
            solution = (b + np.sqrt(square)) / a
            if solution >= near[latest]:
                return min(solution, simple)
        weight[latest] = 0.0
    return simple


@inline_kernel
def _rise(heap, place, time, at):
    flat = heap[at]
    while at > 0:
        parent = (at - 1) // 2
        if time[heap[parent]] <= time[flat]:
            break
        heap[at] = heap[parent]
        place[heap[at]] = at
        at = parent
    heap[at] = flat
    place[flat] = at


@inline_kernel
def _pop(heap, place, time, count):
    first, flat = heap[0], heap[count - 1]
    count -= 1
    at = 0
    while True:
        child = 2 * at + 1
        if child >= count:
            break
        if child + 1 < count and time[heap[child + 1]] < time[heap[child]]:
            child += 1
        if time[heap[child]] >= time[flat]:
            break
        heap[at] = heap[child]
        place[heap[at]] = at
        at = child
    if count > 0:
        heap[at] = flat
        place[flat] = at
    return first


@inline_kernel
def _wake(time, place, slowness, shape, spacing, flat, heap, count, work):
    """Update the open face neighbours of an accepted voxel; returns the heap's new size."""
    stride, rest = 1, flat
    for axis in range(2, -1, -1):
        position = rest % shape[axis]
        rest //= shape[axis]
        for step in (-1, 1):
            if not 0 <= position + step < shape[axis]:
                continue
            other = flat + step * stride
            if place[other] < FAR or slowness[other] == np.inf:
                continue
            t = _eikonal(time, place, slowness[other], shape, spacing, other, work)
            if t < time[other]:
                time[other] = t
                if place[other] == FAR:
                    heap[count] = other
                    place[other] = count
                    count += 1
                _rise(heap, place, time, place[other])
        stride *= shape[axis]
    return count


@kernel
def march(time, place, slowness, shape, spacing, limit):
    """Fast marching from the accepted voxels into the far ones, in place, until `limit`.

    All arrays flat, C order. `time` float64: arrival time at ACCEPTED voxels, inf elsewhere; `place` int32: ACCEPTED,
    FAR or CLOSED (never entered, never read). `slowness` float32 per voxel, inf = barrier. Sethian 1999, SIAM Rev
    41:199-235.
    """
    heap = np.empty(time.size, np.int32)
    work = np.empty((3, 3))
    count = 0
    for flat in range(time.size):
        if place[flat] == ACCEPTED:
            count = _wake(time, place, slowness, shape, spacing, flat, heap, count, work)
    while count > 0:
        flat = _pop(heap, place, time, count)
        count -= 1
        if time[flat] > limit:
            break
        place[flat] = ACCEPTED
        count = _wake(time, place, slowness, shape, spacing, flat, heap, count, work)
