"""Deterministic assembly: every target sums its own contributions in a fixed order."""

from __future__ import annotations

from numba import prange

from canalrisk._jit import pkernel


@pkernel
def gather_vectors(pointer, source, values, out):
    """Add ``values[source[k]]``, k in the target's range, to each row of `out` (n, 3)."""
    for t in prange(len(pointer) - 1):
        for k in range(pointer[t], pointer[t + 1]):
            s = source[k]
            out[t, 0] += values[s, 0]
            out[t, 1] += values[s, 1]
            out[t, 2] += values[s, 2]


@pkernel
def gather_blocks(targets, pointer, source, values, out):
    """Add 3 x 3 blocks to ``out[targets[t]]`` (p, 9); a source -s - 1 means block s transposed."""
    for t in prange(len(targets)):
        o = out[targets[t]]
        for k in range(pointer[t], pointer[t + 1]):
            s = source[k]
            if s >= 0:
                v = values[s]
                for i in range(9):
                    o[i] += v[i]
            else:
                v = values[-s - 1]
                for i in range(3):
                    for j in range(3):
                        o[3 * i + j] += v[3 * j + i]


@pkernel
def multiply(pointer, column, lower_pointer, lower_row, position, blocks, x, out):
    """Product of a symmetric block matrix with `x` (n, 3): `pointer`, `column` and `blocks` are its upper rows.

    Row i of the strictly lower half has, transposed, ``blocks[position[k]]`` at ``lower_row[k]``. Every row is summed
    by itself in a fixed order, so each block off the diagonal is read twice.
    """
    for i in prange(len(pointer) - 1):
        a = b = c = 0.0
        for k in range(lower_pointer[i], lower_pointer[i + 1]):
            j, v = lower_row[k], blocks[position[k]]
            p, q, r = x[j, 0], x[j, 1], x[j, 2]
            a += v[0] * p + v[3] * q + v[6] * r
            b += v[1] * p + v[4] * q + v[7] * r
            c += v[2] * p + v[5] * q + v[8] * r
        for k in range(pointer[i], pointer[i + 1]):
            j, v = column[k], blocks[k]
            p, q, r = x[j, 0], x[j, 1], x[j, 2]
            a += v[0] * p + v[1] * q + v[2] * r
            b += v[3] * p + v[4] * q + v[5] * r
            c += v[6] * p + v[7] * q + v[8] * r
        out[i, 0], out[i, 1], out[i, 2] = a, b, c
