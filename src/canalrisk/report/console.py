"""The tables that the command line prints."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from canalrisk.report.people import NA, interval, model_name, percent, quantity, volume, years
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
    parts: list[RenderableType] = [_cord_table(said), _note(said)]
    if any(row["area"] is not None for row in said["times"][0]["foramina"]):
        parts += [_foramen_table(said)]
    if said["findings"]:
        parts.append(_finding_table(said["findings"]))
    parts.append(Text(f"{said['research_use']} Risks are {said['calibration']}.", style="bold"))
    return Group(*parts)


def headline_risk(state: dict[str, Any], kind: str = "prevalent") -> dict[str, Any]:
    """Return the first model's risk at one time, the one a headline quotes."""
    models = [m for m in state[f"risk_myelopathy_{kind}"] if m["value"] is not None]
    return models[0] if models else {"model": "", "value": None, "low": None, "high": None}


def _cord_table(said: dict[str, Any]) -> Table:
    scenario = said["scenario"]
    table = Table(title=f"Canal and cord: {escape(str(scenario['name']))}", title_justify="left", title_style="bold")
    table.add_column("When")
    table.add_column("Mass", justify="right")
    table.add_column("Worst level")
    for name in ("Canal taken\n(thickness)", "Canal taken\n(area)", "Space for\nthe cord", "Cord area\nloss, model"):
        table.add_column(name, justify="right")
    table.add_column("Cord strain\n(p95)", justify="right")
    table.add_column("Myelopathy risk\n(95 % interval)", justify="right")
    for state in said["times"]:
        risk = headline_risk(state)
        failed = state["mechanics"] == "failed"
        table.add_row(
            years(state["time_years"]),
            volume(state["mass_volume"]),
            escape(state["worst_level"] or NA),
            percent(state["occupying_ratio_max"]),
            percent(state["occupying_ratio_area_max"]),
            quantity(state["sac_min"], "mm"),
            "failed" if failed else percent(state["cord_area_loss_predicted_max"], 1),
            "failed" if failed else percent(state["strain_p95"], 1),
            interval(risk["value"], risk["low"], risk["high"]),
        )
    return table


def _note(said: dict[str, Any]) -> Text:
    risk = headline_risk(said["times"][0])
    words = f"Myelopathy risk: probability of myelopathy at that time; model: {model_name(risk['model'])}; "
    failed = [s for s in said["times"] if s["mechanics"] == "failed"]
    reasons = "".join(f"\n{years(s['time_years'])}: cord model failed, {s['mechanics_reason']}" for s in failed)
    return Text(f"{words}population: {said['population']}.{reasons}\n", style="dim")


def _foramen_table(said: dict[str, Any]) -> Table:
    first, last = said["times"][0], said["times"][-1]
    several = len(said["times"]) > 1
    table = Table(title="Foramina", title_justify="left", title_style="bold")
    for name in ("Foramen", "Root", "Side"):
        table.add_column(name)
    for state in (first, last) if several else (first,):
        when = years(state["time_years"])
        for name in ("free area", "loss", "radiculopathy risk"):
            table.add_column(f"{name},\n{when}", justify="right")
    for now, then in zip(first["foramina"], last["foramina"], strict=True):
        cells = []
        for row in (now, then) if several else (now,):
            cells += [
                quantity(row["area"], "mm²", 0),
                percent(row["area_loss"]),
                interval(row["risk"], row["risk_low"], row["risk_high"]),
            ]
        hit = (then["area_loss"] or 0) > 0.2
        table.add_row(now["foramen"], now["root"] or NA, now["side"], *cells, style="bold" if hit else None)
    return table


def _finding_table(findings: list[dict[str, str]]) -> Table:
    table = Table(title="Findings", title_justify="left", title_style="bold", show_lines=False)
    table.add_column("Severity")
    table.add_column("Where")
    table.add_column("What to know")
    for f in findings:
        table.add_row(
            Text(f["severity"], style=_STYLE.get(f["severity"], "")), escape(f["where"]), escape(f["message"])
        )
    return table
