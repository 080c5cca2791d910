"""The analytic neck of `torus` on any grid and in any pose, and what `measure` must find there."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torus
from scipy.spatial.transform import Rotation

from canalrisk.anatomy import build_spine
from canalrisk.field import Grid
from canalrisk.imaging.labelmap import LabelMap
from canalrisk.morphometry import measure, prepare

SPACINGS = {"0.3": (0.3, 0.3, 0.3), "0.5": (0.5, 0.5, 0.5), "0.8": (0.8, 0.8, 0.8), "slices": (0.4, 0.4, 1.5)}
MARGIN_MM = 3.0
# Sections this near the canal's ends see its lid.
END_SECTIONS = 6

BALL_MM, BALL_V = 6.0, -11.0
EGG_MM, EGG_AT, EGG_TURN = (3.5, 5.0, 7.0), (-6.0, 20.0, -14.0), Rotation.from_euler("xyz", (40, -25, 70), degrees=True)


@dataclass(frozen=True)
class Pose:
    """Where a scanner's grid lies: turned about the patient, voxel centres shifted by a part of a voxel."""

    spacing: tuple[float, float, float]
    turn: np.ndarray = field(default_factory=lambda: np.eye(3))
    shift: tuple[float, float, float] = (0.26, 0.42, 0.34)

    def grid(self) -> Grid:
        """Grid that holds the neck."""
        spacing = np.array(self.spacing)
        corners = np.array(
            [
                torus.world_of(s, u, v)
                for s in np.linspace(-40, 40, 17)
                for u in (-23.0, 23.0)
                for v in (-15.0, 0.0, 22.0)
            ]
        )
        own = corners @ self.turn
        low, high = own.min(axis=0) - MARGIN_MM, own.max(axis=0) + MARGIN_MM
        shape = tuple(int(n) for n in np.ceil((high - low) / spacing) + 1)
        affine = np.eye(4)
        affine[:3, :3] = self.turn * spacing
        affine[:3, 3] = self.turn @ (low - np.array(self.shift) * spacing)
        return Grid(shape, affine)


def upright(spacing, *, seed=0, slices_along=2):
    """A grid along the patient's axes, the thick axis (if any) along the world's axis `slices_along`."""
    turn = np.roll(np.eye(3), slices_along - 2, axis=1)
    return Pose(tuple(spacing), turn, tuple(np.random.default_rng([seed, 1]).random(3)))


def oblique(spacing, *, seed):
    """A grid turned at random, uniformly over all rotations."""
    rng = np.random.default_rng([seed, 2])
    return Pose(tuple(spacing), Rotation.random(random_state=rng).as_matrix(), tuple(rng.random(3)))


def by_slabs(function, grid, kind):
    """Evaluate a function of world points (n, m, 3) at every voxel centre, slab by slab."""
    out = np.empty(grid.shape, kind)
    plane = np.stack(np.meshgrid(np.arange(grid.shape[1]), np.arange(grid.shape[2]), indexing="ij"), axis=-1)
    for i in range(grid.shape[0]):
        index = np.concatenate([np.full((*plane.shape[:2], 1), i), plane], axis=-1)
        out[i] = function(grid.to_world(index))
    return out


def ball(points):
    """Ball behind the canal's posterior wall at mid C5, 1.2 mm from the cord."""
    return np.linalg.norm(points - torus.world_of(torus.middle("C5"), 0.0, BALL_V), axis=-1) < BALL_MM


def egg(points):
    """Ellipsoid in and before the vertebral bodies."""
    own = EGG_TURN.inv().apply((points - np.array(EGG_AT)).reshape(-1, 3)).reshape(points.shape)
    return np.linalg.norm(own / np.array(EGG_MM), axis=-1) < 1.0


def scanned(pose, mass=ball):
    """Binary label map at voxel centres."""
    grid = pose.grid()
    found = by_slabs(mass, grid, bool) if mass is not None else None
    return LabelMap(by_slabs(torus.codes, grid, np.int16), grid, torus.TABLE, mass=found)


def measured(labelmap):
    """What a user gets."""
    return measure(prepare(build_spine(labelmap)))


def in_canal():
    """Area (mm2) of the ball in the canal's section through its centre, and its volume (mm3) in the canal.

    By quadrature over the cap before the canal's posterior end: steps of 0.05 mm in the volume, 0.005 in the area.
    """
    t = np.arange(-BALL_MM, BALL_MM, 0.05) + 0.025
    depth = np.arange(-torus.CANAL[1] - BALL_V, BALL_MM, 0.05) + 0.025
    local = np.stack(np.meshgrid(t, depth, t, indexing="ij"), axis=-1)
    inside = np.linalg.norm(local, axis=-1) < BALL_MM
    angle = torus.middle("C5") / torus.ARC_MM
    frame = np.array([[1.0, 0.0, 0.0], [0.0, np.cos(angle), np.sin(angle)], [0.0, -np.sin(angle), np.cos(angle)]])
    _, u, v = torus.coordinates(torus.world_of(torus.middle("C5"), 0.0, BALL_V) + local[inside] @ frame)
    both = (u / torus.CANAL[0]) ** 2 + (v / torus.CANAL[1]) ** 2 < 1
    fine = np.arange(-BALL_MM, BALL_MM, 0.005) + 0.0025
    a, b = np.meshgrid(fine, fine + BALL_V, indexing="ij")
    lens = (np.hypot(a, b - BALL_V) < BALL_MM) & ((a / torus.CANAL[0]) ** 2 + (b / torus.CANAL[1]) ** 2 < 1)
    return float(lens.sum()) * 0.005**2, float(both.sum()) * 0.05**3


def errors(found, *, mass=ball):
    """Worst error of every quantity: relative for areas and volumes, mm for lengths."""
    part = slice(END_SECTIONS, -END_SECTIONS)
    out = {}
    for name, (a, b) in (("canal", torus.CANAL), ("sac", torus.SAC), ("cord", torus.CORD)):
        key = "_prelesion" if name == "cord" else ""
        out[f"{name}_area"] = found[f"{name}_area{key}"].values[part] / (np.pi * a * b) - 1
        if name != "sac":
            out[f"{name}_ap"] = found[f"{name}_ap{key}"].values[part] - 2 * b
            out[f"{name}_rl"] = found[f"{name}_rl{key}"].values[part] - 2 * a
    out["foramen_area"] = found["foramen_area_prelesion"].values / (np.pi * np.prod(torus.WAIST)) - 1
    out["foramen_height"] = found["foramen_height"].values - 2 * torus.WAIST[1]
    # In the middle third of an ellipse the width falls to sqrt(1 - 1/9) of its axis.
    out["foramen_width"] = found["foramen_width"].values - 2 * torus.WAIST[0] * np.sqrt(8 / 9)
    if mass is ball:
        lens, common = in_canal()
        depth = -(BALL_V + BALL_MM)
        out["mass_volume"] = found["mass_volume"].item() / (4 / 3 * np.pi * BALL_MM**3) - 1
        out["mass_area_in_canal"] = found["mass_area_in_canal"].values.max() / lens - 1
        out["mass_volume_in_canal"] = found["mass_volume_in_canal"].item() / common - 1
        out["mass_cord_clearance"] = found["mass_cord_clearance"].item() - (depth - torus.CORD[1])
        out["sac_min"] = found["sac_min"].item() - (torus.CANAL[1] + depth)
    if mass is egg:
        out["mass_volume"] = found["mass_volume"].item() / (4 / 3 * np.pi * np.prod(EGG_MM)) - 1
    return {name: np.atleast_1d(value) for name, value in out.items()}
