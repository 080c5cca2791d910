"""Dense operations on column-major blocks inside flat arrays, in the precision of the array.

A block is (array, offset, leading dimension). `z` is scratch for the integers that BLAS takes by address.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import overload

from canalrisk.fem.kernels import blas
from canalrisk.fem.kernels.tasks import address as at

L, T, N, R = (blas.LETTERS[i : i + 1].copy() for i in range(4))
ONE64, MINUS64 = np.ones(1), -np.ones(1)
ONE32, MINUS32 = np.ones(1, np.float32), -np.ones(1, np.float32)


def subtract_product(m, n, k, a, ia, lda, b, ib, ldb, c, ic, ldc, z):
    """C (m, n) -= A (m, k) B (n, k)^T."""


@overload(subtract_product)
def _subtract_product(m, n, k, a, ia, lda, b, ib, ldb, c, ic, ldc, z):
    single = a.dtype == types.float32
    gemm, one, minus = (blas.sgemm, ONE32, MINUS32) if single else (blas.dgemm, ONE64, MINUS64)

    def run(m, n, k, a, ia, lda, b, ib, ldb, c, ic, ldc, z):
        z[0], z[1], z[2], z[3], z[4], z[5] = m, n, k, lda, ldb, ldc
        gemm(
            at(N, 0), at(T, 0), at(z, 0), at(z, 1), at(z, 2), at(minus, 0), at(a, ia), at(z, 3),
            at(b, ib), at(z, 4), at(one, 0), at(c, ic), at(z, 5),
        )  # fmt: skip

    return run


def subtract_applied(transposed, m, n, k, a, ia, lda, b, ib, ldb, c, ic, ldc, z):
    """C (m, n) -= A (m, k) B (k, n), or A^T B with A (k, m); several right-hand sides, or one (n = 1)."""


@overload(subtract_applied)
def _subtract_applied(transposed, m, n, k, a, ia, lda, b, ib, ldb, c, ic, ldc, z):
    single = a.dtype == types.float32
    gemm, gemv = (blas.sgemm, blas.sgemv) if single else (blas.dgemm, blas.dgemv)
    one, minus = (ONE32, MINUS32) if single else (ONE64, MINUS64)

    def run(transposed, m, n, k, a, ia, lda, b, ib, ldb, c, ic, ldc, z):
        z[0], z[1], z[2], z[3], z[4], z[5], z[6] = m, n, k, lda, ldb, ldc, 1
        letter = T if transposed else N
        if n == 1:
            # gemv takes the shape of A itself.
            if transposed:
                z[0], z[2] = k, m
            gemv(
                at(letter, 0), at(z, 0), at(z, 2), at(minus, 0), at(a, ia), at(z, 3), at(b, ib),
                at(z, 6), at(one, 0), at(c, ic), at(z, 6),
            )  # fmt: skip
        else:
            gemm(
                at(letter, 0), at(N, 0), at(z, 0), at(z, 1), at(z, 2), at(minus, 0), at(a, ia),
                at(z, 3), at(b, ib), at(z, 4), at(one, 0), at(c, ic), at(z, 5),
            )  # fmt: skip

    return run


def subtract_square(n, k, a, ia, lda, c, ic, ldc, z):
    """Lower half of C (n, n) -= A (n, k) A^T."""


@overload(subtract_square)
def _subtract_square(n, k, a, ia, lda, c, ic, ldc, z):
    single = a.dtype == types.float32
    syrk, one, minus = (blas.ssyrk, ONE32, MINUS32) if single else (blas.dsyrk, ONE64, MINUS64)

    def run(n, k, a, ia, lda, c, ic, ldc, z):
        z[0], z[1], z[2], z[3] = n, k, lda, ldc
        syrk(
            at(L, 0), at(N, 0), at(z, 0), at(z, 1), at(minus, 0), at(a, ia), at(z, 2), at(one, 0),
            at(c, ic), at(z, 3),
        )  # fmt: skip

    return run


def factor_block(n, a, ia, lda, z):
    """Cholesky factor of the lower half in place; returns 0, or the first pivot that is not positive, from 1."""


@overload(factor_block)
def _factor_block(n, a, ia, lda, z):
    potrf = blas.spotrf if a.dtype == types.float32 else blas.dpotrf

    def run(n, a, ia, lda, z):
        z[0], z[1], z[2] = n, lda, 0
        potrf(at(L, 0), at(z, 0), at(a, ia), at(z, 1), at(z, 2))
        if z[2] != 0:
            return z[2]
        for d in range(n):
            if not np.isfinite(a[ia + d * (lda + 1)]):
                return d + 1
        return 0

    return run


def divide_rows(m, n, a, ia, lda, b, ib, ldb, z):
    """B (m, n) <- B A^-T with A lower triangular (n, n)."""


@overload(divide_rows)
def _divide_rows(m, n, a, ia, lda, b, ib, ldb, z):
    single = a.dtype == types.float32
    trsm, one = (blas.strsm, ONE32) if single else (blas.dtrsm, ONE64)

    def run(m, n, a, ia, lda, b, ib, ldb, z):
        z[0], z[1], z[2], z[3] = m, n, lda, ldb
        trsm(
            at(R, 0), at(L, 0), at(T, 0), at(N, 0), at(z, 0), at(z, 1), at(one, 0), at(a, ia), at(z, 2),
            at(b, ib), at(z, 3),
        )  # fmt: skip

    return run


def divide(transposed, m, n, a, ia, lda, b, ib, ldb, z):
    """B (m, n) <- A^-1 B, or A^-T B, with A lower triangular (m, m)."""


@overload(divide)
def _divide(transposed, m, n, a, ia, lda, b, ib, ldb, z):
    single = a.dtype == types.float32
    trsm, trsv, one = (blas.strsm, blas.strsv, ONE32) if single else (blas.dtrsm, blas.dtrsv, ONE64)

    def run(transposed, m, n, a, ia, lda, b, ib, ldb, z):
        z[0], z[1], z[2], z[3], z[4] = m, n, lda, ldb, 1
        letter = T if transposed else N
        if n == 1:
            trsv(
                at(L, 0),
                at(letter, 0),
                at(N, 0),
                at(z, 0),
                at(a, ia),
                at(z, 2),
                at(b, ib),
                at(z, 4),
            )
        else:
            trsm(
                at(L, 0), at(L, 0), at(letter, 0), at(N, 0), at(z, 0), at(z, 1), at(one, 0), at(a, ia),
                at(z, 2), at(b, ib), at(z, 3),
            )  # fmt: skip

    return run
