"""Which vertebrae there are, where they lie along the spine, and which way is anterior."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from canalrisk.anatomy.sections import curve_coordinates
from canalrisk.anatomy.spine import Array, Centreline
from canalrisk.errors import LabelError
from canalrisk.findings import Finding
from canalrisk.imaging.labelmap import LabelMap

CERVICAL = ("C1", "C2", "C3", "C4", "C5", "C6", "C7", "T1")
# Body and arch of one vertebra lie closer together than this even when a segmentation parts them.
_FAR_PIECE_MM = 15.0
_PIECE_FRACTION = 0.1
_REACH_MM = 25.0


@dataclass(frozen=True, eq=False)
class Vertebrae:
    """Voxels of each vertebra: `index` 1 + position in `levels`, 0 elsewhere; `points` in mm per level."""

    levels: tuple[str, ...]
    index: NDArray[np.int8]
    bone: NDArray[np.bool_]
    points: dict[str, Array]
    cranial: Array


def find_vertebrae(labelmap: LabelMap) -> tuple[Vertebrae, list[Finding]]:
    """Collect the cervical vertebrae of a label map.

    Parameters
    ----------
    labelmap : LabelMap
        Needs at least two of C1..C7, T1.

    Returns
    -------
    Vertebrae
    findings : list of Finding
        Missing levels, bones beyond T1.

    Raises
    ------
    LabelError
        No or one vertebra; a vertebra in pieces far apart; vertebrae out of order.
    """
    names = {value: name for value, name in labelmap.table.entries.items() if name.startswith("vertebra:")}
    present = {names[v].partition(":")[2] for v in np.unique(labelmap.labels).tolist() if v in names}
    levels = tuple(level for level in CERVICAL if level in present)
    if not levels:
        raise LabelError(
            "no cervical vertebra is labelled",
            where=f"label table '{labelmap.table.name}'",
            fix="choose the table that belongs to the segmentation (canalrisk labels), or segment C1 to T1",
        )
    if len(levels) < 2:
        raise LabelError(
            "only one vertebra is labelled",
            where=levels[0],
            fix="give a map with at least two neighbouring vertebrae",
        )
    index = np.zeros(labelmap.labels.shape, np.int8)
    for value, name in names.items():
        level = name.partition(":")[2]
        if level in levels:
            index[labelmap.labels == value] = 1 + levels.index(level)
    points = {}
    boxes = ndimage.find_objects(index)
    for number, level in enumerate(levels):
        box = boxes[number]
        mask = index[box] == number + 1
        _check_pieces(level, mask, labelmap.grid.spacing)
        corner = np.array([part.start for part in box])
        points[level] = labelmap.grid.to_world(np.argwhere(mask) + corner)
    centroids = np.array([points[level].mean(axis=0) for level in levels])
    cranial = (centroids[0] - centroids[-1]) / np.linalg.norm(centroids[0] - centroids[-1])
    _check_order(levels, centroids @ cranial)
    findings = []
    missing = [
        level for level in CERVICAL[CERVICAL.index(levels[0]) : CERVICAL.index(levels[-1])] if level not in levels
    ]
    if missing:
        message = f"{', '.join(missing)} not labelled; foramina beside a missing vertebra are not measured."
        findings.append(Finding("LEVEL-MISSING", "warning", ", ".join(missing), message))
    bone = index > 0
    others = sorted(present - set(levels))
    if others:
        bone = bone | labelmap.mask(*(f"vertebra:{name}" for name in others))
        message = f"Vertebrae beyond T1 ({', '.join(others)}) count as bone but are not measured."
        findings.append(Finding("LEVELS-BEYOND-T1", "info", ", ".join(others), message))
    return Vertebrae(levels, index, bone, points, cranial), findings


def _check_pieces(level: str, mask: NDArray[np.bool_], spacing: Array) -> None:
    pieces, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    if count < 2:
        return
    sizes = np.bincount(pieces.ravel())[1:]
    order = np.argsort(sizes)[::-1]
    main = cKDTree(np.argwhere(pieces == order[0] + 1) * spacing)
    for other in order[1:]:
        if sizes[other] < _PIECE_FRACTION * sizes[order[0]]:
            return
        gap = main.query(np.argwhere(pieces == other + 1) * spacing)[0].min()
        if gap > _FAR_PIECE_MM:
            raise LabelError(
                f"{level} is in two large pieces {gap:.0f} mm apart",
                where=level,
                fix="check whether two vertebrae carry the same label, and relabel one of them",
            )


def _check_order(levels: tuple[str, ...], height: Array) -> None:
    for (upper, above), (lower, below) in pairwise(zip(levels, height, strict=True)):
        if above <= below:
            raise LabelError(
                f"{upper} lies below {lower}",
                where=f"{upper}, {lower}",
                fix="check the label table and the numbering of the vertebrae",
            )


def anterior_angle(line: Centreline, vertebrae: Vertebrae, discs: Array | None) -> tuple[float, dict[str, float]]:
    """Angle (rad) by which the frame must turn so that the vertebral bodies lie anterior, and per level.

    Within 25 mm of the canal's centre more bone lies on the side of the bodies than anywhere else; the
    first harmonic of that bone about the centreline points there, whatever the axes of the image.

    Parameters
    ----------
    line : Centreline
        With any phase of its frame.
    vertebrae : Vertebrae
        The bones.
    discs : (n, 3) ndarray, optional
        Disc voxels, mm; they count like bodies.

    Returns
    -------
    angle : float
        From the frame's anterior towards its right, rad.
    by_level : dict of str to float
        Deviation of each level from `angle`, rad.
    """
    sums = {}
    for level, points in vertebrae.points.items():
        _, right, anterior, _ = curve_coordinates(line, points)
        sums[level] = _first_harmonic(right, anterior)
    total = sum(sums.values(), start=np.zeros(2))
    if discs is not None and len(discs):
        _, right, anterior, _ = curve_coordinates(line, discs)
        total = total + _first_harmonic(right, anterior)
    angle = float(np.arctan2(total[0], total[1]))
    deviation = {level: float(np.arctan2(v[0], v[1])) - angle for level, v in sums.items()}
    return angle, {level: (value + np.pi) % (2 * np.pi) - np.pi for level, value in deviation.items()}


def _first_harmonic(right: Array, anterior: Array) -> Array:
    r = np.hypot(right, anterior)
    near = (r < _REACH_MM) & (r > 1e-6)
    return np.array([(right[near] / r[near]).sum(), (anterior[near] / r[near]).sum()])


def landmarks_of(line: Centreline, vertebrae: Vertebrae, discs: dict[str, Array]) -> dict[str, float]:
    """Arc length of mid-vertebra and disc levels.

    A body is the part of its vertebra anterior to the canal and within 9 mm of the midline; its level is the
    middle between its end plates. C1 has no body and C2's carries the dens: both take the centroid of
    the bone beside the canal. A disc's level is its centroid, or the middle between the facing end plates.

    Parameters
    ----------
    line : Centreline
        Oriented centreline.
    vertebrae : Vertebrae
        The bones.
    discs : dict of str to (n, 3) ndarray
        Labelled disc voxels by name (``C5/6``), mm.

    Returns
    -------
    dict of str to float
        ``C5`` or ``C5/6`` to arc length, mm, cranial to caudal.
    """
    extent: dict[str, tuple[float, float]] = {}
    found: dict[str, float] = {}
    for level in vertebrae.levels:
        s, right, anterior, _ = curve_coordinates(line, vertebrae.points[level])
        beside = (np.abs(anterior) < 7.0) & (np.abs(right) < 20.0)
        body = (np.abs(right) < 9.0) & (anterior > 6.0) & (anterior < 28.0)
        if level in ("C1", "C2") or body.sum() < 20:
            chosen = beside if beside.sum() >= 20 else np.ones(len(s), bool)
            found[level] = float(s[chosen].mean())
        else:
            found[level] = float(0.5 * (np.quantile(s[body], 0.02) + np.quantile(s[body], 0.98)))
        chosen = body if body.sum() >= 20 else beside
        if chosen.any():
            extent[level] = (float(np.quantile(s[chosen], 0.02)), float(np.quantile(s[chosen], 0.98)))
    marks: dict[str, float] = {}
    for upper, lower in pairwise((*vertebrae.levels, "")):
        marks[upper] = found[upper]
        name = disc_name(upper)
        if lower and CERVICAL.index(lower) == CERVICAL.index(upper) + 1 and upper != "C1":
            if len(discs.get(name, ())) >= 20:
                marks[name] = float(curve_coordinates(line, discs[name])[0].mean())
            elif upper in extent and lower in extent:
                marks[name] = 0.5 * (extent[upper][0] + extent[lower][1])
    return marks


def disc_name(upper: str) -> str:
    """Name of the disc or foramen below a vertebra: ``C5`` gives ``C5/6``, ``C7`` gives ``C7/T1``."""
    return "C7/T1" if upper == "C7" else f"{upper}/{int(upper[1:]) + 1}"
