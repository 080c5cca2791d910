"""Membranes: a tube under inner pressure, and tension fields in wrinkled sheets."""

from __future__ import annotations

import numpy as np

from canalrisk.fem import Load, Membrane, Model, NeoHookean, Settings, State, Supports, dofs, prepare
from canalrisk.mesh import elliptic_cylinder
from canalrisk.mesh.hexmesh import HexMesh
from canalrisk.verify.check import Check, Problem, refined
from canalrisk.verify.core import Array, brick, faces_on, on, solved

YOUNG, NU, THICKNESS = 30.0, 0.3, 0.1
PLANE = YOUNG * THICKNESS / (1.0 - NU**2)
# Share of the full law kept where slack: so small that it only keeps the matrix regular.
RESIDUAL = 1e-6
# The hexahedra that every mesh has carry this share of the membrane's stiffness.
ABSENT = 1e-9
FILLING = NeoHookean(ABSENT * YOUNG * THICKNESS, ABSENT * YOUNG * THICKNESS)
# What the residual stiffness (1e-6, times strains up to 10 times those that pull) and the filling carry.
CARRIED = 1e-5
WAGNER = "Wagner 1929, Z Flugtech Motorluftschiff 20:200; Reissner 1938, 5th Int Congr Appl Mech"


def tube(name: str, source: str) -> tuple[Check, ...]:
    """Blow up a tube of fixed length by radial nodal forces; the hoop stretch is looked for.

    Forces stay radial by symmetry: the dead load is the pressure's F = 2 pi a L p at the final radius a.
    """
    stretch, length = 1.3, 1.0
    hoop = PLANE * 0.5 * (stretch**2 - 1.0)
    total = 2.0 * np.pi * length * stretch * hoop
    values = []
    for core in (2, 4, 8):
        mesh = elliptic_cylinder((core, 1, 2), half_width=1.0, half_depth=1.0, length=length)
        skin = Membrane(mesh.surface, YOUNG, NU, THICKNESS, RESIDUAL)
        held = [dofs(on(mesh, axis, 0.0), axes=(axis,)) for axis in (0, 1)]
        fixed = np.concatenate([dofs(np.arange(len(mesh.points)), axes=(2,)), *held])
        system = prepare(Model(mesh=mesh, materials=(FILLING,), membranes=(skin,), supports=Supports(fixed=fixed)))
        share = np.bincount(mesh.surface.ravel(), minlength=len(mesh.points)) / mesh.surface.size
        forces = total * share[:, None] * mesh.points * [1.0, 1.0, 0.0]
        state = solved(system, [Load(forces=forces)], settings=Settings())[0]
        wall = mesh.node_sets["lateral"]
        values.append(float(np.linalg.norm((mesh.points + state.u)[wall, :2], axis=1).mean()))
    return (refined(name, "hoop stretch at the pressure of 1.3", values, exact=stretch, source=source),)


def tension_field(strain: Array) -> Array:
    """Second Piola stress resultant (2, 2), N/mm, of a wrinkled sheet: uniaxial along the first principal strain."""
    values, vectors = np.linalg.eigh(strain)
    axis = vectors[:, 1]
    resultant: Array = YOUNG * THICKNESS * values[1] * np.outer(axis, axis)
    return resultant


def uniaxial(name: str, source: str) -> tuple[Check, ...]:
    """Pull a sheet by 10 % while its sides come in by 30 %: it wrinkles and carries along only."""
    gradient = np.diag([0.7, 1.1])
    state, mesh = _sheet(gradient)
    force = float(state.reactions[on(mesh, 2, 1.0), 2].sum())
    side = float(np.abs(state.reactions[on(mesh, 1, 1.0), 1].sum()))
    green = 0.5 * (1.1**2 - 1.0)
    return (
        Check(name, "force along, N", 1.1 * YOUNG * THICKNESS * green, force, CARRIED, source),
        Check(name, "force across / force along", 0.0, side / force, CARRIED, source),
        _affine(name, source, state, mesh, gradient),
    )


def shear(name: str, source: str) -> tuple[Check, ...]:
    """Shear a sheet between clamps: tension at 45 degrees, half the stiffness and more of an unwrinkled sheet gone."""
    amount = 0.02
    gradient = np.array([[1.0, amount], [0.0, 1.0]])
    state, mesh = _sheet(gradient)
    force = float(state.reactions[on(mesh, 2, 1.0), 1].sum())
    pull = float(state.reactions[on(mesh, 2, 1.0), 2].sum())
    nominal = gradient @ tension_field(0.5 * (gradient.T @ gradient - np.eye(2)))
    # The closed form's expansion in the amount: E h gamma / 4 (1 + 3 gamma / 2 + gamma^2 + ...).
    first = force / (0.25 * YOUNG * THICKNESS * amount) - 1.5 * amount
    return (
        Check(name, "shear force, N", float(nominal[0, 1]), force, CARRIED, source),
        Check(name, "force across the clamps, N", float(nominal[1, 1]), pull, CARRIED, source),
        Check(name, "shear force / (E h gamma / 4) - 3 gamma / 2", 1.0, first, 2.0 * amount**2, WAGNER),
        _affine(name, source, state, mesh, gradient),
    )


def _sheet(gradient: Array) -> tuple[State, HexMesh]:
    """Deform the edges of a unit sheet in the plane x = 0 by `gradient` (y, z); inner nodes are free in it."""
    mesh = brick((1, 5, 5))
    edge = np.unique(np.concatenate([on(mesh, axis, value) for axis in (1, 2) for value in (0.0, 1.0)]))
    free = np.setdiff1d(np.arange(len(mesh.points)), edge)
    fixed = np.concatenate([dofs(edge), dofs(free, axes=(0,))])
    skin = Membrane(faces_on(mesh, 0, 0.0), YOUNG, NU, THICKNESS, RESIDUAL)
    system = prepare(Model(mesh=mesh, materials=(FILLING,), membranes=(skin,), supports=Supports(fixed=fixed)))
    goal = np.zeros_like(mesh.points)
    goal[:, 1:] = mesh.points[:, 1:] @ (gradient - np.eye(2)).T
    return solved(system, [Load(prescribed=goal.ravel()[fixed])], settings=Settings(tolerance=1e-8))[0], mesh


def _affine(name: str, source: str, state: State, mesh: HexMesh, gradient: Array) -> Check:
    sheet = on(mesh, 0, 0.0)
    expected = mesh.points[sheet, 1:] @ (gradient - np.eye(2)).T
    off = np.abs(state.u[sheet, 1:] - expected).max() / np.abs(expected).max()
    return Check(name, "displacement against the homogeneous one, relative", 0.0, float(off), CARRIED, source)


PROBLEMS = (
    Problem(
        "membrane-tube", "membranes", "hoop resultant E h (l^2 - 1) / (2 (1 - nu^2)); l times that is p a",
        "equilibrium of a St Venant-Kirchhoff membrane in plane stress; polygon to circle, order 2", tube, 0,
    ),
    Problem(
        "membrane-uniaxial", "membranes", "wrinkled: S = E h times the Green strain along, nothing across",
        "Pipkin 1986, IMA J Appl Math 36:85 (relaxed energy)", uniaxial, 0,
    ),
    Problem(
        "membrane-shear", "membranes", "tension field of pure shear: uniaxial along the first principal Green strain",
        "Reissner 1938; Pipkin 1986, IMA J Appl Math 36:85 (relaxed energy)", shear, 0,
    ),
)  # fmt: skip
