"""Microseconds per hexahedron: residual alone, and residual with the 24 x 24 tangent, each material, 1 and 2 threads.

usage: python benchmarks/elements.py [--mesh M] [--repeats 15]

Wall time is what a user waits for; processor time per hexahedron is what can be compared on a busy machine. The first
line is what the first call costs: compiling, or loading compiled code where a cache exists (CANALRISK_NUMBA_CACHE=0
forbids one). Targets for neo-Hooke on 2 threads: 2 with tangent, 0.5 without.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from canalrisk._jit import set_threads
from canalrisk.fem import (
    FibreReinforced,
    LinearElastic,
    Material,
    Model,
    MooneyRivlin,
    NeoHookean,
    Ogden,
    System,
    prepare,
)
from canalrisk.fem.kernels.hex8 import evaluate_hexahedra
from canalrisk.mesh import elliptic_cylinder

MATERIALS: dict[str, tuple[Material, ...]] = {
    "neo-Hookean": (NeoHookean(0.08, 4.0),),
    "Mooney-Rivlin": (MooneyRivlin(0.03, 0.01, 4.0),),
    "fibres": (FibreReinforced(0.08, 4.0, k1=0.1, k2=1.0),),
    "linear": (LinearElastic(0.25, 0.49),),
    "Ogden 1": (Ogden(0.004, 12.5, 0.2),),
    "Ogden 3": (Ogden((0.3, 0.2, -0.05), (1.3, 5.0, -2.0), 9.0),),
    "two in every element": (NeoHookean(0.08, 4.0), NeoHookean(0.16, 8.0)),
}


def least(work: Callable[[], None], repeats: int) -> tuple[float, float]:
    """Least wall and processor time of `work`, s."""
    wall = cpu = np.inf
    for _ in range(repeats):
        started, used = time.perf_counter(), time.process_time()
        work()
        wall, cpu = min(wall, time.perf_counter() - started), min(cpu, time.process_time() - used)
    return wall, cpu


def evaluation(s: System, u: NDArray[np.float64], *, tangent: bool) -> Callable[[], None]:
    """Everything that `evaluate` asks of the hexahedra."""

    def work() -> None:
        evaluate_hexahedra(
            u, s.cells, s.gradients, s.weights, s.table, s.index, s.directions, tangent, s.cell_lowest, False,
            s.cell_energy, s.cell_force, s.cell_blocks, s.cell_lowest, s.cell_pressure, s.cell_rate,
        )  # fmt: skip

    return work


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mesh", default="M", choices=("S", "M", "L"), help="cylinder of the reference problems")
    parser.add_argument("--repeats", type=int, default=15)
    options = parser.parse_args()
    mesh = elliptic_cylinder(options.mesh)
    m = len(mesh.cells)
    u = 0.03 * np.random.default_rng(0).normal(size=mesh.points.shape)
    fibres = np.tile((0.0, 0.0, 1.0), (m, 1))
    halves = np.tile((0, 0, 0, 0, 1, 1, 1, 1), (m, 1))

    for number, (name, materials) in enumerate(MATERIALS.items()):
        index = halves if len(materials) == 2 else None
        system = prepare(Model(mesh=mesh, materials=materials, material_index=index, fibres=fibres))
        works = evaluation(system, u, tangent=True), evaluation(system, u, tangent=False)
        if number == 0:
            started = time.process_time()
            works[0]()
            print(f"first call: {time.process_time() - started:.2f} s of processor time")
            print(f"{m} hexahedra; microseconds per hexahedron, least of {options.repeats}")
            print(f"{'':<22}{'tangent':^32}{'residual':^32}")
            print(f"{'threads':<22}" + 2 * f"{'1':>8}{'(cpu)':>8}{'2':>8}{'(cpu)':>8}")
        line = f"{name:<22}"
        for work in works:
            for threads in (1, 2):
                set_threads(threads)
                wall, cpu = least(work, options.repeats)
                line += f"{1e6 * wall / m:8.2f}{1e6 * cpu / m:8.2f}"
        print(line)


if __name__ == "__main__":
    main()
