"""The only module that sets numba flags, and the only one that touches BLAS threads.

Every kernel is compiled with IEEE semantics (no `fastmath`), cached on disk, and releases the GIL.
`pkernel` kernels write one result per `prange` item and never reduce across threads, so that bits do
not depend on the number of threads.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

# Idle OpenMP threads that spin eat the core that serial work needs: the demo's cord costs half without it.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import numba
from numba.core.caching import FunctionCache
from threadpoolctl import threadpool_limits

# A cluster's workers receive a warmed, read-only cache directory; CANALRISK_NUMBA_CACHE=0 turns the
# disk cache off where the home directory is not writable. It changes where files live, never results.
_CACHE = os.environ.get("CANALRISK_NUMBA_CACHE", "1") != "0"

_FLAGS: dict[str, Any] = {
    "fastmath": False,
    "nogil": True,
    "error_model": "numpy",
    # Nobody calls a kernel through a C function pointer; the wrapper only costs compilation.
    "no_cfunc_wrapper": True,
}


def kernel_sources() -> list[Path]:
    """Files that hold compiled code."""
    root = Path(__file__).parent
    return sorted({*root.glob("_jit.py"), *root.rglob("*kernels/*.py"), *root.rglob("_kernels.py")})


@cache
def _fingerprint() -> str:
    """Digest of the sources of all kernels."""
    digest = hashlib.sha256()
    for path in kernel_sources():
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


class _Cache(FunctionCache):  # type: ignore[misc]  # numba has no types
    """Numba's disk cache, forgetful of everything as soon as any kernel's source changes.

    Numba watches a kernel's own file only; code that was compiled into it from other files would stay old after an
    upgrade.
    """

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        return (*super()._index_key(sig, codegen), _fingerprint())


def _cached(dispatcher: Any) -> Any:
    if _CACHE:
        dispatcher._cache = _Cache(dispatcher.py_func)
    return dispatcher


def kernel(function: Any) -> Any:
    """Compile a serial kernel."""
    return _cached(numba.njit(**_FLAGS)(function))


def inline_kernel(function: Any) -> Any:
    """Compile a small kernel that its callers should inline."""
    return _cached(numba.njit(inline="never", **_FLAGS)(function))


def part_kernel(function: Any) -> Any:
    """Compile a part of other kernels: it cannot be called from Python, and is cached with those that use it."""
    return numba.njit(inline="never", no_cpython_wrapper=True, **_FLAGS)(function)


def pkernel(function: Any) -> Any:
    """Compile a kernel whose `prange` loops run on all threads that the caller allowed."""
    return _cached(numba.njit(parallel=True, **_FLAGS)(function))


def set_threads(threads: int) -> None:
    """Set how many threads `pkernel` kernels use in this process."""
    numba.set_num_threads(max(1, min(threads, numba.config.NUMBA_NUM_THREADS)))


def threads() -> int:
    """Return how many threads `pkernel` kernels use now."""
    return int(numba.get_num_threads())


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Run BLAS single-threaded inside: parallelism is ours, and bits stay the same."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


@contextmanager
def one_thread() -> Iterator[None]:
    """Run kernels and BLAS single-threaded inside, and leave the caller's thread count as it was."""
    before = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        with one_blas_thread():
            yield
    finally:
        numba.set_num_threads(before)
