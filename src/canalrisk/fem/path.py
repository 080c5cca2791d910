"""`solve`: from load to load with adaptive steps, contact multipliers and a record of everything tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from canalrisk._jit import one_blas_thread
from canalrisk.errors import UsageError
from canalrisk.fem import augment
from canalrisk.fem.ahead import Pressures
from canalrisk.fem.assemble import Touch, evaluate
from canalrisk.fem.course import Progress, build_course, motion
from canalrisk.fem.insertion import Way, node_gaps
from canalrisk.fem.kept import Asking, alone
from canalrisk.fem.kernels import hex8
from canalrisk.fem.model import Load
from canalrisk.fem.newton import Outcome, Scales, minimise
from canalrisk.fem.predict import first_guess
from canalrisk.fem.settings import Contact, Settings, State, StepRecord
from canalrisk.fem.system import System

Array = NDArray[np.float64]

QUICK = 10
GROWTH = 1.6


def solve(
    system: System,
    loads: Sequence[Load],
    *,
    start: State | None = None,
    origin: Load | None = None,
    trend: Array | None = None,
    settings: Settings | None = None,
) -> list[State]:
    """Follow the loads one after another.

    Parameters
    ----------
    system : System
    loads : sequence of Load
        Between one and the next everything goes linearly, in as many steps as convergence needs.
    start : State, optional
        State to start from; the undeformed body by default.
    origin : Load, optional
        The load at which `start` holds; no load by default.
    trend : (n, 3) ndarray, optional
        Change of displacement that the first load is expected to bring, mm: where its first step starts from.
        It changes how many iterations are needed, not what they converge to.
    settings : Settings, optional

    Returns
    -------
    list of State
        One per load. The first failed load ends the way: it and all later ones are returned with
        ``converged=False``, a reason and the last good displacement.

    Raises
    ------
    UsageError
        If loads do not fit the model. A load that cannot be reached never raises.
    """
    settings = settings or Settings()
    check_loads(system, loads)
    progress, scales = begin(system, start=start, origin=origin, trend=trend, settings=settings)
    with one_blas_thread():
        following = follow_loads(system, loads, progress=progress, scales=scales, settings=settings)
        return alone(following, system.cholesky.solve)


def begin(
    system: System, *, start: State | None, origin: Load | None, trend: Array | None = None, settings: Settings
) -> tuple[Progress, Scales]:
    """Where a solve starts from, see `solve`."""
    scales = Scales.of(system)
    u = np.zeros_like(system.points) if start is None else np.array(start.u)
    carried = {} if start is None else {name: c.multiplier for name, c in start.contacts.items()}
    penalty = settings.penalty_scale * augment.automatic_penalty(system)
    return Progress(u, origin or Load(), carried, penalty, trend), scales


def follow_loads(
    system: System, loads: Sequence[Load], *, progress: Progress, scales: Scales, settings: Settings
) -> Asking[list[State]]:
    """Follow the loads from `progress`, see `solve`; hands out vectors for the kept factor."""
    states: list[State] = []
    for load in loads:
        if states and not states[-1].converged:
            states.append(replace(states[-1], reason=f"an earlier load failed: {states[-1].reason}", reached=0.0))
            continue
        state = yield from _attempts(system, load, progress=progress, scales=scales, settings=settings)
        states.append(state)
    return states


def _attempts(system: System, load: Load, *, progress: Progress, scales: Scales, settings: Settings) -> Asking[State]:
    """Bring new obstacles in by moving them; if that fails, by letting them grow."""
    before = {obstacle.name for obstacle in progress.load.obstacles}
    fresh = any(o.name not in before and o.sign > 0 for o in load.obstacles)
    ways: tuple[Way, ...] = ("move", "grow") if fresh else ("grow",)
    record: list[StepRecord] = []
    for way in ways:
        trial = replace(progress, multipliers=dict(progress.multipliers))
        state = yield from _advance(
            system, load, progress=trial, scales=scales, settings=settings, way=way, record=record
        )
        if state.converged:
            progress.u, progress.load = trial.u, trial.load
            progress.multipliers, progress.penalty = trial.multipliers, trial.penalty
            progress.trend = progress.pressures = None
            break
    return state


def check_loads(system: System, loads: Sequence[Load]) -> None:
    """Raise `UsageError` if loads do not fit the model."""
    for number, load in enumerate(loads):
        names = [obstacle.name for obstacle in load.obstacles]
        fixed = len(system.model.supports.fixed)
        if len(set(names)) != len(names):
            raise UsageError("two obstacles of one name", where=f"load {number}", fix="give each its own name")
        if load.prescribed is not None and np.shape(load.prescribed) != (fixed,):
            raise UsageError(
                f"{np.shape(load.prescribed)} prescribed values for {fixed} degrees of freedom",
                where=f"load {number}",
                fix="give one value per entry of supports.fixed",
            )
        if load.forces is not None and np.shape(load.forces) != system.points.shape:
            raise UsageError("forces of a wrong shape", where=f"load {number}", fix="give (n, 3) nodal forces")
        if load.anchors is not None and np.shape(load.anchors) != (len(system.trusses.nodes), 3):
            raise UsageError("anchors of a wrong shape", where=f"load {number}", fix="give (t, 3): one row per truss")


def _advance(
    system: System, load: Load, *, progress: Progress, scales: Scales, settings: Settings, way: Way,
    record: list[StepRecord],
) -> Asking[State]:  # fmt: skip
    course = build_course(system, load, progress=progress, way=way)
    travel = motion(system, progress.u, course=course)
    longest = min(settings.first_step, settings.advance / travel if travel > 0.0 else 1.0)
    # Equal parts: the last one must not be a sliver.
    longest = 1.0 / float(np.ceil(1.0 / longest - 1e-9))
    t, size = 0.0, longest
    u, before, last_size = progress.u, None, 0.0
    if progress.trend is not None:
        before, last_size = u - progress.trend, 1.0
    attempts = 0
    on_the_way = replace(settings, tolerance=max(settings.loose, settings.tolerance))
    reason = ""
    reached = course.touches(0.0, progress=progress)
    evaluate(system, u, touches=reached, forces=None, tangent=False)
    pressures = progress.pressures or Pressures.last(system, reached)
    while t < 1.0:
        goal = 1.0 if t + 1.01 * size >= 1.0 else t + size
        taken = goal - t
        touches = course.touches(goal, progress=progress)
        system.trusses.move_anchors(course.anchor_motion(goal))
        ahead = None if before is None else (taken / last_size) * (u - before)
        guess = yield from first_guess(
            system, u, ahead, course=course, t=t, goal=goal, pressures=pressures, progress=progress, scales=scales,
            settings=settings,
        )  # fmt: skip
        outcome = yield from minimise(
            system, guess.u, touches=touches, forces=course.dead(goal), scales=scales,
            settings=on_the_way if goal < 1.0 or touches else settings, increments=guess.increments,
            final=goal >= 1.0 and not touches, pressures=guess.pressures,
        )  # fmt: skip
        outcome.factorisations += guess.factorisations
        why = _objection(system, outcome, touches=touches, settings=settings)
        good = not why
        if outcome.converged and outcome.evaluation.depth > settings.depth:
            progress.penalty *= augment.STIFFER
        record.append(outcome.entry(t=goal, size=taken, accepted=good, reason=why))
        if good:
            before, last_size = u, taken
            u, t = outcome.u, goal
            pressures = Pressures.last(system, touches)
            reached = touches
            if goal < 1.0 and outcome.evaluation.depth > settings.run_along:
                progress.multipliers = {o.obstacle.name: o.updated(o.penalty).multiplier for o in touches}
            if outcome.iterations <= QUICK:
                size = min(longest, GROWTH * size)
        else:
            # What made the start bad may be the extrapolation itself.
            before = None
            size = 0.5 * taken
            if size < settings.shortest_step:
                reason = f"no convergence at step {size:.2g} of the load: {why}"
        attempts += 1
        if attempts >= settings.max_steps and not reason:
            reason = "too many steps"
        if reason:
            break
    if not reason:
        u, reached, reason = yield from augment.augment(
            system, u, touches=reached, forces=course.dead(1.0), scales=scales, settings=settings, record=record
        )
        reached = tuple(touch.settled() for touch in reached)
        if reached:
            progress.penalty = reached[0].penalty
        progress.multipliers = {touch.obstacle.name: touch.multiplier for touch in reached}
        progress.load = replace(load, obstacles=tuple(o.settled() for o in load.obstacles))
        progress.u = u
    system.trusses.move_anchors(course.anchor_motion(t))
    return _state(system, u, touches=reached, forces=course.dead(t), scales=scales, record=record, t=t, reason=reason)


def _objection(system: System, outcome: Outcome, *, touches: tuple[Touch, ...], settings: Settings) -> str:
    """Why a step's end is not accepted; empty if it is."""
    if not outcome.converged:
        return outcome.reason
    if outcome.evaluation.depth > settings.depth:
        return f"penetration {outcome.evaluation.depth:.2g} mm"
    if any(node_gaps(system, outcome.u, o.obstacle).min() < -settings.depth for o in touches):
        return "an obstacle is inside the body"
    if settings.corners and not corners_positive(system, outcome.u):
        return "an element corner is inverted"
    return ""


def corners_positive(system: System, u: Array) -> bool:
    """Whether all hexahedra have positive Jacobians at their corners."""
    out = np.empty(len(system.cells))
    hex8.corner_jacobians(system.points + u, system.cells, out)
    return bool(out.min() > 0.0)


def _state(
    system: System, u: Array, *, touches: tuple[Touch, ...], forces: Array | None, scales: Scales,
    record: list[StepRecord], t: float, reason: str,
) -> State:  # fmt: skip
    final = evaluate(system, u, touches=touches, forces=forces, tangent=False)
    x = system.points + u
    contacts = {
        touch.obstacle.name: Contact(
            force=touch.resultant.sum(axis=0),
            pressure=touch.pressure,
            gap=touch.gap,
            multiplier=touch.multiplier,
            penetration=max(0.0, -float(touch.gaps(system, x, check=True).min(initial=0.0))),
        )
        for touch in touches
    }
    residual = float(np.linalg.norm(np.where(system.free, final.residual, 0.0)))
    return State(
        u=u,
        converged=not reason,
        reason=reason,
        reached=1.0 if not reason else t,
        iterations=sum(r.iterations for r in record),
        factorisations=sum(r.factorisations for r in record),
        residual=residual / (final.scale + scales.floor),
        energy=final.energy - sum(touch.lagrangian(system.contact_weights) for touch in touches),
        min_jacobian=final.min_jacobian,
        reactions=np.where(system.free, 0.0, final.residual),
        contacts=contacts,
        record=tuple(record),
    )
