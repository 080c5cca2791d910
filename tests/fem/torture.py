"""Random masses pressed into a coarse cord, for `test_torture.py`.

Seed and ranges. Case k of seed 2026 draws, with ``numpy.random.default_rng((2026, k))``:

- shape: sphere, radius 2 to 8 mm; ellipsoid, semi-axes 2 to 8 mm, any orientation; two balls of radius 2 to 5 mm, 3 to
  7 mm apart; union of 3 to 6 balls of radius 1.5 to 4 mm within 5 mm of one another (the four kinds in turn);
- direction from which it comes: any around the cord, up to 30 degrees along it; place along the cord: within 6 mm of
  its middle;
- depth after first touch: 5 to 50 % of the cord's antero-posterior diameter (7.6 mm);
- tissue: set A, B or C in turn; pia of the set or none; canal wall 0.8 to 3 mm from the cord, or none.

Fields: unions by a smooth minimum (0.3 mm), re-distanced, on 0.5 mm voxels, creases rounded by 0.5 mm. The cord is an
elliptic cylinder, 13 x 7.6 x 40 mm, held across at its ends and on axial springs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from checker import Field, Law, Sheet
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation

from canalrisk.fem import (
    Load,
    Membrane,
    Model,
    NeoHookean,
    Obstacle,
    Ogden,
    Springs,
    Supports,
    System,
    dofs,
    prepare,
)
from canalrisk.field import Grid, fit_spline, redistance
from canalrisk.mesh import elliptic_cylinder

SEED = 2026
HALF_WIDTH, HALF_DEPTH, LENGTH = 6.5, 3.8, 40.0
SPACING = 0.5

# evidence/data/materials.csv: white and gray (mu MPa, alpha, Poisson's ratio), pia (E MPa, nu, mm). Sets B and C are
# linear: neo-Hookean (alpha 2) with mu = E / (2 (1 + nu)).
SETS = {
    "A": ((4.0e-3, 12.5, 0.49), (4.1e-3, 14.7, 0.49), (39.3, 0.3, 0.1)),
    "B": ((0.277 / 2.998, 2.0, 0.499), (0.656 / 2.998, 2.0, 0.499), (2.3, 0.3, 0.1)),
    "C": ((0.51e-3 / 2.98, 2.0, 0.49), (0.53e-3 / 2.98, 2.0, 0.49), (18.4, 0.3, 0.1)),
}


@dataclass(frozen=True, eq=False)
class Case:
    """One case: what is solved, and the same for the checker."""

    label: str
    system: System
    load: Load
    fields: tuple[Field, ...]
    laws: tuple[Law, Law]
    sheets: tuple[Sheet, ...]
    towards: np.ndarray


def _balls(rng: np.random.Generator, kind: int) -> tuple[str, np.ndarray, np.ndarray, np.ndarray]:
    """Name, centres (k, 3), radii (k,) and the matrix that turns the shape's ball coordinates into place."""
    eye = np.eye(3)
    if kind == 0:
        return "sphere", np.zeros((1, 3)), rng.uniform(2, 8, 1), eye
    if kind == 1:
        turn = Rotation.random(random_state=rng).as_matrix()
        return "ellipsoid", np.zeros((1, 3)), np.ones(1), turn * rng.uniform(2, 8, 3)
    if kind == 2:
        axis = rng.normal(size=3)
        axis *= rng.uniform(3, 7) / 2 / np.linalg.norm(axis)
        return "two balls", np.stack((axis, -axis)), rng.uniform(2, 5, 2), eye
    count = int(rng.integers(3, 7))
    centres = rng.uniform(-2.5, 2.5, (count, 3))
    return "lobes", centres, rng.uniform(1.5, 4, count), eye


def _mass(rng: np.random.Generator, kind: int) -> tuple[str, np.ndarray, np.ndarray]:
    """Name, voxel values and lower corner of a mass about the origin."""
    name, centres, radii, matrix = _balls(rng, kind)
    half = 12.0
    axis = np.arange(-half, half + SPACING / 2, SPACING)
    x = np.stack(np.meshgrid(axis, axis, axis, indexing="ij"), axis=-1)
    scale = float(np.linalg.norm(matrix, axis=0).min())
    local = x @ np.linalg.inv(matrix).T
    away = np.stack([scale * (np.linalg.norm(local - c, axis=-1) - r) for c, r in zip(centres, radii, strict=True)])
    least = away.min(axis=0)
    level = least - 0.3 * np.log(np.exp(-(away - least) / 0.3).sum(axis=0))
    affine = np.diag([SPACING] * 3 + [1.0])
    affine[:3, 3] = -half
    distance = redistance(level, grid=Grid(level.shape, affine), band=8.0)
    return name, gaussian_filter(np.asarray(distance, float), 0.5 / SPACING, mode="nearest"), np.full(3, -half)


def _wall(room: float) -> tuple[np.ndarray, np.ndarray]:
    a, b = HALF_WIDTH + room, HALF_DEPTH + room
    half = np.array((a + 4, b + 4, LENGTH / 2 + 3))
    axes = [np.arange(-h, h + SPACING / 2, SPACING) for h in half]
    x, y, _ = np.meshgrid(*axes, indexing="ij")
    # Distance to an ellipse to first order.
    r = np.sqrt((x / a) ** 2 + (y / b) ** 2) + 1e-9
    slope = np.sqrt((x / a**2) ** 2 + (y / b**2) ** 2) / r
    values = np.clip((r - 1) / np.maximum(slope, 1 / a), -b, 8.0)
    return gaussian_filter(values, 0.5 / SPACING, mode="nearest"), -half


def _spline(values: np.ndarray, low: np.ndarray):  # type: ignore[no-untyped-def]
    affine = np.diag([SPACING] * 3 + [1.0])
    affine[:3, 3] = low
    return fit_spline(values, grid=Grid(values.shape, affine))


def _cord(name: str, *, pia: bool, size: tuple[int, int, int]) -> tuple[System, tuple[Law, Law], tuple[Sheet, ...]]:
    mesh = elliptic_cylinder(size, half_width=HALF_WIDTH, half_depth=HALF_DEPTH, length=LENGTH)
    mesh = replace(mesh, points=mesh.points - [0.0, 0.0, LENGTH / 2])
    *tissues, (young, poisson, thickness) = SETS[name]
    materials = tuple(
        NeoHookean(mu, 2 * mu * (1 + nu) / (3 * (1 - 2 * nu)))
        if alpha == 2.0
        else Ogden.from_poisson(mu, alpha=alpha, poisson=nu)
        for mu, alpha, nu in tissues
    )
    laws = tuple(Law(mu, alpha, 2 * mu * (1 + nu) / (3 * (1 - 2 * nu))) for mu, alpha, nu in tissues)
    middle = mesh.points[mesh.cells].mean(axis=1)
    gray = (np.hypot(middle[:, 0] / HALF_WIDTH, middle[:, 1] / HALF_DEPTH) < 0.45).astype(np.int64)
    ends = mesh.node_sets["ends"]
    springs = Springs(ends, np.tile([0.0, 0.0, 1.0], (len(ends), 1)), np.full(len(ends), 0.02))
    model = Model(
        mesh=mesh,
        materials=materials,
        material_index=gray,
        membranes=(Membrane(mesh.surface, young, poisson, thickness),) if pia else (),
        supports=Supports(fixed=dofs(ends, axes=(0, 1)), springs=springs),
    )
    sheets = (Sheet(mesh.surface, young, poisson, thickness, 1e-3),) if pia else ()
    return prepare(model), laws, sheets  # type: ignore[return-value]


def make_case(number: int, *, size: tuple[int, int, int] = (4, 2, 20)) -> Case:
    """Case `number` of the series, on an O-grid of `size` (core, rings, layers)."""
    rng = np.random.default_rng((SEED, number))
    tissue = "ABC"[number % 3]
    kind = number % 4
    name, values, low = _mass(rng, kind)
    angle, tilt = rng.uniform(0, 2 * np.pi), rng.uniform(-np.pi / 6, np.pi / 6)
    depth = rng.uniform(0.05, 0.5) * 2 * HALF_DEPTH
    along = rng.uniform(-6, 6)
    pia, wall, room = bool(rng.random() < 0.5), bool(rng.random() < 0.5), rng.uniform(0.8, 3.0)
    system, laws, sheets = _cord(tissue, pia=pia, size=size)
    outwards = np.array((np.cos(tilt) * np.cos(angle), np.cos(tilt) * np.sin(angle), np.sin(tilt)))
    still = Field(values, low, SPACING)
    quads = system.contact_quads
    surface = np.concatenate((system.points[np.unique(quads)], system.points[quads].mean(axis=1)))
    near, far = 0.0, 24.0
    while far - near > 1e-3:
        middle = 0.5 * (near + far)
        touching = still.gap(surface - (middle * outwards + (0, 0, along))).min() < 0
        near, far = (middle, far) if touching else (near, middle)
    shift = (far - depth) * outwards + (0.0, 0.0, along)
    obstacles = [Obstacle("mass", _spline(values, low), translation=tuple(shift))]
    fields = [Field(values, low, SPACING, shift=shift)]
    if wall:
        lining, corner = _wall(room)
        obstacles.append(Obstacle("wall", _spline(lining, corner), sign=-1))
        fields.append(Field(lining, corner, SPACING, sign=-1))
    label = (
        f"{number}: {name}, set {tissue}, pia {pia}, wall {room if wall else 0:.1f} mm, depth {depth:.2f} mm, "
        f"from {np.degrees(angle):.0f} degrees, tilt {np.degrees(tilt):.0f}"
    )
    return Case(label, system, Load(tuple(obstacles)), tuple(fields), laws, sheets, -outwards)
