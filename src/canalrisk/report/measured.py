"""A measured scan in one dictionary: what ``summary.json``, ``--json`` and the table of `morphometry` say."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr
from xarray import Variable

from canalrisk.provenance import versions
from canalrisk.report.beside import artery_facts
from canalrisk.report.provenance import describe_inputs
from canalrisk.report.reading import RESEARCH_USE, Case, position, text
from canalrisk.report.worst import worst_sections

_ORDER = {"serious": 0, "warning": 1, "info": 2}


def measured_summary(result: Case) -> dict[str, Any]:
    """Condense a measured scan.

    Parameters
    ----------
    result : Case
        From `canalrisk.subject.measure_subject`; of a case over time, the scan.

    Returns
    -------
    dict
        Plain types only; missing numbers are None; fractions, mm, mm2, mm3. ``values``: what holds for the whole
        neck, by side where it has sides; ``levels``: one row per vertebra and disc, cranial to caudal, values at the
        level's worst section (the same as in ``indices.tsv``) or of the level; ``foramina``: one row per foramen and
        side. Every variable of the dataset appears in one of the three; ``units`` names all. ``arteries`` says once
        more, one row per side, what concerns the vertebral arteries.
    """
    ds = result.dataset
    values = _Values(ds)
    return {
        "schema": "canalrisk.morphometry/1",
        "research_use": RESEARCH_USE,
        "values": values.at({}),
        "levels": _levels(result, values),
        "foramina": _foramina(ds, values),
        "arteries": artery_facts(ds, 0),
        "units": {str(name): str(ds.variables[name].attrs.get("units") or "n/a") for name in ds.data_vars},
        "findings": [f.as_dict() for f in sorted(result.findings, key=lambda f: _ORDER.get(f.severity, 3))],
        "inputs": describe_inputs(result),
        "versions": versions(),
    }


class _Values:
    """The scan's variables by the dims that they have, time apart: some hundred are looked up for every row."""

    def __init__(self, ds: xr.Dataset) -> None:
        self.named = {
            str(d): [str(v) for v in ds.variables[d].values]
            for d in ds.dims
            if d in ds.variables and ds.variables[d].dtype.kind in "UOT"
        }
        self._by_dims: dict[frozenset[str], list[tuple[str, Variable]]] = {}
        for name in ds.data_vars:
            variable = ds.variables[name]
            today = variable.isel(time=0) if "time" in variable.dims else variable
            self._by_dims.setdefault(frozenset(map(str, today.dims)), []).append((str(name), today))

    def at(self, place: dict[str, int]) -> dict[str, Any]:
        """Values of one place: a number each, or one by side where the variable has sides and the place none."""
        row = {}
        for name, variable in self._by_dims.get(frozenset(place), []):
            row[name] = plain(variable.values[tuple(place[str(d)] for d in variable.dims)])
        if "side" not in place:
            for name, variable in self._by_dims.get(frozenset((*place, "side")), []):
                here = variable.values[tuple(place.get(str(d), slice(None)) for d in variable.dims)]
                row[name] = dict(zip(self.named["side"], map(plain, here), strict=True))
        return row


def plain(value: Any) -> Any:
    """Return text, a truth value or a finite number as JSON holds them; None for no number."""
    if isinstance(value, (str, np.str_)):
        return str(value)
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    number = float(value)
    return number if math.isfinite(number) else None


def _levels(result: Case, values: _Values) -> list[dict[str, Any]]:
    at = {level: k for (time, level), k in worst_sections(result.dataset).items() if time == 0}
    s, marks = position(result.dataset, "section"), result.spine.landmarks
    rows: dict[str, dict[str, Any]] = {}
    for level, k in at.items():
        rows[level] = {"level": level, "worst_section_s": None if s is None else plain(s[k])}
        rows[level] |= values.at({"section": k})
    for dim, names in values.named.items():
        if dim not in ("foramen", "side"):
            for k, level in enumerate(names):
                rows.setdefault(level, {"level": level}).update(values.at({dim: k}))
    return sorted(rows.values(), key=lambda row: -marks.get(row["level"], -math.inf))


def _foramina(ds: xr.Dataset, values: _Values) -> list[dict[str, Any]]:
    rows = []
    for f, foramen in enumerate(values.named.get("foramen", [])):
        for d, side in enumerate(values.named["side"]):
            row: dict[str, Any] = {"foramen": foramen, "side": side, "root": text(ds, "root", foramen=f) or None}
            rows.append(row | values.at({"foramen": f}) | values.at({"foramen": f, "side": d}))
    return rows
