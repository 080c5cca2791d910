"""A neck of known shape: everything is an ellipse or a tube about an arc of a circle in the sagittal plane."""

from dataclasses import dataclass

import numpy as np

from canalrisk.field import Grid
from canalrisk.imaging.labelmap import LabelMap, LabelTable

ARC_MM = 80.0
SPACING_MM = 18.0
CANAL, SAC, CORD = (11.0, 7.0), (9.0, 5.8), (6.2, 3.8)
YAW, PITCH = np.radians(48.0), np.radians(8.0)
WAIST, WAIST_AT, FLARE = (2.6, 4.0), 15.0, 9.0
LEVELS = ("C3", "C4", "C5", "C6")
TABLE = LabelTable(
    "torus",
    "1",
    {**{i: f"vertebra:C{i}" for i in range(1, 8)}, 60: "cord", 61: "epidural", 62: "csf", 80: "mass", 103: "disc:C3/4"},
)


@dataclass(frozen=True)
class Torus:
    labelmap: LabelMap
    s: np.ndarray
    u: np.ndarray
    v: np.ndarray
    world: np.ndarray


def middle(level):
    """Arc length (from the arc's middle) of a vertebra's centre."""
    return (1.5 - LEVELS.index(level)) * SPACING_MM


def world_of(s, u, v, turn=None):
    """World point of arc length s, right u, anterior v; curvature centre behind the neck (lordosis)."""
    rho, angle = ARC_MM + v, s / ARC_MM
    point = np.array([u, rho * np.cos(angle) - ARC_MM, rho * np.sin(angle)])
    return point if turn is None else turn @ point


def neck(spacing=0.5, *, affine=None, shape=None, offset=(0.13, -0.21, 0.17), half=(27.0, 27.0, 42.0), turn=None):
    """Label map of the neck; `turn` (3, 3) rotates the patient in the world."""
    if affine is None:
        shape = tuple(round(2 * h / spacing) + 1 for h in half)
        affine = np.diag([spacing, spacing, spacing, 1.0])
        affine[:3, 3] = -np.array(half) + offset
        affine[1, 3] += 2.0
    grid = Grid(tuple(int(n) for n in shape), np.asarray(affine, float))
    world = grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1))
    local = world if turn is None else world @ turn
    return Torus(LabelMap(codes(local), grid, TABLE), *coordinates(local), world)


def coordinates(local):
    """Arc length, right and anterior offset of points (..., 3) of the neck's own frame, mm."""
    x, y, z = local[..., 0], local[..., 1], local[..., 2]
    rho, angle = np.hypot(y + ARC_MM, z), np.arctan2(z, y + ARC_MM)
    return ARC_MM * angle, x, rho - ARC_MM


def codes(local):
    """Label at points (..., 3) of the neck's own frame, mm."""
    s, u, v = coordinates(local)
    labels = np.zeros(local.shape[:-1], np.int16)
    ends = 2 * SPACING_MM
    block = (np.abs(u) < 23) & (v > -15) & (v < 22) & (np.abs(s) < ends)
    which = np.clip(np.floor((ends - s) / SPACING_MM).astype(int), 0, 3)
    labels[block] = (3 + which)[block]
    for border in (SPACING_MM, 0.0, -SPACING_MM):
        for side in (-1, 1):
            labels[_foramen(local, border, side)] = 0
    tube = np.abs(s) < 38.0
    labels[(u / CANAL[0]) ** 2 + (v / CANAL[1]) ** 2 < 1] = 0
    for code, (a, b) in ((61, CANAL), (62, SAC), (60, CORD)):
        labels[((u / a) ** 2 + (v / b) ** 2 < 1) & tube] = code
    return labels


def _foramen(local, border, side):
    # A straight tube of elliptic section that narrows to its waist, in the frame of the disc's level.
    centre, angle = world_of(border, 0.0, 0.0), border / ARC_MM
    anterior = np.array([0.0, np.cos(angle), np.sin(angle)])
    up = np.array([0.0, -np.sin(angle), np.cos(angle)])
    right = np.array([1.0, 0.0, 0.0])
    way = np.cos(PITCH) * (np.cos(YAW) * side * right + np.sin(YAW) * anterior) - np.sin(PITCH) * up
    across = np.cross(way, up)
    across /= np.linalg.norm(across)
    high = np.cross(across, way)
    high *= np.sign(high @ up)
    # Through the wall at the canal's side, not through its centre.
    away = local - (centre + side * 4.0 * right - 8.0 * anterior + 1.2 * up)
    along, a, h = away @ way, away @ across, away @ high
    wide = 1 + ((along - WAIST_AT) / FLARE) ** 2
    return (along > 0) & ((a / WAIST[0]) ** 2 + (h / WAIST[1]) ** 2 < wide)
