"""Augmented Lagrangian: multipliers updated between Newton solves, and the automatic penalty."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem.assemble import Touch
from canalrisk.fem.kept import Asking
from canalrisk.fem.newton import Outcome, Scales, minimise
from canalrisk.fem.settings import Settings, StepRecord
from canalrisk.fem.system import System

Array = NDArray[np.float64]

STIFFER = 4.0
SMALLEST_SHARE = 0.01


def automatic_penalty(system: System) -> float:
    """Median over the contact nodes of normal nodal stiffness over tributary area, MPa/mm.

    Reads the matrix of the undeformed body, which must be the one last formed.
    """
    group = system.contact
    if not len(group.quads):
        return 1.0
    area = np.zeros(len(system.points))
    normal = np.zeros_like(system.points)
    x = system.points[group.quads]
    across = 0.5 * np.cross(x[:, 2] - x[:, 0], x[:, 3] - x[:, 1])
    for corner in range(4):
        np.add.at(normal, group.quads[:, corner], across)
        np.add.at(area, group.quads[:, corner], 0.25 * group.weights.sum(axis=1))
    nodes = np.flatnonzero(area > 0)
    unit = normal[nodes] / np.linalg.norm(normal[nodes], axis=1, keepdims=True)
    blocks = system.matrix[system.pattern.pointer[system.pattern.rank[nodes]]].reshape(-1, 3, 3)
    stiffness = np.einsum("ni,nij,nj->n", unit, blocks, unit)
    return float(np.median(stiffness / area[nodes]))


def augment(
    system: System,
    u: Array,
    *,
    touches: tuple[Touch, ...],
    forces: Array | None,
    scales: Scales,
    settings: Settings,
    record: list[StepRecord],
) -> Asking[tuple[Array, tuple[Touch, ...], str]]:
    """Update multipliers and solve again until penetration and forces settle.

    Parameters
    ----------
    system, u, touches, forces, scales, settings
        As for `minimise`; `u` solves the problem with the multipliers in `touches`.
    record : list of StepRecord
        Receives one entry per update.

    Returns
    -------
    u : (n, 3) ndarray
    touches : tuple of Touch
        With the final multipliers and penalty.
    reason : str
        Empty, or why the multipliers did not settle.
    """
    if not touches:
        return u, touches, ""
    depth, previous = _depth(system, touches, system.points + u), np.inf
    forces_before: list[float] | None = None
    share = 1.0
    loose = replace(settings, tolerance=max(settings.loose, settings.tolerance))
    for _ in range(settings.max_augmentations):
        now = [_hard_force(system, touch) for touch in touches]
        settled = forces_before is not None and all(
            abs(a - b) <= settings.force_change * max(now) for a, b in zip(now, forces_before, strict=True)
        )
        if depth <= settings.penetration and (settled or max(now) == 0.0):
            u, reason = yield from _polish(system, u, touches, forces, scales, settings, record)
            depth = _depth(system, touches, system.points + u)
            if reason or depth <= settings.penetration:
                return u, touches, reason
            # It fell from an unstable equilibrium: multipliers must settle anew.
            forces_before = None
            continue
        penalty = touches[0].penalty
        if depth > settings.penetration and depth > 0.3 * previous and share == 1.0:
            penalty *= STIFFER
        trial = tuple(_toward(touch, penalty, share) for touch in touches)
        outcome = yield from minimise(system, u, touches=trial, forces=forces, scales=scales, settings=loose)
        good = outcome.converged and outcome.evaluation.depth <= depth + settings.penetration
        record.append(_entry(outcome, accepted=good))
        if not good:
            # A smaller change of the multipliers, and the old penalty: the equilibrium at hand stays the fallback.
            share *= 0.25
            _depth(system, touches, system.points + u)
            if share < SMALLEST_SHARE:
                return u, touches, f"multiplier update did not converge: {outcome.reason or 'penetration grew'}"
            continue
        u, touches = outcome.u, trial
        forces_before, previous = (now, depth) if share == 1.0 else (None, np.inf)
        share = min(1.0, 4.0 * share)
        depth = _depth(system, touches, system.points + u)
    if depth <= settings.penetration:
        u, reason = yield from _polish(system, u, touches, forces, scales, settings, record)
        depth = _depth(system, touches, system.points + u)
        if reason or depth <= settings.penetration:
            return u, touches, reason
    return u, touches, f"penetration {depth:.3g} mm after {settings.max_augmentations} multiplier updates"


def _polish(
    system: System, u: Array, touches: tuple[Touch, ...], forces: Array | None, scales: Scales, settings: Settings,
    record: list[StepRecord],
) -> Asking[tuple[Array, str]]:  # fmt: skip
    """Meet the tolerance proper with the final multipliers, in a stable equilibrium."""
    outcome = yield from minimise(
        system, u, touches=touches, forces=forces, scales=scales, settings=settings, final=True
    )
    record.append(_entry(outcome, accepted=outcome.converged))
    if not outcome.converged:
        return u, f"last iterations did not converge: {outcome.reason}"
    return outcome.u, ""


def _entry(outcome: Outcome, *, accepted: bool) -> StepRecord:
    return outcome.entry(t=1.0, size=0.0, accepted=accepted, reason=outcome.reason)


def _toward(touch: Touch, penalty: float, share: float) -> Touch:
    """Move the multipliers a `share` of the way; the penalty changes only with whole updates."""
    whole = touch.updated(penalty)
    if share == 1.0:
        return whole
    return Touch(touch.obstacle, touch.penalty, (1.0 - share) * touch.multiplier + share * whole.multiplier)


def _depth(system: System, touches: tuple[Touch, ...], x: Array) -> float:
    """Greatest penetration at the contact points, mm; refreshes the gaps."""
    deepest = 0.0
    for touch in touches:
        touch.gap = touch.gaps(system, x, check=False)
        deepest = max(deepest, -float(touch.gap.min(initial=0.0)))
    return deepest


def _hard_force(system: System, touch: Touch) -> float:
    """Sum of hard-contact pressure times reference area, N."""
    return float(np.sum(np.maximum(touch.multiplier - touch.penalty * touch.gap, 0.0) * system.contact.weights))
