"""Patch tests: a homogeneous finite deformation of a distorted mesh must come out exactly."""

from __future__ import annotations

from functools import partial

import numpy as np

from canalrisk.fem import Load, Material, dofs, stress_strain
from canalrisk.verify.check import Check, Problem
from canalrisk.verify.core import body, brick, distorted, solved
from canalrisk.verify.laws import MATERIALS, piola

GRADIENT = np.array([[0.10, 0.05, 0.0], [-0.04, -0.08, 0.06], [0.02, 0.0, 0.05]])
# The solver's relative residual of 1e-9, times the ratio of bulk to shear modulus (up to 50) by which a small residual
# can hide a displacement or a stress.
ROUNDING = 1e-7


def constant_strain(name: str, source: str, *, law: Material) -> tuple[Check, ...]:
    """Prescribe a linear displacement on the boundary of 27 distorted hexahedra; free the inner nodes."""
    mesh, inside = distorted(brick((3, 3, 3)), amount=0.05, seed=0)
    exact = mesh.points @ GRADIENT.T
    fixed = dofs(np.flatnonzero(~inside))
    system = body(mesh, law, fixed=fixed)
    state = solved(system, [Load(prescribed=exact.ravel()[fixed])])[0]
    f = np.eye(3) + GRADIENT
    cauchy = piola(law, f) @ f.T / np.linalg.det(f)
    expected = cauchy[[0, 1, 2, 0, 1, 0], [0, 1, 2, 1, 2, 2]]
    stress = np.abs(stress_strain(system, state.u).cauchy - expected).max() / np.abs(expected).max()
    off = float(np.abs(state.u - exact).max() / np.abs(exact).max())
    return (
        Check(name, "greatest displacement error / greatest displacement", 0.0, off, ROUNDING, source),
        Check(name, "greatest stress error / greatest stress", 0.0, float(stress), ROUNDING, source),
    )


PROBLEMS = tuple(
    Problem(
        name=f"patch-{kind}",
        family="patch tests",
        theory="constant finite strain on 27 distorted hexahedra; stress from the law written as tensors",
        source="Irons and Razzaque 1972; exact for any consistent element",
        run=partial(constant_strain, law=law),
        level=0,
    )
    for kind, law in MATERIALS.items()
)
