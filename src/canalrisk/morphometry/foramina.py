"""Indices of the foramina: free area, height and width, before and with the mass, bony and soft-tissue variants."""

from __future__ import annotations

import numpy as np

from canalrisk.anatomy.levels import CERVICAL, disc_name
from canalrisk.anatomy.spine import Array, Distance, Spine
from canalrisk.field.grid import Grid
from canalrisk.morphometry.prepared import Prepared
from canalrisk.morphometry.stations import Stations, bounded_by_tissue, least, less_mass, over_thickness

SIDES = ("left", "right")
_VARIANTS = {"bony": "foramen", "soft": "foramen_soft"}
_SIZES = ("area", "area_prelesion", "area_loss", "height", "height_prelesion", "width", "width_prelesion", "station_s")


def foramen_names(spine: Spine) -> tuple[list[str], list[str]]:
    """Foramina between neighbouring vertebrae of the image, cranial to caudal, and the root that leaves through each.

    Above C8 a root is named after the vertebra below it: C5 leaves at C4/5, C8 at C7/T1.
    """
    names, roots = [], []
    for upper in CERVICAL[1:-1]:
        lower = CERVICAL[CERVICAL.index(upper) + 1]
        if upper in spine.levels and lower in spine.levels:
            names.append(disc_name(upper))
            roots.append("C8" if lower == "T1" else lower)
    return names, roots


def foramen_indices(prepared: Prepared, names: list[str], mass: Distance | None) -> dict[str, Array]:
    """Measure every foramen and side; definitions in ``data/variables.csv``.

    Parameters
    ----------
    prepared : Prepared
        The spine with its stations.
    names : list of str
        From `foramen_names`.
    mass : (nx, ny, nz) ndarray of float32, optional
        Signed distance of the mass, mm.

    Returns
    -------
    dict of str to (foramen, side) ndarray
        Not a number where no station is closed.
    """
    shape = (len(names), len(SIDES))
    keys = [f"{prefix}_{size}" for prefix in _VARIANTS.values() for size in _SIZES]
    out = {key: np.full(shape, np.nan) for key in keys}
    out["foramen_sections_left_out"] = np.full(shape, np.nan)
    for foramen, stations in zip(prepared.spine.foramina, prepared.stations, strict=True):
        at = names.index(foramen.name), SIDES.index(foramen.side)
        out["foramen_sections_left_out"][at] = stations.looked - len(stations.place)
        if not len(stations.place):
            continue
        variants = {"bony": stations, "soft": bounded_by_tissue(stations)}
        for variant, prefix in _VARIANTS.items():
            for size, value in _sizes(variants[variant], mass, grid=prepared.spine.grid).items():
                out[f"{prefix}_{size}"][at] = value
    return out


def _sizes(before: Stations, mass: Distance | None, *, grid: Grid) -> dict[str, float]:
    free = less_mass(before, mass, grid=grid)
    k, left = least(over_thickness(free.area, free.place))
    healthy_k, healthy = least(over_thickness(before.area, before.place))
    return {
        "area": left,
        "area_prelesion": healthy,
        "area_loss": 1.0 - left / healthy if healthy > 0 else np.nan,
        "height": float(free.height[k]),
        "height_prelesion": float(before.height[healthy_k]),
        "width": float(free.width[k]),
        "width_prelesion": float(before.width[healthy_k]),
        "station_s": float(free.place[k]),
    }
