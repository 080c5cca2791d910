"""Transverse foramina: the hole in each transverse process that the vertebral artery runs through."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from canalrisk.anatomy.sections import offsets, plane_moments, point_at, sample_planes
from canalrisk.anatomy.spine import BAND_MM, Array, Spine
from canalrisk.field.grid import Grid

# Where such a hole can be, seen from the canal's centre: distance to the side and in front, mm.
_ASIDE_MM = np.arange(5.0, 33.1, 0.5)
_AHEAD_MM = np.arange(-9.0, 20.1, 0.5)
_ALONG_MM = np.arange(-10.0, 8.1, 0.5)
# Skeletons have 2.5 to 8 mm of diameter (71 vertebrae, Anat Res Int 2015:391823); C1 and oblique cuts have more.
_AREA_MM2 = (4.0, 90.0)
# The hole of C2 turns outwards: ways through the bone to try, degrees forwards and outwards from the canal's own.
_TILTS = tuple(product((-20.0, 0.0, 20.0), (0.0, 20.0, 40.0)))
# The bars in front of and behind the artery lie at different heights, so that often no plane is closed all round: a
# slab of this half thickness is looked through.
_SLABS_MM = (2.0, 4.0)
# Passages whose centres are this near belong to one hole.
_SAME_MM, _ALIKE = 4.0, 1.05
_FINE_MM, _FINE_HALF_MM = 0.25, 9.0
# A wall of one voxel, cut obliquely, keeps at least this share of bone between voxel centres.
_BONE_SHARE = 0.3


@dataclass(frozen=True, eq=False)
class TransverseForamen:
    """One transverse foramen: the clear passage through it.

    `centre`, `axis` (3,) mm and unit, cranial; `area` mm2 of the passage along the axis; `points` (m, m, 3) mm and
    `wall` (m, m) mm: the plane across the axis and a level that is negative in the passage; `keep` (m, m) marks the
    nodes of this hole.
    """

    level: str
    side: str
    centre: Array
    axis: Array
    area: float
    points: Array
    wall: Array
    keep: NDArray[np.bool_]


def find_transverse_foramina(spine: Spine) -> tuple[TransverseForamen, ...]:
    """Look for the holes of the transverse processes in the bone alone.

    Each vertebra is looked through on either side along nine directions, a slab of 4 mm (8 mm where that finds
    nothing) at a time. What its bone encloses in that projection is a passage. Of the direction that is enclosed over
    the longest way the narrowest passage is the foramen: along a straight tube, the tube's section.

    Parameters
    ----------
    spine : Spine
        Bone and centreline are used.

    Returns
    -------
    tuple of TransverseForamen
        Cranial to caudal, left before right. A hole that bone does not enclose (eroded, cut off, not segmented) is
        missing.
    """
    found = []
    boxes = ndimage.find_objects(spine.vertebra_of)
    for number, level in enumerate(spine.levels, start=1):
        if level == "T1":
            continue
        bone = _own_bone(spine, number, boxes[number - 1])
        frame = point_at(spine.centreline, spine.landmarks[level])
        for side in ("left", "right"):
            hole = _foramen(bone, level, side, frame)
            if hole is not None:
                found.append(hole)
    return tuple(found)


@dataclass(frozen=True, eq=False)
class _Bone:
    """One vertebra in its own box: share of bone (0 or 1 at voxels) and signed distance, mm."""

    share: NDArray[np.float32]
    distance: NDArray[np.float32]
    grid: Grid

    def is_free(self, points: Array) -> NDArray[np.bool_]:
        """Whether points (..., 3) lie outside this bone; thin walls are kept."""
        share = sample_planes(self.share, grid=self.grid, points=points)
        # Samples beyond the box are large: free as well.
        return (share < _BONE_SHARE) | (share > 2.0)


def _own_bone(spine: Spine, number: int, box: tuple[slice, ...]) -> _Bone:
    low = np.maximum([part.start - 2 for part in box], 0)
    high = np.minimum([part.stop + 2 for part in box], spine.grid.shape)
    window = tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))
    owner = spine.vertebra_of[window]
    other = (owner > 0) & (owner != number)
    distance = np.where(other, np.float32(BAND_MM), spine.bone[window]).astype(np.float32)
    return _Bone((owner == number).astype(np.float32), distance, spine.grid.crop(low, high))


def _foramen(bone: _Bone, level: str, side: str, frame: tuple[Array, Array, Array, Array]) -> TransverseForamen | None:
    """Look through one side of a vertebra in every direction, and measure the commonest hole along its own."""
    centre, right, anterior, tangent = frame
    outward = right if side == "right" else -right
    views = []
    for forwards, outwards in _TILTS:
        turn = Rotation.from_rotvec(np.radians(outwards) * np.cross(tangent, outward)) * Rotation.from_rotvec(
            np.radians(forwards) * np.cross(tangent, anterior)
        )
        aside, ahead, normal = turn.apply(np.stack([outward, anterior, tangent]))
        flat = centre + _AHEAD_MM[:, None, None] * ahead + _ASIDE_MM[None, :, None] * aside
        free = bone.is_free(flat + _ALONG_MM[:, None, None, None] * normal)
        views.append((aside, ahead, normal, free))
    for half in _SLABS_MM:
        centres, areas, which = [], [], []
        reach = round(half / float(_ALONG_MM[1] - _ALONG_MM[0]))
        for number, (aside, ahead, normal, free) in enumerate(views):
            clear = ndimage.minimum_filter1d(free, 2 * reach + 1, axis=0)
            for k in range(reach, len(_ALONG_MM) - reach):
                for at, area in _enclosed(clear[k]):
                    centres.append(centre + _ALONG_MM[k] * normal + at[0] * ahead + at[1] * aside)
                    areas.append(area)
                    which.append(number)
        if len(centres) >= 2:
            best = _best(np.array(centres), np.array(areas), np.array(which))
            return _measured(bone, level, side, centres[best], views[which[best]][2], half=half)
    return None


def _best(centres: Array, areas: Array, which: NDArray[np.intp]) -> int:
    """Index of the narrowest passage in the direction enclosed longest, at the place where most passages are."""
    near = np.linalg.norm(centres[:, None] - centres[None], axis=-1) < _SAME_MM
    own = np.flatnonzero(near[int(np.argmax(near.sum(axis=1)))])
    length = np.bincount(which[own])
    # Among equally long ones the widest: a tilted look through a tube sees less of it.
    least = [areas[own[which[own] == k]].min() if length[k] == length.max() else -1.0 for k in range(len(length))]
    chosen = own[which[own] == int(np.argmax(least))]
    # Of sections equally narrow within the voxels' noise, the one in their middle.
    narrow = chosen[areas[chosen] <= _ALIKE * areas[chosen].min()]
    off = np.linalg.norm(centres[narrow] - centres[narrow].mean(axis=0), axis=1)
    return int(narrow[np.argmin(off)])


def _enclosed(free: NDArray[np.bool_]) -> list[tuple[Array, float]]:
    """Centre (ahead, aside), mm, and area, mm2, of every free piece that does not reach the window's edge."""
    labels, count = ndimage.label(free)
    if count < 2:
        return []
    step = float(_ASIDE_MM[1] - _ASIDE_MM[0])
    size = np.bincount(labels.ravel(), minlength=count + 1) * step**2
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    inner = [k for k in np.setdiff1d(np.arange(1, count + 1), edge).tolist() if _AREA_MM2[0] < size[k] < _AREA_MM2[1]]
    places = [np.argwhere(labels == k).mean(axis=0) * step + (_AHEAD_MM[0], _ASIDE_MM[0]) for k in inner]
    return [(place, float(size[k])) for place, k in zip(places, inner, strict=True)]


def _measured(
    bone: _Bone, level: str, side: str, middle: Array, normal: Array, *, half: float
) -> TransverseForamen | None:
    """Area and centre of the passage about `middle` along `normal`, sub-voxel."""
    first = np.cross(normal, [1.0, 0.0, 0.0] if abs(normal[0]) < 0.9 else [0.0, 1.0, 0.0])
    first /= np.linalg.norm(first)
    second = np.cross(normal, first)
    t = offsets(_FINE_HALF_MM, _FINE_MM)
    points = middle + t[:, None, None] * first + t[None, :, None] * second
    through = points + np.arange(-half, half + 0.1, 0.5)[:, None, None, None] * normal
    labels, _ = ndimage.label(bone.is_free(through).all(axis=0))
    index = labels[len(t) // 2, len(t) // 2]
    if index == 0:
        return None
    keep = ndimage.binary_dilation(labels == index, iterations=2) & ((labels == index) | (labels == 0))
    wall = -sample_planes(bone.distance, grid=bone.grid, points=through).min(axis=0)
    area, centroid = plane_moments(wall[None], step=_FINE_MM, keep=keep[None])
    if not _AREA_MM2[0] <= area[0] <= _AREA_MM2[1]:
        return None
    # `plane_moments` gives the offset along the second array axis first.
    at = middle + centroid[0, 1] * first + centroid[0, 0] * second
    return TransverseForamen(level, side, at, normal, float(area[0]), points, wall, keep)
