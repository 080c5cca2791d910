"""SciPy's BLAS and LAPACK callable from compiled code.

The routines are bound by symbol, not by address, so that kernels which call them can still be cached on disk.
Every pointer argument is an array's `.ctypes`; integers are 32-bit, characters single bytes.
"""

from __future__ import annotations

import llvmlite.binding  # type: ignore[import-untyped]  # ships no types
import numpy as np
from numba import types
from numba.extending import get_cython_function_address

_INT, _REAL, _CHAR = types.CPointer(types.intc), types.CPointer(types.float64), types.CPointer(types.uint8)
_SINGLE = types.CPointer(types.float32)


def _bind(name, module, *arguments):
    symbol = f"canalrisk_{name}"
    llvmlite.binding.add_symbol(symbol, get_cython_function_address(f"scipy.linalg.{module}", name))
    return types.ExternalFunction(symbol, types.void(*arguments))


# uplo, n, a, lda, info
dpotrf = _bind("dpotrf", "cython_lapack", _CHAR, _INT, _REAL, _INT, _INT)
# side, uplo, trans, diag, m, n, alpha, a, lda, b, ldb
dtrsm = _bind(
    "dtrsm", "cython_blas", _CHAR, _CHAR, _CHAR, _CHAR, _INT, _INT, _REAL, _REAL, _INT, _REAL, _INT
)  # fmt: skip
# uplo, trans, n, k, alpha, a, lda, beta, c, ldc
dsyrk = _bind("dsyrk", "cython_blas", _CHAR, _CHAR, _INT, _INT, _REAL, _REAL, _INT, _REAL, _REAL, _INT)
# transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc
dgemm = _bind(
    "dgemm", "cython_blas", _CHAR, _CHAR, _INT, _INT, _INT, _REAL, _REAL, _INT, _REAL, _INT, _REAL, _REAL, _INT
)  # fmt: skip
# uplo, trans, diag, n, a, lda, x, incx
dtrsv = _bind("dtrsv", "cython_blas", _CHAR, _CHAR, _CHAR, _INT, _REAL, _INT, _REAL, _INT)

# transa, m, n, alpha, a, lda, x, incx, beta, y, incy
dgemv = _bind("dgemv", "cython_blas", _CHAR, _INT, _INT, _REAL, _REAL, _INT, _REAL, _INT, _REAL, _REAL, _INT)

# The single-precision twins.
spotrf = _bind("spotrf", "cython_lapack", _CHAR, _INT, _SINGLE, _INT, _INT)
strsm = _bind(
    "strsm", "cython_blas", _CHAR, _CHAR, _CHAR, _CHAR, _INT, _INT, _SINGLE, _SINGLE, _INT, _SINGLE, _INT
)  # fmt: skip
ssyrk = _bind("ssyrk", "cython_blas", _CHAR, _CHAR, _INT, _INT, _SINGLE, _SINGLE, _INT, _SINGLE, _SINGLE, _INT)
sgemm = _bind(
    "sgemm", "cython_blas", _CHAR, _CHAR, _INT, _INT, _INT, _SINGLE, _SINGLE, _INT, _SINGLE, _INT, _SINGLE, _SINGLE,
    _INT,
)  # fmt: skip
strsv = _bind("strsv", "cython_blas", _CHAR, _CHAR, _CHAR, _INT, _SINGLE, _INT, _SINGLE, _INT)
sgemv = _bind(
    "sgemv", "cython_blas", _CHAR, _INT, _INT, _SINGLE, _SINGLE, _INT, _SINGLE, _INT, _SINGLE, _SINGLE, _INT
)  # fmt: skip

# Characters as an array to point into: L at 0, T at 1, N at 2, R at 3.
LETTERS = np.frombuffer(b"LTNR", np.uint8).copy()
# Scalars to point into: 1 at 0, -1 at 1, 0 at 2.
SCALARS = np.array((1.0, -1.0, 0.0))
