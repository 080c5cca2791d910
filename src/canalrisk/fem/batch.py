"""Many scenarios of one mesh at once: one kept factor serves them all, several right-hand sides at a time.

Every scenario is solved as it would be alone, in buffers of its own; only its requests to precondition a vector are
answered together, by one pass over a factor that is too large for the caches. A request's answer does not depend on the
others in its pass, so results have the same bits in any order of the scenarios.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from canalrisk._jit import one_blas_thread
from canalrisk.fem.ahead import Pressures
from canalrisk.fem.assemble import evaluate
from canalrisk.fem.course import Progress, build_course
from canalrisk.fem.kept import Asking, KeptFactor
from canalrisk.fem.model import Load
from canalrisk.fem.neighbours import Solved, mixed, mixture, names, place, spread
from canalrisk.fem.newton import Scales
from canalrisk.fem.path import begin, check_loads, follow_loads
from canalrisk.fem.settings import Settings, State, StepRecord
from canalrisk.fem.system import SurfaceGroup, System

Array = NDArray[np.float64]

# Right-hand sides in one pass over the factor. Always as many: BLAS adds up in another order for another number.
TOGETHER = 8
# Iterations on the common factor that cost about as much as a factorisation.
WORTHWHILE = 15


def solve_batch(
    system: System,
    cases: Sequence[Sequence[Load]],
    *,
    start: State | None = None,
    origin: Load | None = None,
    settings: Settings | None = None,
) -> list[list[State]]:
    """Follow several sequences of loads, each from the same start or from scenarios solved before it.

    Scenarios are taken in an order in which each next one lies farthest from those before (`neighbours.spread`). Where
    loads solved before mix to a load, Newton starts from the mixture of their solutions; where it fails from there, and
    wherever nothing mixes, the scenario is followed as `solve` does.

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
        Per case what `solve` returns for it, equal within the tolerance; between nearly equal equilibria the one
        nearer to the neighbours' may be found. The bits do not depend on the order of `cases`.

    Raises
    ------
    UsageError
        If loads do not fit the model. A load that cannot be reached never raises.
    """
    settings = settings or Settings()
    for loads in cases:
        check_loads(system, loads)
    results: list[list[State]] = [[] for _ in cases]
    if not cases:
        return results
    with one_blas_thread():
        progress, scales = begin(system, start=start, origin=origin, settings=settings)
        softness = 1.0 / float(np.median(scales.diagonal))
        at_start = partial(place, system, system.points + progress.u, softness=softness)
        lasts = [loads[-1] if loads else progress.load for loads in cases]
        waiting: list[int] = []
        for group in sorted({names(load) for load in lasts}):
            members = [k for k, load in enumerate(lasts) if names(load) == group]
            known = at_start(progress.load) if start is not None and names(progress.load) == group else None
            waiting += [members[k] for k in spread([at_start(lasts[k]) for k in members], origin=known)]
        waiting.reverse()
        common = _factor_at_start(system, progress, scales=scales, settings=settings)
        # A scenario that the common factor does not serve goes on alone to its end, with factors of its own.
        rough = system.cholesky.rough
        spare = KeptFactor(
            system.cholesky.solver.twin(), rough=rough and rough.twin(), shared=WORTHWHILE if common else 0
        )
        lanes = [_Lane(_twin(system, spare)) for _ in range(min(TOGETHER, len(cases)))]
        family = _Family(softness, settings, scales)
        if start is not None:
            evaluate(system, progress.u, touches=(), forces=None, tangent=False)
            family.solved[0] = [_solved(system, progress.load, start)]
        vectors = np.zeros((TOGETHER, *system.points.shape))
        active = lanes
        while active:
            for lane in active:
                while lane.vector is None and waiting:
                    lane.case = waiting.pop()
                    fresh = replace(progress, multipliers=dict(progress.multipliers))
                    lane.begin(family.follow(lane.system, cases[lane.case], progress=fresh), results)
            active = [lane for lane in active if lane.vector is not None]
            for position, lane in enumerate(active):
                vectors[position] = lane.vector
            if active:
                answers = system.cholesky.solve(vectors)
            for position, lane in enumerate(active):
                lane.answer(answers[position], results)
    return results


@dataclass(eq=False)
class _Family:
    """What is solved so far, by the number of the load in its scenario, and how the next one makes use of it."""

    softness: float
    settings: Settings
    scales: Scales
    solved: dict[int, list[Solved]] = field(default_factory=dict)

    def follow(self, system: System, loads: Sequence[Load], *, progress: Progress) -> Asking[list[State]]:
        """Follow one scenario from `progress`, over guesses where they are to be had."""
        states: list[State] = []
        for number, load in enumerate(loads):
            if states and not states[-1].converged:
                states.append(replace(states[-1], reason=f"an earlier load failed: {states[-1].reason}", reached=0.0))
                continue
            tried = None
            guess = self._guess(system, number, load, progress=progress)
            if guess is not None:
                once = replace(self.settings, shortest_step=1.0)
                (tried,) = yield from follow_loads(system, [load], progress=guess, scales=self.scales, settings=once)
            if guess is not None and tried is not None and tried.converged:
                state, progress = tried, guess
            else:
                (state,) = yield from follow_loads(
                    system, [load], progress=progress, scales=self.scales, settings=self.settings
                )
                if tried is not None:
                    state = _with_attempts(state, tried.record)
            states.append(state)
            if state.converged:
                self.solved.setdefault(number, []).append(_solved(system, load, state))
        return states

    def _guess(self, system: System, number: int, load: Load, *, progress: Progress) -> Progress | None:
        """Mix a start for `load` from what other scenarios found at theirs."""
        others = [s for s in self.solved.get(number, []) if names(s.load) == names(load)]
        if not others:
            return None
        where = partial(place, system, system.points + others[0].u, softness=self.softness)
        goal = where(load)
        alone = names(progress.load) == names(load)
        else_from = float(np.linalg.norm(where(progress.load) - goal)) if alone else np.inf
        found = mixture(goal, [where(s.load) for s in others], else_from=else_from)
        if found is None:
            return None
        which, weights = found
        return mixed(load, [others[k] for k in which], weights, penalty=progress.penalty)


def _solved(system: System, load: Load, state: State) -> Solved:
    """Keep what a guess needs of a state, the one that `system` evaluated last."""
    contacts = state.contacts
    return Solved(
        load,
        state.u,
        {name: contact.multiplier for name, contact in contacts.items()},
        Pressures(system.cell_pressure[:, 0].copy(), {name: contact.pressure for name, contact in contacts.items()}),
    )


def _with_attempts(state: State, record: tuple[StepRecord, ...]) -> State:
    """Count what was tried in vain before."""
    return replace(
        state,
        record=record + state.record,
        iterations=state.iterations + sum(r.iterations for r in record),
        factorisations=state.factorisations + sum(r.factorisations for r in record),
    )


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
        own = self.system.cholesky
        try:
            self.vector = next(self.asking) if product is None else self.asking.send(product)
            while own.has_own:
                self.vector = self.asking.send(own.solve(self.vector))
        except StopIteration as end:
            self.vector, results[self.case] = None, end.value
            own.forget()


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
