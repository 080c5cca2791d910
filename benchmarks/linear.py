"""Direct solvers on the tangent of problem P1, side by side: analyse, factor, solve, product with the matrix.

usage: python benchmarks/linear.py [S] [M] [L] [--threads 2] [--repeats 3]

Ours in double and single precision, block-tridiagonal along the sweep (S and M only), and MKL's PARDISO where pypardiso
is installed. Wall and CPU seconds, least of the repeats; quote ratios of one run only.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.sparse import bsr_array, csr_array, csr_matrix, triu
from threadpoolctl import threadpool_info

from canalrisk._jit import one_blas_thread, set_threads
from canalrisk.fem import Model, NeoHookean, Supports, System, dofs, prepare
from canalrisk.fem.assemble import evaluate, times_matrix
from canalrisk.fem.kept import alone, conjugate_gradients
from canalrisk.fem.multifrontal import Multifrontal
from canalrisk.mesh import elliptic_cylinder


def least(work: Callable[[], Any], repeats: int) -> tuple[float, float, Any]:
    """Least wall and CPU seconds of some repeats, and the last result."""
    wall = cpu = np.inf
    for _ in range(repeats):
        w, c = time.perf_counter(), time.process_time()
        result = work()
        wall, cpu = min(wall, time.perf_counter() - w), min(cpu, time.process_time() - c)
    return wall, cpu, result


def line(name: str, stage: str, wall: float, cpu: float, note: str = "") -> None:
    print(f"  {name:14s} {stage:8s} {wall:8.4f} s wall {cpu:8.4f} s CPU  {note}", flush=True)


def system_of(size: str, method: str) -> System:
    """P1 on a reference mesh: both ends and the anterior patch held, the posterior one pushed."""
    mesh = elliptic_cylinder(size)
    sets = mesh.node_sets
    held = [dofs(sets["ends"]), dofs(sets["ant"], axes=(1,)), dofs(sets["post"], axes=(1,))]
    law = NeoHookean.from_young(0.25, poisson=0.49, volumetric="quadratic")
    model = Model(mesh=mesh, materials=(law,), supports=Supports(fixed=np.concatenate(held)))
    return prepare(model, method=method)  # type: ignore[arg-type]


def tangent(system: System) -> None:
    evaluate(system, np.zeros_like(system.points), touches=(), forces=None, tangent=True)


def ours(size: str, right: np.ndarray, repeats: int) -> np.ndarray:
    start = time.process_time()
    system = system_of(size, "multifrontal")
    line("multifrontal", "prepare", np.nan, time.process_time() - start, "all of `prepare`, elements included")
    tangent(system)
    free, zero = system.free, np.zeros_like(right)
    exact = system.cholesky.solver
    assert isinstance(exact, Multifrontal)
    right = np.where(free, right, 0.0)
    operations = float(exact.tree.operations.sum())
    solutions = []
    for precision in ("double", "single"):
        solver = exact if precision == "double" else Multifrontal(exact.pattern, exact.tree, precision="single")
        assert solver.factor(system.matrix, free=free, shift=zero), precision
        solver.solve(right)
        wall, cpu, _ = least(lambda s=solver: s.factor(system.matrix, free=free, shift=zero), repeats)  # type: ignore[misc]
        note = f"{operations / 1e9:.1f} GFLOP, {operations / 1e9 / wall:.0f} GFLOP/s, {solver.nbytes / 1e6:.0f} MB"
        line(precision, "factor", wall, cpu, f"{note} + {solver.work_nbytes / 1e6:.0f} MB of work")
        wall, cpu, x = least(lambda s=solver: s.solve(right), repeats)  # type: ignore[misc]
        line(precision, "solve", wall, cpu, f"{2 * solver.nbytes / 1e9 / wall:.1f} GB/s")
        many = np.repeat(right[None], 8, axis=0)
        wall, cpu, _ = least(lambda s=solver, m=many: s.solve(m), repeats)  # type: ignore[misc]
        line(precision, "8 solves", wall, cpu)
        asking = conjugate_gradients(
            lambda v: np.where(free, times_matrix(system, v), 0.0), right, tolerance=1e-10, limit=30
        )
        found, iterations = alone(asking, solver.solve)
        line(precision, "CG", np.nan, np.nan, f"{iterations} iterations to 1e-10" if found is not None else "no")
        solutions.append(x)
    wall, cpu, _ = least(lambda: times_matrix(system, right), 5 * repeats)
    # Blocks and their numbers in both halves, positions of the lower one, and vectors.
    p = system.pattern
    moved = 2 * p.n_blocks * (72 + 8) + p.n_blocks * 8 + 48 * len(right)
    source, copy = np.ones(20_000_000), np.ones(20_000_000)
    seconds, _, _ = least(lambda: np.copyto(copy, source), 5 * repeats)
    bandwidth = 2 * copy.nbytes / seconds
    line("product", "", wall, cpu, f"{moved / 1e9 / wall:.1f} GB/s, {moved / wall / bandwidth:.2f} of one core's copy")
    return solutions[0]


def sections(size: str, right: np.ndarray, repeats: int) -> None:
    system = system_of(size, "sections")
    tangent(system)
    free, zero = system.free, np.zeros_like(right)
    solver = system.cholesky
    right = np.where(free, right, 0.0)
    assert solver.factor(system.matrix, free=free, shift=zero)
    solver.solve(right)
    line("sections", "factor", *least(lambda: solver.factor(system.matrix, free=free, shift=zero), repeats)[:2])
    line("sections", "solve", *least(lambda: solver.solve(right), repeats)[:2])


def pardiso(size: str, right: np.ndarray, repeats: int) -> np.ndarray | None:
    try:
        from pypardiso import PyPardisoSolver
    except ImportError:
        return None
    system = system_of(size, "multifrontal")
    tangent(system)
    p, n = system.pattern, len(right)
    upper = triu(bsr_array((system.matrix.reshape(-1, 3, 3), p.column, p.pointer), shape=(3 * n, 3 * n)))
    back = (3 * p.rank[:, None] + np.arange(3)).ravel()
    keep = np.flatnonzero(system.free.ravel())
    whole = csr_array((upper + triu(upper, 1).T).tocsr()[back][:, back])[keep][:, keep]
    matrix = csr_matrix(triu(whole))
    matrix.sort_indices()
    # Real, symmetric, positive definite.
    solver = PyPardisoSolver(mtype=2)
    load = np.ascontiguousarray(right.ravel()[keep][:, None])

    def phase(number: int) -> Any:
        solver.set_phase(number)
        return solver._call_pardiso(matrix, load)

    for name, number in (("analyse", 11), ("factor", 22), ("solve", 33)):
        wall, cpu, x = least(lambda k=number: phase(k), repeats)  # type: ignore[misc]
        line("PARDISO", name, wall, cpu)
    solution = np.zeros(3 * n)
    solution[keep] = x.ravel()
    solver.free_memory(everything=True)
    return solution.reshape(n, 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", default=["S", "M"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    os.environ["MKL_NUM_THREADS"] = str(options.threads)
    set_threads(options.threads)
    blas = {
        f"{i['internal_api']} {i['version']} {i.get('architecture', '')}"
        for i in threadpool_info()
        if i["user_api"] == "blas"
    }
    print(f"{options.threads} threads, {', '.join(sorted(blas))}, load {os.getloadavg()[0]:.1f}")
    for size in options.sizes:
        n = len(elliptic_cylinder(size).points)
        right = np.random.default_rng(0).normal(size=(n, 3))
        print(f"{size}: {3 * n} degrees of freedom")
        with one_blas_thread():
            mine = ours(size, right, options.repeats)
            if size != "L":
                sections(size, right, options.repeats)
        theirs = pardiso(size, right, options.repeats)
        if theirs is not None:
            print(f"  largest difference of solutions {np.abs(mine - theirs).max() / np.abs(theirs).max():.1e}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
