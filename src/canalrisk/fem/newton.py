"""Newton's method on the total potential at fixed load and multipliers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem.assemble import Evaluation, Touch, diagonal, evaluate, times_matrix
from canalrisk.fem.indefinite import lowest_mode, truncated_step
from canalrisk.fem.materials import shear_moduli
from canalrisk.fem.settings import Settings
from canalrisk.fem.system import System

Array = NDArray[np.float64]

ARMIJO = 1e-4
# Energies closer than this, relative, carry no information: the slope decides.
ENERGY_NOISE = 1e-11
# The same as a share of the shear moduli times volumes: a few units of the last digit.
ENERGY_DIGITS = 2e-15
MAX_HALVINGS = 14
# Curvature of rigid motion that nothing resists is zero to rounding: neutral, not unstable.
NEUTRAL = 1e-9
# An unstable equilibrium is left by this much, mm, and so many times.
FALL_MM = (0.1, 0.02, 0.004)
MAX_FALLS = 3
# Smaller shifts leave an indefinite matrix nearly singular: the step is then of no use.
SHIFTS = (0.0, 1e-3, 3e-2, 0.5, 10.0)


@dataclass(eq=False)
class Outcome:
    """Where Newton ended; `evaluation` is at `u`."""

    u: Array
    evaluation: Evaluation
    converged: bool
    reason: str
    iterations: int
    factorisations: int
    residual: float


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
) -> Outcome:
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
        equilibrium is left downhill.

    Returns
    -------
    Outcome
        `converged` is False with a reason if the tolerance was not met, or the equilibrium is unstable.
    """
    factorisations = falls = 0
    shift_level = 0
    definite = False
    free = system.free
    now = evaluate(system, u, touches=touches, forces=forces, tangent=True)
    if not now.valid:
        return Outcome(u, now, False, "the start is not admissible", 0, 0, np.inf)
    for iteration in range(settings.max_iterations + 1):
        gradient = np.where(free, now.residual, 0.0)
        residual = float(np.linalg.norm(gradient)) / (now.scale + scales.floor)
        first_prescribed = iteration == 0 and increments is not None
        if residual <= settings.tolerance and not first_prescribed:
            if definite or not final:
                return Outcome(u, now, True, "", iteration, factorisations, residual)
            factorisations += 1
            if system.cholesky.factor(system.matrix, free=free, shift=NEUTRAL * scales.diagonal):
                return Outcome(u, now, True, "", iteration, factorisations, residual)
            lower = _fall(system, u, now, touches=touches, forces=forces, scales=scales) if falls < MAX_FALLS else None
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
        # A matrix that was indefinite one iteration ago likely still is: start one level below.
        shift_level = max(shift_level - 1, 0)
        while True:
            factorisations += 1
            shift = SHIFTS[shift_level] * scales.diagonal
            if system.cholesky.factor(system.matrix, free=free, shift=shift):
                break
            shift_level += 1
            if shift_level == len(SHIFTS):
                return Outcome(u, now, False, "tangent not positive definite", iteration, factorisations, residual)
        definite = shift_level == 0
        if definite or first_prescribed:
            step = system.cholesky.solve(right)
        else:
            step = truncated_step(system, right, reach=settings.reach)
        if not np.isfinite(step).all():
            return Outcome(u, now, False, "step is not finite", iteration, factorisations, residual)
        if first_prescribed and increments is not None:
            step += increments
            after = evaluate(system, u + step, touches=touches, forces=forces, tangent=True)
            if not after.valid:
                return Outcome(
                    u, now, False, "prescribed motion inverts an element", iteration, factorisations, residual
                )
            u, now = u + step, after
            continue
        found = _search(
            system, u, step, now, gradient, touches=touches, forces=forces, settings=settings, floor=scales.noise
        )
        if found is None:
            return Outcome(u, now, False, "line search failed", iteration, factorisations, residual)
        u, now = found
    return Outcome(u, now, False, "too many iterations", settings.max_iterations, factorisations, residual)


def _fall(
    system: System, u: Array, now: Evaluation, *, touches: tuple[Touch, ...], forces: Array | None, scales: Scales
) -> tuple[Array, Evaluation] | None:
    """Leave an unstable equilibrium along its softest mode, to whichever side the energy is lower."""
    for shift in SHIFTS[1:]:
        if system.cholesky.factor(system.matrix, free=system.free, shift=shift * scales.diagonal):
            break
    else:
        return None
    curvature, mode = lowest_mode(system)
    if curvature >= 0.0:
        return None
    noise = ENERGY_NOISE * max(abs(now.energy), float(np.abs(system.cell_energy).sum()))
    for distance in FALL_MM:
        best: tuple[Array, Evaluation] | None = None
        for side in (distance, -distance):
            after = evaluate(system, u + side * mode, touches=touches, forces=forces, tangent=True)
            if after.valid and after.energy < (now.energy - noise if best is None else best[1].energy):
                best = u + side * mode, after
        if best is not None:
            # The matrix must be that of the state gone on from.
            return best[0], evaluate(system, best[0], touches=touches, forces=forces, tangent=True)
    return None


def _search(
    system: System,
    u: Array,
    step: Array,
    now: Evaluation,
    gradient: Array,
    *,
    touches: tuple[Touch, ...],
    forces: Array | None,
    settings: Settings,
    floor: float,
) -> tuple[Array, Evaluation] | None:
    """Backtrack until the energy falls (Armijo), or the slope does where energies are only rounding."""
    slope = float(np.vdot(gradient, step))
    if not slope < 0.0:
        return None
    noise = max(floor, ENERGY_NOISE * max(abs(now.energy), float(np.abs(system.cell_energy).sum())))
    longest = float(np.sqrt((step * step).sum(axis=1).max()))
    first = min(1.0, settings.reach / longest) if longest > 0.0 else 1.0
    deepest = max(settings.depth, now.depth + 0.25 * settings.depth)
    factor = first
    for _ in range(MAX_HALVINGS):
        trial = u + factor * step
        # The first trial is usually taken, so its tangent is formed at once.
        tangent = factor == first
        after = evaluate(system, trial, touches=touches, forces=forces, tangent=tangent)
        if after.valid and after.depth <= deepest:
            new_slope = float(np.vdot(np.where(system.free, after.residual, 0.0), step))
            change = after.energy - now.energy
            # Approximate Wolfe (Hager and Zhang 2005): the slope form of Armijo is exact to rounding in the gradient.
            flat = change <= noise and (2.0 * ARMIJO - 1.0) * slope >= new_slope
            if change <= ARMIJO * factor * slope or flat:
                if not tangent:
                    after = evaluate(system, trial, touches=touches, forces=forces, tangent=True)
                return trial, after
            # Minimum of the cubic through both energies and slopes, kept inside [0.1, 0.6] of the last factor.
            best = _cubic(change, slope, new_slope, factor)
            factor = min(max(best, 0.1 * factor), 0.6 * factor)
        else:
            factor *= 0.5
    return None


def _cubic(change: float, slope: float, new_slope: float, factor: float) -> float:
    d1 = slope + new_slope - 3.0 * change / factor
    square = d1 * d1 - slope * new_slope
    if square < 0.0:
        return 0.5 * factor
    d2 = float(np.sqrt(square))
    bottom = new_slope - slope + 2.0 * d2
    return factor * (1.0 - (new_slope + d2 - d1) / bottom) if bottom != 0.0 else 0.5 * factor
