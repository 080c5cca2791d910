"""One load as a course from t = 0 to 1: where every obstacle, support and dead load is at t."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem.ahead import Pressures
from canalrisk.fem.assemble import Touch
from canalrisk.fem.insertion import Way, first_touch
from canalrisk.fem.model import Load
from canalrisk.fem.obstacles import Passage
from canalrisk.fem.system import System

Array = NDArray[np.float64]


@dataclass(eq=False)
class Progress:
    """Where a solve stands between loads.

    `trend` (n, 3) is the change expected of the next one, if any; `pressures` are those expected where it starts, where
    `u` is a guess whose own are far off.
    """

    u: Array
    load: Load
    multipliers: dict[str, Array]
    penalty: float
    trend: Array | None = None
    pressures: Pressures | None = None


@dataclass(frozen=True, eq=False)
class Course:
    """One load as functions of t in [0, 1]."""

    passages: tuple[Passage, ...]
    prescribed: tuple[Array, Array]
    forces: tuple[Array | None, Array | None]
    anchors: tuple[Array | None, Array | None]

    def touches(self, t: float, *, progress: Progress) -> tuple[Touch, ...]:
        """Obstacles at t with the multipliers in force."""
        obstacles = [passage.at(t) for passage in self.passages]
        return tuple(Touch(o, progress.penalty, progress.multipliers[o.name]) for o in obstacles)

    def values(self, t: float) -> Array:
        """Prescribed values at t, mm."""
        a, b = self.prescribed
        return b if t >= 1.0 else a + t * (b - a)

    def dead(self, t: float) -> Array | None:
        """Dead loads at t, N."""
        return _between(self.forces, t)

    def anchor_motion(self, t: float) -> Array | None:
        """Displacement of the trusses' anchors at t, mm."""
        return _between(self.anchors, t)


def _between(ends: tuple[Array | None, Array | None], t: float) -> Array | None:
    """Interpolate between arrays of which a missing one is zero."""
    first, last = ends
    if first is None and last is None:
        return None
    a = np.zeros_like(last) if first is None else first
    b = np.zeros_like(a) if last is None else last
    return np.ascontiguousarray(b if t >= 1.0 else a + t * (b - a))


def build_course(system: System, load: Load, *, progress: Progress, way: Way) -> Course:
    """Pair the obstacles of `load` with those before; bring new ones in from first touch in the given `way`."""
    before = {obstacle.name: obstacle for obstacle in progress.load.obstacles}
    passages = []
    for obstacle in load.obstacles:
        begin = before.get(obstacle.name)
        if begin is None:
            begin = first_touch(system, progress.u, obstacle, way=way if obstacle.sign > 0 else "grow")
        passages.append(Passage.between(begin, obstacle))
        progress.multipliers.setdefault(obstacle.name, np.zeros_like(system.contact.weights))
    zeros = np.zeros(len(system.model.supports.fixed))
    old = zeros if progress.load.prescribed is None else np.asarray(progress.load.prescribed, float)
    new = zeros if load.prescribed is None else np.asarray(load.prescribed, float)
    dead, anchors = (progress.load.forces, load.forces), (progress.load.anchors, load.anchors)
    return Course(tuple(passages), (old, new), dead, anchors)


def motion(system: System, u: Array, *, course: Course) -> float:
    """Greatest motion of the obstacles' surfaces near the body over the load, mm."""
    farthest = 0.0
    x = system.points + u
    for passage in course.passages:
        gaps = [Touch(o, 1.0, np.zeros_like(system.contact.weights)).gaps(system, x, check=False)
                for o in (passage.begin, passage.end)]  # fmt: skip
        near = np.minimum(*gaps) < 0.5
        if near.any():
            farthest = max(farthest, float(np.abs(gaps[1] - gaps[0])[near].max()))
    return farthest
