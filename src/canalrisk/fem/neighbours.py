"""Where a scenario starts whose neighbours are solved: their solutions, mixed as their loads mix to its own.

A load's place is what the body feels of it: the gaps of its obstacles at the surface of one state, and its prescribed
values and forces. Of an affine family (an obstacle moved a little, thickened, blended) a few places span all others;
where the answer is smooth, the same mixture of solutions errs by second-order terms only. Newton then starts there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem.ahead import Pressures
from canalrisk.fem.assemble import Touch
from canalrisk.fem.course import Progress
from canalrisk.fem.model import Load
from canalrisk.fem.system import System

Array = NDArray[np.float64]

# Gaps matter where an obstacle is near, mm.
NEAR_MM = 1.0
# So many nearest neighbours are mixed.
MIXED = 10
# What a neighbour's distance adds to the misfit that weights minimise, so that far ones weigh little.
DAMPING = 0.1
# A mixture must come so much nearer than one stands already; weights that add up to more in size extrapolate.
NEARER, LARGEST = 0.9, 8.0


@dataclass(frozen=True, eq=False)
class Solved:
    """A load and its equilibrium: displacement (n, 3), multipliers and pressures."""

    load: Load
    u: Array
    multipliers: dict[str, Array]
    pressures: Pressures


def place(system: System, x: Array, load: Load, *, softness: float) -> Array:
    """Describe what the body feels of a load at one state; differences are root mean squares in mm.

    Parameters
    ----------
    system : System
    x : (n, 3) ndarray
        Positions of the nodes, mm: the same for all loads that are compared.
    load : Load
    softness : float
        mm/N, to compare forces with displacements.

    Returns
    -------
    (k,) ndarray
    """
    parts = []
    root = np.sqrt(system.contact_weights / max(system.contact_weights.sum(), 1e-300))
    for obstacle in sorted(load.obstacles, key=lambda o: o.name):
        gaps = Touch(obstacle, 1.0, np.zeros_like(system.contact_weights)).gaps(system, x, check=False)
        parts.append((root * np.clip(gaps, -NEAR_MM, NEAR_MM)).ravel())
    for values, factor, n in (
        (load.prescribed, 1.0, len(system.model.supports.fixed)),
        (load.forces, softness, system.points.size),
        (load.anchors, 1.0, 3 * len(system.trusses.nodes)),
    ):
        given = np.zeros(n) if values is None else np.asarray(values, float).ravel()
        parts.append(factor * given / np.sqrt(max(n, 1)))
    return np.concatenate(parts)


def names(load: Load) -> tuple[str, ...]:
    """Names of a load's obstacles; only loads of the same ones are neighbours."""
    return tuple(sorted(obstacle.name for obstacle in load.obstacles))


def spread(places: Sequence[Array], *, origin: Array | None) -> list[int]:
    """Order in which each next place lies farthest from those before: early ones span the family, later ones fill it.

    It hangs on the places alone, not on the order in which they are given.

    Parameters
    ----------
    places : sequence of (k,) ndarray
    origin : (k,) ndarray, optional
        A place that counts as taken.
    """
    if not places:
        return []
    table = np.stack(places)
    # By value first, so that ties are broken alike whatever the order.
    by_value = np.lexsort(table.T[::-1])
    table = table[by_value]
    first = table.mean(axis=0) if origin is None else origin
    away = np.linalg.norm(table - first, axis=1)
    order: list[int] = []
    if origin is None:
        order.append(int(np.argmin(away)))
        away = np.linalg.norm(table - table[order[0]], axis=1)
    while len(order) < len(table):
        away[order] = -1.0
        order.append(int(np.argmax(away)))
        away = np.minimum(away, np.linalg.norm(table - table[order[-1]], axis=1))
    return [int(by_value[k]) for k in order]


def mixture(goal: Array, places: Sequence[Array], *, else_from: float) -> tuple[list[int], Array] | None:
    """Weights that mix places to a goal, small for far ones; None if that comes hardly nearer than where one stands.

    Minimises |sum w_i p_i - goal|^2 + sum (c w_i |p_i - goal|)^2 over weights that add up to 1.

    Parameters
    ----------
    goal : (k,) ndarray
    places : sequence of (k,) ndarray
    else_from : float
        Distance to the goal from where the way goes without a mixture.

    Returns
    -------
    which : list of int
    weights : (len(which),) ndarray
    """
    apart = np.stack(places) - goal
    distance = np.linalg.norm(apart, axis=1)
    which = np.argsort(distance, kind="stable")[:MIXED]
    a, d = apart[which], distance[which]
    if d[0] == 0.0:
        return [int(which[0])], np.ones(1)
    system = a @ a.T + np.diag((DAMPING * d) ** 2)
    weights: Array = np.asarray(np.linalg.solve(system, np.ones(len(which))), float)
    weights = weights / weights.sum()
    misfit = float(np.linalg.norm(weights @ a))
    if misfit > NEARER * else_from or np.abs(weights).sum() > LARGEST:
        return None
    return [int(k) for k in which], weights


def mixed(load: Load, solved: Sequence[Solved], weights: Array, *, penalty: float) -> Progress:
    """Stand at `load` with the mixture of `solved` as the guess."""

    def combined(values: Sequence[Array]) -> Array:
        return np.asarray(np.tensordot(weights, np.stack(values), axes=1))

    def of_contacts(values: Sequence[dict[str, Array]]) -> dict[str, Array]:
        return {name: np.maximum(combined([v[name] for v in values]), 0.0) for name in values[0]}

    u = combined([s.u for s in solved])
    cells = combined([s.pressures.cells for s in solved])
    return Progress(
        u,
        load,
        of_contacts([s.multipliers for s in solved]),
        penalty,
        trend=np.zeros_like(u),
        pressures=Pressures(cells, of_contacts([s.pressures.contacts for s in solved])),
    )
