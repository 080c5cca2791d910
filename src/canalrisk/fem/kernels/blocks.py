"""Block-tridiagonal Cholesky of a swept mesh, from both ends towards a middle section.

Blocks are column-major: entry (r, c) of a block is ``a[c, r]`` here. Only sections' Cholesky factors are kept; the
off-diagonal blocks stay sparse and are applied as such. Columns of L^-1 O are zero above the first coupled
row; tiles of columns skip those rows, which halves the work.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from canalrisk._jit import kernel, pkernel
from canalrisk.fem.kernels.blas import dgemm, dpotrf, dsyrk, dtrsm, dtrsv

TILE = 96


@kernel
def _scatter_diagonal(section, starts, pointer, column, blocks, free, shift, a):
    n0, n1 = starts[section], starts[section + 1]
    n = 3 * (n1 - n0)
    a[:n, :n] = 0.0
    for i in range(n0, n1):
        for k in range(pointer[i], pointer[i + 1]):
            j = column[k]
            if j >= n1:
                continue
            for p in range(3):
                for q in range(3):
                    # Lower half: row from the later node j, column from i.
                    if free[i, p] and free[j, q] and (j > i or q >= p):
                        a[3 * (i - n0) + p, 3 * (j - n0) + q] = blocks[k, 3 * p + q]
        for p in range(3):
            d = 3 * (i - n0) + p
            a[d, d] = a[d, d] + shift[i, p] if free[i, p] else 1.0


@kernel
def _scatter_coupling(section, other, starts, pointer, column, blocks, free, x, first):
    """Dense coupling of `section` (rows) with the next one to eliminate into (columns); first nonzero rows."""
    forward = other > section
    low = min(section, other)
    n0, m0 = starts[section], starts[other]
    n = 3 * (starts[section + 1] - n0)
    m = 3 * (starts[other + 1] - m0)
    x[:m, :n] = 0.0
    first[:m] = n
    for i in range(starts[low], starts[low + 1]):
        for k in range(pointer[i], pointer[i + 1]):
            j = column[k]
            if j < starts[low + 1]:
                continue
            for p in range(3):
                for q in range(3):
                    if not (free[i, p] and free[j, q]):
                        continue
                    r, c = (3 * (i - n0) + p, 3 * (j - m0) + q) if forward else (3 * (j - n0) + q, 3 * (i - m0) + p)
                    x[c, r] = blocks[k, 3 * p + q]
                    first[c] = min(first[c], r)
    return n, m


@kernel
def _eliminate(n, m, a, x, first, update, letters, scalars, z):
    """X <- L^-1 X and update <- X^T X (lower half), tile by tile."""
    lower, trans, plain = letters, letters[1:], letters[2:]
    one, zero = scalars, scalars[2:]
    tiles = (m + TILE - 1) // TILE
    starts = np.empty(tiles, np.int64)
    z[0], z[1], z[2] = n, m, len(update)
    for t in range(tiles):
        c0, c1 = t * TILE, min((t + 1) * TILE, m)
        r0 = n
        for c in range(c0, c1):
            r0 = min(r0, first[c])
        r0 -= r0 % 8
        starts[t] = r0
        if r0 < n:
            z[3], z[4] = n - r0, c1 - c0
            z[5], z[6] = a.shape[1], x.shape[1]
            dtrsm(
                lower.ctypes, lower.ctypes, plain.ctypes, plain.ctypes, z[3:].ctypes, z[4:].ctypes, one.ctypes,
                a[r0, r0:].ctypes, z[5:].ctypes, x[c0, r0:].ctypes, z[6:].ctypes,
            )  # fmt: skip
        for s in range(t + 1):
            d0, d1 = s * TILE, min((s + 1) * TILE, m)
            k0 = max(starts[s], r0)
            # Rows of tile t, columns of tile s (s <= t): the lower half.
            z[3], z[4], z[5] = c1 - c0, d1 - d0, n - k0
            z[6], z[7] = x.shape[1], update.shape[1]
            if k0 >= n:
                for c in range(d0, d1):
                    update[c, c0:c1] = 0.0
            elif s == t:
                dsyrk(
                    lower.ctypes, trans.ctypes, z[3:].ctypes, z[5:].ctypes, one.ctypes, x[c0, k0:].ctypes, z[6:].ctypes,
                    zero.ctypes, update[d0, c0:].ctypes, z[7:].ctypes,
                )  # fmt: skip
            else:
                dgemm(
                    trans.ctypes, plain.ctypes, z[3:].ctypes, z[4:].ctypes, z[5:].ctypes, one.ctypes,
                    x[c0, k0:].ctypes, z[6:].ctypes, x[d0, k0:].ctypes, z[6:].ctypes, zero.ctypes,
                    update[d0, c0:].ctypes, z[7:].ctypes,
                )  # fmt: skip


@kernel
def _subtract(n, a, update):
    for c in range(n):
        for r in range(c, n):
            a[c, r] -= update[c, r]


@kernel
def _cholesky(n, a, letters, z):
    z[0], z[1], z[2] = n, a.shape[1], 0
    dpotrf(letters.ctypes, z.ctypes, a[0, 0:].ctypes, z[1:].ctypes, z[2:].ctypes)
    if z[2] != 0:
        return z[2]
    for d in range(n):
        if not np.isfinite(a[d, d]):
            return d + 1
    return 0


@kernel
def _factor_half(half, starts, offsets, pointer, column, blocks, free, shift, factor, x, update, first,
                 letters, scalars, z):  # fmt: skip
    sections = len(starts) - 1
    middle = sections // 2
    section = 0
    step = 1
    if half == 1:
        section = sections - 1
        step = -1
    updated = 0
    while section != middle:
        n = 3 * (starts[section + 1] - starts[section])
        a = factor[offsets[section] : offsets[section] + n * n].reshape(n, n)
        _scatter_diagonal(section, starts, pointer, column, blocks, free, shift, a)
        if updated:
            _subtract(n, a, update)
        if _cholesky(n, a, letters, z) != 0:
            return section + 1
        n, m = _scatter_coupling(section, section + step, starts, pointer, column, blocks, free, x, first)
        _eliminate(n, m, a, x, first, update, letters, scalars, z)
        updated = 1
        section += step
    return 0


@kernel
def _factor_middle(starts, offsets, pointer, column, blocks, free, shift, factor, update, letters, z):
    sections = len(starts) - 1
    middle = sections // 2
    n = 3 * (starts[middle + 1] - starts[middle])
    a = factor[offsets[middle] : offsets[middle] + n * n].reshape(n, n)
    _scatter_diagonal(middle, starts, pointer, column, blocks, free, shift, a)
    if middle > 0:
        _subtract(n, a, update[0])
    if middle < sections - 1:
        _subtract(n, a, update[1])
    if _cholesky(n, a, letters, z) != 0:
        return middle + 1
    return 0


@pkernel
def factorise(
    starts, offsets, pointer, column, blocks, free, shift, factor, x, update, first, letters, scalars, z, status
):
    """Factor all sections into `factor` (flat); `status` (3,) is 0 or 1 + the section that is not positive definite.

    `x`, `update` (2, w, w), `first` (2, w), `z` (2, 8) int32 and `status` are work space, w the widest section.
    """
    for half in prange(2):
        h = np.int64(half)
        status[h] = _factor_half(h, starts, offsets, pointer, column, blocks, free, shift, factor, x[h], update[h],
                                 first[h], letters, scalars, z[h])  # fmt: skip
    status[2] = 0
    if status[0] == 0 and status[1] == 0:
        status[2] = _factor_middle(starts, offsets, pointer, column, blocks, free, shift, factor, update, letters, z[0])


@kernel
def _triangular(section, transposed, starts, offsets, factor, b, letters, z):
    n = 3 * (starts[section + 1] - starts[section])
    a = factor[offsets[section] : offsets[section] + n * n].reshape(n, n)
    z[0], z[1] = n, 1
    # Letters are L, T, N: position 1 is "transposed", 2 "as it is".
    trans = letters[2 - transposed :]
    dtrsv(letters.ctypes, trans.ctypes, letters[2:].ctypes, z.ctypes, a[0, 0:].ctypes, z.ctypes, b.ctypes, z[1:].ctypes)


@kernel
def _couple(source, target, starts, pointer, column, blocks, free, x, y):
    """Subtract from `y` in section `target` the coupling with `x` in the neighbouring section `source`; both (n, 3)."""
    low = min(source, target)
    for i in range(starts[low], starts[low + 1]):
        for k in range(pointer[i], pointer[i + 1]):
            j = column[k]
            if j < starts[low + 1]:
                continue
            for p in range(3):
                for q in range(3):
                    if free[i, p] and free[j, q]:
                        if source == low:
                            y[j, q] -= blocks[k, 3 * p + q] * x[i, p]
                        else:
                            y[i, p] -= blocks[k, 3 * p + q] * x[j, q]


@kernel
def _substitute_half(half, inward, starts, offsets, pointer, column, blocks, free, factor, x, t, letters, z):
    """One half of a solve: towards the middle (`inward` 1) or away from it (0)."""
    sections = len(starts) - 1
    middle = sections // 2
    count = middle if half == 0 else sections - 1 - middle
    for number in range(count):
        away = number if inward == 1 else count - 1 - number
        section = away if half == 0 else sections - 1 - away
        following = section + 1 if half == 0 else section - 1
        n0, n1 = starts[section], starts[section + 1]
        if inward == 1:
            _triangular(section, 0, starts, offsets, factor, x[n0], letters, z)
            # Written out: an assignment between slices costs two seconds of compilation for its shape check.
            for i in range(n0, n1):
                for p in range(3):
                    t[i, p] = x[i, p]
            _triangular(section, 1, starts, offsets, factor, t[n0], letters, z)
            # Both halves end beside the middle section, which takes their parts one after the other.
            if following != middle:
                _couple(section, following, starts, pointer, column, blocks, free, t, x)
        else:
            t[n0:n1] = 0.0
            _couple(following, section, starts, pointer, column, blocks, free, x, t)
            _triangular(section, 0, starts, offsets, factor, t[n0], letters, z)
            for i in range(n0, n1):
                for p in range(3):
                    x[i, p] += t[i, p]
            _triangular(section, 1, starts, offsets, factor, x[n0], letters, z)


@kernel
def _substitute_middle(starts, offsets, pointer, column, blocks, free, factor, x, t, letters, z):
    sections = len(starts) - 1
    middle = sections // 2
    if middle > 0:
        _couple(middle - 1, middle, starts, pointer, column, blocks, free, t, x)
    if middle < sections - 1:
        _couple(middle + 1, middle, starts, pointer, column, blocks, free, t, x)
    _triangular(middle, 0, starts, offsets, factor, x[starts[middle]], letters, z)
    _triangular(middle, 1, starts, offsets, factor, x[starts[middle]], letters, z)


@pkernel
def substitute(inward, starts, offsets, pointer, column, blocks, free, factor, x, t, letters, z):
    """Solve in place, in two calls: `inward` 1 (ends to middle, middle included), then 0 (back to the ends).

    `x` (n, 3) in block order; `t` (n, 3) is work space.
    """
    for half in prange(2):
        h = np.int64(half)
        _substitute_half(h, inward, starts, offsets, pointer, column, blocks, free, factor, x, t, letters, z[h])
    if inward == 1:
        _substitute_middle(starts, offsets, pointer, column, blocks, free, factor, x, t, letters, z[0])
