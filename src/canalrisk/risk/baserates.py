"""Rates without a mass: who is myelopathic or radiculopathic anyway, and how fast compressed cords decompensate."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri

from canalrisk import evidence

Array = NDArray[np.float64]

ROOTS = ("C3", "C4", "C5", "C6", "C7", "C8")


def myelopathy_base_rate() -> float:
    """Return the prevalence of degenerative cervical myelopathy in healthy people (Smith 2021, n=1202)."""
    return evidence.value("risk", "myelo.base.dcm_prevalence_healthy").value


def radiculopathy_base_rate() -> float:
    """Return the prevalence of cervical radiculopathy in a population (Acta Neurol Scand 1996;93:184, 27 of 7653)."""
    return evidence.value("risk", "radic.base.prevalence").value


def root_shares() -> dict[str, float]:
    """Return the share of radiculopathies by root, both sides together (Oshina 2024, n=359).

    Every root gets half a patient more: the Jeffreys estimate for a multinomial cell, and keeps C3 and C4 possible.
    """
    found = {row.key.rsplit(".", 1)[1]: row.value for row in evidence.rows("risk", prefix="radic.root_count.")}
    count = {root: found.get(root, 0.0) + 0.5 for root in ROOTS}
    total = sum(count.values())
    return {root: number / total for root, number in count.items()}


def root_base_rate(any_root: Array | float, root: str) -> Array:
    """Return the base rate of one root on one side for which twelve independent roots give `any_root`."""
    share = root_shares()[root] / 2
    return np.asarray(-np.expm1(share * np.log1p(-np.asarray(any_root, dtype=np.float64))))


def cohort_hazards() -> dict[str, float]:
    """Return the hazard of myelopathy per year under compression, constant-hazard equivalent of four cohorts.

    Bednarik 2008 (25 % at 48.4 months), Bednarik 2004 (13/66 in a median of 4 years), Kadanka 2017 (15/112 in
    3 years), WFNS review (3 % a year).
    """

    def of(key: str) -> float:
        return evidence.value("risk", f"myelo.incidence.{key}").value

    return {
        "Bednarik 2008": float(-np.log(0.75) / (of("time_25th_percentile") / 12.0)),
        "Bednarik 2004": float(-np.log1p(-of("bednarik2004")) / of("bednarik2004_followup")),
        "Kadanka 2017": float(-np.log1p(-of("kadanka2017")) / of("kadanka2017_followup")),
        "WFNS 2019": of("wfns_annual"),
    }


def base_rate_draws(key: str, *, draws: int, rng: np.random.Generator) -> Array:
    """Return stratified logit-normal draws around a published proportion, whose median is it to the bit.

    Parameters
    ----------
    key : str
        Row of the evidence table ``risk``, with n.
    """
    row = evidence.value("risk", key)
    rate, n = row.value, row.n or 1
    strata = np.sort(ndtri((np.arange(draws) + 0.5) / draws))
    middle = slice((draws - 1) // 2, draws // 2 + 1)
    strata[middle] = 0.0
    spread = 1.0 / np.sqrt(n * rate * (1 - rate))
    values = np.where(strata == 0.0, rate, expit(logit(rate) + spread * strata))
    return np.asarray(rng.permutation(values))
