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
from canalrisk.report.worst import nearest_cord, worst_sections

WHOLE = "all"
_IDENTITY = {
    "scenario": "Name of the growth scenario",
    "posture": "Posture of the neck",
    "time_years": "Time since the scan",
    "level": f"Vertebra, disc or foramen; '{WHOLE}' for the whole neck",
    "side": "Patient's side; n/a for what has none",
}
_WHICH = (
    "value at the worst section of the level, the same section for all columns: "
    "largest occupying ratio; smallest residual canal AP where no mass reaches"
)
_WHICH_CORD = f"cord section of the level nearest to the {_WHICH.removeprefix('value at the ')}"
_WHERE = "worst_section_s"


@dataclass
class _Column:
    name: str
    variable: str
    note: str
    cells: dict[tuple[int, str, str], Any] = field(default_factory=dict)


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
    worst = worst_sections(ds)
    columns = [c for name in ds.data_vars for c in _columns(ds, str(name), worst)]
    columns = [c for c in (_places(ds, worst), *columns) if c.cells]
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


def _places(ds: xr.Dataset, worst: dict[tuple[int, str], int]) -> _Column:
    """Make the column that says where the worst sections are."""
    s = position(ds, "section")
    column = _Column(_WHERE, "", _WHICH)
    if s is not None:
        column.cells = {(t, level, NA): s[k] for (t, level), k in worst.items()}
    return column


def _columns(ds: xr.Dataset, name: str, worst: dict[tuple[int, str], int]) -> list[_Column]:
    variable = ds[name]
    if "time" not in variable.dims:
        variable = variable.expand_dims(time=times_of(ds))
    extra = [str(d) for d in variable.dims if d in ("model", "region")]
    rest = {str(d) for d in variable.dims} - {"time", *extra}
    if len(extra) > 1 or not _has_rows(ds, rest):
        return []
    if not extra:
        return [_fill(_Column(name, name, ""), ds, variable, rest, worst)]
    labels = [str(v) for v in ds[extra[0]].values] if extra[0] in ds.coords else map(str, range(ds.sizes[extra[0]]))
    return [
        _fill(
            _Column(f"{name}__{_slug(label)}", name, f"{extra[0]}: {label}"),
            ds,
            variable.isel({extra[0]: k}),
            rest,
            worst,
        )
        for k, label in enumerate(labels)
    ]


def _has_rows(ds: xr.Dataset, rest: set[str]) -> bool:
    """Whether rows can stand for these dims, besides time and one of model or region.

    They can for none, for sections along the canal, and for one dim whose places have names; with or without sides.
    """
    if rest - {"side"} in ({"section"}, {"cord_section"}):
        return True
    named = rest - {"side"}
    return len(named) <= 1 and all(d in ds.coords and ds[d].dtype.kind in "UOT" for d in rest)


def _fill(
    column: _Column, ds: xr.Dataset, variable: xr.DataArray, rest: set[str], worst: dict[tuple[int, str], int]
) -> _Column:
    for dim, note in (("section", _WHICH), ("cord_section", _WHICH_CORD)):
        if dim in rest:
            sections = worst if dim == "section" else nearest_cord(ds, worst)
            sides = [str(v) for v in ds["side"].values] if "side" in rest else [NA]
            values = variable.transpose("time", dim, ...).values.reshape(variable.sizes["time"], ds.sizes[dim], -1)
            for (t, level), k in sections.items():
                column.cells |= {(t, level, side): values[t, k, n] for n, side in enumerate(sides)}
            column.note = f"{column.note}; {note}".lstrip("; ")
            return column
    place = next(iter(rest - {"side"}), None)
    names = [WHOLE] if place is None else [str(v) for v in ds[place].values]
    # A foramen is a thing of one side even where what is said of it holds for both.
    sided = "side" in rest or place == "foramen"
    sides = [str(v) for v in ds["side"].values] if sided else [NA]
    full = variable.transpose("time", *([place] if place else []), *(["side"] if "side" in rest else []))
    values = np.broadcast_to(
        full.values.reshape(full.sizes["time"], len(names), -1), (full.sizes["time"], len(names), len(sides))
    )
    for (t, n, s), value in np.ndenumerate(values):
        column.cells[t, names[n], sides[s]] = value
    return column


def _describe(ds: xr.Dataset, column: _Column) -> dict[str, str]:
    if column.name == _WHERE:
        return {
            "Units": "mm",
            "LongName": "arc length of the worst section",
            "Description": "position along the canal centreline, increasing cranially, of the section of this row",
            "Aggregation": column.note,
        }
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
