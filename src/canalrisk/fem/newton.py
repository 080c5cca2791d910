"""Newton's method on the total potential at fixed load and multipliers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem.ahead import Pressures, Rates, use_own
from canalrisk.fem.assemble import Evaluation, Touch, diagonal, evaluate, times_free, times_matrix
from canalrisk.fem.indefinite import fall, truncated_step
from canalrisk.fem.kept import Asking
from canalrisk.fem.materials import shear_moduli
from canalrisk.fem.search import Potential, search
from canalrisk.fem.settings import Settings, StepRecord
from canalrisk.fem.system import System

Array = NDArray[np.float64]

# A few units of the last digit of the energies that strain energies are differences of.
ENERGY_DIGITS = 2e-15
# Smaller shifts leave an indefinite matrix nearly singular: the step is then of no use.
SHIFTS = (0.0, 1e-3, 3e-2, 0.5, 10.0)
# Curvature of rigid motion that nothing resists is zero to rounding: neutral, not unstable.
NEUTRAL = 1e-9
# An unstable equilibrium is left so many times.
MAX_FALLS = 3
# Linear systems are solved at least to this part of the residual: a Newton iteration costs more than three of CG's.
LOOSEST = 1e-2
# Farther from equilibrium, relative residual, a matrix is unlike any before it.
NEAR = 0.3


@dataclass(eq=False)
class Outcome:
    """Where Newton ended; `evaluation` is at `u`, `residuals` are those of all states on the way."""

    u: Array
    evaluation: Evaluation
    converged: bool
    reason: str
    iterations: int
    factorisations: int
    residual: float
    residuals: tuple[float, ...] = ()

    def entry(self, *, t: float, size: float, accepted: bool, reason: str) -> StepRecord:
        """Return what the record keeps."""
        now = self.evaluation
        return StepRecord(
            t,
            size,
            self.iterations,
            self.residual,
            now.energy,
            self.factorisations,
            accepted,
            reason,
            residuals=self.residuals,
            min_jacobian=now.min_jacobian,
            depth=max(0.0, now.depth),
        )


@dataclass(eq=False)
class Scales:
    """Fixed measures of the undeformed body."""

    diagonal: Array
    floor: float
    noise: float

    @classmethod
    def of(cls, system: System) -> Scales:
        """Diagonal stiffness of the undeformed body, element forces of a shear strain of 1e-6, noise of energies.

        Without the floor a body that nothing touches would be judged against a force of zero. It is made with the
        shear moduli: with the bulk modulus it would hide real loads on nearly incompressible bodies.
        """
        evaluate(system, np.zeros_like(system.points), touches=(), forces=None, tangent=True)
        stiffness = np.maximum(diagonal(system), 0.0)
        stiffness = np.maximum(stiffness, 1e-3 * float(stiffness.mean()))
        volume = system.weights.sum(axis=1)
        shear = (system.weights * shear_moduli(system.table)[system.index]).sum(axis=1) / volume
        # Energies are differences from 3 mu / 2 per volume: at small strain their rounding is a share of that.
        noise = ENERGY_DIGITS * float(np.sum(shear * volume))
        return cls(stiffness, 1e-6 * float(np.linalg.norm(shear * volume ** (2.0 / 3.0))), noise)


def minimise(
    system: System,
    u: Array,
    *,
    touches: tuple[Touch, ...],
    forces: Array | None,
    scales: Scales,
    settings: Settings,
    increments: Array | None = None,
    final: bool = False,
    pressures: Pressures | None = None,
) -> Asking[Outcome]:
    """Find a minimum of the potential, downhill from `u`.

    Parameters
    ----------
    system : System
    u : (n, 3) ndarray
        Start, mm.
    touches : tuple of Touch
    forces : (n, 3) ndarray or None
    scales : Scales
    settings : Settings
    increments : (n, 3) ndarray, optional
        Motion of the prescribed degrees of freedom that the first step carries out, the others following
        linearly; zero at free ones.
    final : bool
        Whether the end must be stable: its tangent has a Cholesky factor without shift, but for rounding. An unstable
        equilibrium is left downhill. Tangents are then those of their states throughout (`ahead`).
    pressures : Pressures, optional
        Those of a nearby equilibrium, for the tangent at a start whose own are far off.

    Returns
    -------
    Outcome
        `converged` is False with a reason if the tolerance was not met, or the equilibrium is unstable.
    """
    potential = Potential(system, touches, forces, scales.noise)
    try:
        if pressures is not None:
            pressures.use(system, touches)
        history: list[float] = []
        outcome = yield from _descend(
            potential, u, scales=scales, settings=settings, increments=increments, final=final, history=history
        )
        outcome.residuals = tuple(history)
        return outcome
    finally:
        use_own(system, touches)


def _descend(
    potential: Potential, u: Array, *, scales: Scales, settings: Settings, increments: Array | None, final: bool,
    history: list[float],
) -> Asking[Outcome]:  # fmt: skip
    system, touches, free = potential.system, potential.touches, potential.system.free
    factorisations = falls = level = 0
    # Whether the matrix at hand is that of its state, and whether such a one was last factored without shift.
    own, definite = system.ahead is None, False
    now = potential.at(u, tangent=True)
    if not now.valid:
        return Outcome(u, now, False, "the start is not admissible", 0, 0, np.inf)
    for iteration in range(settings.max_iterations + 1):
        gradient = np.where(free, now.residual, 0.0)
        residual = float(np.linalg.norm(gradient)) / (now.scale + scales.floor)
        history.append(residual)
        first_prescribed = iteration == 0 and increments is not None
        if residual <= settings.tolerance and not first_prescribed:
            if definite or not final:
                return Outcome(u, now, True, "", iteration, factorisations, residual)
            use_own(system, touches)
            now = potential.at(u, tangent=True)
            times = partial(times_free, system)
            if settings.keep_factor and (yield from system.cholesky.certify(times, free=free)):
                return Outcome(u, now, True, "", iteration, factorisations, residual)
            level = _factor(system, scales, levels=(NEUTRAL, *SHIFTS[1:]), exactly=True)
            factorisations += 1 + level
            if level == 0:
                return Outcome(u, now, True, "", iteration, factorisations, residual)
            lower = fall(potential, u, now) if falls < MAX_FALLS and level <= len(SHIFTS) - 1 else None
            if lower is None:
                return Outcome(u, now, False, "unstable equilibrium", iteration, factorisations, residual)
            u, now = lower
            falls += 1
            continue
        if iteration == settings.max_iterations:
            break
        right = -gradient
        if first_prescribed and increments is not None:
            right = np.where(free, right - times_matrix(system, increments), 0.0)
        step, level, made = yield from _direction(
            system, right, history, scales=scales, settings=settings, level=level, plain=first_prescribed
        )
        factorisations += made
        if step is None:
            return Outcome(u, now, False, "tangent not positive definite", iteration, factorisations, residual)
        definite = own and made > 0 and level == 0 and not system.cholesky.is_rough
        if not np.isfinite(step).all():
            return Outcome(u, now, False, "step is not finite", iteration, factorisations, residual)
        # Near the end of a final solve every tangent is that of its state.
        own = final and residual <= settings.loose
        if own:
            use_own(system, touches)
        if first_prescribed and increments is not None:
            step += increments
            Rates.along(system, touches, step).at(1.0).use(system, touches)
            own = False
            after = potential.at(u + step, tangent=True)
            if not after.valid:
                return Outcome(
                    u, now, False, "prescribed motion inverts an element", iteration, factorisations, residual
                )
            u, now = u + step, after
            continue
        found = search(potential, u, step, now, settings=settings, own=own)
        if found is None:
            return Outcome(u, now, False, "line search failed", iteration, factorisations, residual)
        u, now = found
    return Outcome(u, now, False, "too many iterations", settings.max_iterations, factorisations, residual)


def _direction(
    system: System, right: Array, history: list[float], *, scales: Scales, settings: Settings, level: int, plain: bool
) -> Asking[tuple[Array | None, int, int]]:
    """Find a direction of descent with the matrix last formed: Newton's, or another where the matrix is indefinite.

    Parameters
    ----------
    system, scales, settings
        As for `minimise`.
    right : (n, 3) ndarray
        Negative gradient, N; zero where not free.
    history : list of float
        Relative residuals so far.
    level : int
        Number of the shift that the matrix before needed.
    plain : bool
        Never use negative curvature.

    Returns
    -------
    step : (n, 3) ndarray or None
        None if no shift makes the matrix definite.
    level : int
        Number of the shift that it took, 0 for none.
    factorisations : int
    """
    # A matrix that was indefinite one iteration ago likely still is: start one level below.
    start = max(level - 1, 0)
    if start == 0 and settings.keep_factor and history[-1] < NEAR:
        step = yield from _by_iterations(system, right, history, settings=settings)
        if step is not None:
            return step, 0, 0
    made = 0
    for exactly in (False, True):
        level = start + _factor(system, scales, levels=SHIFTS[start:], exactly=exactly)
        made += min(1 + level, len(SHIFTS)) - start
        if level == len(SHIFTS):
            return None, level, made
        if level > 0 or not system.cholesky.is_rough:
            break
        step = yield from _by_iterations(system, right, history, settings=settings)
        if step is not None:
            return step, 0, made
    # Far away the quadratic model's negative curvature is of another state: the shifted step goes downhill.
    if level == 0 or plain or history[-1] >= NEAR:
        return system.cholesky.solve(right), level, made
    return truncated_step(system, right, reach=settings.reach), level, made


def _factor(system: System, scales: Scales, *, levels: Sequence[float], exactly: bool = False) -> int:
    """Factor the matrix last formed with the first of the shifts `levels` that does; their number if none does."""
    for number, shift in enumerate(levels):
        if system.cholesky.factor(system.matrix, free=system.free, shift=shift * scales.diagonal, exactly=exactly):
            if number > 0:
                system.cholesky.forget()
            return number
    return len(levels)


def _by_iterations(system: System, right: Array, history: list[float], *, settings: Settings) -> Asking[Array | None]:
    """Solve by conjugate gradients on the factor at hand; None if there is none, or a new one is better.

    How far: Eisenstat and Walker 1996 (SIAM J Sci Comput 17:16), choice 2, whose square keeps Newton quadratic at the
    end; beyond a tenth of Newton's tolerance nothing is gained.
    """
    residual = history[-1]
    ratio = residual / history[-2] if len(history) > 1 and history[-2] > 0.0 else 1.0
    forcing = min(LOOSEST, max(0.5 * ratio * ratio, 0.1 * settings.tolerance / max(residual, settings.tolerance)))
    times = partial(times_free, system)
    return (yield from system.cholesky.improve(times, right, free=system.free, tolerance=forcing))
