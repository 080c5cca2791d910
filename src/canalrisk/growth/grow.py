"""The growing mass: one front, many times."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from canalrisk import evidence
from canalrisk.anatomy.spine import BAND_MM, Spine
from canalrisk.errors import GeometryError
from canalrisk.field import redistance, volume
from canalrisk.findings import Finding
from canalrisk.growth.front import Front, around, grow_front
from canalrisk.growth.laws import law_volume
from canalrisk.growth.timeline import Scenario, Snapshot, Timeline

Distance = NDArray[np.float32]
Progress = Callable[[float, str], None]


def grow(spine: Spine, *, scenario: Scenario | None = None, progress: Progress | None = None) -> Timeline:
    """Let the mass grow by a volume law through soft tissue and bone.

    The front leaves today's boundary with speed 1 in soft tissue and `bone_speed` in bone; muscle, disc, ligament,
    dura and the space of the cord are soft tissue and no barrier, and the law's volume counts the place of the
    cord where the front has passed. The mass at time t is {T <= tau}, with tau such that its volume is the law's.

    Parameters
    ----------
    spine : Spine
        Anatomy and today's mass.
    scenario : Scenario, optional
        How the mass grows; the founding case by default.
    progress : callable, optional
        Called as ``progress(fraction, message)``.

    Returns
    -------
    Timeline
        Snapshot 0 holds the spine's own mass and bone arrays. Under a growing law no mass is smaller anywhere than the
        one before. Volumes include the bone replaced; `bone_eroded_mm3` counts bone lost since today. Without a
        mass every snapshot has ``mass=None``.

    Raises
    ------
    GeometryError
        If the mass is empty.
    NumericalFailure
        If the image ends before the mass is as large as the law asks.
    """
    scenario = scenario or Scenario()
    times = [float(t) for t in scenario.times_years]
    if spine.mass is None:
        return Timeline(scenario, tuple(Snapshot(t, None, spine.bone, 0.0, 0.0) for t in times))
    v0 = volume(spine.mass, grid=spine.grid)
    if v0 <= 0.0:
        raise GeometryError("the mass has no volume", where="mass", fix="give a mass of at least one voxel")
    targets = np.array([law_volume(scenario, v0=v0, t=t) for t in times])
    _tell(progress, 0.0, "growth: arrival times")
    front = grow_front(spine, spine.mass, bone_speed=scenario.bone_speed, targets=targets)
    findings = (_assumptions(scenario), *_leaves_image(front, times))
    return Timeline(scenario, _snapshots(spine, spine.mass, v0, front, times, progress), findings)


def _snapshots(
    spine: Spine, mass: Distance, v0: float, front: Front, times: list[float], progress: Progress | None
) -> tuple[Snapshot, ...]:
    largest = np.zeros(spine.grid.shape, np.bool_)
    largest[front.window] = front.time < front.levels.max()
    box, grid = around(spine.grid, largest, BAND_MM)
    # Bone under today's mass is hidden by it and is not eroded a second time.
    bone = np.maximum(spine.bone[box], -mass[box])
    bone_today = volume(bone, grid=grid)
    shapes = [Snapshot(times[0], mass, spine.bone, v0, 0.0)]
    before = mass[box]
    for n in range(1, len(times)):
        _tell(progress, n / len(times), f"growth: year {times[n]:.2f}")
        last, level = shapes[-1], float(front.levels[n])
        if level == front.levels[n - 1]:
            shapes.append(Snapshot(times[n], last.mass, last.bone, last.mass_volume_mm3, last.bone_eroded_mm3))
            continue
        inside = _distance_at(front, level, spine, box)
        if level > front.levels[n - 1]:
            # Re-distancing moves the boundary by some thousandths of a voxel; what has grown stays grown.
            inside = np.minimum(inside, before)
            bone = np.maximum(bone, -inside)
        before = inside
        full_mass, full_bone = np.full(spine.grid.shape, BAND_MM, np.float32), spine.bone.copy()
        full_mass[box], full_bone[box] = inside, bone
        eroded = max(bone_today - volume(bone, grid=grid), last.bone_eroded_mm3)
        shapes.append(Snapshot(times[n], full_mass, full_bone, volume(inside, grid=grid), eroded))
    return tuple(shapes)


def _distance_at(front: Front, level: float, spine: Spine, box: tuple[slice, slice, slice]) -> Distance:
    # Far from the front arrival times in bone are large; the spline through them needs none of that.
    far = np.float32(1e3)
    full = np.full(spine.grid.shape, far, np.float32)
    full[front.window] = np.clip(front.time - np.float32(level), -far, far)
    low = [s.start for s in box]
    high = [s.stop for s in box]
    return redistance(full[box], grid=spine.grid.crop(low, high), band=BAND_MM)


def _tell(progress: Progress | None, fraction: float, message: str) -> None:
    if progress is not None:
        progress(fraction, message)


def _assumptions(scenario: Scenario) -> Finding:
    rate = {
        "exponential": f"doubling time {scenario.doubling_time_years:g} years",
        "linear-radius": f"radius of the sphere of equal volume {scenario.radial_rate_mm_per_year:+g} mm per year",
    }.get(scenario.law, "no growth")
    row = evidence.value("risk", "growth.front.bone_speed")
    status = row.status.lower() if scenario.bone_speed == row.value else "chosen for this scenario"
    return Finding(
        "GROWTH-ASSUMED",
        "info",
        "mass",
        f"Growth is a scenario, not a measurement: law {scenario.law}, {rate}, front speed in bone "
        f"{scenario.bone_speed:g} of that in soft tissue ({status}). The front passes freely through soft tissue, "
        "disc, dura and the cord's space; the law's volume includes the place of the cord.",
    )


def _leaves_image(front: Front, times: list[float]) -> tuple[Finding, ...]:
    reached = np.flatnonzero(front.touches_edge)
    if reached.size == 0:
        return ()
    return (
        Finding(
            "MASS-LEAVES-IMAGE",
            "warning",
            "mass",
            f"From year {times[reached[0]]:.2f} the mass reaches the image's edge; what lies outside is not counted.",
        ),
    )
