"""From the dataset of one case to its risks: three myelopathy models, incidence, twelve roots, thresholds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from canalrisk.errors import UsageError
from canalrisk.findings import Finding
from canalrisk.risk.baserates import myelopathy_base_rate
from canalrisk.risk.catalogue import MYELOPATHY_MODELS, NOT_CALIBRATED, RiskModel, risk_models
from canalrisk.risk.clinical import clinical_findings
from canalrisk.risk.crossing import crossing_entries
from canalrisk.risk.describe import Entry, described, entry, provenance, summarised
from canalrisk.risk.doses import Exposure, exposure
from canalrisk.risk.forms import INCIDENT_FORM, cumulative_hazard, hinge_dose, incident_risk
from canalrisk.risk.forms import risk_from_dose as prevalent
from canalrisk.risk.notes import general_findings
from canalrisk.risk.parameters import Parameters, draw_parameters
from canalrisk.risk.radiculopathy import radiculopathy
from canalrisk.risk.reading import times
from canalrisk.risk.sensitivity import myelopathy_by_prior
from canalrisk.risk.tissue import strain_dose

Array = NDArray[np.float64]

THRESHOLDS = (0.1, 0.25, 0.5)


def assess_risk(
    dataset: xr.Dataset,
    *,
    draws: int = 2000,
    seed: int = 0,
    clinical: Mapping[str, Any] | None = None,
    thresholds: Sequence[float] = THRESHOLDS,
) -> tuple[xr.Dataset, tuple[Finding, ...]]:
    """Return the risks of one case with their intervals.

    Parameters
    ----------
    dataset : xarray.Dataset
        Dim ``time`` (years, ascending). Read where present: ``occupying_ratio_max``, ``sac_min`` or ``sac_width``
        with ``occupying_ratio`` and ``canal_ap_on_ray`` (section), ``mass_volume``, ``mass_cord_clearance``,
        ``cord_area_loss_predicted_max``, ``contact_force``, ``mechanics_status``, ``strain_p95``,
        ``cord_area_loss_measured`` (section), ``foramen_area`` with
        ``foramen_area_prelesion`` (foramen, side). A dose's measurement SD is read from ``sac_min_sd`` and
        ``foramen_area_sd`` where given.
    draws : int
        Parameter draws, at least 100.
    seed : int
        Seed; the same seed gives the same bits.
    clinical : mapping, optional
        What no image holds (``mjoa``, ``t2_signal``, ...). It leaves Findings; no published coefficient lets it
        change a number.
    thresholds : sequence of float
        Risks whose crossing times are wanted, each in (0, 1).

    Returns
    -------
    xarray.Dataset
        Dims ``time``, ``model``, ``threshold``, ``prior``, ``axon_threshold``, ``foramen``, ``side``. Every risk
        is a median with ``_low`` and ``_high`` (5-95 %), a fraction. Prevalent and incident are separate; in each
        draw the incident risk is at least the prevalent one and does not fall with time.
    tuple of Finding

    Raises
    ------
    UsageError
        Fewer than 100 draws, thresholds outside (0, 1), no ascending ``time``, unknown clinical keys.

    Notes
    -----
    Forms of DESIGN section 6, the incident one amended (docs/risk.md); sources in `risk_models`. Without a mass
    each risk equals its base rate to the bit. Failed mechanics leaves NaN in the cord-area model only.
    """
    if draws < 100:
        raise UsageError(f"{draws} draws are too few", where="draws", fix="ask for at least 100")
    if not thresholds or not all(0.0 < t < 1.0 for t in thresholds):
        raise UsageError("a threshold is not in (0, 1)", where=f"thresholds {tuple(thresholds)}", fix="give fractions")
    years = times(dataset)
    parameters = draw_parameters(draws, seed)
    models = {model.name: model for model in risk_models(draws=draws, seed=seed)}
    taken = exposure(dataset, parameters=parameters)

    state = prevalent_myelopathy(taken, parameters)
    hazard = cumulative_hazard(parameters.hazard, taken.compressed, years)
    future = incident_risk(state, hazard[:, :, None])
    entries = _myelopathy_entries(state, future, taken, models)
    entries |= crossing_entries("myelopathy_prevalent", risk=state, years=years, thresholds=thresholds, dims=("model",))
    entries |= crossing_entries("myelopathy_incident", risk=future, years=years, thresholds=thresholds, dims=("model",))
    entries |= myelopathy_by_prior(taken, parameters=parameters)
    entries |= strain_dose(dataset)
    findings = [*general_findings(), *taken.findings, *_model_findings(state, years)]

    coordinates: dict[str, Any] = {"time": years, "model": list(MYELOPATHY_MODELS), "threshold": list(thresholds)}
    roots = radiculopathy(dataset, parameters=parameters, model=models["foraminal_area"])
    if roots is not None:
        entries |= roots.entries
        entries |= crossing_entries(
            "radiculopathy_prevalent", risk=roots.risk, years=years, thresholds=thresholds, dims=("foramen", "side")
        )
        coordinates |= roots.coordinates
        findings += roots.findings
    findings += clinical_findings(clinical)

    result = xr.Dataset(entries, coords=coordinates, attrs={"calibration": NOT_CALIBRATED})
    result.attrs["population"] = "see the attributes of each risk: OPLL, rheumatoid and degenerative series"
    names = {
        "time": ("year", "time since the scan", "0 is the scan that was read"),
        "model": ("1", "dose-response model", "models side by side; their spread is structural uncertainty"),
        "threshold": ("1", "risk threshold", "risk whose first crossing is timed"),
    }
    return described(result, names), tuple(dict.fromkeys(findings))


def prevalent_myelopathy(taken: Exposure, parameters: Parameters) -> Array:
    """Return the prevalent risk (draws, time, model) of the three models in `MYELOPATHY_MODELS` order.

    DESIGN section 6, logit P = logit pi0 + beta max(0, L - L0): cord-area loss (severe OPLL, n=300), SAC (Oda,
    Matsunaga 2002), occupying ratio (Matsunaga 2008).
    """
    base = parameters.myelopathy_base[:, None]
    loss = hinge_dose(taken.loss, parameters.cord_loss.hinge[:, None])
    occupied = hinge_dose(taken.occupying[None, :], parameters.occupying.hinge[:, None])
    return np.stack(
        [
            prevalent(base, parameters.cord_loss.slope[:, None], loss),
            prevalent(base, parameters.sac.slope[:, None], taken.sac),
            prevalent(base, parameters.occupying.slope[:, None], occupied),
        ],
        axis=2,
    )


def _myelopathy_entries(
    state: Array, future: Array, taken: Exposure, models: Mapping[str, RiskModel]
) -> dict[str, Entry]:
    three = tuple(models[name] for name in MYELOPATHY_MODELS)
    entries = summarised(
        "risk_myelopathy_prevalent",
        ("time", "model"),
        state,
        long_name="prevalent risk of myelopathy",
        definition="probability that a person with this dose, and the population's base rate without it, is "
        "myelopathic at this time",
        more=provenance(three),
    )
    hazard = models["hazard_under_compression"]
    incident = provenance((hazard,)) | {"prevalent_part": "the model's own prevalent risk at each time"}
    entries |= summarised(
        "risk_myelopathy_incident",
        ("time", "model"),
        future,
        long_name="incident risk of myelopathy",
        definition=f"{INCIDENT_FORM}: myelopathic today or becoming so by this time, because the dose has grown or, in "
        "those whom the dose spares, under lasting compression; never below the prevalent risk",
        more=incident,
    )
    median = np.median(state, axis=0)
    entries["risk_myelopathy_prevalent_spread"] = entry(
        ("time",),
        _range(median),
        units="1",
        long_name="spread between myelopathy models",
        definition="largest less smallest median prevalent risk over the models that have a dose",
        **provenance(three),
    )
    entries["base_rate_myelopathy"] = entry(
        (),
        np.asarray(myelopathy_base_rate()),
        units="1",
        long_name="base rate of myelopathy",
        definition="prevalence of degenerative cervical myelopathy in healthy populations (Smith 2021, n=1202)",
    )
    entries["cord_compressed"] = entry(
        ("time",),
        taken.compressed,
        units="1",
        long_name="mass compresses the cord",
        definition="1 where the simulated contact force is above zero, or, where mechanics did not converge, where the "
        "mass overlaps the pre-lesion cord; else 0",
    )
    entries["risk_dose_cord_area_loss"] = entry(
        ("time",),
        np.median(taken.loss, axis=0),
        units="1",
        long_name="cord-area loss as dose",
        definition="median over the draws of the loss that entered the model, discrepancy and error included",
    )
    entries["risk_dose_sac"] = entry(
        ("time",),
        np.median(taken.sac, axis=0),
        units="mm",
        long_name="space lost below the SAC hinge",
        definition="median over the draws of max(0, S0 - SAC) less the same without the mass, at the worst section",
    )
    entries["cord_area_loss_source"] = entry(
        ("time",),
        np.asarray(taken.loss_source, dtype=str),
        units="1",
        long_name="where the cord-area loss came from",
        definition="measured (segmented cord), predicted (simulation), both, none or unknown",
    )
    return entries


def _model_findings(state: Array, years: Array) -> list[Finding]:
    spread = _range(np.median(state, axis=0))
    if not (spread > 0.3).any():
        return []
    k = int(np.nanargmax(spread))
    return [
        Finding(
            "RISK-MODELS-DISAGREE",
            "warning",
            f"year {years[k]:.2f}",
            f"Medians of the myelopathy models differ by up to {spread[k]:.0%}: the dose, not the draws, decides.",
        )
    ]


def _range(values: Array) -> Array:
    """Largest less smallest over the last axis, ignoring NaN; NaN where fewer than two are known."""
    known = np.isfinite(values)
    high = np.where(known, values, -np.inf).max(axis=-1)
    low = np.where(known, values, np.inf).min(axis=-1)
    return np.where(known.sum(axis=-1) > 1, high - low, np.nan)
