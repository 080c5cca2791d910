"""Torsion of a cylinder of fixed length: torque and the normal force that it needs."""

from __future__ import annotations

from functools import partial

import numpy as np

from canalrisk.fem import Load, Model, MooneyRivlin, State, Supports, System, dofs
from canalrisk.mesh import elliptic_cylinder
from canalrisk.mesh.hexmesh import HexMesh
from canalrisk.verify.check import Check, Problem, refined
from canalrisk.verify.core import Array, Index, on
from canalrisk.verify.limit import incompressible

TWIST = 0.6
"""Radians per mm, on a radius and length of 1 mm."""
# Steps so small that the tangent stays definite on the way.
STEPS = 16


def twisted(name: str, source: str, *, c10: float, c01: float) -> tuple[Check, ...]:
    """Turn one end; both ends keep their shape and distance, the side is free."""
    values = [_torque_and_force(n, c10=c10, c01=c01) for n in (2, 4, 8)]
    torque, force = np.pi * (c10 + c01) * TWIST, -0.5 * np.pi * (c10 + 2.0 * c01) * TWIST**2
    return (
        refined(name, "torque, N mm", [v[0] for v in values], exact=float(torque), source=source),
        refined(name, "axial force, N (compression)", [v[1] for v in values], exact=float(force), source=source),
    )


def _torque_and_force(n: int, *, c10: float, c01: float) -> tuple[float, float]:
    mesh = elliptic_cylinder((n, n // 2, n), half_width=1.0, half_depth=1.0, length=1.0)
    top = on(mesh, 2, 1.0)
    fixed = dofs(np.concatenate([on(mesh, 2, 0.0), top]))

    def turned(angle: float) -> Load:
        goal = np.zeros_like(mesh.points)
        c, s = np.cos(angle), np.sin(angle)
        goal[top, :2] = mesh.points[top, :2] @ (np.array([[c, -s], [s, c]]) - np.eye(2)).T
        return Load(prescribed=goal.ravel()[fixed])

    def make(bulk: float, mesh: HexMesh = mesh, fixed: Index = fixed) -> Model:
        return Model(mesh=mesh, materials=(MooneyRivlin(c10, c01, bulk),), supports=Supports(fixed=fixed))

    def read(system: System, state: State) -> Array:
        x, r = (system.points + state.u)[top], state.reactions[top]
        return np.array([float(np.sum(x[:, 0] * r[:, 1] - x[:, 1] * r[:, 0])), float(r[:, 2].sum())])

    torque, force = incompressible(
        make, [turned(TWIST * (k + 1) / STEPS) for k in range(STEPS)], read=read, shear=2.0 * (c10 + c01)
    )
    return float(torque), float(force)


_THEORY = "torque pi (c10 + c01) A^4 psi, normal force -pi (c10 + 2 c01) A^4 psi^2 / 2; bulk modulus to infinity"
_SOURCE = "Rivlin 1949, Phil Trans R Soc A 242:173"

PROBLEMS = (
    Problem("torsion-neo-Hookean", "torsion", _THEORY, _SOURCE, partial(twisted, c10=0.05, c01=0.0), 1),
    Problem("torsion-Mooney-Rivlin", "torsion", _THEORY, _SOURCE, partial(twisted, c10=0.03, c01=0.02), 1),
)
