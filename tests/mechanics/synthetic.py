"""A synthetic neck with closed-form shapes: elliptic cord in an elliptic canal, straight or bent."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from canalrisk.anatomy.spine import BAND_MM, Centreline, Spine
from canalrisk.field.grid import Grid
from canalrisk.growth.timeline import Scenario, Snapshot, Timeline

CORD = (6.5, 3.75)
CANAL = (11.0, 7.5)
LENGTH = 90.0
LEVELS = ("C3", "C4", "C5", "C6", "C7")


def ellipse_distance(u, v, a, b):
    """First-order signed distance to an ellipse; exact on it."""
    r = np.sqrt((u / a) ** 2 + (v / b) ** 2) + 1e-9
    slope = np.sqrt((u / a**2) ** 2 + (v / b**2) ** 2) / r
    return (r - 1.0) / np.maximum(slope, 1.0 / max(a, b))


def neck(*, radius=np.inf, spacing=0.5, affine=None, cord=CORD, canal=CANAL):
    """Spine along z (cranial); `radius` bends it in the sagittal plane, convex anteriorly."""
    s = np.arange(0.0, LENGTH + 0.25, 0.5)
    if np.isinf(radius):
        points = np.stack((0 * s, 0 * s, s), axis=-1)
        tangent = np.tile((0.0, 0.0, 1.0), (len(s), 1))
    else:
        angle = (s - LENGTH / 2) / radius
        points = np.stack((0 * s, radius * (np.cos(angle) - 1), LENGTH / 2 + radius * np.sin(angle)), axis=-1)
        tangent = np.stack((0 * s, -np.sin(angle), np.cos(angle)), axis=-1)
    right = np.tile((1.0, 0.0, 0.0), (len(s), 1))
    anterior = np.cross(tangent, right)
    if affine is None:
        low, high = points.min(axis=0) - np.array((14, 14, 0)), points.max(axis=0) + np.array((14, 14, 0))
        count = np.round((high - low) / spacing).astype(int) + 1
        affine = np.diag([spacing] * 3 + [1.0])
        affine[:3, 3] = low
        grid = Grid(tuple(int(c) for c in count), affine)
    else:
        grid = affine
    x = grid.to_world(np.stack(np.indices(grid.shape), axis=-1))
    if np.isinf(radius):
        u, v = x[..., 0], x[..., 1]
    else:
        u = x[..., 0]
        v = np.hypot(x[..., 1] + radius, x[..., 2] - LENGTH / 2) - radius
    field = lambda axes: np.clip(ellipse_distance(u, v, *axes), -BAND_MM, BAND_MM).astype(np.float32)  # noqa: E731
    landmarks = {name: 81.0 - 17.0 * i for i, name in enumerate(LEVELS)}
    landmarks |= {f"{a}/{b[1]}": landmarks[a] - 8.5 for a, b in pairwise(LEVELS)}
    return Spine(
        grid=grid,
        levels=LEVELS,
        bone=-field(canal),
        vertebra_of=np.zeros(grid.shape, np.int8),
        canal=field(canal),
        sac=field((9.5, 6.5)),
        cord=field(cord),
        cord_measured=None,
        mass=None,
        soft={},
        centreline=Centreline(s, points, right, anterior, tangent),
        landmarks=landmarks,
        foramina=(),
    )


def sphere(spine, *, centre, radius):
    """Signed distance of a ball on the spine's grid."""
    x = spine.grid.to_world(np.stack(np.indices(spine.grid.shape), axis=-1))
    away = np.linalg.norm(x - np.asarray(centre, float), axis=-1) - radius
    return np.clip(away, -BAND_MM, BAND_MM).astype(np.float32)


def timeline(spine, masses):
    """Timeline whose mass is given per time (None: no mass)."""
    times = np.linspace(0.0, 1.0, len(masses))
    snapshots = tuple(
        Snapshot(
            time_years=float(t),
            mass=mass,
            bone=spine.bone,
            mass_volume_mm3=0.0 if mass is None else float((mass < 0).sum() * spine.grid.voxel_volume),
            bone_eroded_mm3=0.0,
        )
        for t, mass in zip(times, masses, strict=True)
    )
    return Timeline(Scenario(n_times=len(masses)), snapshots)
