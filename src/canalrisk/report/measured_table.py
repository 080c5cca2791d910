"""The table that `canalrisk morphometry` prints: whole neck, levels, foramina, findings; reads at 80 columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.text import Text

from canalrisk.report.console import finding_table, plain_table
from canalrisk.report.people import NA, percent, quantity, volume

Cell = Callable[[float | None], str]


def _mm(value: float | None) -> str:
    return quantity(value, "mm")


def _degrees(value: float | None) -> str:
    return quantity(value, "°", 0)


def _bare(digits: int) -> Cell:
    return lambda value: quantity(value, "", digits)


# Variable, what people call it, how it is written. What a scan does not have is left out.
WHOLE: tuple[tuple[str, str, Cell], ...] = (
    ("mass_volume", "Mass", volume),
    ("mass_volume_in_canal", "Mass in the canal", volume),
    ("occupying_ratio_max", "Canal taken, diameter (occupying ratio)", percent),
    ("occupying_ratio_area_max", "Canal taken, area", percent),
    ("sac_min", "Space available for the cord (SAC)", _mm),
    ("mcc", "Maximum canal compromise (MCC)", percent),
    ("mscc", "Maximum spinal cord compression (MSCC)", percent),
    ("cord_area_loss_measured_max", "Cord area lost, measured", percent),
    ("mass_cord_clearance", "Mass to cord (negative: depth of overlap)", _mm),
    ("mass_sac_clearance", "Mass to dura (negative: depth of overlap)", _mm),
    ("k_line_margin_min", "Mass in front of the K-line", _mm),
    ("cobb_c2_c7", "C2-C7 Cobb angle (lordosis +)", _degrees),
)
LEVEL: tuple[tuple[str, str, Cell], ...] = (
    ("canal_ap", "Canal\nAP mm", _bare(1)),
    ("canal_area", "Canal\nmm²", _bare(0)),
    ("sac_area", "Sac\nmm²", _bare(0)),
    ("cord_ap_measured", "Cord\nAP mm", _bare(1)),
    ("cord_ap_prelesion", "Cord before\nAP mm", _bare(1)),
    ("cord_area_measured", "Cord\nmm²", _bare(0)),
    ("cord_area_prelesion", "Cord before\nmm²", _bare(0)),
    ("occupying_ratio", "Taken,\nAP", percent),
    ("occupying_ratio_area", "Taken,\narea", percent),
    ("sac_width", "SAC\nmm", _bare(1)),
)


def measured_table(said: dict[str, Any]) -> RenderableType:
    """Return what a radiologist reads first.

    Parameters
    ----------
    said : dict
        From `canalrisk.report.measured.measured_summary`.

    Returns
    -------
    rich renderable
        Tables, findings and the research-use line; print it with a `rich.console.Console`.
    """
    parts: list[RenderableType] = [_whole(said), _levels(said)]
    if any(row.get("foramen_area") is not None for row in said["foramina"]):
        parts.append(_foramina(said))
    if any(row["artery_source"] != "none" for row in said["arteries"]):
        parts.append(_arteries(said))
    loud = [f for f in said["findings"] if f["severity"] != "info"]
    if loud:
        parts.append(finding_table(loud))
    quiet = len(said["findings"]) - len(loud)
    if quiet:
        parts.append(Text(f"{quiet} further note{'s' if quiet > 1 else ''} in summary.json.", style="dim"))
    parts.append(Text(said["research_use"], style="bold"))
    return Group(*parts)


def with_interval(row: dict[str, Any], name: str, write: Cell) -> str:
    """Write a value and, where the row holds ``<name>_low`` and ``_high``, its interval."""
    shown = write(row.get(name))
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    if shown == NA or low is None or high is None:
        return shown
    first, last = write(low), write(high)
    unit = last.partition(" ")[2]
    # The unit once is enough where both have it.
    return f"{shown} ({first.removesuffix(unit).rstrip() if first.endswith(unit) else first} to {last})"


def headline(said: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and value, as people write it, of what concerns the whole neck."""
    values = said["values"]
    level = values.get("worst_level")
    rows = [("Worst level", level if level and level != "none" else "no section is reached by a mass")]
    for name, label, write in WHOLE:
        if values.get(name) is not None and (name != "mass_volume_in_canal" or values.get("mass_volume")):
            shown = with_interval(values, name, write)
            wall = values.get("sac_wall") if name == "sac_min" else None
            rows.append((label, f"{shown}, to {wall}" if wall and wall != "none" else shown))
    return rows


def _whole(said: dict[str, Any]) -> RenderableType:
    table = plain_table("Whole neck", "Measure", "Value")
    for label, shown in headline(said):
        table.add_row(label, escape(shown))
    return table


def level_columns(said: dict[str, Any]) -> tuple[tuple[str, str, Cell], ...]:
    """Columns of the level table that any level has a number for; the cord before the mass stands in for today's."""
    known = {c[0] for c in LEVEL if any(row.get(c[0]) is not None for row in said["levels"])}
    return tuple(c for c in LEVEL if c[0] in known and c[0].replace("_prelesion", "_measured") not in known - {c[0]})


def _levels(said: dict[str, Any]) -> RenderableType:
    columns = level_columns(said)
    table = plain_table("Levels: each at its worst section", "Level", *(label for _, label, _ in columns))
    worst = said["values"].get("worst_level")
    for row in said["levels"]:
        cells = [write(row.get(name)) for name, _, write in columns]
        table.add_row(escape(row["level"]), *cells, style="bold" if row["level"] == worst else None)
    return table


def _foramina(said: dict[str, Any]) -> RenderableType:
    table = plain_table("Foramina", "Foramen, root", "Left\nmm²", "lost", "Right\nmm²", "lost")
    for name in dict.fromkeys(row["foramen"] for row in said["foramina"]):
        sides = {row["side"]: row for row in said["foramina"] if row["foramen"] == name}
        cells, most = [], 0.0
        for side in ("left", "right"):
            row = sides.get(side, {})
            lost = row.get("foramen_area_loss")
            cells += [quantity(row.get("foramen_area"), "", 0), percent(lost)]
            most = max(most, lost or 0.0)
        root = next(iter(sides.values())).get("root")
        table.add_row(escape(f"{name}, {root}" if root else name), *cells, style="bold" if most > 0.2 else None)
    return table


def _arteries(said: dict[str, Any]) -> RenderableType:
    table = plain_table("Vertebral arteries", "Side", "Flag", "Seen in", "Diameter", "Enters", "Mass away", "On it")
    for row in said["arteries"]:
        around = NA if row["artery_encasement"] is None else f"{row['artery_encasement']:.0f}°"
        seen = [row["artery_flag"], row["artery_source"], _mm(row["artery_diameter"]), row["artery_entry"]]
        table.add_row(row["side"], *seen, _mm(row["artery_clearance"]), around)
    return table
