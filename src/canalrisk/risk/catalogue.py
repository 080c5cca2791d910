"""What each risk model is, where it comes from and what is not identified: a table for people and reports."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canalrisk import evidence
from canalrisk.risk.forms import INCIDENT_FORM
from canalrisk.risk.parameters import Parameters, draw_parameters

NOT_CALIBRATED = "not calibrated for tumoral calcinosis"

MYELOPATHY_MODELS = ("cord_area_loss", "sac", "occupying_ratio")


@dataclass(frozen=True)
class RiskModel:
    """One dose-response model.

    `parameters` maps a name with units to (5 %, median, 95 %) of its draws.
    """

    name: str
    endpoint: str
    form: str
    dose: str
    population: str
    n: int
    source: str
    parameters: dict[str, tuple[float, float, float]]
    identified: str
    not_identified: str
    calibration: str = NOT_CALIBRATED

    def as_dict(self) -> dict[str, Any]:
        """Return the model as plain types, ready for JSON."""
        return asdict(self)


def risk_models(*, draws: int = 2000, seed: int = 0) -> tuple[RiskModel, ...]:
    """Return the table of models with the parameters they are drawn from.

    Parameters
    ----------
    draws, seed : int
        As for `assess_risk`.

    Returns
    -------
    tuple of RiskModel
        Cord-area loss, SAC, occupying ratio, hazard under compression, foraminal area.
    """
    p = draw_parameters(draws, seed)
    return (*_myelopathy(p), _hazard(p), _foramen(p))


def _myelopathy(p: Parameters) -> tuple[RiskModel, ...]:
    form = "logit P = logit pi0 + beta max(0, {0})"
    base = {"pi0 (fraction)": _spread(p.myelopathy_base)}
    roc = evidence.value("risk", "myelo.severe_opll.pct_decrease_cord_area.AUC")
    oda = evidence.value("risk", "myelo.ra_c1.sac.cutoff13")
    occupying = evidence.value("risk", "myelo.severe_opll.occupying_ratio.AUC")
    band = evidence.value("risk", "myelo.opll.fraction_myelopathic.occupying_ge60")
    sac6 = evidence.value("risk", "myelo.opll.sac.all_myelopathic_below")
    smith = evidence.value("risk", "myelo.base.dcm_prevalence_healthy")
    shared = (
        "the intercept in a person with a calcified mass (clinical series select the symptomatic): the slope is drawn "
        "between odds-ratio transport to the population base rate and the series' own absolute risk"
    )
    return (
        RiskModel(
            name="cord_area_loss",
            endpoint="prevalent myelopathy (mJOA <= 17)",
            form=form.format("L - L0"),
            dose="cord-area loss, measured where a cord was segmented, else simulated times a discrepancy",
            population="severe cervical OPLL, occupying ratio above 50 %; base rate from healthy populations",
            n=roc.n or 0,
            source=f"{roc.source} ({roc.doi_or_url}); base rate {smith.source}",
            parameters=base
            | {
                "beta (logit per unit loss)": _spread(p.cord_loss.slope),
                "beta of the series (logit per unit loss)": _spread(p.cord_loss.series_slope),
                "L0 (fraction)": _spread(p.cord_loss.hinge),
                "discrepancy of simulated loss (ratio)": _spread(p.discrepancy),
            },
            identified="slope and hinge from the area under the curve, the operating point and its Youden property",
            not_identified=f"{shared}; shape of the controls' loss; chronic over elastic loss",
        ),
        RiskModel(
            name="sac",
            endpoint="prevalent myelopathy",
            form=form.format("S0 - SAC") + ", less the same without the mass",
            dose="space available for the cord, mm",
            population="rheumatoid C1-C2 subluxation (slope) and cervical OPLL (anchor below 6 mm, none at 14 mm)",
            n=oda.n or 0,
            source=f"{oda.source}; {sac6.source} ({sac6.doi_or_url}); base rate {smith.source}",
            parameters=base
            | {
                "beta (logit per mm)": _spread(p.sac.slope),
                "beta of the series (logit per mm)": _spread(p.sac.series_slope),
                "S0 (mm)": _spread(p.sac.hinge),
            },
            identified="slope from two means and two operating points (linear discriminant)",
            not_identified=f"{shared}; whether C1 values hold below C2; counts per SAC band were not published",
        ),
        RiskModel(
            name="occupying_ratio",
            endpoint="prevalent myelopathy",
            form=form.format("O - O0"),
            dose="thickness of the mass over pre-lesion canal AP on the same ray",
            population="cervical OPLL",
            n=occupying.n or 0,
            source=f"{occupying.source}; {band.source} ({band.doi_or_url}); base rate {smith.source}",
            parameters=base
            | {
                "beta (logit per unit ratio)": _spread(p.occupying.slope),
                "beta of the series (logit per unit ratio)": _spread(p.occupying.series_slope),
                "O0 (fraction)": _spread(p.occupying.hinge),
            },
            identified="that 39 of 39 patients at or above 60 % were myelopathic; discrimination 0.717 above 50 %",
            not_identified=f"{shared}; spread of the ratio in either series",
        ),
    )


def _hazard(p: Parameters) -> RiskModel:
    row = evidence.value("risk", "myelo.incidence.hazard_presymptomatic")
    return RiskModel(
        name="hazard_under_compression",
        endpoint="incident myelopathy",
        form=f"{INCIDENT_FORM}, P the model's prevalent risk, c = 1 while the mass compresses the cord, else 0",
        dose="time under compression, years",
        population="presymptomatic spondylotic cord compression; four cohorts as random effects",
        n=row.n or 0,
        source="Bednarik 2004 and 2008, Kadanka 2017, WFNS 2019",
        parameters={"h (per year)": _spread(p.hazard)},
        identified="the average hazard of compressed, presymptomatic cords over 3-4 years",
        not_identified="its dependence on the degree of compression and on growth (part of what the cohorts saw may "
        "already lie in the prevalent risk, so that the sum is rather high); an OPLL series gives 0.011 a year",
    )


def _foramen(p: Parameters) -> RiskModel:
    ct = evidence.value("risk", "radic.foramen_area.ct3d.AUC")
    mri = evidence.value("risk", "radic.foramen_area.C5_6.case")
    base = evidence.value("risk", "radic.base.prevalence")
    roots = evidence.value("risk", "radic.root_count.C7")
    return RiskModel(
        name="foraminal_area",
        endpoint="prevalent radiculopathy of the root in that foramen",
        form="logit P = logit pi_f + s max(0, A_free - A), less the same without the mass",
        dose="minimum free foraminal area, mm2",
        population="symptomatic foramina on 3D CT and MRI; base rate of a whole population, split by root",
        n=(ct.n or 0) + 304,
        source=f"{ct.source} ({ct.doi_or_url}); {mri.source}; base rate {base.source}; roots {roots.source}",
        parameters={
            "any root (fraction)": _spread(p.radiculopathy_base),
            "s (logit per mm2)": _spread(p.foramen.slope),
            "A_free (mm2)": _spread(p.foramen.hinge),
        },
        identified="slope and hinge from the CT series' ROC, slope from the MRI series' means",
        not_identified="the intercept: in the series every second foramen was symptomatic, in the population one "
        "person in 300; foraminal narrowing without symptoms is common, so the population base rate is kept",
    )


def _spread(values: NDArray[np.float64]) -> tuple[float, float, float]:
    low, median, high = (float(q) for q in np.quantile(values, [0.05, 0.5, 0.95]))
    return low, median, high
