"""Torsion of a cylinder of fixed length: torque and the normal force that it needs."""

from __future__ import annotations

import numpy as np

from canalrisk.fem import Load, Model, NeoHookean, State, Supports, System, dofs
from canalrisk.mesh import elliptic_cylinder
from canalrisk.mesh.hexmesh import HexMesh
from canalrisk.verify.check import Check, Problem, refined
from canalrisk.verify.core import Array, Index, on
from canalrisk.verify.limit import incompressible

MU = 0.1
TWIST = 0.6
"""Radians per mm, on a radius and length of 1 mm."""


def twisted(name: str, source: str) -> tuple[Check, ...]:
    """Turn one end; both ends keep their shape and distance, the side is free."""
    values = [_torque_and_force(n) for n in (2, 4, 8)]
    torque, force = 0.5 * np.pi * MU * TWIST, -0.25 * np.pi * MU * TWIST**2
    return (
        refined(name, "torque, N mm", [v[0] for v in values], exact=float(torque), source=source),
        refined(name, "axial force, N (compression)", [v[1] for v in values], exact=float(force), source=source),
    )


def _torque_and_force(n: int) -> tuple[float, float]:
    mesh = elliptic_cylinder((n, n // 2, n), half_width=1.0, half_depth=1.0, length=1.0)
    top = on(mesh, 2, 1.0)
    fixed = dofs(np.concatenate([on(mesh, 2, 0.0), top]))

    def turned(angle: float) -> Load:
        goal = np.zeros_like(mesh.points)
        c, s = np.cos(angle), np.sin(angle)
        goal[top, :2] = mesh.points[top, :2] @ (np.array([[c, -s], [s, c]]) - np.eye(2)).T
        return Load(prescribed=goal.ravel()[fixed])

    def make(bulk: float, mesh: HexMesh = mesh, fixed: Index = fixed) -> Model:
        return Model(mesh=mesh, materials=(NeoHookean(MU, bulk),), supports=Supports(fixed=fixed))

    def read(system: System, state: State) -> Array:
        x, r = (system.points + state.u)[top], state.reactions[top]
        return np.array([float(np.sum(x[:, 0] * r[:, 1] - x[:, 1] * r[:, 0])), float(r[:, 2].sum())])

    torque, force = incompressible(make, [turned(0.5 * TWIST), turned(TWIST)], read=read, shear=MU)
    return float(torque), float(force)


PROBLEMS = (
    Problem(
        "torsion-neo-Hookean", "torsion",
        "torque pi mu A^4 psi / 2, normal force -pi mu A^4 psi^2 / 4; bulk modulus to infinity by extrapolation",
        "Rivlin 1949, Phil Trans R Soc A 242:173", twisted, 1,
    ),
)  # fmt: skip
