"""Hertz contact: a rigid paraboloid pressed into an elastic half space."""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np

from canalrisk.fem import Load, Model, NeoHookean, Obstacle, Settings, Supports, dofs, prepare
from canalrisk.mesh.hexmesh import HexMesh
from canalrisk.verify.check import Check, Problem, refined
from canalrisk.verify.core import Array, faces_on, on, solved, swept
from canalrisk.verify.obstacle import sampled

YOUNG = 1.0
# Contact radius 1 mm; strains are of the order of contact radius over radius, and so are the terms that Hertz neglects.
CONTACT, RADIUS = 1.0, 10000.0
DEPTH = CONTACT**2 / RADIUS
SIZE = 10.0
"""Radius and depth of the meshed part, in contact radii."""
# Next to its far field (a point load) Hertz' pressure has a moment of second order: (a / L)^3 of the approach.
DOMAIN = SIZE**-3


def quarter_space(n: int) -> HexMesh:
    """Quarter of a cylinder below z = 0, fine near the origin: O-grid of n rings, n layers, swept upwards.

    Both spacings follow a hyperbolic sine, so that refinement divides every element alike.
    """
    core = n // 4
    steps = 1.1 * np.sinh(2.9 * np.linspace(0.0, 1.0, n + 1))
    steps *= SIZE / steps[-1]
    line = np.linspace(0.0, 1.0, core + 1)
    u, v = np.meshgrid(line, line, indexing="ij")
    # A square with rounded corner: half way to the quarter disc.
    disc = np.stack((u * np.sqrt(1.0 - 0.5 * v * v), v * np.sqrt(1.0 - 0.5 * u * u)), axis=-1)
    square = np.stack((u, v), axis=-1)
    inside = 0.5 * steps[core] * (disc + square)
    index = np.arange((core + 1) ** 2).reshape(core + 1, core + 1)
    quads = [np.stack((index[:-1, :-1], index[1:, :-1], index[1:, 1:], index[:-1, 1:]), -1).reshape(-1, 4)]
    ring = np.concatenate((index[-1, :], index[-2::-1, -1]))
    flat = inside.reshape(-1, 2)
    start = flat[ring]
    angle = np.linspace(0.0, 0.5 * np.pi, 2 * core + 1)
    arc = np.stack((np.cos(angle), np.sin(angle)), axis=-1)
    points = [flat]
    for k in range(core + 1, n + 1):
        outer = (core + 1) ** 2 + (k - core - 1) * (2 * core + 1) + np.arange(2 * core + 1)
        # From the core's outline to circles, within as many rings as the core has.
        weight = min(1.0, (k - core) / core)
        points.append(steps[k] * (weight * arc + (1.0 - weight) * start / steps[core]))
        quads.append(np.stack((ring[:-1], outer[:-1], outer[1:], ring[1:]), axis=-1))
        ring = outer
    section = np.concatenate(points)
    section[np.abs(section) < 1e-12] = 0.0
    low = np.concatenate(quads)
    size = len(section)
    heights = -steps[::-1]
    grid = np.concatenate([np.tile(section, (n + 1, 1)), np.repeat(heights, size)[:, None]], axis=1)
    cells = low + size * np.arange(n)[:, None, None]
    return swept(np.ascontiguousarray(grid), np.concatenate([cells, cells + size], axis=-1).reshape(-1, 8), size)


def point_load(points: Array, force: float, *, nu: float) -> Array:
    """Displacement (n, 3), mm, of the half space z < 0 under `force` N downwards at the origin (Boussinesq)."""
    shear = YOUNG / (2.0 * (1.0 + nu))
    x, y, depth = points[:, 0], points[:, 1], -points[:, 2]
    distance = np.linalg.norm(points, axis=1)
    scale = force / (4.0 * np.pi * shear * distance)
    outward = scale * (depth / distance**2 - (1.0 - 2.0 * nu) / (distance + depth))
    down = scale * (depth**2 / distance**2 + 2.0 * (1.0 - nu))
    return np.stack((outward * x, outward * y, -down), axis=-1)


def force_of(n: int, *, nu: float, rule: Literal[2, 3]) -> float:
    """Force, N, on the paraboloid from a mesh of n rings and layers; the far field is prescribed on the outside."""
    mesh = quarter_space(n)
    exact = _hertz(nu)
    radius = np.hypot(mesh.points[:, 0], mesh.points[:, 1])
    outside = np.flatnonzero((radius > SIZE - 1e-6) | (mesh.points[:, 2] < -SIZE + 1e-6))
    planes = [dofs(np.setdiff1d(on(mesh, axis, 0.0), outside), axes=(axis,)) for axis in (0, 1)]
    fixed = np.concatenate([dofs(outside), *planes])
    values = np.zeros_like(mesh.points)
    values[outside] = point_load(mesh.points[outside], exact, nu=nu)
    top = faces_on(mesh, 2, 0.0)
    near = top[radius[top].max(axis=1) < 3.0 * CONTACT]
    bowl = sampled(lambda x, y, z: (x**2 + y**2) / (2.0 * RADIUS) - z, half=8.0, spacing=0.25)
    law = NeoHookean.from_young(YOUNG, poisson=nu)
    model = Model(mesh=mesh, materials=(law,), supports=Supports(fixed=fixed), contact=near, contact_rule=rule)
    obstacle = Obstacle("paraboloid", bowl, translation=(0.0, 0.0, -DEPTH))
    settings = Settings(penetration=1e-3 * DEPTH, force_change=1e-5, max_augmentations=40)
    loads = [Load((obstacle,), prescribed=values.ravel()[fixed])]
    state = solved(prepare(model), loads, settings=settings)[0]
    return -4.0 * float(state.contacts["paraboloid"].force[2])


def _hertz(nu: float) -> float:
    return float(4.0 / 3.0 * YOUNG / (1.0 - nu**2) * RADIUS**0.5 * DEPTH**1.5)


def force(
    name: str, source: str, *, nu: float, divisions: tuple[int, int], rule: Literal[2, 3] = 2
) -> tuple[Check, ...]:
    """Compare the force with Hertz' law.

    The force is a derivative of the energy, whose error is of order 2; the closed form holds to the domain's error and
    to strains of contact radius over radius.
    """
    values = [force_of(n, nu=nu, rule=rule) / _hertz(nu) for n in divisions]
    model = DOMAIN + CONTACT / RADIUS
    quantity = f"force / (4/3 E* R^(1/2) d^(3/2)), n = {divisions[0]}, {divisions[1]}"
    return (refined(name, quantity, values, exact=1.0, source=source, model=model),)


_THEORY = "F = 4/3 E* R^(1/2) d^(3/2); the point load's far field on the boundary at 10 contact radii"
_SOURCE = "Johnson 1985, Contact Mechanics, sections 3.2 (Boussinesq) and 4.2 (Hertz)"

PROBLEMS = (
    Problem("hertz-nu-0.3", "contact", _THEORY, _SOURCE, partial(force, nu=0.3, divisions=(8, 16)), 1),
    Problem("hertz-nu-0.49", "contact", _THEORY, _SOURCE, partial(force, nu=0.49, divisions=(8, 16)), 1),
    Problem("hertz-3x3-points", "contact", _THEORY, _SOURCE, partial(force, nu=0.3, divisions=(8, 16), rule=3), 1),
    Problem("hertz-nu-0.3-finer", "contact", _THEORY, _SOURCE, partial(force, nu=0.3, divisions=(12, 24)), 2),
)
