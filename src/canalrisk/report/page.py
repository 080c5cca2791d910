"""``report.html``: one file without scripts or outside references, from one template."""

from __future__ import annotations

import json
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from canalrisk.report import people
from canalrisk.report.figures import cord, foramina, growth, planes, profile, risks, sections
from canalrisk.report.methods import citations, methods
from canalrisk.report.provenance import provenance
from canalrisk.report.reading import Case, has_mass, number
from canalrisk.report.summary import summary
from canalrisk.risk import risk_models

_CORD_ROWS = (
    ("strain_mean", "mean strain", "percent"),
    ("strain_p95", "p95 strain", "percent"),
    ("strain_p99", "p99 strain", "percent"),
    ("stress_normalised", "normalised stress S", ""),
    ("von_mises_p95", "p95 von Mises", "units"),
    ("contact_force", "contact force (resultant)", "units"),
    ("contact_normal_force", "contact force (sum of pressure)", "units"),
    ("cord_displacement_max", "largest displacement", "units"),
)


def render(result: Case) -> str:
    """Return the page.

    Parameters
    ----------
    result : Case
        A case result; parts that are missing are said to be missing.

    Returns
    -------
    str
        HTML with pictures inline; names are escaped by the template.
    """
    return environment().get_template("page.html.j2").render(**_context(result))


def environment() -> Environment:
    """Return what all pages share: escaping of names, and how numbers are written."""
    pages = Environment(
        loader=PackageLoader("canalrisk.report"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters |= {
        "percent": people.percent,
        "quantity": people.quantity,
        "volume": people.volume,
        "years": people.years,
        "unbroken": people.unbroken,
    }
    pages.globals |= {
        "interval": people.interval,
        "model_name": people.model_name,
        "risk_range": people.risk_range,
        "crossing": people.crossing,
    }
    return pages


def _context(result: Case) -> dict[str, Any]:
    said = summary(result)
    record = provenance(result)
    mass = has_mass(result)
    stage = growth.Stage(result)
    check, legend = planes.segmentation_planes(result)
    strain, unrolled = cord.strain_pictures(result)
    risk_pictures = [risks.myelopathy(result, "prevalent"), risks.myelopathy(result, "incident")]
    return {
        "said": said,
        "first": said["times"][0],
        "last": said["times"][-1],
        "coverage": people.coverage(said["interval"]),
        "several": len(said["times"]) > 1,
        "mass": mass,
        "title": page_title(record["inputs"]),
        "serious": [f for f in said["findings"] if f["severity"] == "serious"],
        "loud": [f for f in said["findings"] if f["severity"] != "info"],
        "quiet": [f for f in said["findings"] if f["severity"] == "info"],
        "thresholds": _thresholds(said),
        "models": _models(result),
        "worst_foramen": _worst_foramen(said),
        "check": check,
        "check_legend": legend,
        "views": stage.views(),
        "view_legend": (*growth.LEGEND, *((growth.MASS_LEGEND[0],) if mass else ())),
        "profiles": profile.profiles(result),
        "sections": sections.worst_sections(result),
        "section_legend": sections.LEGEND if mass else sections.LEGEND[:-1],
        "foramina": foramina.foramen_areas(result),
        "panels": stage.panels() if mass and len(said["times"]) > 1 else [],
        "panel_legend": growth.MASS_LEGEND,
        "eroded": any(state["bone_eroded"] is not None for state in said["times"]),
        "volumes": growth.volumes(result),
        "strain": strain,
        "unrolled": unrolled,
        "cord_table": _cord_table(result, said),
        "risk_pictures": [p for p in (*risk_pictures, risks.radiculopathy(result)) if p is not None],
        "methods": methods(result),
        "citations": citations(result),
        "record": json.dumps(record, indent=1, ensure_ascii=False),
        "command": record.get("command") or "",
        "hashes": _hashes(record["inputs"]),
    }


def page_title(inputs: dict[str, Any]) -> str:
    """Name the page after the label map; a phantom says that it is one."""
    if "phantom" in inputs:
        return f"Phantom neck, {inputs['phantom']}"
    return str(inputs.get("labels_name") or "Cervical spine")


def _worst_foramen(said: dict[str, Any]) -> dict[str, Any] | None:
    """Return the foramen that loses most by the horizon, with today's row beside it."""
    pairs = zip(said["times"][0]["foramina"], said["times"][-1]["foramina"], strict=True)
    found = [(then["area_loss"], now, then) for now, then in pairs if then["area_loss"] is not None]
    if not found:
        return None
    _, now, then = max(found, key=lambda row: row[0])
    return {"now": now, "then": then}


def _cord_table(result: Case, said: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for k, state in enumerate(said["times"]):
        cells = []
        for name, label, kind in _CORD_ROWS:
            if name not in result.dataset:
                continue
            value = number(result.dataset, name, time=k)
            units = str(result.dataset[name].attrs.get("units", "")) if kind == "units" else ""
            shown = people.percent(value, 1) if kind == "percent" else people.quantity(value, units, 2)
            cells.append((label, shown))
        rows.append({"time": state["time_years"], "status": state["mechanics"], "reason": state["mechanics_reason"],
                     "cells": cells})  # fmt: skip
    return rows


def _thresholds(said: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Rows of the time-to-threshold table of each risk: the threshold and one cell per model."""
    tables: dict[str, list[dict[str, Any]]] = {}
    for row in said["thresholds"]:
        rows = tables.setdefault(row["risk"], [])
        if not rows or rows[-1]["threshold"] != row["threshold"]:
            rows.append({"threshold": row["threshold"], "cells": []})
        rows[-1]["cells"].append(row)
    return tables


def _models(result: Case) -> list[dict[str, Any]]:
    """Tell what each risk model is, when risks were computed."""
    if "risk_myelopathy_prevalent" not in result.dataset:
        return []
    settings = getattr(result, "settings", None)
    draws, seed = getattr(settings, "draws", 2000), getattr(settings, "seed", 0)
    return [model.as_dict() for model in risk_models(draws=draws, seed=seed)]


def _hashes(inputs: dict[str, Any]) -> list[tuple[str, str]]:
    """Flat name and value pairs of the inputs, however the reader nested them."""
    rows: list[tuple[str, str]] = []
    for key, value in inputs.items():
        if isinstance(value, dict):
            rows += [(f"{key}: {k}", str(v)) for k, v in value.items()]
        else:
            rows.append((str(key), str(value)))
    return rows
