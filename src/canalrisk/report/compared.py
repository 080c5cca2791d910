"""Two scans compared, as people and programs read it: one dictionary, one table of changes, one picture."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from rich.console import Group, RenderableType
from rich.text import Text

from canalrisk.provenance import versions
from canalrisk.report.console import finding_table, plain_table
from canalrisk.report.measured import plain
from canalrisk.report.output import staged, write_json
from canalrisk.report.people import NA, percent, quantity, volume
from canalrisk.report.provenance import scrub
from canalrisk.report.reading import RESEARCH_USE
from canalrisk.report.staging import MARKER
from canalrisk.report.store import write_store
from canalrisk.serial import Compared

_ORDER = {"serious": 0, "warning": 1, "info": 2}
COLUMNS = {
    "index": "name of the index; its definition is below",
    "place": "foramen, vertebra, or vertebral level; n/a where the index holds for the whole neck",
    "side": "of the patient; n/a where the index has no sides",
    "units": "of first, second, change and mdc95",
    "first": "value of the first scan",
    "second": "value of the second scan",
    "change": "second less first",
    "mdc95": "minimal detectable change, 95 %",
    "beyond_mdc": "whether the change, either way, is larger than mdc95",
    "p_increase": "probability that the true change is above 0",
}
# Index, what people call it.
_SHOWN = (
    ("mass_volume", "Mass volume"),
    ("mass_volume_in_canal", "Mass in the canal"),
    ("occupying_ratio_max", "Occupying ratio"),
    ("sac_min", "Space for the cord"),
    ("mcc_prelesion", "Canal compromise, same section"),
    ("mass_cord_clearance", "Mass to cord"),
)


def change_rows(result: Compared) -> list[dict[str, Any]]:
    """List every index of both scans, place by place, with its change; keys are `COLUMNS`."""
    found = result.comparison
    rows = []
    for name, change in found.change.data_vars.items():
        key = str(name)
        if f"{key}_mdc95" not in found.change:
            continue
        for at, place, side in _places(change):
            mdc = float(found.change[f"{key}_mdc95"].sel(at))
            moved = float(change.sel(at))
            rows.append(
                {
                    "index": key,
                    "place": place,
                    "side": side,
                    "units": change.attrs["units"],
                    "first": plain(found.first[key].sel(at).item()),
                    "second": plain(found.second[key].sel(at).item()),
                    "change": plain(moved),
                    "mdc95": plain(mdc),
                    "beyond_mdc": bool(abs(moved) > mdc) if np.isfinite([moved, mdc]).all() else None,
                    "p_increase": plain(found.change[f"{key}_p_increase"].sel(at).item()),
                }
            )
    return rows


def _places(variable: xr.DataArray) -> list[tuple[dict[str, Any], str, str]]:
    """Return selection, place and side of every number of a variable that is known."""
    stacked = variable.values
    out = []
    for index in np.ndindex(stacked.shape):
        if not np.isfinite(stacked[index]):
            continue
        at = {str(d): variable[d].values[i] for d, i in zip(variable.dims, index, strict=True)}
        places = [str(value) for dim, value in at.items() if dim != "side"]
        out.append((at, ", ".join(places) or "n/a", str(at.get("side", "n/a"))))
    return out


def compared_summary(result: Compared) -> dict[str, Any]:
    """Condense a comparison.

    Parameters
    ----------
    result : Compared
        From `canalrisk.serial.compare_subjects`.

    Returns
    -------
    dict
        Plain types; missing numbers are None. ``changes`` are the rows of ``changes.tsv`` that hold for the whole neck,
        ``mass`` how the front advanced, ``vertebrae`` one row each.
    """
    found = result.comparison
    change = found.change
    mass = {name: plain(change[name].item()) for name in change.data_vars if str(name).startswith("front_advance_")}
    if "mass_volume_rate" in change:
        mass["mass_volume_rate"] = plain(change["mass_volume_rate"].item())
    return {
        "schema": "canalrisk.compare/1",
        "research_use": RESEARCH_USE,
        "years": result.years,
        "edge_mm": found.first["mass_volume_low"].attrs["edge_mm"],
        "mass": mass,
        "changes": [row for row in change_rows(result) if row["place"] == "n/a" and row["side"] == "n/a"],
        "vertebrae": _vertebrae(result),
        "units": {str(name): str(change[name].attrs["units"]) for name in change.data_vars},
        "findings": [f.as_dict() for f in sorted(result.findings, key=lambda f: _ORDER.get(f.severity, 3))],
        "inputs": dict(scrub(result.provenance["inputs"])),
        "versions": versions(),
    }


def _vertebrae(result: Compared) -> list[dict[str, Any]]:
    """One row per vertebra: its motion, what the mass gained and lost beside it, and its bone."""
    change, motions = result.comparison.change, result.comparison.registration.motions
    rows = []
    for level in change["vertebra"].values:
        at = change.sel(vertebra=level)
        row: dict[str, Any] = {"vertebra": str(level)}
        motion = motions.get(str(level))
        row["moved_mm"] = None if motion is None else float(np.linalg.norm(motion.translation))
        row["turned_degrees"] = None if motion is None else float(np.degrees(np.linalg.norm(motion.rotation)))
        for name in ("registration_residual", "registration_share", "front_advance"):
            row[name] = plain(at[name].item())
        for name in ("mass_volume_gained", "mass_volume_lost", "bone_newly_replaced", "bone_newly_lysed"):
            row[name] = {str(side): plain(at[name].sel(side=side).item()) for side in change["side"].values}
        rows.append(row)
    return rows


def compared_table(said: dict[str, Any]) -> RenderableType:
    """Return what a radiologist reads first, from `compared_summary`."""
    table = plain_table(
        "Change between the scans", "", "First", "Second", "Change", "Detectable\nfrom", "Probability\nof a rise"
    )
    rows = {row["index"]: row for row in said["changes"]}
    for name, words in _SHOWN:
        row = rows.get(name)
        if row is not None:
            numbers = [_said(row[key], row["units"]) for key in ("first", "second", "change", "mdc95")]
            table.add_row(words, *numbers, percent(row["p_increase"]))
    parts: list[RenderableType] = [table]
    mass, units = said["mass"], said["units"]
    if mass.get("front_advance_mean") is not None:
        words = f"Front of the mass: {quantity(mass['front_advance_mean'], 'mm')} in the mean, "
        words += f"{quantity(mass['front_advance_max'], 'mm')} at most"
        if mass.get("front_advance_rate") is not None:
            words += f"; {quantity(mass['front_advance_rate'], units['front_advance_rate'])} in the mean"
        parts.append(Text(words + "."))
    parts.append(_vertebra_table(said))
    loud = [f for f in said["findings"] if f["severity"] != "info"]
    if loud:
        parts.append(finding_table(loud))
    parts.append(Text(said["research_use"], style="bold"))
    return Group(*parts)


def _said(value: float | None, units: str) -> str:
    if value is None:
        return NA
    if units == "mm3":
        return volume(value) if value >= 0 else f"-{volume(-value)}"
    return percent(value) if units == "1" else quantity(value, units)


def _vertebra_table(said: dict[str, Any]) -> RenderableType:
    names = ("Moved", "Turned", "Front", "Gained\nL / R mm³", "Lysed\nL / R mm³")
    table = plain_table("By vertebra", "", *names)
    for row in said["vertebrae"]:
        sides = [
            " / ".join(quantity(row[name][side], "", 0) for side in ("left", "right"))
            for name in ("mass_volume_gained", "bone_newly_lysed")
        ]
        moved = (quantity(row["moved_mm"], "mm"), quantity(row["turned_degrees"], "°"))
        table.add_row(row["vertebra"], *moved, quantity(row["front_advance"], "mm"), *sides)
    return table


def write_compared(result: Compared, *, out: str | Path, overwrite: bool = False) -> Path:
    """Write a comparison.

    Parameters
    ----------
    result : Compared
        From `canalrisk.serial.compare_subjects`.
    out : str or Path
        Folder: ``summary.json``, ``changes.tsv`` and ``.json``, ``outlines.png``, ``results.zarr``,
        ``provenance.json``. Appears only when complete; on a failure earlier results are put back.
    overwrite : bool
        Whether to write into a non-empty folder: earlier results are replaced, files that are not ours stay.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    UsageError
        As `canalrisk.report.check_out`.
    """
    return staged(lambda folder: _write(result, folder), out=out, overwrite=overwrite)


def _write(result: Compared, folder: Path) -> None:
    from canalrisk.report.figures.outlines import outlines_png

    write_json(folder / "summary.json", compared_summary(result))
    rows = change_rows(result)
    lines = ["\t".join(COLUMNS), *("\t".join(_cell(row[column]) for column in COLUMNS) for row in rows)]
    (folder / "changes.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    indices = {row["index"]: result.comparison.first[row["index"]].attrs for row in rows}
    about = {
        "columns": COLUMNS,
        "indices": {
            name: {"LongName": attrs["long_name"], "Units": attrs["units"], "Description": attrs["definition"]}
            for name, attrs in indices.items()
        },
    }
    (folder / "changes.json").write_text(json.dumps(about, indent=1, ensure_ascii=False), encoding="utf-8")
    (folder / "outlines.png").write_bytes(outlines_png(result))
    write_store(result.comparison.change, folder / "results.zarr")
    write_json(folder / MARKER, {"schema": "canalrisk.provenance/1"} | dict(scrub(result.provenance)))


def _cell(value: Any) -> str:
    if value is None:
        return "n/a"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)
