"""A neck of blocks on an arc of a circle: bodies, end plates, canal and lordosis known in closed form."""

import numpy as np

from canalrisk.field import Grid
from canalrisk.imaging.labelmap import LabelMap, LabelTable

LEVELS = ("C2", "C3", "C4", "C5", "C6", "C7")
PITCH_MM, HEIGHT_MM = 17.0, 13.0
CANAL, CORD = (11.0, 7.0), (6.0, 3.5)
BACK_MM, FRONT_MM = 8.0, 22.0
TABLE = LabelTable("arc", "1", {**{i: f"vertebra:C{i}" for i in range(1, 8)}, 60: "cord", 61: "epidural", 62: "csf"})


def middle(level):
    """Arc length of a vertebra's middle from the arc's middle, cranial positive."""
    return (2.5 - LEVELS.index(level)) * PITCH_MM


def neck(radius, *, spacing=1.0, plate=0.0, behind=False, dens=True):
    """Label map of a neck that bends about a centre `radius` mm behind it; negative bends the other way.

    A mass of `plate` mm height stands on the anterior wall of the canal (the posterior one with `behind`) within 6 mm
    of the arc's middle.
    """
    low, high = np.array([-20.0, -32.0, -70.0]) + 0.13, np.array([20.0, 38.0, 70.0])
    shape = tuple(int(n) for n in np.ceil((high - low) / spacing))
    affine = np.diag([spacing] * 3 + [1.0])
    affine[:3, 3] = low
    grid = Grid(shape, affine)
    world = grid.to_world(np.moveaxis(np.indices(shape), 0, -1))
    u, y, z = world[..., 0], world[..., 1], world[..., 2]
    away = np.sign(radius) * (y + radius)
    s = abs(radius) * np.arctan2(z, away)
    v = np.sign(radius) * (np.hypot(away, z) - abs(radius))
    labels = np.zeros(shape, np.int16)
    block = (np.abs(u) < 15) & (v > -12) & (v < FRONT_MM) & ~((np.abs(u) < 9) & (np.abs(v) < BACK_MM))
    for number, level in enumerate(LEVELS, start=2):
        labels[block & (np.abs(s - middle(level)) < 0.5 * HEIGHT_MM)] = number
    if dens:
        peg = (np.abs(u) < 5) & (v > BACK_MM) & (v < 18) & (s > middle("C2")) & (s < middle("C2") + 24)
        labels[peg] = 2
    tube = np.abs(s) < 3 * PITCH_MM
    labels[((u / CANAL[0]) ** 2 + (v / CANAL[1]) ** 2 < 1) & tube] = 61
    labels[((u / 9.0) ** 2 + (v / 5.7) ** 2 < 1) & tube] = 62
    labels[((u / CORD[0]) ** 2 + (v / CORD[1]) ** 2 < 1) & tube] = 60
    mass = None
    if plate > 0:
        away = v + CANAL[1] if behind else CANAL[1] - v
        mass = (away < plate) & (away > -1.0) & (np.abs(u) < 5) & (np.abs(s) < 6)
    return LabelMap(labels, grid, TABLE, mass=mass)
