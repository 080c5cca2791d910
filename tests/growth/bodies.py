"""A spine reduced to what growth reads: grid, bone, mass."""

from __future__ import annotations

import numpy as np

from canalrisk.anatomy.spine import BAND_MM, Centreline, Spine
from canalrisk.field import Grid


def centred_grid(n=64, h=0.5, *, sign=(1, 1, 1)):
    affine = np.diag([*(h * np.asarray(sign)), 1.0])
    affine[:3, 3] = -affine[:3, :3] @ np.full(3, (n - 1) / 2) + [0.03, -0.05, 0.02]
    return Grid((n, n, n), affine)


def world(grid):
    return grid.to_world(np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), axis=-1))


def clipped(distance):
    return np.clip(distance, -BAND_MM, BAND_MM).astype(np.float32)


def spine_of(grid, *, bone, mass):
    nothing = np.full(grid.shape, BAND_MM, np.float32)
    zero = np.zeros((2, 3))
    return Spine(
        grid=grid,
        levels=("C5",),
        bone=clipped(bone),
        vertebra_of=np.zeros(grid.shape, np.int8),
        canal=nothing,
        sac=nothing,
        cord=nothing,
        cord_measured=None,
        mass=None if mass is None else clipped(mass),
        soft={},
        centreline=Centreline(np.zeros(2), zero, zero, zero, zero),
        landmarks={},
        foramina=(),
    )
