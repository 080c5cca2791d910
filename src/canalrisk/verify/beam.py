"""Bending at nu = 0.4999: pure bending, Timoshenko's cantilever, and the elastica at finite rotation."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import ellipeinc, ellipk, ellipkinc

from canalrisk.fem import Load, Model, NeoHookean, Settings, Supports, System, dofs, prepare
from canalrisk.mesh.hexmesh import HexMesh
from canalrisk.verify.check import Check, Problem, refined
from canalrisk.verify.core import Array, brick, faces_on, on, solved
from canalrisk.verify.quadrature import surface_loads

YOUNG, NU = 1.0, 0.4999
LAW = NeoHookean.from_young(YOUNG, poisson=NU)
# So small that squares of rotation are far below the discretisation error, and large enough that the residual can fall
# to the default tolerance: F is kept to 1e-16, which the bulk modulus multiplies by 5000.
SMALL = 1e-4
# A slender beam at finite rotation: Newton's steps are worth little until they follow the path closely.
FOLLOW = Settings(first_step=0.02)


def _shifted(divisions: tuple[int, int, int], size: tuple[float, float, float]) -> HexMesh:
    """Half of a beam along z by its plane x = 0, centre line at x = y = 0."""
    mesh = brick(divisions, size=size)
    mesh.points[:, 1] -= 0.5 * size[1]
    mesh.points[np.abs(mesh.points) < 1e-12] = 0.0
    return mesh


def pure_bending(name: str, source: str) -> tuple[Check, ...]:
    """Bend a square bar by a linear traction: centre line, and the saddle (anticlastic) shape of its section.

    u_y = -kappa (z^2 + nu (y^2 - x^2)) / 2, u_z = kappa y z, u_x = -nu kappa x y solve the linear problem exactly.
    """
    length, depth = 10.0, 1.0
    curvature = SMALL
    centre, saddle = [], []
    for n in (3, 6):
        mesh = _shifted((n, 2 * n, 10 * n), (0.5 * depth, depth, length))
        origin = np.flatnonzero(np.abs(mesh.points).max(axis=1) < 1e-9)
        fixed = np.concatenate(
            [dofs(on(mesh, 2, 0.0), axes=(2,)), dofs(on(mesh, 0, 0.0), axes=(0,)), dofs(origin, axes=(1,))]
        )
        system = prepare(Model(mesh=mesh, materials=(LAW,), supports=Supports(fixed=fixed)))
        end = faces_on(mesh, 2, length)
        forces = surface_loads(mesh, end, lambda x: YOUNG * curvature * x[..., 1:2] * [0.0, 0.0, 1.0])
        u = solved(system, [Load(forces=forces)], settings=Settings())[0].u
        tip = _node(mesh, 0.0, 0.0, length)
        corner = _node(mesh, 0.5 * depth, 0.0, length)
        centre.append(float(u[tip, 1]) / (-0.5 * curvature * length**2))
        saddle.append(float(u[corner, 1] - u[tip, 1]) / (0.5 * NU * curvature * (0.5 * depth) ** 2))
    return (
        refined(name, "deflection / (kappa L^2 / 2)", centre, exact=1.0, source=source),
        refined(name, "saddle / (nu kappa x^2 / 2)", saddle, exact=1.0, source=source),
    )


def cantilever(name: str, source: str) -> tuple[Check, ...]:
    """Load the tip of a slender bar across; parabolic shear traction, rotation held at the root.

    The root's shear goes into its neutral line: a disturbance of one depth, worth (d / L)^3 of the deflection, and
    Timoshenko's shear coefficient is good to that order too.
    """
    length, depth = 20.0, 1.0
    inertia, area = depth**4 / 12.0, depth**2
    load = SMALL * YOUNG * inertia / length**2
    shear = 10.0 * (1.0 + NU) / (12.0 + 11.0 * NU)
    exact = load * length**3 / (3.0 * YOUNG * inertia) + load * length * 2.0 * (1.0 + NU) / (shear * YOUNG * area)
    values = []
    for n in (3, 6):
        mesh, system = _cantilever(n, length=length, depth=depth)
        forces = _tip_load(mesh, length=length, depth=depth, load=0.5 * load)
        u = solved(system, [Load(forces=forces)], settings=Settings())[0].u
        values.append(float(u[_node(mesh, 0.0, 0.0, length), 1]) / exact)
    model = (depth / length) ** 3
    return (refined(name, "tip deflection / Timoshenko", values, exact=1.0, source=source, model=model),)


def elastica(name: str, source: str) -> tuple[Check, ...]:
    """Turn the tip of a slender bar by 26 degrees with a dead load.

    The elastica neither shears nor stretches and its section keeps its shape: neglected terms are of the order of
    (d / L)^2 = 2.5e-3, three of them: the order of convergence cannot be seen against it.
    """
    length, depth, factor = 20.0, 1.0, 1.0
    inertia = depth**4 / 12.0
    down, across = elastica_tip(factor)
    drop, reach = [], []
    for n in (2, 3):
        mesh, system = _cantilever(n, length=length, depth=depth)
        load = factor * YOUNG * inertia / length**2
        forces = _tip_load(mesh, length=length, depth=depth, load=0.5 * load)
        tip = solved(system, [Load(forces=forces)], settings=FOLLOW)[-1].u[_node(mesh, 0.0, 0.0, length)]
        drop.append(float(tip[1]) / length)
        reach.append(1.0 + float(tip[2]) / length)
    model = 3.0 * (depth / length) ** 2
    return (
        refined(name, "tip deflection / L", drop, exact=down, source=source, ratio=1.5, model=model),
        refined(name, "tip distance along the beam / L", reach, exact=across, source=source, ratio=1.5, model=model),
    )


def elastica_tip(factor: float) -> tuple[float, float]:
    """Tip of an elastica under a transverse dead load `factor` EI / L^2: deflection and distance along it, over L."""
    root = np.sqrt(factor)

    def start(k: float) -> float:
        return float(np.arcsin(1.0 / (k * np.sqrt(2.0))))

    k = brentq(lambda k: float(ellipk(k * k) - ellipkinc(start(k), k * k)) - root, np.sqrt(0.5) + 1e-12, 1.0 - 1e-12)
    phi = start(k)
    deflection = 1.0 - 2.0 / root * float(ellipeinc(0.5 * np.pi, k * k) - ellipeinc(phi, k * k))
    along = 2.0 * k * np.cos(phi) / root
    return deflection, float(along)


def _cantilever(n: int, *, length: float, depth: float) -> tuple[HexMesh, System]:
    mesh = _shifted((n, 2 * n, n * round(length)), (0.5 * depth, depth, length))
    root = on(mesh, 2, 0.0)
    neutral = root[np.abs(mesh.points[root, 1]) < 1e-9]
    fixed = np.concatenate([dofs(root, axes=(2,)), dofs(on(mesh, 0, 0.0), axes=(0,)), dofs(neutral, axes=(1,))])
    return mesh, prepare(Model(mesh=mesh, materials=(LAW,), supports=Supports(fixed=fixed)))


def _tip_load(mesh: HexMesh, *, length: float, depth: float, load: float) -> Array:
    """Consistent nodal forces (n, 3) of a parabolic shear traction with resultant `load` on half the section."""

    def traction(x: Array) -> Array:
        profile = 1.5 * (1.0 - (2.0 * x[..., 1:2] / depth) ** 2)
        result: Array = load / (0.5 * depth * depth) * profile * [0.0, 1.0, 0.0]
        return result

    return surface_loads(mesh, faces_on(mesh, 2, length), traction)


def _node(mesh: HexMesh, x: float, y: float, z: float) -> int:
    return int(np.argmin(np.abs(mesh.points - [x, y, z]).sum(axis=1)))


PROBLEMS = (
    Problem(
        "bending-pure", "bending", "linear traction at nu 0.4999: exact in 3-D; a locking element is far off",
        "Timoshenko and Goodier 1970, Theory of Elasticity, section 102", pure_bending, 0,
    ),
    Problem(
        "bending-cantilever", "bending", "F L^3 / (3 E I) + F L / (k G A), k = 10 (1 + nu) / (12 + 11 nu), L / d = 20",
        "Timoshenko 1921; Cowper 1966, J Appl Mech 33:335", cantilever, 1,
    ),
    Problem(
        "bending-elastica", "bending", "tip of an elastica under a dead load E I / L^2, by elliptic integrals",
        "Bisshopp and Drucker 1945, Q Appl Math 3:272", elastica, 1,
    ),
)  # fmt: skip
