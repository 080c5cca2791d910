"""The case in one dictionary: what ``summary.json``, ``--json``, the table and the page all say."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

import xarray as xr

from canalrisk.provenance import versions
from canalrisk.report.beside import artery_facts, mass_facts
from canalrisk.report.provenance import describe_inputs
from canalrisk.report.reading import NOT_CALIBRATED, RESEARCH_USE, Case, number, text, times_of

_SCALARS = (
    "mass_volume",
    "mass_volume_in_canal",
    "bone_eroded",
    "mass_cord_clearance",
    "occupying_ratio_max",
    "occupying_ratio_area_max",
    "mcc",
    "mcc_prelesion",
    "mscc",
    "sac_min",
    "cord_area_loss_predicted_max",
    "cord_area_loss_measured_max",
    "strain_mean",
    "strain_p95",
    "strain_p99",
    "stress_normalised",
    "von_mises_p95",
    "contact_force",
    "contact_normal_force",
)
_ORDER = {"serious": 0, "warning": 1, "info": 2}


def summary(result: Case) -> dict[str, Any]:
    """Condense a case.

    Parameters
    ----------
    result : Case
        A case result.

    Returns
    -------
    dict
        Plain types only; missing numbers are None; fractions, mm, mm2, mm3, N; findings most serious first.
    """
    ds = result.dataset
    return {
        "schema": "canalrisk.summary/1",
        "research_use": RESEARCH_USE,
        "calibration": str(ds.attrs.get("calibration", NOT_CALIBRATED)),
        "population": str(ds.attrs.get("population", "not stated")).removeprefix("see the attributes of each risk: "),
        "interval": str(ds["risk_myelopathy_prevalent"].attrs.get("interval", ""))
        if "risk_myelopathy_prevalent" in ds
        else "",
        "base_rate_myelopathy": _plain(number(ds, "base_rate_myelopathy")),
        "scenario": asdict(result.scenario),
        "times": [_state(result, k, float(t)) for k, t in enumerate(times_of(ds))],
        "thresholds": _thresholds(ds),
        "units": {name: str(ds[name].attrs.get("units", "")) for name in _SCALARS if name in ds},
        "findings": [f.as_dict() for f in sorted(result.findings, key=lambda f: _ORDER.get(f.severity, 3))],
        "inputs": describe_inputs(result),
        "versions": versions(),
    }


def _plain(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _state(result: Case, k: int, time: float) -> dict[str, Any]:
    ds = result.dataset
    state: dict[str, Any] = {"time_years": time, "posture": result.timeline.snapshots[k].posture}
    state |= {name: _plain(number(ds, name, time=k)) for name in _SCALARS}
    state["worst_level"] = level_name(ds, k)
    state["worst_s"] = _plain(number(ds, "worst_s", time=k))
    state["sac_wall"] = text(ds, "sac_wall", time=k) or None
    state["mechanics"] = _mechanics(result, k)
    state["mechanics_reason"] = text(ds, "mechanics_reason", time=k) or None
    for kind in ("prevalent", "incident"):
        state[f"risk_myelopathy_{kind}"] = rows = _by_model(ds, f"risk_myelopathy_{kind}", k)
        state[f"risk_myelopathy_{kind}_range"] = _across(rows)
    state["foramina"] = _foramina(ds, k)
    state["mass"], state["arteries"] = mass_facts(ds, k), artery_facts(ds, k)
    return state


def level_name(ds: xr.Dataset, time: int) -> str | None:
    """Return the worst level's name; None where the mass reaches no section."""
    name = text(ds, "worst_level", time=time)
    return None if name in ("", "none") else name


def _mechanics(result: Case, k: int) -> str:
    status = number(result.dataset, "mechanics_status", time=k)
    if not math.isfinite(status):
        return "not run"
    return "ok" if status == 0 else "failed"


def _by_model(ds: xr.Dataset, name: str, k: int) -> list[dict[str, Any]]:
    """Risk of each model with its interval; a single unnamed model when the variable has no such dim."""
    if name not in ds:
        return []
    models = [str(m) for m in ds["model"].values] if "model" in ds[name].dims else [""]
    rows = []
    for m, model in enumerate(models):
        value, low, high = (_plain(number(ds, name + end, time=k, model=m)) for end in ("", "_low", "_high"))
        rows.append({"model": model, "value": value, "low": low, "high": high})
    return rows


def _across(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Range of the models' medians and the widest of their intervals; which model is right is not known."""
    known = [row for row in rows if row["value"] is not None]
    whole = [row for row in known if row["low"] is not None and row["high"] is not None]
    widest = max(whole, key=lambda row: row["high"] - row["low"], default={"low": None, "high": None})
    return {
        "lowest": min((row["value"] for row in known), default=None),
        "highest": max((row["value"] for row in known), default=None),
        "widest_low": widest["low"],
        "widest_high": widest["high"],
        "models": len(known),
        "models_without": len(rows) - len(known),
    }


def _thresholds(ds: xr.Dataset) -> list[dict[str, Any]]:
    """When each model's risk reaches each threshold, years; None where not within the horizon."""
    rows = []
    for kind in ("myelopathy_prevalent", "myelopathy_incident"):
        name = f"time_to_threshold_{kind}"
        if name not in ds or set(ds[name].dims) != {"threshold", "model"}:
            continue
        for t, threshold in enumerate(ds["threshold"].values):
            for m, model in enumerate(ds["model"].values):
                at = {"threshold": t, "model": m}
                rows.append(
                    {
                        "risk": kind,
                        "threshold": float(threshold),
                        "model": str(model),
                        "years": _plain(number(ds, name, **at)),
                        "years_low": _plain(number(ds, f"{name}_low", **at)),
                        "years_high": _plain(number(ds, f"{name}_high", **at)),
                        "not_crossed": _plain(number(ds, f"threshold_not_crossed_{kind}", **at)),
                    }
                )
    return rows


def _foramina(ds: xr.Dataset, k: int) -> list[dict[str, Any]]:
    if "foramen" not in ds.dims:
        return []
    rows = []
    for f, foramen in enumerate(ds["foramen"].values):
        for d, side in enumerate(ds["side"].values):
            at = {"time": k, "foramen": f, "side": d}
            risk = "risk_radiculopathy_prevalent"
            rows.append(
                {
                    "foramen": str(foramen),
                    "side": str(side),
                    "root": text(ds, "root", foramen=f) or None,
                    "area": _plain(number(ds, "foramen_area", **at)),
                    "area_prelesion": _plain(number(ds, "foramen_area_prelesion", **at)),
                    "area_loss": _plain(number(ds, "foramen_area_loss", **at)),
                    "risk": _plain(number(ds, risk, **at)),
                    "risk_low": _plain(number(ds, f"{risk}_low", **at)),
                    "risk_high": _plain(number(ds, f"{risk}_high", **at)),
                }
            )
    return rows
