"""Bone that a later scan no longer shows: where the mass took its place, and where nothing did."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from canalrisk.anatomy.register import Registration
from canalrisk.anatomy.sections import curve_coordinates, sample_planes
from canalrisk.anatomy.spine import BAND_MM, Array, Spine

# Surfaces that lie apart by less than this many voxels are the same surface, segmented twice.
_DEPTH_VOXELS = 1.5


def lost_bone(first: Spine, second: Spine, registration: Registration) -> tuple[Array, Array]:
    """Bone of the first scan that is gone in the second, by vertebra and side.

    A voxel of bone is gone where its place in the second scan, by its vertebra's own motion, lies in the mass, or
    outside bone. Of the latter only losses that are somewhere deeper than 1.5 voxels count, with what is gone within
    that distance of the deep part: surfaces that were drawn a little further in all round are no erosion.

    Parameters
    ----------
    first, second : Spine
        The two scans.
    registration : Registration
        From `register_scans`.

    Returns
    -------
    replaced, lysed : (levels, 2) ndarray
        Volume, mm3, per level of ``first.levels`` and side (left, right): taken by the mass, and gone without a mass
        in its place. Levels that are not registered are NaN.
    """
    shape = (len(first.levels), 2)
    replaced, lysed = np.full(shape, np.nan), np.full(shape, np.nan)
    depth = _DEPTH_VOXELS * float(max(first.grid.spacing.max(), second.grid.spacing.max()))
    boxes = ndimage.find_objects(first.vertebra_of)
    for row, level in enumerate(first.levels):
        if level not in registration.motions:
            continue
        box = boxes[row]
        inside = first.vertebra_of[box] == row + 1
        if first.mass is not None:
            # What the mass covered at the first scan was not seen then.
            inside &= first.mass[box] > 0
        points = first.grid.to_world(np.argwhere(inside) + np.array([part.start for part in box]))
        there = registration.motions[level].apply(points)
        bone, mass = _at(second, there)
        taken, gone = mass < 0, (bone > 0) & (mass >= 0)
        gone[gone] = _near_deep(there[gone], bone[gone], depth)
        side = (curve_coordinates(first.centreline, points)[1] > 0).astype(np.intp)
        for volume, kept in ((replaced, taken), (lysed, gone)):
            volume[row] = np.bincount(side[kept], minlength=2) * first.grid.voxel_volume
    return replaced, lysed


def _at(spine: Spine, points: Array) -> tuple[Array, Array]:
    """Distance (n,) from bone not covered by mass, and from mass, mm; bone beyond the image counts as still there."""
    grid = spine.grid
    bone = sample_planes(spine.bone, grid=grid, points=points)
    mass = np.full(len(points), BAND_MM)
    if spine.mass is not None:
        mass = np.minimum(sample_planes(spine.mass, grid=grid, points=points), BAND_MM)
    voxel = grid.to_voxel(points)
    inside = ((voxel >= 0) & (voxel <= np.array(grid.shape) - 1)).all(axis=1)
    # Bone under the mass is what lay there before, not what is there now.
    return np.where(inside, np.maximum(bone, -mass), -BAND_MM), mass


def _near_deep(points: Array, gap: Array, depth: float) -> NDArray[np.bool_]:
    deep = gap > depth
    if not deep.any():
        return np.zeros(len(points), np.bool_)
    return np.asarray(cKDTree(points[deep]).query(points)[0] <= depth, np.bool_)
