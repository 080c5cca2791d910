"""Throughput of many scenarios of one mesh: one by one from rest, one by one from a neighbour, as a batch.

usage: python benchmarks/batch.py [--cases 16] [--move 0.1] [--radius 0.1]

Problem P2 of the reference problems at S: scenarios are the sphere moved by up to `--move` mm in any direction and
its radius changed by up to `--radius` mm, from the solved sphere at 2.4 mm. Only the ratios are worth quoting.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent / "peers"))

from canalrisk_q1p0 import ball
from common import POISSON, PUSH, RADIUS, YOUNG, fixed_dofs, mesh_of

from canalrisk.fem import Load, Model, NeoHookean, Obstacle, State, Supports, prepare, solve, solve_batch
from canalrisk.mesh import elliptic_cylinder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=16)
    parser.add_argument("--move", type=float, default=0.1, help="greatest move of the sphere, mm")
    parser.add_argument("--radius", type=float, default=0.1, help="greatest change of its radius, mm")
    parser.add_argument("--mesh", nargs="+", default=["S"], help="S, M, or core, rings and layers of a smaller mesh")
    options = parser.parse_args()

    mesh = mesh_of(options.mesh[0]) if len(options.mesh) == 1 else elliptic_cylinder(tuple(map(int, options.mesh)))
    fixed, _ = fixed_dofs(mesh, "P2")
    law = NeoHookean.from_young(YOUNG, poisson=POISSON, volumetric="quadratic")
    system = prepare(Model(mesh=mesh, materials=(law,), supports=Supports(fixed=fixed)))
    sphere = ball()

    def pressed(move: np.ndarray, thicker: float) -> Load:
        x, y, z = move + np.array((0.0, PUSH - 4.0 - RADIUS, 20.0))
        return Load((Obstacle("sphere", sphere, translation=(x, y, z), offset=thicker),))

    touching = pressed(np.array((0.0, -PUSH, 0.0)), 0.0)
    base = pressed(np.zeros(3), 0.0)
    start = solve(system, [touching, base])[-1]
    random = np.random.default_rng(2026)
    cases = []
    for _ in range(options.cases):
        move = random.standard_normal(3)
        move *= options.move * random.random() ** (1.0 / 3.0) / np.linalg.norm(move)
        cases.append([pressed(move, random.uniform(-options.radius, options.radius))])

    def row(name: str, work: object) -> list[State]:
        begun, busy = time.perf_counter(), time.process_time()
        states = [found[-1] for found in work()]  # type: ignore[operator]
        seconds[name], cpu[name] = time.perf_counter() - begun, time.process_time() - busy
        its, factors = (np.mean([getattr(s, key) for s in states]) for key in ("iterations", "factorisations"))
        good = sum(s.converged for s in states)
        times = f"{seconds[name]:8.1f} s {cpu[name]:8.1f} CPU s"
        print(f"{name:<26}{times} {good:4d} converged {its:7.1f} newtons {factors:7.1f} factorisations")
        return states

    seconds: dict[str, float] = {}
    cpu: dict[str, float] = {}
    row("one by one from rest", lambda: [solve(system, [touching, *case]) for case in cases])
    alone = row("one by one, neighbour", lambda: [solve(system, case, start=start, origin=base) for case in cases])
    batch = row("batch", lambda: solve_batch(system, cases, start=start, origin=base))
    for other in ("one by one, neighbour", "one by one from rest"):
        print(f"batch over {other}: {seconds[other] / seconds['batch']:.2f} times", end="")
        print(f", by processor time {cpu[other] / cpu['batch']:.2f} times")
    apart = max(float(np.abs(a.u - b.u).max()) for a, b in zip(alone, batch, strict=True))
    pushed = [np.array([state.contacts["sphere"].force for state in states]) for states in (alone, batch)]
    forces = np.linalg.norm(pushed[1] - pushed[0], axis=1)
    print(f"greatest difference of displacement {apart:.1e} mm, of force {forces.max():.1e} N")


if __name__ == "__main__":
    main()
