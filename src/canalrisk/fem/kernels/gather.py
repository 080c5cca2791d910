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
def multiply(pointer, column, blocks, x, out):
    """Product of the symmetric block matrix (upper rows: `pointer`, `column`, `blocks`) with `x` (n, 3).

    Reads the lower half through a second pass in `multiply_lower`; rows are independent.
    """
    for i in prange(len(pointer) - 1):
        a = b = c = 0.0
        for k in range(pointer[i], pointer[i + 1]):
            j, v = column[k], blocks[k]
            p, q, r = x[j, 0], x[j, 1], x[j, 2]
            a += v[0] * p + v[1] * q + v[2] * r
            b += v[3] * p + v[4] * q + v[5] * r
            c += v[6] * p + v[7] * q + v[8] * r
        out[i, 0], out[i, 1], out[i, 2] = a, b, c


@pkernel
def multiply_lower(pointer, row, position, blocks, x, out):
    """Add the strictly lower half: row i of the transpose has blocks ``blocks[position[k]]`` at `row[k]`."""
    for i in prange(len(pointer) - 1):
        a = b = c = 0.0
        for k in range(pointer[i], pointer[i + 1]):
            j, v = row[k], blocks[position[k]]
            p, q, r = x[j, 0], x[j, 1], x[j, 2]
            a += v[0] * p + v[3] * q + v[6] * r
            b += v[1] * p + v[4] * q + v[7] * r
            c += v[2] * p + v[5] * q + v[8] * r
        out[i, 0] += a
        out[i, 1] += b
        out[i, 2] += c
