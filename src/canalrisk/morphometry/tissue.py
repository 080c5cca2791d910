"""Soft tissue that narrows a foramen: what is labelled of it, and a facet capsule of given thickness."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.sections import curve_coordinates, sample_planes
from canalrisk.anatomy.spine import Array, Spine
from canalrisk.field import signed_distance
from canalrisk.findings import Finding
from canalrisk.morphometry.stations import Stations

Mask = NDArray[np.bool_]

_MARGIN_MM = 4.0


def labelled_tissue(spine: Spine) -> dict[str, Mask]:
    """Masks of what bounds the soft-tissue variant besides bone and discs, by name; roots are what passes through."""
    return {
        name: mask for name, mask in spine.soft.items() if name == "capsule" or name.startswith(("flavum", "artery"))
    }


def with_tissue(stations: Stations, *, spine: Spine) -> Stations:
    """Sample the soft tissue on the stations.

    Flavum, artery and capsule count as labelled. The flavum inferred in the canal does not: it covers the medial
    4.6 mm of the facet joint and does not enter the foramen (J Orthop Sci 2017;22:994, 90 ligaments). Where a capsule's
    thickness was given and none is labelled, it lies on the posterior half of the section's wall.

    Parameters
    ----------
    stations : Stations
        From `canalrisk.morphometry.stations.find_stations`.
    spine : Spine
        Labels, canal and thicknesses.

    Returns
    -------
    Stations
        With `tissue`.
    """
    if not len(stations.place):
        return stations
    inside = (stations.wall < 1.0).any(axis=1)
    points = stations.points[inside]
    level = np.full(len(points), np.inf)
    labels = labelled_tissue(spine)
    if labels:
        level = np.minimum(level, _labelled(np.logical_or.reduce(list(labels.values())), points, spine=spine))
    tissue = np.full(inside.shape, np.inf)
    tissue[inside] = level
    if spine.layers.capsule and "capsule" not in spine.soft:
        tissue = np.minimum(tissue, _capsule(stations, spine))
    return replace(stations, tissue=tissue)


def _labelled(mask: Mask, points: Array, *, spine: Spine) -> Array:
    """Signed distance (n,) of a mask at points, from the box around them, mm."""
    grid = spine.grid
    voxel = grid.to_voxel(points)
    pad = _MARGIN_MM / grid.spacing
    low = np.maximum(np.floor(voxel.min(axis=0) - pad), 0).astype(int)
    high = np.minimum(np.ceil(voxel.max(axis=0) + pad).astype(int) + 1, grid.shape)
    part = mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    if not part.any():
        return np.full(len(points), np.inf)
    local = grid.crop(low, high)
    return sample_planes(signed_distance(part, grid=local), grid=local, points=points)


def _capsule(stations: Stations, spine: Spine) -> Array:
    """Level (k, m, m) of a layer of given thickness on the posterior half of each section's wall, mm."""
    points = stations.points
    middle = points.shape[1] // 2
    centre = points[:, middle, middle]
    across = points[:, middle, middle + 1] - centre
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    nearest = curve_coordinates(spine.centreline, centre)[3]
    forwards = np.sign(np.einsum("ij,ij->i", across, spine.centreline.anterior[nearest]))
    ahead = np.einsum("kabi,ki->kab", points - centre[:, None, None], across * forwards[:, None])
    behind = np.clip(0.5 - ahead, 0.0, 1.0)
    thickness = (spine.layers.capsule or 0.0) * behind
    bone = sample_planes(spine.bone, grid=spine.grid, points=points)
    return np.where(thickness > 0, bone - thickness, np.inf)


def tissue_findings(spine: Spine) -> tuple[Finding, ...]:
    """Name the walls of the soft-tissue variant."""
    walls = ["bone", *(["discs"] if "disc" in spine.soft else []), *sorted(labelled_tissue(spine))]
    if spine.layers.capsule and "capsule" not in spine.soft:
        walls.append(f"facet capsule of {spine.layers.capsule:g} mm as given")
    missing = [] if spine.layers.capsule or "capsule" in spine.soft else ["facet capsules"]
    missing += [] if any(name.startswith("artery") for name in spine.soft) else ["vertebral arteries"]
    message = f"Soft-tissue foramina are bounded by {', '.join(walls)}"
    message += f"; {' and '.join(missing)} are not labelled and not made up." if missing else "."
    return (Finding("FORAMEN-SOFT-WALLS", "info", "foramina", message),)
