"""Tolerances and limits of a solve, and what a solve returns."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Settings:
    """Tolerances and limits.

    Parameters
    ----------
    tolerance : float
        Residual norm over the norm of all element forces at convergence.
    loose : float
        The same on the way: between loads, and between multiplier updates.
    max_iterations : int
        Newton iterations per step.
    penetration : float
        Greatest penetration accepted at the contact points, mm.
    force_change : float
        Augmentation ends when no obstacle's force changed by more than this fraction.
    max_augmentations : int
        Multiplier updates per load.
    penalty_scale : float
        Penalty over the automatic value (normal nodal stiffness over tributary area).
    first_step : float
        First part of each load, in (0, 1].
    run_along : float
        Multipliers follow within a load only where penetration exceeds this, mm.
    advance : float
        Obstacles move at most this far per step, mm.
    reach : float
        Greatest displacement of a node in one Newton iteration, mm.
    depth : float
        Greatest penetration on the way, mm. Deeper trial states are refused: beyond the middle of an obstacle its
        field pushes out of the far side.
    shortest_step : float
        Halving ends here.
    max_steps : int
        Attempts per load.
    corners : bool
        Refuse states with an inverted element corner. Only for comparisons on singular problems should this be off.
    keep_factor : bool
        Solve by conjugate gradients on the last factor while that is cheaper than a new one.
    """

    tolerance: float = 1e-6
    loose: float = 1e-3
    max_iterations: int = 30
    penetration: float = 0.02
    force_change: float = 0.005
    max_augmentations: int = 12
    penalty_scale: float = 3.0
    first_step: float = 1.0
    run_along: float = 0.1
    advance: float = 0.8
    reach: float = 1.5
    depth: float = 0.8
    shortest_step: float = 1.0 / 512.0
    max_steps: int = 400
    corners: bool = True
    keep_factor: bool = True


@dataclass(frozen=True)
class StepRecord:
    """One attempt to advance: from `t - size` to `t` of a load, or an augmentation (`size` 0).

    Parameters
    ----------
    t, size : float
        Part of the load.
    iterations, factorisations : int
    residual : float
        Relative, at the end.
    energy : float
        Total potential at the end, N mm.
    accepted : bool
    reason : str
        Why not accepted; empty otherwise.
    residuals : tuple of float
        Relative residual at the start and after every iteration.
    min_jacobian : float
        Least J over the quadrature points at the end.
    depth : float
        Greatest penetration at the contact points at the end, mm; 0 if none.
    """

    t: float
    size: float
    iterations: int
    residual: float
    energy: float
    factorisations: int
    accepted: bool
    reason: str
    residuals: tuple[float, ...] = ()
    min_jacobian: float = 1.0
    depth: float = 0.0


@dataclass(frozen=True, eq=False)
class Contact:
    """Contact with one obstacle, at p = contact_rule^2 points of each of f faces.

    Parameters
    ----------
    force : (3,) ndarray
        Resultant of the obstacle on the body, N.
    pressure : (f, p) ndarray
        At the contact points, MPa, soft buffer included.
    gap : (f, p) ndarray
        Signed gap to the hard limit, mm.
    multiplier : (f, p) ndarray
        MPa.
    penetration : float
        Greatest penetration at the 3 x 3 check points of each face, mm; 0 if none.
    """

    force: Array
    pressure: Array
    gap: Array
    multiplier: Array
    penetration: float


@dataclass(frozen=True, eq=False)
class State:
    """Result at the end of a load.

    Parameters
    ----------
    u : (n, 3) ndarray
        Displacement, mm. Of a failed load: the last good state on the way to it.
    converged : bool
    reason : str
        Empty if converged.
    reached : float
        Part of the load that was reached, 1 if converged.
    iterations, factorisations : int
        Totals of the load.
    residual : float
        Relative residual at `u`.
    energy : float
        Total potential, N mm: body, springs, soft buffers and dead loads, without penalty and multipliers.
    min_jacobian : float
        Least J over the quadrature points.
    reactions : (n, 3) ndarray
        Gradient of the potential, N: support reactions at prescribed degrees of freedom, 0 elsewhere.
    contacts : dict of str to Contact
    record : tuple of StepRecord
    """

    u: Array
    converged: bool
    reason: str
    reached: float
    iterations: int
    factorisations: int
    residual: float
    energy: float
    min_jacobian: float
    reactions: Array
    contacts: dict[str, Contact] = field(default_factory=dict)
    record: tuple[StepRecord, ...] = ()
