"""Augmented Lagrangian: multipliers updated between Newton solves, and the automatic penalty."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem.assemble import Touch
from canalrisk.fem.newton import Scales, minimise
from canalrisk.fem.settings import Settings, StepRecord
from canalrisk.fem.system import System

Array = NDArray[np.float64]

STIFFER = 4.0


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
) -> tuple[Array, tuple[Touch, ...], str]:
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
    x = system.points + u
    depth, previous = _depth(system, touches, x), np.inf
    forces_before: list[float] | None = None
    for _ in range(settings.max_augmentations):
        now = [_hard_force(system, touch) for touch in touches]
        settled = forces_before is not None and all(
            abs(a - b) <= settings.force_change * max(max(now), 1e-12) for a, b in zip(now, forces_before, strict=True)
        )
        if depth <= settings.penetration and (settled or max(now) == 0.0):
            return u, touches, ""
        penalty = touches[0].penalty
        if depth > settings.penetration and depth > 0.3 * previous:
            penalty *= STIFFER
        touches = tuple(
            Touch(touch.obstacle, penalty, np.maximum(touch.multiplier - touch.penalty * touch.gap, 0.0))
            for touch in touches
        )
        outcome = minimise(system, u, touches=touches, forces=forces, scales=scales, settings=settings)
        record.append(
            StepRecord(
                1.0, 0.0, outcome.iterations, outcome.residual, outcome.evaluation.energy, outcome.factorisations,
                outcome.converged, outcome.reason,
            )
        )  # fmt: skip
        if not outcome.converged:
            return u, touches, f"multiplier update did not converge: {outcome.reason}"
        u = outcome.u
        forces_before, previous = now, depth
        depth = _depth(system, touches, system.points + u)
    if depth <= settings.penetration:
        return u, touches, ""
    return u, touches, f"penetration {depth:.3g} mm after {settings.max_augmentations} multiplier updates"


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
