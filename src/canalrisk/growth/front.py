"""The front that grows the mass: arrival times in a window, and the level whose volume is the law's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from canalrisk.anatomy.spine import Spine
from canalrisk.errors import NumericalFailure
from canalrisk.field import Grid, arrival_time, volume

Slices = tuple[slice, slice, slice]
Distance = NDArray[np.float32]

# Voxels that the front keeps from the faces of its window, so that the zero level has neighbours on both sides.
RIM_VOXELS = 6


@dataclass(frozen=True, eq=False)
class Front:
    """Arrival times `time` (soft-tissue mm) in the box `window` of the spine's grid, and one level per time."""

    window: Slices
    grid: Grid
    time: Distance
    levels: NDArray[np.float64]
    touches_edge: NDArray[np.bool_]
    """Per level: the mass has reached a face of the image that today's mass does not touch."""


def around(grid: Grid, inside: NDArray[np.bool_], margin_mm: float) -> tuple[Slices, Grid]:
    """Box of the voxels `inside` widened by a margin and cut to the grid, with the grid of that box."""
    low, high = np.zeros(3, int), np.zeros(3, int)
    for axis in range(3):
        used = np.flatnonzero(inside.any(axis=tuple(a for a in range(3) if a != axis)))
        margin = int(np.ceil(margin_mm / grid.spacing[axis]))
        low[axis] = max(used[0] - margin, 0)
        high[axis] = min(used[-1] + 1 + margin, grid.shape[axis])
    return (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])), grid.crop(low, high)


def grow_front(spine: Spine, mass: Distance, *, bone_speed: float, targets: NDArray[np.float64]) -> Front:
    """Send a front from the mass's boundary and find the levels that hold the wanted volumes.

    Parameters
    ----------
    spine : Spine
        For its grid and bone.
    mass : ndarray of float32
        Today's mass, signed distance on the spine's grid.
    bone_speed : float
        Front speed in bone over that in soft tissue.
    targets : (n,) ndarray
        Wanted volumes, mm3, today's first.

    Returns
    -------
    Front
        `levels[0]` is 0: today's boundary.

    Raises
    ------
    NumericalFailure
        If the image ends before the largest volume is reached.
    """
    today = mass < 0
    radius = (3.0 * np.array([targets[0], targets.max()]) / (4.0 * np.pi)) ** (1.0 / 3.0)
    margin = 4.0 + 1.5 * float(radius[1] - radius[0]) + RIM_VOXELS * float(spine.grid.spacing.max())
    while True:
        window, grid = around(spine.grid, today, margin)
        whole = grid.shape == spine.grid.shape
        time = arrival_time(mass[window], _speed(spine, mass, window, grid, bone_speed), grid=grid)
        open_faces = _cut_faces(window, spine.grid)
        reach = _reach_before(time, open_faces)
        if volume(time, grid=grid, level=reach) - volume(time, grid=grid) >= targets.max() - targets[0]:
            break
        if whole:
            raise NumericalFailure(
                f"the image ends before the mass reaches {targets.max():.0f} mm3",
                where="growth",
                fix="shorten the horizon, slow the law, or give a larger image",
            )
        margin *= 2.0
    levels = _levels(time, grid, targets, reach)
    edge = [_at_image_edge(time < level, window, spine.grid) for level in levels]
    return Front(window, grid, time, levels, np.array([e and not edge[0] for e in edge]))


def _speed(spine: Spine, mass: Distance, window: Slices, grid: Grid, bone_speed: float) -> Distance:
    # Slowness, not speed, averages over a voxel that two tissues share. Today's mass is no bone: the front that shrinks
    # it does not know what it once replaced.
    width = float(np.cbrt(grid.voxel_volume))
    bone = np.clip(0.5 - spine.bone[window] / width, 0.0, 1.0) * np.clip(0.5 + mass[window] / width, 0.0, 1.0)
    speed: Distance = (1.0 / ((1.0 - bone) + bone / bone_speed)).astype(np.float32)
    return speed


def _cut_faces(window: Slices, grid: Grid) -> list[tuple[int, int]]:
    """Faces (axis, end) of the window that are not faces of the image."""
    faces = [(axis, 0) for axis in range(3) if window[axis].start > 0]
    return faces + [(axis, -1) for axis in range(3) if window[axis].stop < grid.shape[axis]]


def _reach_before(time: Distance, faces: list[tuple[int, int]]) -> float:
    """Largest level whose front stays `RIM_VOXELS` clear of the given faces."""
    reach = float(time.max())
    for axis, end in faces:
        rim = np.moveaxis(time, axis, 0)[:RIM_VOXELS] if end == 0 else np.moveaxis(time, axis, 0)[-RIM_VOXELS:]
        reach = min(reach, float(rim.min()))
    return reach


def _levels(time: Distance, grid: Grid, targets: NDArray[np.float64], reach: float) -> NDArray[np.float64]:
    # Volume gained since level 0, so that today's target gives level 0 whatever the quadrature's last digit.
    base = volume(time, grid=grid)

    def gap(level: float, gain: float) -> float:
        return volume(time, grid=grid, level=level) - base - gain

    levels = np.zeros(len(targets))
    for n, gain in enumerate(targets - targets[0]):
        if n > 0 and targets[n] == targets[n - 1]:
            levels[n] = levels[n - 1]
        elif gain > 0.0:
            levels[n] = brentq(gap, 0.0, reach, args=(gain,), xtol=1e-4)
        elif gain < 0.0:
            levels[n] = brentq(gap, float(time.min()), 0.0, args=(gain,), xtol=1e-4)
    return levels


def _at_image_edge(inside: NDArray[np.bool_], window: Slices, grid: Grid) -> bool:
    for axis in range(3):
        along = np.moveaxis(inside, axis, 0)
        if window[axis].start == 0 and along[0].any():
            return True
        if window[axis].stop == grid.shape[axis] and along[-1].any():
            return True
    return False
