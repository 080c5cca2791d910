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
def _scatter_coupling(section, forward, starts, pointer, column, blocks, free, x, first):
    """Dense coupling of `section` (rows) with the next one to eliminate into (columns); first nonzero rows."""
    other = section + 1 if forward else section - 1
    low = section if forward else other
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
def _half(begin, end, step, starts, offsets, pointer, column, blocks, free, shift, factor, x, update, first,
          letters, scalars, z):  # fmt: skip
    updated = 0
    for section in range(begin, end, step):
        n = 3 * (starts[section + 1] - starts[section])
        a = factor[offsets[section] : offsets[section] + n * n].reshape(n, n)
        _scatter_diagonal(section, starts, pointer, column, blocks, free, shift, a)
        if updated:
            _subtract(n, a, update)
        if _cholesky(n, a, letters, z) != 0:
            return section + 1
        n, m = _scatter_coupling(section, step > 0, starts, pointer, column, blocks, free, x, first)
        _eliminate(n, m, a, x, first, update, letters, scalars, z)
        updated = 1
    return 0


@pkernel
def factorise(
    starts, offsets, pointer, column, blocks, free, shift, factor, x, update, first, letters, scalars, z, status
):
    """Factor all sections into `factor` (flat); `status` (3,) is 0 or 1 + the section that is not positive definite.

    `x`, `update` (2, w, w), `first` (2, w), `z` (2, 8) int32 and `status` are work space, w the widest section.
    """
    sections = len(starts) - 1
    middle = sections // 2
    for half in prange(2):
        if half == 0:
            status[0] = _half(0, middle, 1, starts, offsets, pointer, column, blocks, free, shift, factor, x[0],
                              update[0], first[0], letters, scalars, z[0])  # fmt: skip
        else:
            status[1] = _half(sections - 1, middle, -1, starts, offsets, pointer, column, blocks, free, shift, factor,
                              x[1], update[1], first[1], letters, scalars, z[1])  # fmt: skip
    status[2] = 0
    if status[0] == 0 and status[1] == 0:
        n = 3 * (starts[middle + 1] - starts[middle])
        a = factor[offsets[middle] : offsets[middle] + n * n].reshape(n, n)
        _scatter_diagonal(middle, starts, pointer, column, blocks, free, shift, a)
        if middle > 0:
            _subtract(n, a, update[0])
        if middle < sections - 1:
            _subtract(n, a, update[1])
        if _cholesky(n, a, letters, z[0]) != 0:
            status[2] = middle + 1


@kernel
def _triangular(section, transposed, starts, offsets, factor, b, letters, z):
    n = 3 * (starts[section + 1] - starts[section])
    a = factor[offsets[section] : offsets[section] + n * n].reshape(n, n)
    z[0], z[1] = n, 1
    trans = letters[1:] if transposed else letters[2:]
    dtrsv(letters.ctypes, trans.ctypes, letters[2:].ctypes, z.ctypes, a[0, 0:].ctypes, z.ctypes, b.ctypes, z[1:].ctypes)


@kernel
def _couple(low, upward, starts, pointer, column, blocks, free, x, y):
    """Subtract coupling times x: from section `low` to `low` + 1 if `upward`, else back. x, y are (n, 3)."""
    for i in range(starts[low], starts[low + 1]):
        for k in range(pointer[i], pointer[i + 1]):
            j = column[k]
            if j < starts[low + 1]:
                continue
            for p in range(3):
                for q in range(3):
                    if free[i, p] and free[j, q]:
                        if upward:
                            y[j, q] -= blocks[k, 3 * p + q] * x[i, p]
                        else:
                            y[i, p] -= blocks[k, 3 * p + q] * x[j, q]


@kernel
def _sweep(inward, begin, end, step, starts, offsets, pointer, column, blocks, free, factor, x, t, letters, z):
    """One half of a solve: towards the middle (`inward`) or away from it."""
    if inward:
        for section in range(begin, end, step):
            n0, n1 = starts[section], starts[section + 1]
            _triangular(section, False, starts, offsets, factor, x[n0], letters, z)
            t[n0:n1] = x[n0:n1]
            _triangular(section, True, starts, offsets, factor, t[n0], letters, z)
            low = section if step > 0 else section - 1
            if section + step != end:
                _couple(low, step > 0, starts, pointer, column, blocks, free, t, x)
        return
    for section in range(end - step, begin - step, -step):
        n0, n1 = starts[section], starts[section + 1]
        t[n0:n1] = 0.0
        low = section if step > 0 else section - 1
        _couple(low, step < 0, starts, pointer, column, blocks, free, x, t)
        _triangular(section, False, starts, offsets, factor, t[n0], letters, z)
        x[n0:n1] += t[n0:n1]
        _triangular(section, True, starts, offsets, factor, x[n0], letters, z)


@pkernel
def substitute(starts, offsets, pointer, column, blocks, free, factor, x, t, letters, z):
    """Solve in place: `x` (n, 3) in block order; `t` (n, 3) is work space."""
    sections = len(starts) - 1
    middle = sections // 2
    for half in prange(2):
        if half == 0:
            _sweep(True, 0, middle, 1, starts, offsets, pointer, column, blocks, free, factor, x, t, letters, z[0])
        else:
            _sweep(True, sections - 1, middle, -1, starts, offsets, pointer, column, blocks, free, factor, x, t,
                   letters, z[1])  # fmt: skip
    # The two sections beside the middle both write to it: one after the other.
    if middle > 0:
        _couple(middle - 1, True, starts, pointer, column, blocks, free, t, x)
    if middle < sections - 1:
        _couple(middle, False, starts, pointer, column, blocks, free, t, x)
    _triangular(middle, False, starts, offsets, factor, x[starts[middle]], letters, z[0])
    _triangular(middle, True, starts, offsets, factor, x[starts[middle]], letters, z[0])
    for half in prange(2):
        if half == 0:
            _sweep(False, 0, middle, 1, starts, offsets, pointer, column, blocks, free, factor, x, t, letters, z[0])
        else:
            _sweep(False, sections - 1, middle, -1, starts, offsets, pointer, column, blocks, free, factor, x, t,
                   letters, z[1])  # fmt: skip
