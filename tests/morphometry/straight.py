"""A straight neck of blocks, tubes and holes: every distance, area and angle in it has a closed form."""

import numpy as np

from canalrisk.anatomy.spine import BAND_MM, Centreline, Foramen, Spine
from canalrisk.field import Grid
from canalrisk.morphometry.nearness import mass_of

SPACING = 0.5
LEVELS = ("C4", "C5", "C6")
# Blocks 14 mm high, 18 mm apart, wide enough to enclose the holes; the canal is a round tube.
CENTRES = {"C4": 18.0, "C5": 0.0, "C6": -18.0}
HALF_HEIGHT, CANAL, SAC, CORD = 7.0, 8.0, 6.5, 4.5
ASIDE, AHEAD, HOLE, ARTERY = 17.0, 8.0, 2.75, 1.65


def grid():
    shape = (109, 105, 129)
    affine = np.diag([SPACING, SPACING, SPACING, 1.0])
    affine[:3, 3] = [-27.1, -30.07, -31.93]
    return Grid(shape, affine)


GRID = grid()
WORLD = GRID.to_world(np.moveaxis(np.indices(GRID.shape), 0, -1))
X, Y, Z = (WORLD[..., k] for k in range(3))


def clipped(distance):
    return np.clip(distance, -BAND_MM, BAND_MM).astype(np.float32)


def tube(x, y, radius):
    return np.hypot(X - x, Y - y) - radius


def ball(x, y, z, radius):
    return np.sqrt((X - x) ** 2 + (Y - y) ** 2 + (Z - z) ** 2) - radius


def mass(distance):
    return mass_of(clipped(distance), grid=GRID)


def spine(*, arteries=("left", "right"), radius=ARTERY, closed=LEVELS, artery_from=-30.0):
    """Blocks with a hole either side for the artery in the levels of `closed`; C6 can stay without."""
    bone, owner = np.full(GRID.shape, np.inf), np.zeros(GRID.shape, np.int8)
    for number, (level, centre) in enumerate(CENTRES.items(), start=1):
        block = np.maximum.reduce([np.abs(X) - 24.0, np.abs(Y) - 16.0, np.abs(Z - centre) - HALF_HEIGHT])
        if level in closed:
            for side in (-1, 1):
                block = np.maximum(block, -tube(side * ASIDE, AHEAD, HOLE))
        block = np.maximum(block, -tube(0.0, 0.0, CANAL))
        owner[block < 0] = number
        bone = np.minimum(bone, block)
    s = np.arange(0.0, 60.1, 0.5)
    flat = np.zeros_like(s)
    fixed = [np.tile(v, (len(s), 1)) for v in ([1.0, 0, 0], [0, 1.0, 0], [0, 0, 1.0])]
    line = Centreline(s, np.stack([flat, flat, s - 30.0], axis=1), *fixed)
    path = np.array([[6.5, 0.0, 9.0], [26.0, 0.0, 9.0]])
    soft = {
        f"artery:{side}": (tube(sign * ASIDE, AHEAD, radius) < 0) & (np.abs(Z) < 30.0) & (artery_from < Z)
        for side, sign in (("left", -1), ("right", 1))
        if side in arteries
    }
    return Spine(
        grid=GRID,
        levels=LEVELS,
        bone=clipped(bone),
        vertebra_of=owner,
        canal=clipped(tube(0, 0, CANAL)),
        sac=clipped(tube(0, 0, SAC)),
        cord=clipped(tube(0, 0, CORD)),
        cord_measured=None,
        mass=None,
        soft=soft,
        centreline=line,
        landmarks={level: centre + 30.0 for level, centre in CENTRES.items()} | {"C4/5": 39.0, "C5/6": 21.0},
        foramina=(Foramen("C4/5", "right", "C5", np.linspace(*path, 40), np.zeros(3), np.zeros(3)),),
    )
