"""What every program of the comparison is given, and how it is timed.

Problems P1 and P2: an elliptic cylinder of neo-Hookean tissue (E 0.25 MPa, nu 0.49, quadratic volumetric law), its
ends fixed, its anterior strip held in y. P1 moves a posterior patch by 2.4 mm in y; P2 presses a rigid frictionless
sphere of radius 5 mm in by 2.4 mm.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix, triu

from canalrisk.mesh import HexMesh, elliptic_cylinder

YOUNG, POISSON = 0.25, 0.49
MU = YOUNG / (2.0 * (1.0 + POISSON))
BULK = YOUNG / (3.0 * (1.0 - 2.0 * POISSON))
PUSH, RADIUS = 2.4, 5.0
TOLERANCE = 1e-6
# Equal load steps of the programs that do not choose their own; at M and L the patch edge nearly inverts elements.
STEPS = {"S": 4, "M": 8, "L": 12}


@dataclass
class Outcome:
    """Figures of one run: seconds of wall time, newtons, megabytes above the idle process."""

    program: str
    problem: str
    size: str
    formulation: str
    force: float = float("nan")
    iterations: int = 0
    factorisations: int = 0
    assembly: float = 0.0
    linear: float = 0.0
    total: float = 0.0
    memory: float = 0.0
    converged: bool = False
    notes: str = ""


@dataclass
class Clock:
    """Adds up wall time under names."""

    began: float = 0.0
    idle: float = 0.0
    seconds: dict[str, float] = field(default_factory=dict)

    def start(self) -> None:
        """Count the problem's own time and memory from here."""
        self.idle = reset_peak()
        self.began = time.perf_counter()

    @contextmanager
    def __call__(self, name: str):
        """Time a block under `name`."""
        start = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - start


def mesh_of(size: str) -> HexMesh:
    return elliptic_cylinder(size)


def reset_peak() -> float:
    """Forget the greatest resident size so far; return the present one, MB."""
    Path("/proc/self/clear_refs").write_text("5")
    return high_water_mb()


def high_water_mb() -> float:
    line = next(row for row in Path("/proc/self/status").read_text().splitlines() if row.startswith("VmHWM"))
    return float(line.split()[1]) / 1024.0


def fixed_dofs(mesh: HexMesh, problem: str) -> tuple[np.ndarray, np.ndarray]:
    """Prescribed degrees of freedom 3 * node + axis, and the greatest value of each, mm."""
    sets = mesh.node_sets
    parts = [(3 * sets["ends"][:, None] + np.arange(3)).ravel(), 3 * sets["ant"] + 1]
    values = [np.zeros(len(parts[0])), np.zeros(len(parts[1]))]
    if problem == "P1":
        parts.append(3 * sets["post"] + 1)
        values.append(np.full(len(sets["post"]), PUSH))
    return np.concatenate(parts), np.concatenate(values)


class Pardiso:
    """MKL's PARDISO through pypardiso: one analysis for all tangents of a pattern, which are symmetric.

    A tangent that is not positive definite goes to the indefinite factorisation, as a user of PARDISO would do.
    """

    def __init__(self) -> None:
        self.solvers: dict[int, Any] = {}
        self.pattern: np.ndarray | None = None

    def solve(self, matrix: csr_matrix, right: np.ndarray) -> np.ndarray:
        """Return the solution of matrix x = right."""
        from pypardiso import PyPardisoSolver
        from pypardiso.pardiso_wrapper import PyPardisoError

        upper = triu(matrix, format="csr")
        # Sums of matrices lose their zeros, and with them the pattern.
        if self.pattern is None or not np.array_equal(self.pattern, upper.indices):
            self.pattern, self.solvers = upper.indices, {}
        for kind in (2, -2):
            solver = self.solvers.get(kind)
            try:
                if solver is None:
                    solver = self.solvers[kind] = PyPardisoSolver(mtype=kind)
                    solver.set_phase(11)
                    solver._call_pardiso(upper, right)
                for phase in (22, 33):
                    solver.set_phase(phase)
                    answer = solver._call_pardiso(upper, right)
                return answer
            except PyPardisoError:
                if kind == -2:
                    raise
        raise AssertionError("unreachable")


class TimeIsUp(Exception):
    """The run's limit has passed; what it has measured is still reported."""


def main(run: Callable[[str, str, Outcome, Clock], None], *, program: str, formulation: str) -> None:
    """Run one problem at one size for at most argv[3] seconds, print its figures as JSON."""
    problem, size, limit = sys.argv[1:4]
    outcome, clock = Outcome(program, problem, size, formulation), Clock()

    def up(*_: object) -> None:
        raise TimeIsUp(f"stopped after {float(limit):.0f} s")

    signal.signal(signal.SIGALRM, up)
    signal.setitimer(signal.ITIMER_REAL, float(limit))
    try:
        run(problem, size, outcome, clock)
    except Exception as error:  # a peer that gives up is a row of the table, not the end of the run
        outcome.converged, outcome.notes = False, f"{type(error).__name__}: {error}"[:120]
    signal.setitimer(signal.ITIMER_REAL, 0.0)
    outcome.total = time.perf_counter() - clock.began
    outcome.memory = high_water_mb() - clock.idle
    outcome.assembly, outcome.linear = clock.seconds.get("assembly", 0.0), clock.seconds.get("linear", 0.0)
    print(json.dumps(asdict(outcome)))
