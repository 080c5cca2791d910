"""Soft tissue that narrows a foramen: what is labelled of it, and a facet capsule of given thickness."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.sections import curve_coordinates, sample_planes
from canalrisk.anatomy.spine import Array, Distance, Spine
from canalrisk.field import signed_distance
from canalrisk.findings import Finding
from canalrisk.morphometry.stations import Stations

Mask = NDArray[np.bool_]

_BAND_MM = 4.0


def labelled_tissue(spine: Spine) -> dict[str, Mask]:
    """Masks of what bounds the soft-tissue variant besides bone and discs, by name; roots are what passes through."""
    return {
        name: mask for name, mask in spine.soft.items() if name == "capsule" or name.startswith(("flavum", "artery"))
    }


def tissue_distance(spine: Spine) -> Distance | None:
    """Signed distance (nx, ny, nz) of the labelled soft tissue, mm, clipped to 4 mm; None where nothing is labelled."""
    labels = labelled_tissue(spine)
    if not labels:
        return None
    return signed_distance(np.logical_or.reduce(list(labels.values())), grid=spine.grid, band=_BAND_MM)


def with_tissue(stations: Stations, *, spine: Spine, tissue: Distance | None) -> Stations:
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
    tissue : (nx, ny, nz) ndarray of float32, optional
        From `tissue_distance`.

    Returns
    -------
    Stations
        With `tissue`.
    """
    if not len(stations.place):
        return stations
    inside = (stations.wall < 1.0).any(axis=1)
    points = stations.points[inside]
    level = np.full(inside.shape, np.inf)
    if tissue is not None:
        level[inside] = sample_planes(tissue, grid=spine.grid, points=points)
    if spine.layers.capsule and "capsule" not in spine.soft:
        level = np.minimum(level, _capsule(stations, spine))
    return replace(stations, tissue=level)


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
