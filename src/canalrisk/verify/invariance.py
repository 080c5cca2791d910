"""Rigid rotation, mirror symmetry, and the energy balance of closed cycles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.spatial.transform import Rotation

from canalrisk.fem import (
    Load,
    Membrane,
    Model,
    NeoHookean,
    Obstacle,
    Ogden,
    Settings,
    Supports,
    System,
    dofs,
    prepare,
)
from canalrisk.fem.assemble import evaluate
from canalrisk.mesh import elliptic_cylinder
from canalrisk.verify.check import Check, Problem
from canalrisk.verify.core import Array, brick, distorted, on, solved
from canalrisk.verify.obstacle import sampled

TISSUE = Ogden.from_poisson(4.0e-3, alpha=12.5, poisson=0.49)
# Rounding of sums over a few hundred terms, amplified by exponents of 12.5.
ROUNDING = 1e-11
# The solver's relative residual of 1e-9 times the ratio of bulk to shear modulus (50).
SOLVED = 1e-7


def rotation(name: str, source: str) -> tuple[Check, ...]:
    """Turn and move a randomly deformed body with membrane; solve the same body in a turned frame."""
    mesh, _ = distorted(brick((2, 2, 2)), amount=0.08, seed=0)
    turn = Rotation.from_rotvec([0.7, -1.9, 0.4]).as_matrix()
    skin = Membrane(mesh.surface, 1.0, 0.3, 0.01)
    fixed = dofs(np.concatenate([on(mesh, 2, 0.0), on(mesh, 2, 1.0)]))
    system = prepare(Model(mesh=mesh, materials=(TISSUE,), membranes=(skin,), supports=Supports(fixed=fixed)))
    u = 0.02 * np.random.default_rng(2).normal(size=mesh.points.shape)
    before = evaluate(system, u, touches=(), forces=None, tangent=False)
    turned = (mesh.points + u) @ turn.T + [3.0, -2.0, 5.0] - mesh.points
    after = evaluate(system, turned, touches=(), forces=None, tangent=False)
    forces = np.abs(after.residual - before.residual @ turn.T).max() / np.abs(before.residual).max()
    still = evaluate(system, mesh.points @ turn.T - mesh.points, touches=(), forces=None, tangent=False)

    bend = 0.3 * mesh.points[:, [2]] ** 2 * [[1.0, 0.5, -0.3]]
    first = solved(system, [Load(prescribed=bend.ravel()[fixed])])[0]
    other = replace(mesh, points=np.ascontiguousarray(mesh.points @ turn.T))
    frame = prepare(Model(mesh=other, materials=(TISSUE,), membranes=(skin,), supports=Supports(fixed=fixed)))
    second = solved(frame, [Load(prescribed=(bend @ turn.T).ravel()[fixed])])[0]
    off = float(np.abs(second.u - first.u @ turn.T).max() / np.abs(first.u).max())
    energy = float(after.energy / before.energy)
    stiff = 1e-15 * TISSUE.kappa * 8.0 / ROUNDING
    return (
        Check(name, "energy after a rotation / before", 1.0, energy, ROUNDING, source),
        Check(name, "forces against turned forces, relative", 0.0, float(forces), ROUNDING, source),
        Check(name, "energy of a pure rotation, N mm", 0.0, float(still.energy), stiff * ROUNDING, source),
        Check(name, "solution in a turned frame, relative", 0.0, off, SOLVED, source),
    )


def mirror(name: str, source: str) -> tuple[Check, ...]:
    """Press a cylinder by a sphere in its planes of symmetry: the answer has them too."""
    mesh = elliptic_cylinder((4, 2, 8), length=20.0)
    ball = sampled(lambda x, y, z: np.sqrt(x**2 + y**2 + z**2 + 1e-12) - 5.0, half=8.0, spacing=0.5)
    ends = dofs(mesh.node_sets["ends"])
    law = NeoHookean.from_young(0.25, poisson=0.49)
    system = prepare(Model(mesh=mesh, materials=(law,), supports=Supports(fixed=ends)))
    state = solved(system, [Load((Obstacle("ball", ball, translation=(0.0, -8.3, 10.0)),))], settings=Settings())[0]
    scale = np.abs(state.u).max()
    checks = []
    for axis, centre in ((0, 0.0), (2, 10.0)):
        image = mesh.points.copy()
        image[:, axis] = 2.0 * centre - image[:, axis]
        partner = np.argmin(((mesh.points[:, None, :] - image[None, :, :]) ** 2).sum(axis=-1), axis=0)
        sign = np.where(np.arange(3) == axis, -1.0, 1.0)
        off = float(np.abs(state.u[partner] - state.u * sign).max() / scale)
        # The tolerance is the solver's: relative residual 1e-6, bulk over shear modulus 50.
        checks.append(Check(name, f"asymmetry in {'xyz'[axis]} / greatest displacement", 0.0, off, 5e-5, source))
    return tuple(checks)


def cycle(name: str, source: str) -> tuple[Check, ...]:
    """Stretch and shear a block by prescribed ends and go back: work equals energy, and nothing is left.

    Work is the integral of reactions over the path by Gauss-Legendre quadrature: states at the quadrature points of
    the load, so that the sum is exact to rounding for a smooth path.
    """
    mesh, _ = distorted(brick((3, 3, 3)), amount=0.05, seed=6)
    bottom, top = on(mesh, 2, 0.0), on(mesh, 2, 1.0)
    fixed = dofs(np.concatenate([bottom, top]))
    system = prepare(Model(mesh=mesh, materials=(TISSUE,), supports=Supports(fixed=fixed)))
    goal = np.zeros_like(mesh.points)
    goal[top] = [0.15, 0.05, 0.2]
    values = goal.ravel()[fixed]
    line, weights = np.polynomial.legendre.leggauss(10)
    times = 0.5 * (line + 1.0)
    loads = [Load(prescribed=t * values) for t in (*times, 1.0, *times[::-1], 0.0)]
    states = solved(system, loads)
    power = np.array([float(np.vdot(state.reactions, goal)) for state in states])
    n = len(times)
    up, down = 0.5 * float(weights @ power[:n]), -0.5 * float(weights @ power[n + 1 : 2 * n + 1][::-1])
    peak = states[n].energy
    return (
        Check(name, "work of loading / stored energy", 1.0, up / peak, SOLVED, source),
        Check(name, "work of unloading / stored energy", -1.0, down / peak, SOLVED, source),
        Check(name, "energy left / stored energy", 0.0, states[-1].energy / peak, SOLVED, source),
        Check(name, "displacement left, mm", 0.0, float(np.abs(states[-1].u).max()), SOLVED, source),
    )


def contact_cycle(name: str, source: str) -> tuple[Check, ...]:
    """Press a frictionless plate on a block and lift it: its work equals the stored energy, nothing is left.

    The multipliers must be settled for the plate's own work to be that of the contact forces: penetration 1e-7 mm on
    0.2 mm of travel, hence the tolerance of 1e-6 (the first quadrature point has 0.007 mm of travel).
    """
    mesh = brick((2, 2, 2))
    # The spline's mirrored edge falls off by 0.27 per voxel: 16 voxels away the field is exact to 1e-9.
    level = sampled(lambda x, y, z: y + 0.0 * x, half=4.0, spacing=0.2)
    fixed = np.concatenate([dofs(on(mesh, k, 1.0 if k == 1 else 0.0), axes=(k,)) for k in range(3)])
    system = prepare(
        Model(mesh=mesh, materials=(NeoHookean.from_young(0.25, poisson=0.49),), supports=Supports(fixed=fixed))
    )
    depth = 0.2
    line, weights = np.polynomial.legendre.leggauss(6)
    places = [*(0.5 * depth * (line + 1.0)), depth, *(0.5 * depth * (line[::-1] + 1.0)), -0.1]
    # A body that comes back to rest is judged against a shear strain of 1e-6: ask no more than rounding allows.
    settings = Settings(tolerance=1e-7, loose=1e-7, penetration=1e-7, force_change=1e-7, max_augmentations=40)
    loads = [Load((Obstacle("plate", level, offset=float(place)),)) for place in places]
    states = solved(system, loads, settings=settings)
    force = np.array([state.contacts["plate"].force[1] for state in states])
    n = len(line)
    peak = _stored(system, states[n].u)
    up, down = 0.5 * depth * weights @ force[:n], -0.5 * depth * weights @ force[n + 1 : 2 * n + 1][::-1]
    return (
        Check(name, "work of pressing / stored energy", 1.0, float(up) / peak, 1e-6, source),
        Check(name, "work of lifting / stored energy", -1.0, float(down) / peak, 1e-6, source),
        Check(name, "energy left / stored energy", 0.0, _stored(system, states[-1].u) / peak, SOLVED, source),
        Check(name, "displacement left, mm", 0.0, float(np.abs(states[-1].u).max()), SOLVED, source),
    )


def _stored(system: System, u: Array) -> float:
    return evaluate(system, u, touches=(), forces=None, tangent=False).energy


PROBLEMS = (
    Problem("rigid-rotation", "invariance", "energy is objective: it depends on C = F^T F only",
            "exact; Ogden 1984, Non-linear Elastic Deformations, ch. 4", rotation, 0),
    Problem("mirror-symmetry", "invariance", "a symmetric load on a symmetric body has a symmetric answer", "exact",
            mirror, 1),
    Problem("energy-cycle", "energy balance", "hyperelastic: work of the supports around a closed path is zero",
            "first law; Gauss-Legendre quadrature over the path", cycle, 0),
    Problem("energy-cycle-contact", "energy balance", "frictionless contact does no work of its own",
            "first law; Gauss-Legendre quadrature over the path", contact_cycle, 0),
)  # fmt: skip
