"""Risk of radiculopathy per foramen and side, and of any root, from free foraminal area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from canalrisk import evidence
from canalrisk.findings import Finding
from canalrisk.risk.baserates import ROOTS, radiculopathy_base_rate, root_base_rate
from canalrisk.risk.catalogue import RiskModel
from canalrisk.risk.describe import Entry, entry, provenance, summarised
from canalrisk.risk.doses import foramen_dose
from canalrisk.risk.forms import risk_from_dose, union_risk
from canalrisk.risk.parameters import HingeDraws, Parameters
from canalrisk.risk.reading import read

Array = NDArray[np.float64]

PRIORS = ("default", "CT series only", "MRI series only", "series risk absolute")


@dataclass(frozen=True, eq=False)
class Roots:
    """Draws of risk (draws, time, foramen, side), the variables made of them, coordinates and Findings."""

    risk: Array
    entries: dict[str, Entry]
    coordinates: dict[str, Any]
    findings: list[Finding]


def root_of(foramen: str) -> str:
    """Return the root that leaves through a foramen: the lower vertebra's number, C8 at C7/T1."""
    upper, lower = foramen.split("/")
    if lower == "T1":
        return "C8"
    return lower if lower.startswith("C") else upper[0] + lower


def radiculopathy(dataset: xr.Dataset, *, parameters: Parameters, model: RiskModel) -> Roots | None:
    """Return the radiculopathy risks of a case, or None where the data hold no foramina.

    Parameters
    ----------
    dataset : xarray.Dataset
        ``foramen_area``, ``foramen_area_prelesion`` (time, foramen, side), mm2; ``foramen_area_sd`` optional.
    parameters : Parameters
        Draws.
    model : RiskModel
        The catalogue's entry, for the attributes.

    Notes
    -----
    logit P = logit pi_f + s max(0, A_free - A), less the same with the pre-lesion area (DESIGN section 6; 3D CT
    series Can Assoc Radiol J 2021, MRI series Tomography 2025;11:67). pi_f per root from Oshina 2024 so that
    twelve independent roots give the population's 3.5 per 1000 (Acta Neurol Scand 1996;93:184).
    """
    area = read(dataset, "foramen_area", "foramen", "side")
    healthy = read(dataset, "foramen_area_prelesion", "foramen", "side")
    if area is None or healthy is None:
        return None
    names = [str(name) for name in dataset["foramen"].values]
    base = _base(parameters, names)
    sd = read(dataset, "foramen_area_sd", "foramen", "side")
    error = parameters.error.reshape(-1, 1, 1, 1) * (np.zeros_like(area) if sd is None else sd)[None]

    def risk_with(draws: HingeDraws, slope: Array) -> Array:
        dose = foramen_dose(area, healthy, draws.hinge, error=error)
        return risk_from_dose(base[:, None, :, None], slope[:, None, None, None], dose)

    foramen = parameters.foramen
    risk = risk_with(foramen, foramen.slope)
    flat = risk.reshape(*risk.shape[:2], -1)
    any_root = union_risk(flat, parameters.radiculopathy_base, np.repeat(base, area.shape[2], axis=1))
    any_root = np.where(np.isnan(flat).all(axis=2), np.nan, any_root)
    absolute = risk_with(foramen, foramen.anchored_slope)
    ct = parameters.foramen_from_ct
    by_prior = [np.median(chosen, axis=0) for chosen in (risk, risk[ct], risk[~ct], absolute)]

    dims = ("time", "foramen", "side")
    attrs = provenance((model,))
    entries = summarised(
        "risk_radiculopathy_prevalent",
        dims,
        risk,
        long_name="prevalent risk of radiculopathy",
        definition="probability that the root of this foramen is symptomatic at this time",
        more=attrs,
    )
    entries |= summarised(
        "risk_radiculopathy_any",
        ("time",),
        any_root,
        long_name="prevalent risk of any radiculopathy",
        definition="probability that at least one of the twelve roots is symptomatic, roots independent, those not "
        "measured at their base rate",
        more=attrs,
    )
    entries["risk_radiculopathy_prevalent_by_prior"] = entry(
        ("radiculopathy_prior", *dims),
        np.stack(by_prior),
        units="1",
        long_name="radiculopathy risk under other assumptions",
        definition="median prevalent risk: default; slope and hinge of one series only; slope stretched so that the CT "
        "series' share of symptomatic foramina holds at its cut-off",
        **attrs,
    )
    entries |= _constants(names)
    findings = _missing(area, healthy, names, [str(side) for side in dataset["side"].values])
    findings += _out_of_range(healthy)
    coordinates = {
        "foramen": dataset["foramen"],
        "side": dataset["side"],
        "radiculopathy_prior": (
            "radiculopathy_prior",
            list(PRIORS),
            {"units": "1", "long_name": "assumption", "definition": "what was assumed instead of the default"},
        ),
    }
    return Roots(risk, entries, coordinates, findings)


def _base(parameters: Parameters, names: list[str]) -> Array:
    """Return the base rate per foramen (draws, foramen); NaN for a root the evidence does not know."""
    columns = [ROOTS.index(root_of(name)) if root_of(name) in ROOTS else None for name in names]
    unknown = np.full(parameters.root_base.shape[0], np.nan)
    return np.stack([unknown if c is None else parameters.root_base[:, c] for c in columns], axis=1)


def _constants(names: list[str]) -> dict[str, Entry]:
    rate = radiculopathy_base_rate()
    each = [float(root_base_rate(rate, root_of(n))) if root_of(n) in ROOTS else np.nan for n in names]
    false_finding = evidence.value("risk", "radic.mri.root_compression_without_clinical_substrate")
    return {
        "base_rate_radiculopathy": entry(
            (),
            np.asarray(rate),
            units="1",
            long_name="base rate of radiculopathy, any root",
            definition="population prevalence, 27 of 7653 (Acta Neurol Scand 1996;93:184)",
        ),
        "base_rate_radiculopathy_foramen": entry(
            ("foramen",),
            np.asarray(each),
            units="1",
            long_name="base rate of radiculopathy of one root on one side",
            definition="population prevalence split by root (Oshina 2024, n=359), both sides alike",
        ),
        "imaging_false_finding_rate": entry(
            (),
            np.asarray(false_finding.value),
            units="1",
            long_name="root compression on MRI without clinical substrate",
            definition="share in patients with radiculopathy, blinded readers; reported beside the risk, not added",
            source=f"{false_finding.source} ({false_finding.doi_or_url})",
            n=false_finding.n,
        ),
    }


def _missing(area: Array, healthy: Array, names: list[str], sides: list[str]) -> list[Finding]:
    gone = np.isnan(area + healthy).any(axis=0)
    where = [f"{names[f]} {sides[s]}" for f, s in np.argwhere(gone)]
    if not where:
        return []
    return [
        Finding(
            "RISK-FORAMEN-UNMEASURED",
            "info",
            ", ".join(where),
            f"{len(where)} foramina have no area at some time: no risk there, and the risk of any root leaves them at "
            "their base rate.",
        )
    ]


def _out_of_range(healthy: Array) -> list[Finding]:
    """Say that areas measured here are not those on which the slope was found."""
    published = evidence.value("risk", "radic.foramen_area.C5_6.control")
    typical = float(np.nanmedian(healthy)) if np.isfinite(healthy).any() else published.value
    if abs(typical - published.value) <= 2 * published.sd:
        return []
    return [
        Finding(
            "RISK-FORAMEN-SCALE",
            "warning",
            "foramina",
            f"The foramina before the mass have a median of {typical:.0f} mm2, against {published.value:.0f} "
            f"({published.sd:.0f}) in the healthy controls of the dose-response: areas may not be comparable, and the "
            "radiculopathy risk may come too late (or too early, if smaller).",
        )
    ]
