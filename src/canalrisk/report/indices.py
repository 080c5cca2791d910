"""``indices.tsv``: one row per scenario, posture, time, level and side, and the sidecar that explains it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from canalrisk.report.people import NA
from canalrisk.report.reading import Case, position, times_of

WHOLE = "all"
_IDENTITY = {
    "scenario": "Name of the growth scenario",
    "posture": "Posture of the neck",
    "time_years": "Time since the scan",
    "level": f"Vertebra, disc or foramen; '{WHOLE}' for the whole neck",
    "side": "Patient's side; n/a for what has none",
}
# Dims, besides time and one of model or region, that a row can stand for.
_SHAPES: tuple[set[str], ...] = (
    set(), {"section"}, {"cord_section"}, {"level"}, {"foramen"}, {"foramen", "side"},
)  # fmt: skip
# A level is represented by its worst section: least of what should be large, largest of what should be small.
_LARGE_IS_BAD = ("ratio", "loss", "mass", "taken", "strain", "force", "pressure", "stress", "risk", "eroded", "mises")


@dataclass
class _Column:
    name: str
    variable: str
    note: str
    cells: dict[tuple[int, str, str], Any] = field(default_factory=dict)


def worst_of(name: str, values: np.ndarray) -> float:
    """Value of the worst section: the maximum for losses and loads, else the minimum; NaN where all are NaN."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return math.nan
    bad = any(word in name for word in _LARGE_IS_BAD) and name != "cord_compression_ratio"
    return float(finite.max() if bad else finite.min())


def indices(result: Case) -> tuple[list[str], list[list[str]], dict[str, Any]]:
    """Build the table.

    Parameters
    ----------
    result : Case
        A case result.

    Returns
    -------
    header : list of str
        Column names, identity columns first.
    rows : list of list of str
        Cells; ``n/a`` where a column does not apply.
    sidecar : dict
        Per column: Units, LongName, Description, and Formula and Reference where the variable states them.
    """
    ds = result.dataset
    columns = [c for name in ds.data_vars for c in _columns(ds, str(name))]
    columns = [c for c in columns if c.cells]
    keys = sorted({key for c in columns for key in c.cells}, key=lambda key: (key[0], _rank(result, key[1]), key[2]))
    times = times_of(ds)
    rows = []
    for key in keys:
        time, level, side = key
        identity = [result.scenario.name, result.timeline.snapshots[time].posture, f"{times[time]:.6g}", level, side]
        rows.append([_flat(cell) for cell in identity] + [_cell(c.cells.get(key)) for c in columns])
    sidecar = {name: {"Units": "years" if name == "time_years" else "n/a", "LongName": text, "Description": text}
               for name, text in _IDENTITY.items()}  # fmt: skip
    sidecar |= {c.name: _describe(ds, c) for c in columns}
    return [*_IDENTITY, *(c.name for c in columns)], rows, sidecar


def _rank(result: Case, level: str) -> float:
    """Whole neck first, then from cranial to caudal."""
    if level == WHOLE:
        return -math.inf
    return -result.spine.landmarks.get(level, -math.inf)


def _columns(ds: xr.Dataset, name: str) -> list[_Column]:
    variable = ds[name]
    if "time" not in variable.dims:
        variable = variable.expand_dims(time=times_of(ds))
    extra = [str(d) for d in variable.dims if d in ("model", "region")]
    rest = {str(d) for d in variable.dims} - {"time", *extra}
    if len(extra) > 1 or rest not in (
        set(),
        {"section"},
        {"cord_section"},
        {"level"},
        {"foramen"},
        {"foramen", "side"},
    ):
        return []
    if not extra:
        return [_fill(_Column(name, name, ""), ds, variable, rest)]
    labels = [str(v) for v in ds[extra[0]].values] if extra[0] in ds.coords else map(str, range(ds.sizes[extra[0]]))
    return [
        _fill(_Column(f"{name}__{_slug(label)}", name, f"{extra[0]}: {label}"), ds, variable.isel({extra[0]: k}), rest)
        for k, label in enumerate(labels)
    ]


def _fill(column: _Column, ds: xr.Dataset, variable: xr.DataArray, rest: set[str]) -> _Column:
    order = [d for d in ("time", "section", "cord_section", "level", "foramen", "side") if d in variable.dims]
    values = variable.transpose(*order).values
    for t in range(len(values)):
        if not rest:
            column.cells[t, WHOLE, NA] = values[t]
        elif rest == {"foramen", "side"}:
            for f, foramen in enumerate(ds["foramen"].values):
                for s, side in enumerate(ds["side"].values):
                    column.cells[t, str(foramen), str(side)] = values[t, f, s]
        elif rest == {"foramen"}:
            for f, foramen in enumerate(ds["foramen"].values):
                for side in ds["side"].values:
                    column.cells[t, str(foramen), str(side)] = values[t, f]
        elif rest == {"level"}:
            for k, level in enumerate(ds["level"].values):
                column.cells[t, str(level), NA] = values[t, k]
        elif values.dtype.kind in "fiu":
            levels = _levels(ds, next(iter(rest)))
            for level in dict.fromkeys(levels):
                column.cells[t, level, NA] = worst_of(column.variable, np.asarray(values[t], float)[levels == level])
    if rest & {"section", "cord_section"}:
        column.note = f"{column.note}; worst section of the level".lstrip("; ")
    return column


def _levels(ds: xr.Dataset, dim: str) -> np.ndarray:
    """Level of each section along `dim`; cord sections take the level of the nearest canal section."""
    own = [c for c in ds.coords.values() if c.dims == (dim,) and c.dtype.kind in "UOT"]
    if own:
        return np.array([str(v) for v in own[0].values])
    here, there = position(ds, dim), position(ds, "section")
    if here is None or there is None:
        return np.array([], str)
    return np.asarray(_levels(ds, "section")[np.abs(here[:, None] - there).argmin(axis=1)])


def _describe(ds: xr.Dataset, column: _Column) -> dict[str, str]:
    attrs = ds[column.variable].attrs
    entry = {
        "Units": str(attrs.get("units") or "n/a"),
        "LongName": str(attrs.get("long_name", column.variable)),
        "Description": str(attrs.get("definition", attrs.get("long_name", column.variable))),
    }
    for key, source in (("Formula", "formula"), ("Reference", "reference"), ("Reference", "source")):
        if source in attrs:
            entry[key] = str(attrs[source])
    if column.note:
        entry["Aggregation"] = column.note
    return entry


def _slug(label: str) -> str:
    return "".join(c if c.isalnum() else "_" for c in label.lower()).strip("_")


def _flat(value: str) -> str:
    """One line, no tabs or quotes: a name cannot break the table."""
    return " ".join(value.replace('"', "'").split()) or NA


def _cell(value: Any) -> str:
    if value is None:
        return NA
    if isinstance(value, (str, np.str_)):
        return _flat(str(value))
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value)).lower()
    number = float(value)
    return f"{number:.6g}" if math.isfinite(number) else NA


def indices_text(result: Case) -> tuple[str, str]:
    """Write the table as TSV text and its sidecar as JSON text."""
    header, rows, sidecar = indices(result)
    lines = ["\t".join(line) for line in (header, *rows)]
    return "\n".join(lines) + "\n", json.dumps(sidecar, indent=1, ensure_ascii=False)
