"""A measured scan in one dictionary: what ``summary.json``, ``--json`` and the table of `morphometry` say."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from canalrisk.provenance import versions
from canalrisk.report.beside import artery_facts
from canalrisk.report.provenance import describe_inputs
from canalrisk.report.reading import RESEARCH_USE, Case, position
from canalrisk.report.worst import worst_sections

_ORDER = {"serious": 0, "warning": 1, "info": 2}


def measured_summary(result: Case) -> dict[str, Any]:
    """Condense a measured scan.

    Parameters
    ----------
    result : Case
        From `canalrisk.case.measure_subject`; of a case over time, the scan.

    Returns
    -------
    dict
        Plain types only; missing numbers are None; fractions, mm, mm2, mm3. ``values``: what holds for the whole
        neck, by side where it has sides; ``levels``: one row per vertebra and disc, cranial to caudal, values at the
        level's worst section (the same as in ``indices.tsv``) or of the level; ``foramina``: one row per foramen and
        side. Every variable of the dataset appears in one of the three; ``units`` names all. ``arteries`` says once
        more, one row per side, what concerns the vertebral arteries.
    """
    ds = result.dataset.isel(time=0)
    return {
        "schema": "canalrisk.morphometry/1",
        "research_use": RESEARCH_USE,
        "values": _here(ds, ds),
        "levels": _levels(result, ds),
        "foramina": _foramina(ds),
        "arteries": artery_facts(result.dataset, 0),
        "units": {str(name): str(ds[name].attrs.get("units") or "n/a") for name in ds.data_vars},
        "findings": [f.as_dict() for f in sorted(result.findings, key=lambda f: _ORDER.get(f.severity, 3))],
        "inputs": describe_inputs(result),
        "versions": versions(),
    }


def plain(value: Any) -> Any:
    """Return text, a truth value or a finite number as JSON holds them; None for no number."""
    if isinstance(value, (str, np.str_)):
        return str(value)
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    number = float(value)
    return number if math.isfinite(number) else None


def _of(ds: xr.Dataset, *dims: str) -> list[str]:
    """Names of the variables that have these dims and no others."""
    return [str(name) for name, variable in ds.data_vars.items() if set(variable.dims) == set(dims)]


def _levels(result: Case, ds: xr.Dataset) -> list[dict[str, Any]]:
    at = {level: k for (_, level), k in worst_sections(result.dataset).items()}
    s, marks = position(ds, "section"), result.spine.landmarks
    rows: dict[str, dict[str, Any]] = {}
    for level, k in at.items():
        rows[level] = {"level": level, "worst_section_s": None if s is None else plain(s[k])}
        rows[level] |= {key: plain(ds[key].values[k]) for key in _of(ds, "section")}
    for dim in _named(ds):
        for k, level in enumerate(ds[dim].values):
            row = rows.setdefault(str(level), {"level": str(level)})
            row |= _here(ds.isel({dim: k}), ds, dim)
    return sorted(rows.values(), key=lambda row: -marks.get(row["level"], -math.inf))


def _named(ds: xr.Dataset) -> list[str]:
    """Dims, besides foramen and side, whose places have names."""
    return [str(d) for d in ds.dims if d not in ("foramen", "side") and d in ds.coords and ds[d].dtype.kind in "UOT"]


def _here(at: xr.Dataset, ds: xr.Dataset, *dims: str) -> dict[str, Any]:
    """Values of one place: a number each, or one per side."""
    row: dict[str, Any] = {key: plain(at[key].item()) for key in _of(ds, *dims)}
    for key in _of(ds, *dims, "side"):
        row[key] = {str(side): plain(value) for side, value in zip(ds["side"].values, at[key].values, strict=True)}
    return row


def _foramina(ds: xr.Dataset) -> list[dict[str, Any]]:
    if "foramen" not in ds.dims:
        return []
    rows = []
    for f, foramen in enumerate(ds["foramen"].values):
        for d, side in enumerate(ds["side"].values):
            row: dict[str, Any] = {"foramen": str(foramen), "side": str(side)}
            row["root"] = str(ds["root"].values[f]) if "root" in ds else None
            at = ds.isel(foramen=f, side=d)
            row |= {key: plain(at[key].item()) for key in (*_of(ds, "foramen", "side"), *_of(ds, "foramen"))}
            rows.append(row)
    return rows
