"""How an obstacle that overlaps the body at the start of a load is brought in."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem.assemble import Touch
from canalrisk.fem.kernels import surface
from canalrisk.fem.obstacles import Obstacle
from canalrisk.fem.system import System

Array = NDArray[np.float64]
Way = Literal["move", "grow"]

FARTHEST = 20.0
STRIDE = 1.0


def node_gaps(system: System, u: Array, obstacle: Obstacle) -> Array:
    """Gap (n,) of `obstacle` at every node, interior ones included, at displacement `u`, mm."""
    nodes = np.repeat(np.arange(len(system.points))[:, None], 4, axis=1)
    shape = np.array([[1.0, 0.0, 0.0, 0.0]])
    out = np.empty((len(nodes), 1))
    surface.gaps(system.points + u, nodes, shape, *obstacle.fields(), obstacle.numbers(1.0), out)
    return out[:, 0]


def first_touch(system: System, u: Array, obstacle: Obstacle, *, way: Way = "grow") -> Obstacle:
    """Take an obstacle back until it, with its soft buffer, just touches the body.

    Parameters
    ----------
    system : System
    u : (n, 3) ndarray
        Displacement, mm.
    obstacle : Obstacle
    way : {"move", "grow"}
        "grow" lowers the offset, so that the obstacle swells from inside: right for a wall around the body, and for
        shallow overlaps. "move" shifts it off the body along the mean direction in which it pushes, keeping its
        shape; falls back to "grow" where no shift up to 20 mm frees the body.

    Returns
    -------
    Obstacle
        Unchanged if it does not reach the body.
    """
    buffer = obstacle.buffer_thickness if obstacle.buffer_pressure > 0.0 else 0.0
    least = _least(system, u, obstacle)
    if least >= buffer:
        return obstacle
    if way == "move":
        shifts = [
            _shift(system, u, obstacle, direction, buffer) for direction in _directions(system, u, obstacle, buffer)
        ]
        possible = [shift for shift in shifts if shift is not None]
        if possible:
            x, y, z = np.asarray(obstacle.translation) + min(possible, key=lambda shift: float(np.linalg.norm(shift)))
            return replace(obstacle, translation=(float(x), float(y), float(z)))
    return replace(obstacle, offset=obstacle.offset + least - buffer)


def _least(system: System, u: Array, obstacle: Obstacle) -> float:
    touch = Touch(obstacle, 1.0, np.zeros_like(system.contact.weights))
    x = system.points + u
    faces = min(float(touch.gaps(system, x, check=check).min(initial=np.inf)) for check in (False, True))
    return min(faces, float(node_gaps(system, u, obstacle).min()))


def _directions(system: System, u: Array, obstacle: Obstacle, buffer: float) -> list[Array]:
    """Return unit vectors along which the obstacle pushes: by its gradient, and away from the overlap's centre."""
    gap = node_gaps(system, u, obstacle)
    inside = np.flatnonzero(gap < buffer)
    x = system.points + u
    centre = np.average(x[inside], axis=0, weights=buffer - gap[inside])
    near = np.linalg.norm(x - centre, axis=1) < 3.0 * (buffer - float(gap.min())) + 5.0
    h = 0.05
    gradient = np.zeros(3)
    for axis in range(3):
        step = np.zeros(3)
        step[axis] = h
        ahead = node_gaps(system, u + step, obstacle)[inside] - node_gaps(system, u - step, obstacle)[inside]
        gradient[axis] = float(np.sum((buffer - gap[inside]) * ahead))
    found = [gradient, x[near].mean(axis=0) - centre]
    return [v / np.linalg.norm(v) for v in found if np.linalg.norm(v) > 1e-9]


def _shift(system: System, u: Array, obstacle: Obstacle, direction: Array, buffer: float) -> Array | None:
    """Least shift against `direction` that frees the body, by strides then bisection."""

    def free(distance: float) -> bool:
        x, y, z = np.asarray(obstacle.translation) - distance * direction
        return _least(system, u, replace(obstacle, translation=(float(x), float(y), float(z)))) >= buffer

    high = STRIDE
    while not free(high):
        high += STRIDE
        if high > FARTHEST:
            return None
    low = high - STRIDE
    while high - low > 0.02:
        middle = 0.5 * (low + high)
        low, high = (low, middle) if free(middle) else (middle, high)
    shift: Array = -high * direction
    return shift
