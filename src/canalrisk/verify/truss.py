"""Tension-only trusses: a V of two of them under a dead load, and one that is slack at first."""

from __future__ import annotations

import numpy as np

from canalrisk.fem import Load, Model, NeoHookean, Settings, Supports, Trusses, dofs, prepare
from canalrisk.verify.check import Check, Problem
from canalrisk.verify.core import Array, brick, solved

STIFFNESS = 5.0
# What the hexahedron that the mesh must have and the slack truss's residual stiffness carry.
ABSENT = 1e-9
CARRIED = 1e-7


def sagging(name: str, source: str) -> tuple[Check, ...]:
    """Hang a load on two trusses that start in one line: F = 2 EA (l / b - 1) s / l at sag s, l^2 = b^2 + s^2."""
    span, sag = 2.0, 0.8
    length = np.hypot(span, sag)
    force = 2.0 * STIFFNESS * (length / span - 1.0) * sag / length
    anchors = np.array([[span, 0.0, 0.0], [-span, 0.0, 0.0]])
    got = _hang(anchors, force=np.array([0.0, -force, 0.0]), prestrain=0.0)
    return (Check(name, "sag, mm", sag, -float(got[1]), CARRIED, source),)


def slack(name: str, source: str) -> tuple[Check, ...]:
    """Pull along a truss that has 10 % of slack: (1 + e) x length - length takes it up, then F / EA stretches it."""
    length, spare, force = 2.0, 0.1, 0.5
    anchors = np.array([[-length, 0.0, 0.0], [-length, 0.0, 0.0]])
    got = _hang(anchors, force=np.array([2.0 * force, 0.0, 0.0]), prestrain=-spare)
    rest = length / (1.0 - spare)
    expected = rest * (1.0 + force / STIFFNESS) - length
    return (Check(name, "displacement along, mm", expected, float(got[0]), CARRIED, source),)


def _hang(anchors: Array, *, force: Array, prestrain: float) -> Array:
    """Displacement (3,) of the node at the origin, held by two trusses only, under `force`."""
    mesh = brick((1, 1, 1))
    fixed = dofs(np.arange(1, 8))
    trusses = Trusses(
        nodes=np.array([[0, -1], [0, -1]]), stiffness=np.full(2, STIFFNESS), anchors=anchors, prestrain=prestrain,
        residual=ABSENT,
    )  # fmt: skip
    filling = NeoHookean(ABSENT * STIFFNESS, ABSENT * STIFFNESS)
    system = prepare(Model(mesh=mesh, materials=(filling,), supports=Supports(fixed=fixed), trusses=trusses))
    forces = np.zeros_like(mesh.points)
    forces[0] = force
    settings = Settings(tolerance=1e-9, corners=False)
    state = solved(system, [Load(forces=part * forces) for part in (0.25, 0.5, 1.0)], settings=settings)[-1]
    result: Array = state.u[0]
    return result


PROBLEMS = (
    Problem("truss-sagging", "trusses", "F = 2 EA (l/b - 1) s/l, l^2 = b^2 + s^2", "statics of two bars", sagging, 0),
    Problem("truss-slack", "trusses", "u = L0 (1 + F/EA) - L, L0 = L / (1 - slack)", "statics of one bar", slack, 0),
)
