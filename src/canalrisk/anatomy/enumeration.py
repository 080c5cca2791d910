"""How sure the vertebrae's numbers are: skipped and unlabelled levels, block vertebrae, an axis without a dens."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.levels import CERVICAL, Vertebrae, disc_name
from canalrisk.anatomy.sections import curve_coordinates
from canalrisk.anatomy.spine import Array, Centreline
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding

# In units of the median distance of vertebrae with consecutive numbers. Neighbours in one neck differ by a third at
# most (real neck of the tests: 12 to 16 mm); between one and two levels lies 1.5.
_TWO_LEVELS = 1.6
_ONE_LEVEL = 1.4
# The axis with its dens is two to three times as tall as another body; two bodies fused into one label twice.
_TALL = 1.6
# An end plate of the neck has about 200 mm2: a quarter of it in contact is no accident of voxels.
_FUSED_MM2 = 50.0
_DISC_VOXELS = 20
_BODY_SIDE_MM, _BODY_FRONT_MM = 9.0, (6.0, 28.0)
# Rank of what is known: the numbering is fixed by the axis, by nothing in the image, or contradicted by it.
CONFIDENCE: Final = ("high", "unanchored", "doubtful")

_DOUBTFUL: Final = frozenset({"LEVEL-SKIPPED", "LEVEL-GAP", "LEVEL-TALL", "AXIS-WITHOUT-DENS"})


def enumeration_findings(
    vertebrae: Vertebrae, line: Centreline, landmarks: dict[str, float], discs: dict[str, Array], *, grid: Grid
) -> list[Finding]:
    """Look for signs that vertebrae are fused, missing, doubled or misnumbered.

    Parameters
    ----------
    vertebrae : Vertebrae
        The labelled vertebrae.
    line : Centreline
        Oriented centreline.
    landmarks : dict of str to float
        Level to arc length, mm.
    discs : dict of str to (n, 3) ndarray
        Labelled disc voxels by name, mm.
    grid : Grid
        Grid of the labels.

    Returns
    -------
    list of Finding
        ``LEVEL-SKIPPED``: a number is missing where no vertebra is (six cervical vertebrae, or a slip of the pen).
        ``LEVEL-GAP``: no number is missing where a vertebra is (one more cervical vertebra, or one not labelled).
        ``LEVEL-TALL``: one label as tall as two bodies. ``VERTEBRAE-FUSED``: bodies in contact without a disc.
        ``AXIS-WITHOUT-DENS``: what is called C2 has none. ``ENUMERATION-UNANCHORED``: neither C1 nor C2 is there.
        None of them needs ribs, which no label map of the neck shows; T1 is not verified.
    """
    heights = _body_heights(vertebrae, line)
    return [
        *_spacing(landmarks),
        *_tall(heights, vertebrae, grid=grid),
        *_fused(vertebrae, line, discs, grid=grid),
        *_anchor(vertebrae),
    ]


def enumeration_confidence(findings: tuple[Finding, ...]) -> str:
    """One of `CONFIDENCE`, from a spine's findings."""
    codes = {finding.code for finding in findings}
    if codes & _DOUBTFUL:
        return "doubtful"
    return "unanchored" if "ENUMERATION-UNANCHORED" in codes else "high"


def _spacing(landmarks: dict[str, float]) -> list[Finding]:
    """Compare distances with differences of number. C1 and C2 have no mid-body and are left out."""
    typical = [name for name in CERVICAL[2:] if name in landmarks]
    apart = {
        (upper, lower): (landmarks[upper] - landmarks[lower], CERVICAL.index(lower) - CERVICAL.index(upper))
        for upper, lower in pairwise(typical)
    }
    single = [distance for distance, steps in apart.values() if steps == 1]
    if len(single) < 2:
        return []
    pitch = float(np.median(single))
    findings = []
    for (upper, lower), (distance, steps) in apart.items():
        where = f"{upper}-{lower}"
        if steps == 1 and distance > _TWO_LEVELS * pitch:
            message = (
                f"{upper} and {lower} lie {distance:.0f} mm apart, others {pitch:.0f} mm: a vertebra between them is "
                "not labelled, or there is one more than the numbers say. All levels below may be shifted."
            )
            findings.append(Finding("LEVEL-GAP", "serious", where, message))
        if steps == 2 and distance < _ONE_LEVEL * pitch:
            skipped = CERVICAL[CERVICAL.index(upper) + 1]
            message = (
                f"{skipped} is not labelled, but {upper} and {lower} lie {distance:.0f} mm apart as neighbours do: the "
                "numbering skips a level, or there are six cervical vertebrae."
            )
            findings.append(Finding("LEVEL-SKIPPED", "serious", where, message))
    return findings


def _body_heights(vertebrae: Vertebrae, line: Centreline) -> dict[str, float]:
    """Extent along the centreline of what lies in front of the canal near the midline, mm."""
    heights = {}
    for level, points in vertebrae.points.items():
        s, right, anterior, _ = curve_coordinates(line, points)
        body = (np.abs(right) < _BODY_SIDE_MM) & (anterior > _BODY_FRONT_MM[0]) & (anterior < _BODY_FRONT_MM[1])
        if body.sum() >= 20:
            low, high = np.quantile(s[body], [0.02, 0.98])
            heights[level] = float(high - low)
    return heights


def _tall(heights: dict[str, float], vertebrae: Vertebrae, *, grid: Grid) -> list[Finding]:
    typical = {level: height for level, height in heights.items() if level not in ("C1", "C2")}
    if len(typical) < 2:
        return []
    usual = float(np.median(list(typical.values())))
    findings = []
    for level, height in typical.items():
        if height > _TALL * usual:
            message = (
                f"{level} is {height:.0f} mm tall, others {usual:.0f} mm: two fused vertebrae (a block vertebra) may "
                "carry one label, or this is the axis with its dens and the numbering is shifted."
            )
            findings.append(Finding("LEVEL-TALL", "serious", level, message))
    if "C2" in heights and heights["C2"] <= _TALL * usual and not _at_edge(vertebrae, "C2", grid=grid):
        message = (
            f"What is labelled C2 is {heights['C2']:.0f} mm tall, others {usual:.0f} mm: it has no dens. The numbering "
            "may be shifted, or the dens is not segmented."
        )
        findings.append(Finding("AXIS-WITHOUT-DENS", "warning", "C2", message))
    return findings


def _at_edge(vertebrae: Vertebrae, level: str, *, grid: Grid) -> bool:
    """Whether a vertebra reaches the edge of the map, where it may be cut."""
    voxel = grid.to_voxel(vertebrae.points[level])
    return bool((voxel.min(axis=0) < 0.5).any() or (voxel.max(axis=0) > np.array(grid.shape) - 1.5).any())


def _fused(vertebrae: Vertebrae, line: Centreline, discs: dict[str, Array], *, grid: Grid) -> list[Finding]:
    findings = []
    for number, (upper, lower) in enumerate(pairwise(vertebrae.levels), start=1):
        if upper == "C1" or len(discs.get(disc_name(upper), ())) >= _DISC_VOXELS:
            continue
        area = _contact(vertebrae.index, number, number + 1, line, grid=grid)
        if area > _FUSED_MM2:
            message = (
                f"The bodies of {upper} and {lower} touch over {area:.0f} mm2 and no disc is labelled between them: a "
                "block vertebra, bridging bone, or a segmentation that leaves no gap."
            )
            findings.append(Finding("VERTEBRAE-FUSED", "info", f"{upper}-{lower}", message))
    return findings


def _contact(index: NDArray[np.int8], first: int, second: int, line: Centreline, *, grid: Grid) -> float:
    """Area across the centreline at which two vertebrae's bodies touch, mm2."""
    total = np.zeros(3)
    for axis in range(3):
        low = tuple(slice(0, -1) if k == axis else slice(None) for k in range(3))
        high = tuple(slice(1, None) if k == axis else slice(None) for k in range(3))
        a, b = index[low], index[high]
        faces = np.argwhere(((a == first) & (b == second)) | ((a == second) & (b == first))).astype(float)
        if len(faces):
            faces[:, axis] += 0.5
            _, right, anterior, nearest = curve_coordinates(line, grid.to_world(faces))
            body = (np.abs(right) < _BODY_SIDE_MM) & (anterior > _BODY_FRONT_MM[0]) & (anterior < _BODY_FRONT_MM[1])
            normal = grid.affine[:3, axis] / grid.spacing[axis]
            # Projected on the section: the stairs of a sloping contact would count double.
            across = np.abs(line.tangent[nearest[body]] @ normal)
            total[axis] = across.sum() * grid.voxel_volume / grid.spacing[axis]
    return float(total.sum())


def _anchor(vertebrae: Vertebrae) -> list[Finding]:
    if {"C1", "C2"} & set(vertebrae.levels):
        return []
    message = (
        "Neither C1 nor C2 is in the map: nothing in it fixes the vertebrae's numbers, which are taken as labelled."
    )
    return [Finding("ENUMERATION-UNANCHORED", "info", ", ".join(vertebrae.levels), message)]
