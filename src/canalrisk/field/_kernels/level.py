"""Bend a level set as little as the labels allow; volumes below a level."""

from __future__ import annotations

import numpy as np
from numba import prange

from canalrisk._jit import inline_kernel, pkernel


@pkernel
def smooth_part(level, edge, zone, out):
    """Weight 0..1 of how far from a ridge of the distance `level` each voxel is, into `out`.

    Distances have slope one except on their ridges (medial surfaces), which smoothing must not round off. 0 where
    |level| >= `zone`. `edge` (3,) voxel edges in the units of `level`.
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
                            ga = (level[min(a + 1, nx - 1), b, c] - level[max(a - 1, 0), b, c]) / edge[0]
                            gb = (level[a, min(b + 1, ny - 1), c] - level[a, max(b - 1, 0), c]) / edge[1]
                            gc = (level[a, b, min(c + 1, nz - 1)] - level[a, b, max(c - 1, 0)]) / edge[2]
                            slope = 0.5 * np.sqrt(ga * ga + gb * gb + gc * gc)
                            least = min(least, max((slope - 0.75) / 0.2, 0.0))
                out[i, j, k] = least


@pkernel
def laplacian_rows(f, first, last, row, plane, weights, out):
    """Seven-point Laplacian of `f` into `out` on runs of voxels.

    `f` and `out` (n,) float32 flat arrays that hold a layer of voxels around every run; `row` and `plane` their
    strides; runs first[m]..last[m]; `weights` (3,) float32 = voxel edge^-2 per axis. Whole runs, so that the compiler
    can take many voxels at once: a twentieth of the time of one voxel after the other.
    """
    wx, wy, wz = weights
    centre = np.float32(2.0) * ((wx + wy) + wz)
    for m in prange(first.size):
        a, n = first[m], last[m] - first[m]
        own, result = f[a : a + n], out[a : a + n]
        x0, x1 = f[a - plane : a - plane + n], f[a + plane : a + plane + n]
        y0, y1 = f[a - row : a - row + n], f[a + row : a + row + n]
        z0, z1 = f[a - 1 : a - 1 + n], f[a + 1 : a + 1 + n]
        for c in range(n):
            total = (wx * (x0[c] + x1[c]) + wy * (y0[c] + y1[c])) + wz * (z0[c] + z1[c])
            result[c] = total - centre * own[c]


@inline_kernel
def _consistent(value, opposite, least):
    """`value` moved to where a distance can be.

    `opposite` (negative inside) is the distance to the other label's nearest centre, `least` > 0 that to the
    boundary at least.
    """
    if opposite < 0.0:
        return min(max(value, opposite), -least)
    return max(min(value, opposite), least)


@pkernel
def keep_labels(level, opposite, least):
    """Move every value of `level`, in place, to where a distance to the label's boundary can be."""
    nx, ny, nz = level.shape
    for i in prange(nx):
        for j in range(ny):
            for k in range(nz):
                level[i, j, k] = _consistent(level[i, j, k], opposite[i, j, k], least[i, j, k])


@pkernel
def flatten_rows(level, ahead, bend, pace, low, high, first, last, row, plane, weights, momentum):
    """One projected, accelerated step down the bending energy sum (Laplacian level)^2 / 2, in place, on runs of voxels.

    Arrays (n,) and runs as in `laplacian_rows`; `ahead` the extrapolated level whose Laplacian is `bend`, `pace` the
    step of each voxel, `low` and `high` its bounds. Beck and Teboulle 2009, SIAM J Imaging Sci 2:183-202.
    """
    wx, wy, wz = weights
    centre = np.float32(2.0) * ((wx + wy) + wz)
    for m in prange(first.size):
        a, n = first[m], last[m] - first[m]
        own, old, front = bend[a : a + n], level[a : a + n], ahead[a : a + n]
        speed, least, most = pace[a : a + n], low[a : a + n], high[a : a + n]
        x0, x1 = bend[a - plane : a - plane + n], bend[a + plane : a + plane + n]
        y0, y1 = bend[a - row : a - row + n], bend[a + row : a + row + n]
        z0, z1 = bend[a - 1 : a - 1 + n], bend[a + 1 : a + 1 + n]
        for c in range(n):
            total = (wx * (x0[c] + x1[c]) + wy * (y0[c] + y1[c])) + wz * (z0[c] + z1[c])
            new = min(max(front[c] - speed[c] * (total - centre * own[c]), least[c]), most[c])
            front[c] = new + momentum * (new - old[c])
            old[c] = new


@inline_kernel
def _least_about(level, x, y, z):
    """Least |level| at the one to eight voxels about a place (voxel units; clamped to the array)."""
    nx, ny, nz = level.shape
    least = np.inf
    for i in (min(max(int(np.floor(x)), 0), nx - 1), min(max(int(np.ceil(x)), 0), nx - 1)):
        for j in (min(max(int(np.floor(y)), 0), ny - 1), min(max(int(np.ceil(y)), 0), ny - 1)):
            for k in (min(max(int(np.floor(z)), 0), nz - 1), min(max(int(np.ceil(z)), 0), nz - 1)):
                least = min(least, abs(level[i, j, k]))
    return least


@pkernel
def surplus_nodes(level, inside, zone, surplus, area):
    """Volume of {level < 0} beyond the label's, and boundary area, shared among nodes two voxels apart (voxel units).

    `surplus` and `area` have an odd number of nodes along each axis, the middle one at the middle of the array, so
    that a flipped array gives the flipped nodes. Every voxel is shared linearly between its neighbouring nodes. Nodes
    as far as `zone` from the boundary have none of it.
    """
    nx, ny, nz = level.shape
    mx, my, mz = surplus.shape
    for p in prange(mx):
        x = 0.5 * (nx - 1) + 2 * (p - mx // 2)
        for q in range(my):
            y = 0.5 * (ny - 1) + 2 * (q - my // 2)
            for r in range(mz):
                z = 0.5 * (nz - 1) + 2 * (r - mz // 2)
                volume, surface = 0.0, 0.0
                least = _least_about(level, x, y, z)
                for i in range(max(int(np.ceil(x - 1.5)), 0), min(int(x + 1.5) + 1, nx)):
                    if least >= zone:
                        break
                    for j in range(max(int(np.ceil(y - 1.5)), 0), min(int(y + 1.5) + 1, ny)):
                        for k in range(max(int(np.ceil(z - 1.5)), 0), min(int(z + 1.5) + 1, nz)):
                            f = level[i, j, k]
                            if abs(f) >= 1.0:
                                continue
                            share = (1.0 - 0.5 * abs(i - x)) * (1.0 - 0.5 * abs(j - y)) * (1.0 - 0.5 * abs(k - z))
                            # A ramp narrower than a voxel: the wider it is the more a curved boundary gains.
                            volume += share * (min(max(0.5 - 2.0 * f, 0.0), 1.0) - inside[i, j, k])
                            surface += 0.5 * share
                surplus[p, q, r] = volume
                area[p, q, r] = surface


@inline_kernel
def _between(i, n, m):
    """Lower of the two nodes (of `m`) about voxel `i` (of `n`) and how far past it the voxel is, 0..1."""
    u = min(max(0.5 * (i - 0.5 * (n - 1)) + m // 2, 0.0), m - 1.0)
    p = min(int(u), max(m - 2, 0))
    return p, min(p + 1, m - 1), u - p


@pkernel
def shift_level(level, shift, opposite, least, zone):
    """Add the `shift` at the nodes of `surplus_nodes` (trilinear between them) to `level` within `zone`, in place."""
    nx, ny, nz = level.shape
    mx, my, mz = shift.shape
    for i in prange(nx):
        p, p1, a = _between(i, nx, mx)
        for j in range(ny):
            q, q1, b = _between(j, ny, my)
            for k in range(nz):
                if abs(level[i, j, k]) >= zone:
                    # Specks that smoothing had lost come back here.
                    if abs(opposite[i, j, k]) < zone:
                        level[i, j, k] = _consistent(level[i, j, k], opposite[i, j, k], least[i, j, k])
                    continue
                r, r1, c = _between(k, nz, mz)
                low = (1.0 - b) * ((1.0 - c) * shift[p, q, r] + c * shift[p, q, r1])
                low += b * ((1.0 - c) * shift[p, q1, r] + c * shift[p, q1, r1])
                high = (1.0 - b) * ((1.0 - c) * shift[p1, q, r] + c * shift[p1, q, r1])
                high += b * ((1.0 - c) * shift[p1, q1, r] + c * shift[p1, q1, r1])
                moved = level[i, j, k] + (1.0 - a) * low + a * high
                level[i, j, k] = _consistent(moved, opposite[i, j, k], least[i, j, k])


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


@inline_kernel
def _share_below(values, i, j, k, level):
    """Share of voxel (i, j, k) where the plane through it lies below `level`, as in `voxels_below`."""
    nx, ny, nz = values.shape
    f = values[i, j, k] - level
    i0, i1 = values[max(i - 1, 0), j, k] - level, values[min(i + 1, nx - 1), j, k] - level
    j0, j1 = values[i, max(j - 1, 0), k] - level, values[i, min(j + 1, ny - 1), k] - level
    k0, k1 = values[i, j, max(k - 1, 0)] - level, values[i, j, min(k + 1, nz - 1)] - level
    mean = f + (i0 + i1 + j0 + j1 + k0 + k1 - 6.0 * f) / 24.0
    return _box_fraction(mean, 0.5 * (i1 - i0), 0.5 * (j1 - j0), 0.5 * (k1 - k0))


@pkernel
def match_shares(level, share, edge, out):
    """One Newton step per voxel towards the `level` (mm) below which each voxel holds its `share`, into `out`.

    Only voxels that the level or the share calls partly filled move, by half the shortest voxel edge `edge` at most.
    """
    nx, ny, nz = level.shape
    small, most = 0.1 * edge, 0.5 * edge
    for i in prange(nx):
        for j in range(ny):
            for k in range(nz):
                out[i, j, k] = level[i, j, k]
                now = _share_below(level, i, j, k, 0.0)
                wanted = share[i, j, k]
                if (now <= 0.0 or now >= 1.0) and (wanted <= 0.01 or wanted >= 0.99):
                    continue
                slope = (_share_below(level, i, j, k, small) - _share_below(level, i, j, k, -small)) / (2.0 * small)
                # A corner's slope is small and says little: it moves less than a cut face would.
                move = (now - wanted) / max(slope, 0.3 / edge)
                out[i, j, k] += min(max(move, -most), most)


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
