"""The forms of the design's section 6: hinge-logistic prevalence, incident risk, several roots together.

Arrays carry the draws in front: (draws, time, ...). NaN in, NaN out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

Array = NDArray[np.float64]

INCIDENT_FORM = "R(t) = 1 - (1 - max over u <= t of P(u)) exp(-integral of h c)"
"""Incident risk: P(u) prevalent risk at time u, h hazard per year, c = 1 while the mass compresses the cord, else 0."""


def hinge_dose(marker: Array, hinge: Array) -> Array:
    """max(0, marker - hinge), NaN kept."""
    return np.asarray(np.maximum(0.0, marker - hinge))


def risk_from_dose(base: Array, slope: Array, dose: Array) -> Array:
    """Return expit(logit(base) + slope * dose); exactly `base` where the dose is zero.

    Parameters
    ----------
    base, slope, dose : (draws, ...) arrays that broadcast
        Base rate in (0, 1), logit per unit dose >= 0, dose >= 0.

    Returns
    -------
    (draws, ...) array
        Probability, non-decreasing in dose for each draw.

    Notes
    -----
    DESIGN section 6: logit P = logit pi0 + beta max(0, L - L0). The rounding of expit(logit(p)) is why no dose
    is a case of its own.
    """
    return np.where(dose == 0.0, base, np.maximum(base, expit(logit(base) + slope * dose)))


def cumulative_hazard(rate: Array, exposed: Array, time: Array) -> Array:
    """Return rate times the time spent under compression since the first time, (draws, time).

    Parameters
    ----------
    rate : (draws,) array
        Hazard per year under compression.
    exposed : (time,) array
        1 compressed, 0 not, NaN unknown (NaN from then on).
    time : (time,) array
        Years, ascending.

    Notes
    -----
    Trapezoid: compression that begins between two times counts from the middle, as in interval censoring.
    """
    steps = np.diff(time) * 0.5 * (exposed[1:] + exposed[:-1])
    years = np.concatenate([[0.0 if np.isfinite(exposed[0]) else np.nan], np.cumsum(steps)])
    if not np.isfinite(exposed[0]):
        years = np.full(time.size, np.nan)
    return np.asarray(rate[:, None] * years[None, :])


def incident_risk(prevalent: Array, hazard: Array) -> Array:
    """Return `INCIDENT_FORM`: myelopathic today, or becoming so by this time through dose or through time.

    Parameters
    ----------
    prevalent : (draws, time, ...) array
        Prevalent risk P at each time; NaN where the dose is unknown.
    hazard : (draws, time, ...) array that broadcasts
        Cumulative hazard, non-negative and non-decreasing in time.

    Returns
    -------
    (draws, time, ...) array
        For each draw at least the prevalent risk of this and every earlier time, non-decreasing, and exactly
        the largest of them where no hazard has run. NaN where `prevalent` or `hazard` is; the maximum runs over
        the known times.
    """
    highest = np.where(np.isnan(prevalent), np.nan, np.fmax.accumulate(prevalent, axis=1))
    spared = np.where(hazard == 0.0, highest, 1.0 - (1.0 - highest) * np.exp(-hazard))
    # 1 - (1 - P) rounds: an infinitesimal hazard must not take anything from P.
    return np.asarray(np.maximum(highest, spared))


def union_risk(each: Array, base: Array, at_base: Array) -> Array:
    """Return P(at least one root), roots independent, from (draws, time, roots); exactly `base` if none is dosed.

    Parameters
    ----------
    each : (draws, time, roots) array
        Risk per root; NaN roots are left at their base rate.
    base : (draws,) array
        P(at least one) with every root at its base rate.
    at_base : (draws, roots) array
        Base rate per root.
    """
    ratio = np.where(np.isnan(each), 1.0, (1.0 - each) / (1.0 - at_base[:, None, :]))
    spared = ratio.prod(axis=2)
    anywhere = np.broadcast_to(base[:, None], spared.shape)
    return np.where(spared == 1.0, anywhere, 1.0 - (1.0 - anywhere) * spared)
