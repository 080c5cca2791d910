"""Many scenarios of one mesh at once: one kept factor serves them all, several right-hand sides at a time.

Every scenario is solved as it would be alone, in buffers of its own; only its requests to precondition a vector are
answered together, by one pass over a factor that is too large for the caches. A request's answer does not depend on the
others in its pass, so results have the same bits in any order of the scenarios.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from canalrisk._jit import one_blas_thread
from canalrisk.fem.assemble import evaluate
from canalrisk.fem.course import Progress, build_course
from canalrisk.fem.kept import Asking, KeptFactor
from canalrisk.fem.model import Load
from canalrisk.fem.newton import Scales
from canalrisk.fem.path import begin, check_loads, follow_loads
from canalrisk.fem.settings import Settings, State
from canalrisk.fem.system import SurfaceGroup, System

Array = NDArray[np.float64]

# Right-hand sides in one pass over the factor. Always as many: BLAS adds up in another order for another number.
TOGETHER = 8
# Iterations on the common factor that cost about as much as a factorisation.
WORTHWHILE = 30


def solve_batch(
    system: System,
    cases: Sequence[Sequence[Load]],
    *,
    start: State | None = None,
    origin: Load | None = None,
    settings: Settings | None = None,
) -> list[list[State]]:
    """Follow several sequences of loads, each from the same start.

    Parameters
    ----------
    system : System
    cases : sequence of sequences of Load
        As for `solve`, one sequence per scenario.
    start : State, optional
        A solved neighbour of all scenarios; the undeformed body by default. The closer it is, the fewer matrices
        have to be factored beside its own.
    origin : Load, optional
        The load at which `start` holds.
    settings : Settings, optional

    Returns
    -------
    list of list of State
        Per case what `solve` returns for it, equal within the tolerance.

    Raises
    ------
    UsageError
        If loads do not fit the model. A load that cannot be reached never raises.
    """
    settings = settings or Settings()
    for loads in cases:
        check_loads(system, loads)
    results: list[list[State]] = [[] for _ in cases]
    waiting = list(range(len(cases)))[::-1]
    with one_blas_thread():
        progress, scales = begin(system, start=start, origin=origin, settings=settings)
        common = _factor_at_start(system, progress, scales=scales, settings=settings)
        # One work space for matrices that the common factor does not serve: they are solved with at once.
        spare = KeptFactor(system.cholesky.solver.twin(), limit=WORTHWHILE, reliance="shared" if common else "none")
        lanes = [_Lane(_twin(system, spare)) for _ in range(min(TOGETHER, len(cases)))]
        vectors = np.zeros((TOGETHER, *system.points.shape))
        active = lanes
        while active:
            for lane in active:
                while lane.vector is None and waiting:
                    lane.case = waiting.pop()
                    fresh = replace(progress, multipliers=dict(progress.multipliers))
                    lane.begin(
                        follow_loads(lane.system, cases[lane.case], progress=fresh, scales=scales, settings=settings),
                        results,
                    )
            active = [lane for lane in active if lane.vector is not None]
            for place, lane in enumerate(active):
                vectors[place] = lane.vector
            if active:
                answers = system.cholesky.solve(vectors)
            for place, lane in enumerate(active):
                lane.answer(answers[place], results)
    return results


@dataclass(eq=False)
class _Lane:
    """One scenario on its way: its buffers, and the vector it waits to have preconditioned."""

    system: System
    case: int = -1
    vector: Array | None = None
    asking: Asking[list[State]] | None = None

    def begin(self, asking: Asking[list[State]], results: list[list[State]]) -> None:
        """Take a scenario up to its first request, or its end."""
        self.asking = asking
        self.system.held = None
        self._go(None, results)

    def answer(self, product: Array, results: list[list[State]]) -> None:
        """Go on to the next request, or the end."""
        self._go(product.copy(), results)

    def _go(self, product: Array | None, results: list[list[State]]) -> None:
        assert self.asking is not None
        try:
            self.vector = next(self.asking) if product is None else self.asking.send(product)
        except StopIteration as end:
            self.vector, results[self.case] = None, end.value


def _twin(system: System, cholesky: KeptFactor) -> System:
    """Return the same prepared model with buffers of its own."""

    def buffers(group: SurfaceGroup) -> SurfaceGroup:
        return replace(
            group,
            energy=np.zeros_like(group.energy),
            force=np.zeros_like(group.force),
            blocks=np.zeros_like(group.blocks),
        )

    own = {
        name: np.zeros_like(getattr(system, name))
        for name in ("cell_energy", "cell_force", "cell_blocks", "cell_lowest", "cell_pressure", "cell_rate", "matrix")
    }
    return replace(
        system,
        membrane=buffers(system.membrane),
        contact=buffers(system.contact),
        trusses=replace(system.trusses),
        cholesky=cholesky,
        held=None,
        ahead=None,
        **own,
    )


def _factor_at_start(system: System, progress: Progress, *, scales: Scales, settings: Settings) -> bool:
    """Factor the tangent at the start; whether it could be."""
    if not settings.keep_factor:
        return False
    course = build_course(system, progress.load, progress=progress, way="grow")
    touches = course.touches(1.0, progress=progress)
    evaluate(system, progress.u, touches=touches, forces=course.dead(1.0), tangent=True)
    return system.cholesky.factor(system.matrix, free=system.free, shift=0.0 * scales.diagonal)
