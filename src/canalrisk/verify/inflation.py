"""Thick spheres and tubes blown up to finite strain, incompressible."""

from __future__ import annotations

import numpy as np

from canalrisk.fem import Load, Model, NeoHookean, State, Supports, System, dofs, stress_strain
from canalrisk.fem.reference import quadrature_points
from canalrisk.mesh.hexmesh import HexMesh
from canalrisk.verify.check import ORDER_MARGIN, Check, Problem, observed_order, refined
from canalrisk.verify.core import Array, Index, on
from canalrisk.verify.limit import incompressible, relative
from canalrisk.verify.shells import octant, quarter_tube

MU = 0.1
INNER, OUTER = 1.0, 2.0
STRETCH = 1.5


def sphere_primitive(stretch: Array) -> Array:
    """Primitive of the pressure of an incompressible neo-Hookean sphere in the hoop stretch, over mu."""
    return -2.0 / stretch - 0.5 / stretch**4


def tube_primitive(stretch: Array) -> Array:
    """Primitive of the pressure of an incompressible neo-Hookean tube in plane strain, over mu."""
    return np.log(stretch) - 0.5 / stretch**2


def hoop_stretch(radius: Array, *, power: int) -> Array:
    """Hoop stretch at reference radius when the inner one is stretched by `STRETCH`; `power` 3 sphere, 2 tube."""
    result: Array = (radius**power + (STRETCH**power - 1.0) * INNER**power) ** (1.0 / power) / radius
    return result


def sphere(name: str, source: str) -> tuple[Check, ...]:
    """Eighth of a sphere; pressure from the virtual work of the inner radius."""
    area = 0.5 * np.pi * (STRETCH * INNER) ** 2
    meshes = [octant(n, inner=INNER, outer=OUTER, layers=n) for n in (2, 4, 8)]
    return _inflate(name, source, meshes, area=area, power=3, planes=(0, 1, 2))


def tube(name: str, source: str) -> tuple[Check, ...]:
    """Quarter of a tube, one element long, its length held; pressure from the virtual work of the inner radius."""
    area = 0.5 * np.pi * STRETCH * INNER * 0.1
    meshes = [quarter_tube(2 * n, inner=INNER, outer=OUTER, layers=n, thickness=0.1) for n in (4, 8, 16)]
    return _inflate(name, source, meshes, area=area, power=2, planes=(0, 1))


def _inflate(
    name: str, source: str, meshes: list[HexMesh], *, area: float, power: int, planes: tuple[int, ...]
) -> tuple[Check, ...]:
    primitive = sphere_primitive if power == 3 else tube_primitive
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
        loads = [Load(prescribed=(part * goal).ravel()[fixed]) for part in (0.5, 1.0)]

        def make(bulk: float, mesh: HexMesh = mesh, fixed: Index = fixed) -> Model:
            return Model(mesh=mesh, materials=(NeoHookean(MU, bulk),), supports=Supports(fixed=fixed))

        def read(system: System, state: State, directions: Array = directions) -> Array:
            pressure = np.vdot(state.reactions, directions) / area
            return np.array([float(pressure), _stress_error(system, state.u, power)])

        pressure, stress = incompressible(make, loads, read=read, shear=MU)
        pressures.append(float(pressure))
        field_errors.append(float(stress))
    exact = MU * float(primitive(inside) - primitive(outside))
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


def _stress_error(system: System, u: Array, power: int) -> float:
    """L2 error of the radial Cauchy stress at the quadrature points, relative."""
    primitive = sphere_primitive if power == 3 else tube_primitive
    fields = stress_strain(system, u)
    where = quadrature_points(system.points, system.cells)[..., :power]
    radius = np.linalg.norm(where, axis=-1)
    ray = np.zeros((*radius.shape, 3))
    ray[..., :power] = where / radius[..., None]
    x, y, z = np.moveaxis(ray, -1, 0)
    s = np.moveaxis(fields.cauchy, -1, 0)
    radial = s[0] * x * x + s[1] * y * y + s[2] * z * z + 2.0 * (s[3] * x * y + s[4] * y * z + s[5] * x * z)
    outside = hoop_stretch(np.array(OUTER), power=power)
    expected = -MU * (primitive(hoop_stretch(radius, power=power)) - primitive(outside))
    return relative(radial, expected, fields.weights)


PROBLEMS = (
    Problem(
        "inflation-sphere", "inflation",
        "p = mu [-2/l - 1/(2 l^4)] from the outer to the inner hoop stretch; bulk modulus to infinity by extrapolation",
        "Green and Zerna 1968, Theoretical Elasticity; Ogden 1984, section 5.3", sphere, 1,
    ),
    Problem(
        "inflation-tube", "inflation",
        "p = mu [ln l - 1/(2 l^2)] from the outer to the inner hoop stretch; bulk modulus to infinity by extrapolation",
        "Rivlin 1949, Phil Trans R Soc A 242:173; Ogden 1984, section 5.3", tube, 0,
    ),
)  # fmt: skip
