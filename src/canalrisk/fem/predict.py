"""First guess of a step: where it starts from, and how points in contact follow obstacles that move."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem.ahead import Pressures, Rates, use_own
from canalrisk.fem.assemble import Touch, evaluate, times_free
from canalrisk.fem.course import Course, Progress
from canalrisk.fem.kept import Asking
from canalrisk.fem.newton import Scales
from canalrisk.fem.settings import Settings
from canalrisk.fem.system import System

Array = NDArray[np.float64]

# How far to solve for a guess, relative residual.
ENOUGH = 1e-4


def follow(
    system: System, u: Array, *, before: tuple[Touch, ...], after: tuple[Touch, ...], forces: Array | None,
    scales: Scales, settings: Settings,
) -> Asking[tuple[Array, Pressures, int] | None]:  # fmt: skip
    """Linearise about an equilibrium with the points in contact held to the moving obstacles.

    Without it an obstacle that withdraws loses all its points at once, and one that advances into new points meets
    them with the whole penalty.

    Parameters
    ----------
    system : System
    u : (n, 3) ndarray
        Equilibrium with `before`.
    before, after : tuple of Touch
        The same obstacles where they are and where they go, with the same penalty.
    forces : (n, 3) ndarray or None
        Dead loads that go with `before`.
    scales : Scales
    settings : Settings
        `reach` bounds the displacement.

    Returns
    -------
    guess : (n, 3) ndarray
        mm.
    pressures : Pressures
        Their linear prediction.
    factorisations : int
        None in place of all three if nothing touches, or the equilibrium has no stable tangent.
    """
    use_own(system, before)
    evaluate(system, u, touches=before, forces=forces, tangent=True)
    if not any((touch.pressure > 0.0).any() for touch in before):
        return None
    right = np.zeros_like(u)
    x = system.points + u
    group, shape = system.contact, system.contact_shape
    moved = np.zeros((len(group.quads), len(shape), 3))
    closing: dict[str, Array] = {}
    for old, new in zip(before, after, strict=True):
        new.look(system, x)
        active = old.pressure > 0.0
        closing[new.obstacle.name] = change = np.where(active, new.gap - old.gap, 0.0)
        push = np.where(active, old.pressure - new.penalty * change, 0.0)
        moved += group.weights[..., None] * (push[..., None] * new.normal - old.pressure[..., None] * old.normal)
    np.add.at(right, group.quads, np.einsum("fqi,qa->fai", moved, shape))
    right = np.where(system.free, right, 0.0)
    factorisations = 0
    cholesky, times = system.cholesky, partial(times_free, system)
    step = yield from cholesky.improve(times, right, free=system.free, tolerance=ENOUGH)
    if step is None:
        factorisations = 1
        if not cholesky.factor(system.matrix, free=system.free, shift=0.0 * scales.diagonal):
            return None
        step = cholesky.solve(right)
    longest = float(np.sqrt((step * step).sum(axis=1).max()))
    if not np.isfinite(longest):
        return None
    share = min(1.0, settings.reach / longest) if longest > 0.0 else 1.0
    rates = Rates.along(system, before, step)
    ahead = rates.at(share)
    contacts = {
        name: np.maximum(value - before[0].penalty * closing[name], 0.0) for name, value in ahead.contacts.items()
    }
    return u + share * step, Pressures(ahead.cells, contacts), factorisations


@dataclass(frozen=True, eq=False)
class Guess:
    """Where a step starts.

    Parameters
    ----------
    u : (n, 3) ndarray
        mm.
    pressures : Pressures
        Those expected at the step's end.
    increments : (n, 3) ndarray, optional
        Motion of prescribed degrees of freedom still to come.
    factorisations : int
        Spent on the guess.
    """

    u: Array
    pressures: Pressures
    increments: Array | None = None
    factorisations: int = 0


def first_guess(
    system: System, u: Array, ahead: Array | None, *, course: Course, t: float, goal: float, pressures: Pressures,
    progress: Progress, scales: Scales, settings: Settings,
) -> Asking[Guess]:  # fmt: skip
    """Go on as in the step before, or let what touches follow the obstacles, or start from where the body is.

    Parameters
    ----------
    system : System
    u : (n, 3) ndarray
        Equilibrium at `t`, mm.
    ahead : (n, 3) ndarray or None
        What the step before predicts for this one.
    course : Course
    t, goal : float
        The step's ends.
    pressures : Pressures
        At `t`.
    progress, scales, settings
        As for `solve`.

    Returns
    -------
    Guess
    """
    fixed, target = system.model.supports.fixed, course.values(goal)

    def admissible(guess: Array) -> bool:
        return evaluate(system, guess, touches=(), forces=None, tangent=False).valid

    if ahead is not None:
        guess = u + ahead
        guess.ravel()[fixed] = target
        if admissible(guess):
            return Guess(guess, pressures)
    if np.any(u.ravel()[fixed] != target):
        increments = np.zeros_like(u)
        increments.ravel()[fixed] = target - u.ravel()[fixed]
        return Guess(u, pressures, increments)
    here, there = course.touches(t, progress=progress), course.touches(goal, progress=progress)
    followed = yield from follow(
        system, u, before=here, after=there, forces=course.dead(t), scales=scales, settings=settings
    )
    if followed is not None and admissible(followed[0]):
        guess, expected, factorisations = followed
        return Guess(guess, expected, factorisations=factorisations)
    return Guess(u, pressures)
