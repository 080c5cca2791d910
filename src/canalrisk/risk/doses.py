"""From the measured and simulated dataset to the doses of the risk models, with their uncertainty.

A dose is what the mass took, never what anatomy gave: SAC and foraminal area count relative to the same
place without the mass, so that a constitutionally narrow neck without a mass keeps the base rate. Losses
below `FLOOR` are numerical noise of segmentation-free indices and count as none.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from canalrisk import evidence
from canalrisk.findings import Finding
from canalrisk.risk.forms import hinge_dose
from canalrisk.risk.parameters import Parameters, cord_loss_sd
from canalrisk.risk.reading import FLOOR, read, times
from canalrisk.risk.sac import sac_dose

Array = NDArray[np.float64]

_LOSS_CAP = 0.95


@dataclass(frozen=True, eq=False)
class Exposure:
    """What the mass took at each time.

    `loss` (draws, time) cord-area loss; `loss_source` (time,) ``measured``, ``measured + predicted growth``,
    ``predicted``, ``none`` or ``unknown``; `sac` (draws, time) mm below the hinge because of the mass;
    `occupying` (time,); `compressed` (time,) 1, 0 or NaN.
    """

    loss: Array
    loss_source: tuple[str, ...]
    sac: Array
    occupying: Array
    compressed: Array
    findings: tuple[Finding, ...]


def exposure(dataset: xr.Dataset, *, parameters: Parameters) -> Exposure:
    """Read the doses of the myelopathy models.

    Parameters
    ----------
    dataset : xarray.Dataset
        Variables of morphometry and mechanics, dim ``time`` (years).
    parameters : Parameters
        Draws; the same ones used for the models.

    Returns
    -------
    Exposure
    """
    n_times = times(dataset).size
    absent = _no_mass(dataset, n_times)
    compressed = _compressed(dataset, absent)
    loss, source, findings = _cord_loss(dataset, absent, compressed, parameters)
    occupying = read(dataset, "occupying_ratio_max")
    if occupying is None:
        occupying = np.full(n_times, np.nan)
    occupying = np.where(absent | (occupying < FLOOR), 0.0, occupying)
    sac = sac_dose(dataset, absent=absent, parameters=parameters)
    missing = [name for name, dose in (("occupying_ratio_max", occupying), ("sac_min", sac)) if np.isnan(dose).all()]
    findings += tuple(
        Finding("RISK-DOSE-MISSING", "warning", name, f"{name} is not in the data: the model that needs it is empty.")
        for name in missing
    )
    return Exposure(loss, source, sac, occupying, compressed, findings)


def foramen_dose(area: Array, healthy: Array, hinge: Array, *, error: Array) -> Array:
    """Return (draws, ...) mm2 below the hinge because of the mass.

    Parameters
    ----------
    area, healthy : arrays of the same shape
        Free foraminal area with and without the mass, mm2.
    hinge : (draws,) array
        Area below which risk departs from the base rate.
    error : (draws, ...) array
        Measurement error of `area`, mm2; applied only where the mass took something.
    """
    at = hinge.reshape((-1,) + (1,) * area.ndim)
    taken = (healthy - area) > FLOOR * healthy
    seen = np.where(taken, np.maximum(0.0, area + error), healthy)
    dose = hinge_dose(-seen, -at) - hinge_dose(-healthy, -at)
    return np.where(np.isnan(area + healthy), np.nan, np.maximum(0.0, dose))


def _no_mass(dataset: xr.Dataset, n_times: int) -> NDArray[np.bool_]:
    volume = read(dataset, "mass_volume")
    return np.zeros(n_times, dtype=bool) if volume is None else volume <= 0.0


def _mechanics_ok(dataset: xr.Dataset, n_times: int) -> NDArray[np.bool_]:
    status = read(dataset, "mechanics_status")
    return np.zeros(n_times, dtype=bool) if status is None else status == 0


def _compressed(dataset: xr.Dataset, absent: NDArray[np.bool_]) -> Array:
    """Contact force where mechanics converged; elsewhere the mass overlapping the pre-lesion cord."""
    n_times = absent.size
    unknown = np.full(n_times, np.nan)
    clearance = read(dataset, "mass_cord_clearance")
    geometric = unknown if clearance is None else np.where(np.isnan(clearance), np.nan, (clearance <= 0.0) * 1.0)
    # The resultant of a mass around the cord can vanish, so that the touch itself is asked first.
    force = read(dataset, "cord_touched" if "cord_touched" in dataset else "contact_force")
    simulated = unknown if force is None else np.where(np.isnan(force), np.nan, (np.abs(force) > 0.0) * 1.0)
    chosen = np.where(_mechanics_ok(dataset, n_times) & ~np.isnan(simulated), simulated, geometric)
    return np.where(absent, 0.0, chosen)


def _measured_loss(dataset: xr.Dataset) -> float:
    """Largest measured cord-area loss of today's scan among the sections that the mass reaches; NaN without one."""
    loss, ratio = read(dataset, "cord_area_loss_measured", "section"), read(dataset, "occupying_ratio", "section")
    if loss is not None and ratio is not None:
        today = loss[0][ratio[0] > FLOOR]
    elif "cord_area_loss_measured_max" in dataset:
        today = np.atleast_1d(dataset["cord_area_loss_measured_max"].isel(time=0, missing_dims="ignore").values)
    else:
        return np.nan
    return float(np.nanmax(today)) if np.isfinite(today).any() else np.nan


def _cord_loss(
    dataset: xr.Dataset, absent: NDArray[np.bool_], compressed: Array, parameters: Parameters
) -> tuple[Array, tuple[str, ...], tuple[Finding, ...]]:
    """Measured loss enters with its error; predicted loss is multiplied by the discrepancy draw."""
    n_times = absent.size
    findings: list[Finding] = []
    predicted = read(dataset, "cord_area_loss_predicted_max")
    if predicted is None:
        predicted = np.full(n_times, np.nan)
    failed = ~_mechanics_ok(dataset, n_times) if "mechanics_status" in dataset else np.zeros(n_times, dtype=bool)
    predicted = np.where(failed, np.nan, np.maximum(0.0, predicted))
    predicted = np.where(absent | (predicted < FLOOR), 0.0, predicted)

    measured = _measured_loss(dataset)
    if compressed[0] == 0.0:
        findings += _unexplained_loss(dataset)
        measured = np.nan

    stretch = parameters.discrepancy[:, None]
    if np.isfinite(measured):
        today = np.maximum(0.0, measured + parameters.loss_error)[:, None]
        growth = np.where(np.arange(n_times) == 0, 0.0, np.maximum(0.0, predicted - predicted[0]))
        loss = today + stretch * growth[None, :]
        loss = np.where(absent[None, :], 0.0, loss)
        names = ["measured"] + ["measured + predicted growth"] * (n_times - 1)
    else:
        loss = stretch * predicted[None, :]
        names = ["predicted"] * n_times
    unknown = np.asarray(np.isnan(loss).all(axis=0))
    none = (loss == 0.0).all(axis=0)
    source = tuple("unknown" if unknown[k] else "none" if none[k] else names[k] for k in range(n_times))
    findings += _loss_findings(dataset, source, unknown)
    return np.minimum(loss, _LOSS_CAP), source, tuple(findings)


def _unexplained_loss(dataset: xr.Dataset) -> list[Finding]:
    """Say that a cord which no mass touches is nevertheless thin."""
    if "cord_area_loss_measured_max" not in dataset:
        return []
    largest = float(dataset["cord_area_loss_measured_max"].isel(time=0, missing_dims="ignore"))
    if not largest > 3 * cord_loss_sd():
        return []
    return [
        Finding(
            "RISK-LOSS-WITHOUT-CONTACT",
            "warning",
            "cord",
            f"The segmented cord is up to {largest:.0%} smaller than expected although the mass does not touch it; "
            "this loss is not attributed to the mass and not counted.",
        )
    ]


def _loss_findings(dataset: xr.Dataset, source: tuple[str, ...], unknown: NDArray[np.bool_]) -> list[Finding]:
    findings = []
    if any("predicted" in name for name in source):
        spread = evidence.value("risk", "prior.myelo.predicted_loss.discrepancy")
        findings.append(
            Finding(
                "RISK-PREDICTED-LOSS",
                "info",
                "cord",
                "The cord-area model was fitted to measured chronic loss; the simulated elastic loss enters it "
                f"multiplied by a stated discrepancy of {spread.low:g} to {spread.high:g}.",
            )
        )
    if unknown.any():
        when = ", ".join(f"{t:.2f}" for t in times(dataset)[unknown])
        reason = "mechanics did not converge" if "mechanics_status" in dataset else "mechanics was not run"
        findings.append(
            Finding(
                "RISK-NEEDS-MECHANICS",
                "warning",
                "cord_area_loss",
                f"No cord-area risk at year {when}: {reason}; the geometric models still report.",
            )
        )
    return findings
