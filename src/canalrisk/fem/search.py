"""Line search on the total potential."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem.ahead import Rates
from canalrisk.fem.assemble import Evaluation, Touch, evaluate
from canalrisk.fem.settings import Settings
from canalrisk.fem.system import System

Array = NDArray[np.float64]

ARMIJO = 1e-4
# Energies closer than this, relative, carry no information: the slope decides.
ENERGY_NOISE = 1e-11
MAX_HALVINGS = 14


@dataclass(frozen=True, eq=False)
class Potential:
    """What is minimised: the body with its obstacles and dead loads; `floor` is the rounding of small energies."""

    system: System
    touches: tuple[Touch, ...]
    forces: Array | None
    floor: float

    def at(self, u: Array, *, tangent: bool) -> Evaluation:
        """Evaluate, see `assemble.evaluate`."""
        return evaluate(self.system, u, touches=self.touches, forces=self.forces, tangent=tangent)

    def noise(self, now: Evaluation) -> float:
        """Difference of energies that is rounding only, at the state last evaluated, N mm."""
        return max(self.floor, ENERGY_NOISE * max(abs(now.energy), float(np.abs(self.system.cell_energy).sum())))


def search(
    potential: Potential, u: Array, step: Array, now: Evaluation, *, settings: Settings, own: bool
) -> tuple[Array, Evaluation] | None:
    """Backtrack until the energy falls (Armijo), or the slope does where energies are only rounding.

    Parameters
    ----------
    potential : Potential
    u, step : (n, 3) ndarray
        Start and whole step, mm.
    now : Evaluation
        At `u`, with tangents; the one last made.
    settings : Settings
        `reach` bounds the step, `depth` the penetration.
    own : bool
        Whether the tangent at the end is that of its state, or made with pressures ahead of it (`ahead`).

    Returns
    -------
    tuple of (n, 3) ndarray and Evaluation, or None
        The state, evaluated with tangents. None if the step does not descend.
    """
    system = potential.system
    slope = float(np.vdot(np.where(system.free, now.residual, 0.0), step))
    if not slope < 0.0:
        return None
    noise = potential.noise(now)
    longest = float(np.sqrt((step * step).sum(axis=1).max()))
    first = min(1.0, settings.reach / longest) if longest > 0.0 else 1.0
    deepest = max(settings.depth, now.depth + 0.25 * settings.depth)
    rates = None if own else Rates.along(system, potential.touches, step)
    factor = first
    for _ in range(MAX_HALVINGS):
        trial = u + factor * step
        if rates is not None:
            rates.at(factor).use(system, potential.touches)
        # The first trial is usually taken, so its tangent is formed at once.
        tangent = factor == first
        after = potential.at(trial, tangent=tangent)
        if after.valid and after.depth <= deepest:
            new_slope = float(np.vdot(np.where(system.free, after.residual, 0.0), step))
            change = after.energy - now.energy
            # Approximate Wolfe (Hager and Zhang 2005): the slope form of Armijo is exact to rounding in the gradient.
            flat = change <= noise and (2.0 * ARMIJO - 1.0) * slope >= new_slope
            if change <= ARMIJO * factor * slope or flat:
                return trial, after if tangent else potential.at(trial, tangent=True)
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
