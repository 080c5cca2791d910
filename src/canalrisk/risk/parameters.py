"""Parameters of every risk model, drawn from the evidence: fitted in the package, never typed in.

All models share the base rate's draws and the draws of the spectrum's position, so that differences between
models are differences between models.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit, ndtri

from canalrisk import evidence
from canalrisk.risk.baserates import ROOTS, base_rate_draws, cohort_hazards, root_base_rate
from canalrisk.risk.roc import Roc, TiltFit, fit_tilt

Array = NDArray[np.float64]

_BAND_CAP = 0.999
"""A band of 39 patients, all myelopathic, cannot support more than this."""


@dataclass(frozen=True, eq=False)
class HingeDraws:
    """Draws of one hinge-logistic model: `slope` as used, `series_slope` as fitted, `hinge`; all (draws,).

    `anchored_slope` is the slope that would reproduce the clinical series' absolute risk from this base rate.
    """

    slope: Array
    series_slope: Array
    anchored_slope: Array
    hinge: Array


@dataclass(frozen=True, eq=False)
class Parameters:
    """Everything that is uncertain in the risk models, (draws,) each; `root_base` is (draws, 6) in `ROOTS` order."""

    myelopathy_base: Array
    cord_loss: HingeDraws
    cord_loss_fit: TiltFit
    discrepancy: Array
    loss_error: Array
    sac: HingeDraws
    occupying: HingeDraws
    hazard: Array
    radiculopathy_base: Array
    root_base: Array
    foramen: HingeDraws
    foramen_from_ct: NDArray[np.bool_]
    error: Array
    """Standard normal, for doses whose measurement SD is given with the data."""


def prior(name: str) -> tuple[float, float]:
    """Return the bounds of a stated prior of the evidence table."""
    row = evidence.value("risk", f"prior.{name}")
    return row.low, row.high


@lru_cache(maxsize=8)
def draw_parameters(draws: int, seed: int) -> Parameters:
    """Draw the parameters of all models.

    Parameters
    ----------
    draws : int
        Number of draws, at least 100.
    seed : int
        Seed; each block has its own child generator, so that one model's draws do not depend on another's.

    Notes
    -----
    The result is cached; its arrays are read-only.
    """
    child = [np.random.Generator(np.random.PCG64(s)) for s in np.random.SeedSequence(seed).spawn(9)]
    position = child[0].uniform(*prior("spectrum.position"), draws)
    base = base_rate_draws("myelo.base.dcm_prevalence_healthy", draws=draws, rng=child[1])
    band = np.minimum(child[2].beta(39.5, 0.5, draws), _BAND_CAP)
    radic = base_rate_draws("radic.base.prevalence", draws=draws, rng=child[3])
    fit = _cord_loss_fit(draws, child[4])
    foramen, from_ct = _foramen(draws, child[7], radic)
    discrepancy = evidence.value("risk", "prior.myelo.predicted_loss.discrepancy")
    result = Parameters(
        myelopathy_base=base,
        cord_loss=_cord_loss(fit, base, position),
        cord_loss_fit=fit,
        discrepancy=_lognormal(discrepancy.low, discrepancy.high, draws, child[5]),
        loss_error=child[5].normal(0.0, cord_loss_sd(), draws),
        sac=_sac(draws, child[6], base, position, band),
        occupying=_occupying(draws, child[6], base, position, band),
        hazard=_hazard(draws, child[8]),
        radiculopathy_base=radic,
        root_base=np.stack([root_base_rate(radic, root) for root in ROOTS], axis=1),
        foramen=foramen,
        foramen_from_ct=from_ct,
        error=child[8].normal(size=draws),
    )
    _freeze(result)
    return result


def cord_loss_sd() -> float:
    """Return the SD of a measured cord-area loss: reconstruction of the pre-lesion area and test-retest of today's."""
    reconstruction = evidence.value("risk", "measurement.cord_area_loss.reconstruction_sd").value
    return float(np.hypot(reconstruction, evidence.value("risk", "measurement.cord_csa.cov").value))


def cord_loss_roc() -> Roc:
    """Return the ROC of cord-area loss for mJOA <= 17 in severe OPLL (n=300); loss as a fraction."""
    auc = evidence.value("risk", "myelo.severe_opll.pct_decrease_cord_area.AUC")
    at = "myelo.severe_opll.pct_decrease_cord_area."
    return Roc(
        auc=auc.value,
        auc_low=auc.low,
        auc_high=auc.high,
        cut=evidence.value("risk", at + "cutoff").value / 100.0,
        sensitivity=evidence.value("risk", at + "sensitivity").value,
        specificity=evidence.value("risk", at + "specificity").value,
        n=auc.n or 0,
        prevalence=prior("myelo.series_prevalence"),
    )


def foramen_roc() -> Roc:
    """Return the ROC of minimum foraminal area on 3D CT (1056 foramina); the marker is minus the area, mm2."""
    at = "radic.foramen_area.ct3d."
    auc = evidence.value("risk", at + "AUC")
    share = evidence.value("risk", at + "symptomatic_share").value
    return Roc(
        auc=auc.value,
        auc_low=auc.low,
        auc_high=auc.high,
        cut=-evidence.value("risk", at + "cutoff").value,
        sensitivity=evidence.value("risk", at + "sensitivity").value,
        specificity=evidence.value("risk", at + "specificity").value,
        n=auc.n or 0,
        prevalence=(share, share),
    )


def _cord_loss_fit(draws: int, rng: np.random.Generator) -> TiltFit:
    shape, l0 = prior("myelo.cord_loss.control_shape"), prior("myelo.cord_loss.l0")
    support = prior("myelo.cord_loss.support")
    return fit_tilt(cord_loss_roc(), family="gamma", hinge=l0, shape=shape, support=support, draws=draws, rng=rng)


def _cord_loss(fit: TiltFit, base: Array, position: Array) -> HingeDraws:
    """Anchor: at a Youden cut-off the likelihood ratio is one, so the series' risk there is its prevalence."""
    room = np.maximum(cord_loss_roc().cut - fit.hinge, 0.01)
    anchored = np.maximum(fit.slope, (logit(fit.prevalence) - logit(base)) / room)
    return _between(fit.slope, anchored, fit.hinge, position)


def _sac(draws: int, rng: np.random.Generator, base: Array, position: Array, band: Array) -> HingeDraws:
    """Slope by linear discriminant from Oda's means and operating points; anchor: all myelopathic below 6 mm."""
    sick = evidence.value("risk", "myelo.ra_c1.sac.mean_myelopathic")
    well = evidence.value("risk", "myelo.ra_c1.sac.mean_control")
    n1, n0 = sick.n or 1, well.n or 1
    cut = np.where(rng.uniform(size=draws) < 0.5, 13.0, 14.0)

    def operating(name: str, n: int) -> Array:
        rate = {c: evidence.value("risk", f"myelo.ra_c1.sac.{name}{c:.0f}").value for c in (13.0, 14.0)}
        shown = np.where(cut == 13.0, rate[13.0], rate[14.0])
        return np.asarray(ndtri(rng.beta(shown * n + 0.5, (1 - shown) * n + 0.5)))

    sd1 = (cut - sick.value) / np.maximum(operating("sensitivity", n1), 0.3)
    sd0 = (well.value - cut) / np.maximum(operating("specificity", n0), 0.3)
    difference = rng.normal(well.value, sd0 / np.sqrt(n0)) - rng.normal(sick.value, sd1 / np.sqrt(n1))
    slope = np.maximum(difference, 0.1) / ((n1 * sd1**2 + n0 * sd0**2) / (n1 + n0))
    hinge = rng.uniform(*prior("myelo.sac.hinge"), draws)
    certain = evidence.value("risk", "myelo.opll.sac.all_myelopathic_below").value
    anchored = np.maximum(slope, (logit(band) - logit(base)) / (hinge - certain))
    return _between(slope, anchored, hinge, position)


def _occupying(draws: int, rng: np.random.Generator, base: Array, position: Array, band: Array) -> HingeDraws:
    """Slope from AUC 0.717 and an assumed within-class spread; anchor: 39 of 39 myelopathic at or above 60 %."""
    auc = evidence.value("risk", "myelo.severe_opll.occupying_ratio.AUC")
    n = auc.n or 1
    shown = rng.normal(auc.value, _hanley_mcneil(auc.value, n / 2, n / 2), draws)
    distance = np.sqrt(2.0) * ndtri(np.clip(shown, 0.55, 0.95))
    slope = distance / rng.uniform(*prior("myelo.occupying.within_class_sd"), draws)
    hinge = rng.uniform(*prior("myelo.occupying.hinge"), draws)
    at = rng.uniform(*prior("myelo.occupying.band_mean"), draws)
    anchored = np.maximum(slope, (logit(band) - logit(base)) / (at - hinge))
    return _between(slope, anchored, hinge, position)


def _foramen(draws: int, rng: np.random.Generator, base: Array) -> tuple[HingeDraws, NDArray[np.bool_]]:
    """Half the draws from the ROC of the 3D CT series, half from the means and SDs of the MRI series.

    Slopes stay as published (no spectrum scale): stretching them to the series' absolute risk is the prior
    sensitivity ``series risk absolute`` only.
    """
    low, high = prior("radic.hinge")
    roc = foramen_roc()
    fit = fit_tilt(
        roc,
        family="normal",
        hinge=(-high, roc.cut),
        shape=prior("radic.ct3d.control_sd"),
        support=(-120.0, 0.0),
        draws=draws,
        rng=rng,
    )
    sick = evidence.value("risk", "radic.foramen_area.C5_6.case")
    well = evidence.value("risk", "radic.foramen_area.C5_6.control")
    n1, n0 = sick.n or 2, well.n or 2
    sd1 = sick.sd * np.sqrt((n1 - 1) / rng.chisquare(n1 - 1, draws))
    sd0 = well.sd * np.sqrt((n0 - 1) / rng.chisquare(n0 - 1, draws))
    difference = rng.normal(well.value, sd0 / np.sqrt(n0)) - rng.normal(sick.value, sd1 / np.sqrt(n1))
    mri_slope = difference / ((n1 * sd1**2 + n0 * sd0**2) / (n1 + n0))
    mri_cut = evidence.value("risk", "radic.foramen_area.C5_6.cutoff").value
    mri_hinge = rng.uniform(max(low, mri_cut), high, draws)
    from_ct = rng.permutation(draws) < draws // 2
    slope = np.where(from_ct, fit.slope, mri_slope)
    hinge = np.where(from_ct, -fit.hinge, mri_hinge)
    typical = root_base_rate(base, "C6")
    cut = np.where(from_ct, -roc.cut, mri_cut)
    anchored = np.maximum(slope, (logit(roc.prevalence[0]) - logit(typical)) / np.maximum(hinge - cut, 1.0))
    return HingeDraws(slope, slope, anchored, hinge), from_ct


def _hazard(draws: int, rng: np.random.Generator) -> Array:
    """Log-normal across cohorts, with the variance of a new cohort drawn from four."""
    log = np.log(list(cohort_hazards().values()))
    return np.asarray(np.exp(rng.normal(log.mean(), log.std(ddof=1) * np.sqrt(1 + 1 / log.size), draws)))


def _between(slope: Array, anchored: Array, hinge: Array, position: Array) -> HingeDraws:
    """Geometric interpolation of the slope from odds-ratio transport (0) to the series' absolute risk (1)."""
    return HingeDraws(slope * (anchored / slope) ** position, slope, anchored, hinge)


def _lognormal(low: float, high: float, draws: int, rng: np.random.Generator) -> Array:
    """Log-normal with 5 and 95 % points `low` and `high`."""
    centre, half = 0.5 * np.log(low * high), 0.5 * np.log(high / low)
    return np.asarray(np.exp(rng.normal(centre, half / 1.644854, draws)))


def _hanley_mcneil(auc: float, cases: float, controls: float) -> float:
    """Return the standard error of an area under the curve (Hanley and McNeil 1982)."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (cases - 1) * (q1 - auc**2) + (controls - 1) * (q2 - auc**2)
    return float(np.sqrt(variance / (cases * controls)))


def _freeze(parameters: Parameters) -> None:
    for item in vars(parameters).values():
        for array in vars(item).values() if hasattr(item, "__dict__") else (item,):
            if isinstance(array, np.ndarray):
                array.setflags(write=False)
