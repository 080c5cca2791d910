"""The mass and the arteries beside it, as `summary.json` and the page say them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from canalrisk.report.reading import number, text

_SIZE = (
    "mass_surface_area",
    "mass_components",
    "mass_length",
    "mass_share_left",
    "mass_share_dorsal",
    "mass_sac_clearance",
)
_DENSITY = (
    "mass_hu_mean",
    "mass_hu_sd",
    "mass_hu_p05",
    "mass_hu_median",
    "mass_hu_p95",
    "mass_calcified_volume",
    "mass_dense_volume",
    "mass_fluid_volume",
)
_PER_VERTEBRA = ("mass_contact_area", "mass_bone_replaced", "bone_lysed_mirror")
_PER_ARTERY = ("artery_diameter", "artery_clearance", "artery_encasement", "artery_narrowing")
_WORDS = ("artery_source", "artery_flag", "artery_flag_evidence", "artery_entry", "artery_clearance_level")


def mass_facts(ds: xr.Dataset, time: int) -> dict[str, Any]:
    """Size, place, density and neighbours of the mass at one time; empty without a mass or its measurements.

    Parameters
    ----------
    ds : xarray.Dataset
        A case's dataset.
    time : int
        Index.

    Returns
    -------
    dict
        Plain types; missing numbers are None.
    """
    side = text(ds, "mass_side", time=time)
    if side in ("", "none"):
        return {}
    facts: dict[str, Any] = {name: _plain(number(ds, name, time=time)) for name in (*_SIZE, *_DENSITY)}
    facts |= {name: text(ds, name, time=time) for name in ("mass_level_top", "mass_level_bottom")}
    reach = [number(ds, f"mass_reach_{way}", time=time) for way in ("left", "right")]
    facts |= {"mass_side": side, "crosses_midline": all(value > 0 for value in reach)}
    facts["vertebrae"] = [
        {"level": str(level)}
        | {name: _plain(number(ds, name, time=time, vertebra=k)) for name in _PER_VERTEBRA}
        | {"part": text(ds, "mass_contact_part", time=time, vertebra=k)}
        for k, level in enumerate(ds["vertebra"].values)
    ]
    for name in ("mass_bone_replaced", "bone_lysed_mirror"):
        known = [row[name] for row in facts["vertebrae"] if row[name] is not None]
        facts[f"{name}_total"] = float(sum(known)) if known else None
    facts["nearest_root"] = _nearest_root(ds, time)
    return facts


def _nearest_root(ds: xr.Dataset, time: int) -> dict[str, Any] | None:
    if "mass_root_clearance" not in ds:
        return None
    at = {"time": time} if "time" in ds["mass_root_clearance"].dims else {}
    values = ds["mass_root_clearance"].isel(at).transpose("foramen", "side").values
    if not np.isfinite(values).any():
        return None
    foramen, side = np.unravel_index(int(np.nanargmin(values)), values.shape)
    return {
        "root": text(ds, "root", foramen=int(foramen)),
        "side": str(ds["side"].values[side]),
        "clearance": float(values[foramen, side]),
    }


def artery_facts(ds: xr.Dataset, time: int) -> list[dict[str, Any]]:
    """Give what is known of each vertebral artery at one time, left first; empty where none was looked for.

    Parameters
    ----------
    ds : xarray.Dataset
        A case's dataset.
    time : int
        Index.

    Returns
    -------
    list of dict
        Plain types; missing numbers are None.
    """
    if "artery_flag" not in ds:
        return []
    rows = []
    for k, side in enumerate(ds["side"].values):
        row: dict[str, Any] = {"side": str(side)}
        row |= {name: text(ds, name, time=time, side=k) for name in _WORDS}
        row |= {name: _plain(number(ds, name, time=time, side=k)) for name in _PER_ARTERY}
        taken = [
            (number(ds, "transverse_foramen_taken", time=time, vertebra=v, side=k), str(level))
            for v, level in enumerate(ds["vertebra"].values)
        ]
        most, level = max((pair for pair in taken if math.isfinite(pair[0])), default=(math.nan, ""))
        row |= {"foramen_taken": _plain(most), "foramen_taken_level": level if most > 0 else ""}
        rows.append(row)
    return rows


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
