"""Thick spheres and tubes blown up to finite strain, incompressible."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from canalrisk.fem import Load, Model, MooneyRivlin, State, Supports, System, dofs, stress_strain
from canalrisk.fem.reference import quadrature_points
from canalrisk.mesh.hexmesh import HexMesh
from canalrisk.verify.check import ORDER_MARGIN, Check, Problem, observed_order, refined
from canalrisk.verify.core import Array, Index, on
from canalrisk.verify.limit import incompressible, relative
from canalrisk.verify.shells import octant, quarter_tube

INNER, OUTER = 1.0, 2.0
STRETCH = 1.5
# Steps so small that the tangent stays definite on the way.
STEPS = 16


def sphere_primitive(stretch: Array, law: MooneyRivlin) -> Array:
    """Primitive of the pressure of an incompressible sphere in the hoop stretch, MPa."""
    return law.c10 * (-4.0 / stretch - 1.0 / stretch**4) + law.c01 * (4.0 * stretch - 2.0 / stretch**2)


def tube_primitive(stretch: Array, law: MooneyRivlin) -> Array:
    """Primitive of the pressure of an incompressible tube in plane strain in the hoop stretch, MPa."""
    return law.shear * (np.log(stretch) - 0.5 / stretch**2)


PRIMITIVES = {3: sphere_primitive, 2: tube_primitive}


def hoop_stretch(radius: Array, *, power: int) -> Array:
    """Hoop stretch at reference radius when the inner one is stretched by `STRETCH`; `power` 3 sphere, 2 tube."""
    result: Array = (radius**power + (STRETCH**power - 1.0) * INNER**power) ** (1.0 / power) / radius
    return result


def sphere(name: str, source: str, *, law: MooneyRivlin) -> tuple[Check, ...]:
    """Eighth of a sphere; pressure from the virtual work of the inner radius."""
    area = 0.5 * np.pi * (STRETCH * INNER) ** 2
    meshes = [octant(n, inner=INNER, outer=OUTER, layers=n) for n in (2, 4, 8)]
    return _inflate(name, source, law, meshes, area=area, power=3, planes=(0, 1, 2))


def tube(name: str, source: str, *, law: MooneyRivlin) -> tuple[Check, ...]:
    """Quarter of a tube, one element long, its length held; pressure from the virtual work of the inner radius."""
    area = 0.5 * np.pi * STRETCH * INNER * 0.1
    meshes = [quarter_tube(2 * n, inner=INNER, outer=OUTER, layers=n, thickness=0.1) for n in (4, 8, 16)]
    return _inflate(name, source, law, meshes, area=area, power=2, planes=(0, 1))


def _inflate(
    name: str,
    source: str,
    law: MooneyRivlin,
    meshes: list[HexMesh],
    *,
    area: float,
    power: int,
    planes: tuple[int, ...],
) -> tuple[Check, ...]:
    primitive = PRIMITIVES[power]
    inside, outside = hoop_stretch(np.array([INNER, OUTER]), power=power)
    pressures, field_errors = [], []
    for mesh in meshes:
        radius = np.linalg.norm(mesh.points[:, :power], axis=1)
        bore = np.flatnonzero(np.abs(radius - INNER) < 1e-9)
        fixed = _supports(mesh, bore, planes=planes, plane_strain=power == 2)
        goal = np.zeros_like(mesh.points)
        goal[bore, :power] = (STRETCH - 1.0) * mesh.points[bore, :power]
        directions = np.zeros_like(mesh.points)
        directions[bore, :power] = mesh.points[bore, :power] / INNER
        loads = [Load(prescribed=(part * goal).ravel()[fixed]) for part in (np.arange(STEPS) + 1.0) / STEPS]

        def make(bulk: float, mesh: HexMesh = mesh, fixed: Index = fixed) -> Model:
            return Model(mesh=mesh, materials=(replace(law, kappa=bulk),), supports=Supports(fixed=fixed))

        def read(system: System, state: State, directions: Array = directions) -> Array:
            pressure = np.vdot(state.reactions, directions) / area
            return np.array([float(pressure), _stress_error(system, state.u, law, power)])

        pressure, stress = incompressible(make, loads, read=read, shear=law.shear)
        pressures.append(float(pressure))
        field_errors.append(float(stress))
    exact = float(primitive(inside, law) - primitive(outside, law))
    seen = observed_order(field_errors)
    quantity = f"order of the radial stress in L2 (error {field_errors[-1]:.1%} on the finest)"
    return (
        refined(name, f"pressure at hoop stretch {STRETCH}, MPa", pressures, exact=exact, source=source),
        Check(name, quantity, 1.0, seen, ORDER_MARGIN, source, order=seen, at_least=True),
    )


def _supports(mesh: HexMesh, bore: Index, *, planes: tuple[int, ...], plane_strain: bool) -> Index:
    across = [dofs(on(mesh, axis, 0.0), axes=(axis,)) for axis in planes]
    if plane_strain:
        across.append(dofs(np.arange(len(mesh.points)), axes=(2,)))
    return np.unique(np.concatenate([dofs(bore), *across]))


def _stress_error(system: System, u: Array, law: MooneyRivlin, power: int) -> float:
    """L2 error of the radial Cauchy stress at the quadrature points, relative."""
    primitive = PRIMITIVES[power]
    fields = stress_strain(system, u)
    where = quadrature_points(system.points, system.cells)[..., :power]
    radius = np.linalg.norm(where, axis=-1)
    ray = np.zeros((*radius.shape, 3))
    ray[..., :power] = where / radius[..., None]
    x, y, z = np.moveaxis(ray, -1, 0)
    s = np.moveaxis(fields.cauchy, -1, 0)
    radial = s[0] * x * x + s[1] * y * y + s[2] * z * z + 2.0 * (s[3] * x * y + s[4] * y * z + s[5] * x * z)
    outside = hoop_stretch(np.array(OUTER), power=power)
    expected = primitive(outside, law) - primitive(hoop_stretch(radius, power=power), law)
    return relative(radial, expected, fields.weights)


_NEO_HOOKE, _MOONEY = MooneyRivlin(0.05, 0.0, 1.0), MooneyRivlin(0.03, 0.02, 1.0)
_SPHERE = (
    "p = [c10 (-4/l - 1/l^4) + c01 (4 l - 2/l^2)] from the outer to the inner hoop stretch l; bulk modulus to infinity"
)
_TUBE = "p = 2 (c10 + c01) [ln l - 1/(2 l^2)] from the outer to the inner hoop stretch l; bulk modulus to infinity"
_SOURCE = (
    "Green and Zerna 1968, Theoretical Elasticity, ch. 3; Ogden 1984, Non-linear Elastic Deformations, section 5.3"
)

PROBLEMS = (
    Problem("inflation-tube", "inflation", _TUBE, _SOURCE, partial(tube, law=_MOONEY), 0),
    Problem("inflation-sphere-neo-Hookean", "inflation", _SPHERE, _SOURCE, partial(sphere, law=_NEO_HOOKE), 1),
    Problem("inflation-sphere-Mooney-Rivlin", "inflation", _SPHERE, _SOURCE, partial(sphere, law=_MOONEY), 1),
)
