"""Feet of the perpendiculars from voxels beside a zero level, on its spline."""

from __future__ import annotations

import numpy as np
from numba import prange

from canalrisk._jit import inline_kernel, kernel, pkernel
from canalrisk.field._kernels.spline import _mirror, _slopes, _weights


@inline_kernel
def _at_interface(values, i, j, k):
    """Whether a voxel's field differs in sign (negative or not) from a face neighbour's."""
    nx, ny, nz = values.shape
    s = values[i, j, k] < 0.0
    return (
        (i > 0 and (values[i - 1, j, k] < 0.0) != s)
        or (i < nx - 1 and (values[i + 1, j, k] < 0.0) != s)
        or (j > 0 and (values[i, j - 1, k] < 0.0) != s)
        or (j < ny - 1 and (values[i, j + 1, k] < 0.0) != s)
        or (k > 0 and (values[i, j, k - 1] < 0.0) != s)
        or (k < nz - 1 and (values[i, j, k + 1] < 0.0) != s)
    )


@pkernel
def interface_voxels(values):
    """Flat indices, ascending, of voxels whose field differs in sign (negative or not) from a face neighbour's."""
    nx, ny, nz = values.shape
    start = np.zeros(nx + 1, np.int64)
    for i in prange(nx):
        count = 0
        for j in range(ny):
            for k in range(nz):
                if _at_interface(values, i, j, k):
                    count += 1
        start[i + 1] = count
    start = np.cumsum(start)
    found = np.empty(start[nx], np.int64)
    for i in prange(nx):
        at = start[i]
        if start[i + 1] == at:
            continue
        for j in range(ny):
            for k in range(nz):
                if _at_interface(values, i, j, k):
                    found[at] = (i * ny + j) * nz + k
                    at += 1
    return found


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
