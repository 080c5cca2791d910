"""Bone that is gone with nothing in its place, in one scan: against each vertebra's mirror image in itself."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from scipy import ndimage

from canalrisk.anatomy.mirror import register_mirror
from canalrisk.anatomy.sections import curve_coordinates, sample_planes
from canalrisk.anatomy.spine import BAND_MM, Array, Distance, Spine
from canalrisk.field import volume, zero_points
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding

# A vertebra this near to the mass is looked at, and of its mirror image what lies this near: lysis without infill is
# the mass's rim, and further away a vertebra is simply not symmetric.
BESIDE_MM, RIM_MM = 3.0, 8.0
# Two sides of a healthy vertebra, and two segmentations, differ by less than this at most places: bone counts as
# missing where it is missing to this depth at least, and then to its surface.
DEPTH_MM = 1.0
# A surface nearer to the mass than this is where it was cut, not where it ends.
_CUT_MM = 0.75
_OWN_CANAL_MM = 9.0
_MARGIN_MM = 4.0
# Surface points for a fit of six numbers.
_POINTS = 1500
# A mirror image that misses by more than this cannot tell 1 mm of missing bone.
_WORST_GAP_MM = 1.0


@dataclass(frozen=True, eq=False)
class Lysis:
    """Bone lost without infill.

    `volume` (vertebra,) mm3: 0 where the vertebra lies away from the mass, NaN where it has no mirror image. `gap_mm`
    (vertebra,): how well its visible surfaces meet their mirror images, mm; NaN where it was not mirrored.
    """

    volume: Array
    gap_mm: Array
    findings: tuple[Finding, ...] = ()


def find_lysis(spine: Spine) -> Lysis:
    """Find bone beside the mass that is gone and has no mass in its place.

    Each vertebra within 3 mm of the mass is compared with its own mirror image, fitted rigidly to the surfaces that
    the mass leaves visible (`canalrisk.anatomy.mirror`). Loss that is the same on both sides, or in the midline, is
    not seen; an earlier scan shows it (`canalrisk.morphometry.compare_scans`).

    Parameters
    ----------
    spine : Spine
        With a mass, or nothing is looked at.

    Returns
    -------
    Lysis
    """
    levels, grid = len(spine.levels), spine.grid
    lost, gaps = np.zeros(levels), np.full(levels, np.nan)
    if spine.mass is None or not (spine.mass < 0).any():
        return Lysis(lost, gaps)
    mass = spine.mass
    findings = []
    wall = _thinned(zero_points(spine.canal, grid=grid))
    wall = wall[_sampled(mass, wall, grid) > _CUT_MM]
    wall_s = curve_coordinates(spine.centreline, wall)[0]
    boxes = ndimage.find_objects(spine.vertebra_of)
    for number, level in enumerate(spine.levels, start=1):
        window, local = _padded(boxes[number - 1], grid)
        owner, to_mass = spine.vertebra_of[window], mass[window]
        if to_mass[owner == number].min() > BESIDE_MM:
            continue
        own = np.where((owner == 0) | (owner == number), spine.bone[window], np.float32(BAND_MM))
        surface = _thinned(zero_points(own, grid=local))
        mirror = register_mirror(
            (
                (surface[_sampled(mass, surface, grid) > _CUT_MM], partial(_sampled, own, grid=local)),
                (
                    wall[np.abs(wall_s - spine.landmarks[level]) < _OWN_CANAL_MM],
                    partial(_sampled, spine.canal, grid=grid),
                ),
            ),
            to_mass=partial(_sampled, mass, grid=grid),
            line=spine.centreline,
            s=spine.landmarks[level],
        )
        gaps[number - 1] = mirror.gap_mm
        if not mirror.gap_mm <= _WORST_GAP_MM:
            lost[number - 1] = np.nan
            message = "The vertebra does not meet its mirror image where both are visible: lysis is not measured."
            findings.append(Finding("LYSIS-NO-MIRROR", "info", level, message))
            continue
        where = np.argwhere((to_mass < RIM_MM) & (to_mass > -DEPTH_MM) & (spine.bone[window] > -DEPTH_MM))
        then = np.full(local.shape, BAND_MM)
        then[tuple(where.T)] = np.minimum(_sampled(own, mirror.image(local.to_world(where)), local), BAND_MM)
        lost[number - 1] = _missing(then, spine, mass, window, local)
    return Lysis(lost, gaps, tuple(findings))


def _thinned(points: Array) -> Array:
    return points[:: max(1, len(points) // _POINTS)]


def _missing(then: Array, spine: Spine, mass: Distance, window: tuple[slice, ...], local: Grid) -> float:
    """Volume, mm3, of what should be bone (signed distance, mm) and is neither bone nor mass; 1 mm deep somewhere."""
    gone = np.maximum(then, np.maximum(-spine.bone[window], -mass[window]))
    # Deep enough from the old surface and from today's bone; a mass lies against what it has eroded.
    core = (then < -DEPTH_MM) & (-spine.bone[window] < -DEPTH_MM) & (gone < 0)
    if not core.any():
        return 0.0
    reach = ndimage.distance_transform_edt(~core, sampling=local.spacing) <= DEPTH_MM * np.sqrt(3.0)
    return volume(np.where(reach, gone, np.maximum(gone, 0.5 * local.spacing.min())), grid=local)


def _sampled(field: Distance, points: Array, grid: Grid) -> Array:
    return sample_planes(field, grid=grid, points=points)


def _padded(box: tuple[slice, ...], grid: Grid) -> tuple[tuple[slice, ...], Grid]:
    """Widen a box by a margin for what is missing at its edge."""
    pad = np.ceil(_MARGIN_MM / grid.spacing).astype(int)
    low = np.maximum([part.start for part in box] - pad, 0)
    high = np.minimum([part.stop for part in box] + pad, grid.shape)
    return tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True)), grid.crop(low, high)
