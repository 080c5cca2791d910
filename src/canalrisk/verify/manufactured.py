"""Manufactured solutions at finite strain: a chosen deformation, the loads it needs, the orders of convergence."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from canalrisk.fem import Load, Material, Model, NeoHookean, Ogden, Supports, dofs, prepare
from canalrisk.mesh.hexmesh import HexMesh
from canalrisk.verify.check import ORDER_MARGIN, Check, Problem, observed_order
from canalrisk.verify.core import Array, Index, brick, faces_on, on, solved
from canalrisk.verify.laws import STEP, Tensor, piola
from canalrisk.verify.quadrature import gauss, scatter, shape, surface_loads

SHEAR = 0.1
DILATION = 0.2
# Bulk over shear modulus above which the load comes in 8 steps: the tangent then stays definite on the way.
STIFF = 1000.0
SOURCE = "loads derived from the chosen deformation (Roache 2002, J Fluids Eng 124:4); orders: Brenner and Scott 2008"


def position(points: Tensor, *, dilation: float) -> Tensor:
    """Three shears after a stretch of the axes: (..., 3) to (..., 3).

    The shears keep volume whatever their size. `dilation` is of the order of shear over bulk modulus, so that the
    pressure stays of the order of the shear modulus as the material becomes incompressible.
    """
    x, y, z = np.moveaxis(points + dilation * np.sin(np.pi * points) / np.pi, -1, 0)
    x = x + SHEAR * np.sin(np.pi * y)
    y = y + SHEAR * np.sin(np.pi * z)
    z = z + SHEAR * np.sin(np.pi * x)
    return np.stack((x, y, z), axis=-1)


def deformation_gradient(points: Tensor, *, dilation: float) -> Tensor:
    """Gradient (..., 3, 3) of `position`, factor by factor."""
    total = (1.0 + dilation * np.cos(np.pi * points))[..., None] * np.eye(3)
    x, y, z = np.moveaxis(points + dilation * np.sin(np.pi * points) / np.pi, -1, 0)
    for row, column in ((0, 1), (1, 2), (2, 0)):
        at = (x, y, z)[column]
        shear = np.zeros_like(total)
        shear[...] = np.eye(3)
        shear[..., row, column] = SHEAR * np.pi * np.cos(np.pi * at)
        total = shear @ total
        if row == 0:
            x = x + SHEAR * np.sin(np.pi * y)
        elif row == 1:
            y = y + SHEAR * np.sin(np.pi * z)
    return total


def body_force(law: Material, points: Array, *, dilation: float) -> Array:
    """Force per reference volume (..., 3), N/mm3: minus the divergence of the first Piola stress, by complex steps."""
    force = np.zeros(points.shape)
    for axis in range(3):
        step = np.zeros(3, complex)
        step[axis] = 1j * STEP
        stress = piola(law, deformation_gradient(points + step, dilation=dilation))
        force -= stress[..., axis].imag / STEP
    return force


def volume_loads(mesh: HexMesh, law: Material, *, dilation: float) -> Array:
    """Consistent nodal loads (n, 3) of the body force, 4 x 4 x 4 Gauss points."""
    local, weights = gauss(4, 3)
    values, slopes = shape(local)
    corners = mesh.points[mesh.cells]
    where = np.einsum("qa,eai->eqi", values, corners)
    measure = weights * np.linalg.det(np.einsum("eai,qaj->eqij", corners, slopes))
    part = np.einsum("eq,qa,eqi->eai", measure, values, body_force(law, where, dilation=dilation))
    return scatter(mesh, mesh.cells, part)


def traction_loads(mesh: HexMesh, quads: Index, law: Material, *, dilation: float) -> Array:
    """Consistent nodal loads (n, 3) of the dead traction P N on outward quads of the plane z = 1."""
    return surface_loads(mesh, quads, lambda x: piola(law, deformation_gradient(x, dilation=dilation))[..., 2])


def errors(mesh: HexMesh, u: Array, *, dilation: float) -> tuple[float, float]:
    """L2 norm, mm^2.5, of the displacement error and of its gradient (mm^1.5), 4 x 4 x 4 Gauss points.

    More points than the element has: at its own points the gradient may be superconvergent.
    """
    local, weights = gauss(4, 3)
    values, slopes = shape(local)
    corners = mesh.points[mesh.cells]
    where = np.einsum("qa,eai->eqi", values, corners)
    jacobian = np.einsum("eai,qaj->eqij", corners, slopes)
    measure = weights * np.linalg.det(jacobian)
    exact = position(where, dilation=dilation) - where
    got = np.einsum("qa,eai->eqi", values, u[mesh.cells])
    slope = np.einsum("eai,qaj,eqjk->eqik", u[mesh.cells], slopes, np.linalg.inv(jacobian))
    exact_slope = deformation_gradient(where, dilation=dilation) - np.eye(3)
    low = float(np.sum(measure * np.sum((got - exact) ** 2, axis=-1)))
    high = float(np.sum(measure * np.sum((slope - exact_slope) ** 2, axis=(-1, -2))))
    return low**0.5, high**0.5


def wavy(n: int) -> HexMesh:
    """Make a unit cube of n^3 hexahedra, smoothly curved inside so that nothing gains from regularity."""
    mesh = brick((n, n, n))
    x, y, z = mesh.points.T
    bump = 0.04 * np.sin(np.pi * x) * np.sin(np.pi * y) * np.sin(np.pi * z)
    points = mesh.points + np.stack((bump * np.cos(np.pi * y), bump * np.cos(np.pi * z), bump), axis=-1)
    return replace(mesh, points=points)


def convergence(name: str, source: str, *, law: Material, divisions: tuple[int, ...]) -> tuple[Check, ...]:
    """Solve on each mesh and compare the orders of both norms with 2 and 1."""
    dilation = DILATION * law.shear / law.kappa
    steps = 8 if law.kappa > STIFF * law.shear else 1
    measured = []
    for n in divisions:
        mesh = wavy(n)
        sides = [on(mesh, axis, value) for axis in range(3) for value in (0.0, 1.0) if (axis, value) != (2, 1.0)]
        fixed = dofs(np.unique(np.concatenate(sides)))
        system = prepare(Model(mesh=mesh, materials=(law,), supports=Supports(fixed=fixed)))
        exact = position(mesh.points, dilation=dilation) - mesh.points
        top = faces_on(mesh, 2, 1.0)
        forces = volume_loads(mesh, law, dilation=dilation) + traction_loads(mesh, top, law, dilation=dilation)
        parts = (np.arange(steps) + 1.0) / steps
        state = solved(system, [Load(prescribed=p * exact.ravel()[fixed], forces=p * forces) for p in parts])[-1]
        measured.append(errors(mesh, state.u, dilation=dilation))
    checks = []
    for column, (norm, order) in enumerate((("L2", 2.0), ("energy (H1)", 1.0))):
        seen = observed_order([row[column] for row in measured])
        quantity = f"order in {norm}, n = {divisions[-2]} to {divisions[-1]}"
        checks.append(Check(name, quantity, order, seen, ORDER_MARGIN, source, order=seen, at_least=True))
    return tuple(checks)


def _neo_hooke(nu: float, *, divisions: tuple[int, ...], level: int, suffix: str = "") -> Problem:
    law = NeoHookean.from_young(1.0, poisson=nu)
    return Problem(
        name=f"manufactured-nu-{nu:g}{suffix}",
        family="manufactured solutions",
        theory="Q1P0 displacements: error h^2 in L2 and h in the energy norm, whatever the bulk modulus",
        source=SOURCE,
        run=partial(convergence, law=law, divisions=divisions),
        level=level,
    )


PROBLEMS = (
    _neo_hooke(0.4999, divisions=(2, 4, 8), level=0),
    _neo_hooke(0.3, divisions=(3, 6, 12), level=1),
    _neo_hooke(0.49, divisions=(3, 6, 12), level=1),
    _neo_hooke(0.4999, divisions=(3, 6, 12), level=1, suffix="-finer"),
    _neo_hooke(0.4999, divisions=(4, 8, 16), level=2, suffix="-finest"),
    Problem(
        name="manufactured-Ogden",
        family="manufactured solutions",
        theory="as for the neo-Hookean solid: two Ogden terms at Poisson's ratio 0.49",
        source=SOURCE,
        run=partial(
            convergence, law=Ogden.from_poisson((0.2, 0.15), alpha=(4.0, -2.0), poisson=0.49), divisions=(3, 6, 12)
        ),
    ),
)
