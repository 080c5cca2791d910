"""The tables that the command line prints."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from canalrisk.report.people import NA, coverage, interval, model_name, percent, quantity, risk_range, volume, years
from canalrisk.report.reading import Case
from canalrisk.report.summary import summary

_STYLE = {"serious": "bold red", "warning": "yellow", "info": "dim"}


def console_table(result: Case) -> RenderableType:
    """Return what a clinician reads first: cord per time, foramina per side, findings.

    Parameters
    ----------
    result : Case
        A case result.

    Returns
    -------
    rich renderable
        Tables and the research-use line; print it with a `rich.console.Console`.
    """
    said = summary(result)
    parts: list[RenderableType] = [_canal_table(said), _cord_table(said), *_risk(said), _note(said)]
    if any(row["area"] is not None for row in said["times"][0]["foramina"]):
        parts += [_foramen_table(said)]
    loud = [f for f in said["findings"] if f["severity"] != "info"]
    quiet = len(said["findings"]) - len(loud)
    if loud:
        parts.append(finding_table(loud))
    if quiet:
        parts.append(
            Text(f"{quiet} further note{'s' if quiet > 1 else ''} in report.html and summary.json.", style="dim")
        )
    parts.append(Text(f"{said['research_use']} Risks are {said['calibration']}.", style="bold"))
    return Group(*parts)


def plain_table(title: str, first: str, *others: str) -> Table:
    """Return an empty table that still reads at 80 columns."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _canal_table(said: dict[str, Any]) -> Table:
    title = f"Canal: {escape(str(said['scenario']['name']))}"
    eroded = any(state["bone_eroded"] is not None for state in said["times"])
    names = ("Mass", *(("Bone\neroded",) if eroded else ()))
    table = plain_table(title, "When", *names, "Worst\nlevel", "Diameter\ntaken", "Area\ntaken", "Space for\nthe cord")
    for state in said["times"]:
        table.add_row(
            years(state["time_years"]),
            volume(state["mass_volume"]),
            *((quantity(state["bone_eroded"], "mm³", 0),) if eroded else ()),
            escape(state["worst_level"] or NA),
            percent(state["occupying_ratio_max"]),
            percent(state["occupying_ratio_area_max"]),
            quantity(state["sac_min"], "mm"),
        )
    return table


def _cord_table(said: dict[str, Any]) -> Table:
    table = plain_table("Cord", "When", "Area loss, model", "Strain (p95)")
    for state in said["times"]:
        failed = state["mechanics"] == "failed"
        table.add_row(
            years(state["time_years"]),
            "failed" if failed else percent(state["cord_area_loss_predicted_max"], 1),
            "failed" if failed else percent(state["strain_p95"], 1),
        )
    return table


def _risk(said: dict[str, Any]) -> list[RenderableType]:
    """Every model beside the others, and the range over them: none of them is the one to quote."""
    cover = coverage(said["interval"])
    models = [row["model"] for row in said["times"][0]["risk_myelopathy_prevalent"]]
    if not models:
        return []
    title = f"Myelopathy risk, each model with its {cover} interval".replace("  ", " ")
    table = plain_table(title, "When", *(f"by {escape(model_name(name))}" for name in models), "All models")
    for state in said["times"]:
        rows = [interval(row["value"], row["low"], row["high"]) for row in state["risk_myelopathy_prevalent"]]
        table.add_row(years(state["time_years"]), *rows, risk_range(state["risk_myelopathy_prevalent_range"])[0])
    first, last = said["times"][0], said["times"][-1]
    lines = []
    for state in [first] if first is last else [first, last]:
        shown, why = risk_range(state["risk_myelopathy_prevalent_range"], cover)
        when = years(state["time_years"])
        when = when if when == "today" else f"after {when}"
        lines.append(f"Myelopathy risk {when}: {', '.join(filter(None, (shown, why)))}.")
    return [table, Text("\n".join(lines), style="bold")]


def _note(said: dict[str, Any]) -> Text:
    words = (
        "Myelopathy risk: probability of myelopathy at that time. "
        "The models use different measures and none is known to be the right one. "
        f"Population: {said['population']}."
    )
    failed = [s for s in said["times"] if s["mechanics"] == "failed"]
    reasons = "".join(f"\n{years(s['time_years'])}: cord model failed, {s['mechanics_reason']}" for s in failed)
    return Text(f"{words}{reasons}\n", style="dim")


def _foramen_table(said: dict[str, Any]) -> Table:
    first, last = said["times"][0], said["times"][-1]
    states = [first] if first is last else [first, last]
    names = [f"{name},\n{years(s['time_years'])}" for name in ("Lost", "Root risk") for s in states]
    table = plain_table("Foramina and radiculopathy", "Foramen", "mm²,\ntoday", *names)
    for rows in zip(*(s["foramina"] for s in states), strict=True):
        lost = [percent(row["area_loss"]) for row in rows]
        risk = [interval(row["risk"], row["risk_low"], row["risk_high"]) for row in rows]
        root = f", {rows[0]['root']}" if rows[0]["root"] else ""
        style = "bold" if (rows[-1]["area_loss"] or 0) > 0.2 else None
        name = f"{rows[0]['foramen']} {rows[0]['side']}{root}"
        table.add_row(name, quantity(rows[0]["area"], "", 0), *lost, *risk, style=style)
    return table


def finding_table(findings: list[dict[str, str]]) -> Table:
    """Return what to know, most serious first."""
    table = Table(title="Findings", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("Severity", "Where", "What to know"):
        table.add_column(name)
    for f in findings:
        table.add_row(
            Text(f["severity"], style=_STYLE.get(f["severity"], "")), escape(f["where"]), escape(f["message"])
        )
    return table
