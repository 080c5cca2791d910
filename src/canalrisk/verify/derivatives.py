"""Forces against energies and tangents against forces: central differences, and complex steps where a law allows it."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np

from canalrisk.fem import Material, Membrane, Model, NeoHookean, Obstacle, System, Trusses, prepare
from canalrisk.fem.assemble import Touch, evaluate
from canalrisk.verify.check import Check, Problem
from canalrisk.verify.core import Array, body, brick, distorted, stiffness
from canalrisk.verify.laws import MATERIALS, directional, piola
from canalrisk.verify.obstacle import sampled

DIFFERENCES = "central differences of energy and forces; bound of the specification"
COMPLEX = "complex step of the law written as tensors (Squire and Trapp 1998, SIAM Rev 40:110)"
BOUND = 1e-7
# A complex step is exact to rounding; the ratio of bulk to shear modulus (50) and sums over 8 points lose two digits.
ROUNDING = 1e-12
STEP = 1e-6

SOFT = NeoHookean(1e-6, 1e-6)


def _differences(
    name: str, source: str, system: System, u: Array, touches: tuple[Touch, ...] = ()
) -> tuple[Check, ...]:
    """Compare all forces and all columns of the tangent at `u` with central differences."""
    at = evaluate(system, u, touches=touches, forces=None, tangent=True)
    matrix = stiffness(system)
    slopes, columns = np.empty(u.size), np.empty_like(matrix)
    for k in range(u.size):
        step = np.zeros(u.size)
        step[k] = STEP
        ahead, behind = (
            evaluate(system, u + sign * step.reshape(u.shape), touches=touches, forces=None, tangent=False)
            for sign in (1.0, -1.0)
        )
        slopes[k] = (ahead.energy - behind.energy) / (2.0 * STEP)
        columns[:, k] = (ahead.residual - behind.residual).ravel() / (2.0 * STEP)
    force = np.abs(slopes - at.residual.ravel()).max() / np.abs(at.residual).max()
    tangent = np.abs(columns - matrix).max() / np.abs(matrix).max()
    skew = np.abs(matrix - matrix.T).max() / np.abs(matrix).max()
    return (
        Check(name, "force - dE/du, relative to the greatest", 0.0, float(force), BOUND, source),
        Check(name, "tangent - dF/du, relative to the greatest", 0.0, float(tangent), BOUND, source),
        Check(name, "asymmetry of the tangent", 0.0, float(skew), 1e-14, source),
    )


def element(name: str, source: str, *, law: Material) -> tuple[Check, ...]:
    """One distorted hexahedron at a random finite deformation."""
    rng = np.random.default_rng(1)
    mesh = brick((1, 1, 1))
    mesh.points[:] += 0.1 * rng.normal(size=mesh.points.shape)
    system = body(mesh, law)
    return _differences(name, source, system, 0.12 * rng.normal(size=mesh.points.shape))


def membrane(name: str, source: str, *, law: Literal["tension-field", "full"]) -> tuple[Check, ...]:
    """Quads in all three states (taut, wrinkled, slack), prestrained, on a body that is all but absent."""
    mesh = brick((2, 2, 2))
    system = body(mesh, SOFT, membranes=(Membrane(mesh.surface, 30.0, 0.3, 0.1, law=law, prestrain=0.01),))
    return _differences(name, source, system, 0.1 * np.random.default_rng(4).normal(size=mesh.points.shape))


def trusses(name: str, source: str) -> tuple[Check, ...]:
    """Trusses between nodes and to anchors, taut and slack, on a body that is all but absent."""
    mesh = brick((1, 1, 1))
    anchors = np.array([[0.0, 0.0, 0.0], [3.0, 1.0, 1.0], [-2.0, 0.5, 0.0]])
    lines = Trusses(
        np.array([[0, 6], [1, -1], [4, -1]]), np.array([2.0, 3.0, 4.0]), anchors, np.array([0.1, 0.2, -0.5])
    )
    system = prepare(Model(mesh=mesh, materials=(SOFT,), trusses=lines))
    return _differences(name, source, system, 0.1 * np.random.default_rng(6).normal(size=mesh.points.shape))


def contact(name: str, source: str) -> tuple[Check, ...]:
    """Two blended curved fields with a soft buffer and multipliers, on a body that is all but absent."""
    mesh = brick((2, 2, 2), size=(2.0, 2.0, 2.0))
    ball = sampled(lambda x, y, z: np.sqrt(x**2 + y**2 + z**2 + 1e-3) - 3.0, half=10.0, spacing=0.5)
    egg = sampled(lambda x, y, z: np.sqrt(x**2 + 1.3 * y**2 + z**2 + 0.3) - 2.7, half=10.0, spacing=0.5)
    obstacle = Obstacle(
        "egg", ball, egg, blend=0.4, translation=(0.0, -2.0, 0.0), buffer_thickness=0.5, buffer_pressure=0.3
    )
    system = body(mesh, SOFT)
    rng = np.random.default_rng(5)
    touch = Touch(obstacle, 2.0, 0.2 * rng.random(system.contact_weights.shape))
    return _differences(name, source, system, 0.05 * rng.normal(size=mesh.points.shape), (touch,))


def material(name: str, source: str, *, law: Material) -> tuple[Check, ...]:
    """Compare nodal forces and tangent of a distorted patch under random homogeneous deformations with tensors.

    Under a homogeneous deformation the forces of any mesh are sums of P times reference gradients, and so are their
    changes along a homogeneous rate, with the material's tangent in place of the stress.
    """
    mesh, _ = distorted(brick((2, 2, 2)), amount=0.08, seed=3)
    system = body(mesh, law)
    rng = np.random.default_rng(7)
    stress = tangent = 0.0
    for _ in range(4):
        f = np.eye(3) + 0.2 * rng.normal(size=(3, 3))
        at = evaluate(system, mesh.points @ (f - np.eye(3)).T, touches=(), forces=None, tangent=True)
        matrix = stiffness(system)
        expected = _forces(system, piola(law, f))
        stress = max(stress, float(np.abs(at.residual - expected).max() / np.abs(expected).max()))
        for rate in np.eye(9).reshape(9, 3, 3):
            change = (matrix @ (mesh.points @ rate.T).ravel()).reshape(-1, 3)
            wanted = _forces(system, directional(law, f, rate))
            tangent = max(tangent, float(np.abs(change - wanted).max() / np.abs(matrix).max()))
    return (
        Check(name, "stress, 4 random deformations", 0.0, stress, ROUNDING, source),
        Check(name, "tangent, 9 directions each", 0.0, tangent, ROUNDING, source),
    )


def _forces(system: System, piola_stress: Array) -> Array:
    """Nodal forces (n, 3) of a uniform first Piola stress."""
    gradients = np.einsum("eq,eqja->eaj", system.weights, system.gradients)
    out = np.zeros_like(system.points)
    np.add.at(out, system.cells, gradients @ piola_stress.T)
    return out


LAWS: tuple[Literal["tension-field", "full"], ...] = ("tension-field", "full")

PROBLEMS = (
    *(
        Problem(
            name=f"derivative-hexahedron-{kind}",
            family="derivatives",
            theory="forces are the gradient of the energy, the tangent is that of the forces, and is symmetric",
            source=DIFFERENCES,
            run=partial(element, law=law),
            level=0,
        )
        for kind, law in MATERIALS.items()
    ),
    *(
        Problem(
            f"derivative-membrane-{law}", "derivatives", "as above, for membranes", DIFFERENCES,
            partial(membrane, law=law), 0,
        )
        for law in LAWS
    ),
    Problem("derivative-truss", "derivatives", "as above, for tension-only trusses", DIFFERENCES, trusses, 0),
    Problem("derivative-contact", "derivatives", "as above, for contact with blended fields", DIFFERENCES, contact, 0),
    *(
        Problem(
            name=f"complex-step-{kind}",
            family="derivatives",
            theory="stress and tangent equal a second writing of the law, differentiated without cancellation",
            source=COMPLEX,
            run=partial(material, law=law),
            level=0,
        )
        for kind, law in MATERIALS.items()
    ),
)  # fmt: skip
