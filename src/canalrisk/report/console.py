"""The tables that the command line prints."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from canalrisk.report.people import NA, coverage, interval, model_name, percent, quantity, spread, volume, years
from canalrisk.report.reading import Case
from canalrisk.report.summary import headline, summary

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
    parts: list[RenderableType] = [_canal_table(said), _cord_table(said), _note(said)]
    if any(row["area"] is not None for row in said["times"][0]["foramina"]):
        parts += [_foramen_table(said)]
    loud = [f for f in said["findings"] if f["severity"] != "info"]
    quiet = len(said["findings"]) - len(loud)
    if loud:
        parts.append(_finding_table(loud))
    if quiet:
        parts.append(
            Text(f"{quiet} further note{'s' if quiet > 1 else ''} in report.html and summary.json.", style="dim")
        )
    parts.append(Text(f"{said['research_use']} Risks are {said['calibration']}.", style="bold"))
    return Group(*parts)


def _table(title: str, first: str, *others: str) -> Table:
    """Make a table that still reads at 80 columns."""
    table = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _canal_table(said: dict[str, Any]) -> Table:
    title = f"Canal: {escape(str(said['scenario']['name']))}"
    table = _table(title, "When", "Mass", "Worst\nlevel", "Diameter\ntaken", "Area\ntaken", "Space for\nthe cord")
    for state in said["times"]:
        table.add_row(
            years(state["time_years"]),
            volume(state["mass_volume"]),
            escape(state["worst_level"] or NA),
            percent(state["occupying_ratio_max"]),
            percent(state["occupying_ratio_area_max"]),
            quantity(state["sac_min"], "mm"),
        )
    return table


def _cord_table(said: dict[str, Any]) -> Table:
    risk_name = f"Myelopathy risk\n({coverage(said['interval'])} interval)".replace("( ", "(")
    table = _table("Cord", "When", "Area loss,\nmodel", "Strain\n(p95)", risk_name, "medians of\nall models")
    for state, risk in zip(said["times"], headline(said), strict=True):
        failed = state["mechanics"] == "failed"
        table.add_row(
            years(state["time_years"]),
            "failed" if failed else percent(state["cord_area_loss_predicted_max"], 1),
            "failed" if failed else percent(state["strain_p95"], 1),
            interval(risk["value"], risk["low"], risk["high"]),
            spread([m["value"] for m in state["risk_myelopathy_prevalent"]]),
        )
    return table


def _note(said: dict[str, Any]) -> Text:
    model = model_name(headline(said)[0]["model"])
    words = (
        f"Myelopathy risk: probability of myelopathy at that time by the model on {model}. "
        f"Population: {said['population']}."
    )
    failed = [s for s in said["times"] if s["mechanics"] == "failed"]
    reasons = "".join(f"\n{years(s['time_years'])}: cord model failed, {s['mechanics_reason']}" for s in failed)
    return Text(f"{words}{reasons}\n", style="dim")


def _foramen_table(said: dict[str, Any]) -> Table:
    first, last = said["times"][0], said["times"][-1]
    states = [first] if first is last else [first, last]
    names = [f"{name},\n{years(s['time_years'])}" for name in ("Lost", "Root risk") for s in states]
    table = _table("Foramina and radiculopathy", "Foramen", "mm²,\ntoday", *names)
    for rows in zip(*(s["foramina"] for s in states), strict=True):
        lost = [percent(row["area_loss"]) for row in rows]
        risk = [interval(row["risk"], row["risk_low"], row["risk_high"]) for row in rows]
        root = f", {rows[0]['root']}" if rows[0]["root"] else ""
        style = "bold" if (rows[-1]["area_loss"] or 0) > 0.2 else None
        name = f"{rows[0]['foramen']} {rows[0]['side']}{root}"
        table.add_row(name, quantity(rows[0]["area"], "", 0), *lost, *risk, style=style)
    return table


def _finding_table(findings: list[dict[str, str]]) -> Table:
    table = Table(title="Findings", title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("Severity", "Where", "What to know"):
        table.add_column(name)
    for f in findings:
        table.add_row(
            Text(f["severity"], style=_STYLE.get(f["severity"], "")), escape(f["where"]), escape(f["message"])
        )
    return table
