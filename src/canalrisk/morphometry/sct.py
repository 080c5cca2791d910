"""Canal and cord compromise with the reference sections of the Spinal Cord Toolbox, beside our own definition."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from canalrisk.findings import Finding

Array = NDArray[np.float64]

# Defaults of `sct_compute_compression` (-distance, -extent).
DISTANCE_MM = 10.0
EXTENT_MM = 20.0


def sct_compromise(diameter: Array, site: int, *, s: Array) -> tuple[float, float, float]:
    """1 - d / mean(d_above, d_below) with the mean diameters over 20 mm that begin 10 mm away as reference.

    Parameters
    ----------
    diameter : (n,) ndarray
        Diameter per section, caudal to cranial, mm; not a number or 0 where there is none.
    site : int
        The compressed section.
    s : (n,) ndarray
        Arc length per section, increasing, mm.

    Returns
    -------
    value : float
        NaN without any reference or a diameter at the site.
    above, below : float
        Mean diameters of the two references, mm; NaN where none of its sections exists. Then the other counts twice,
        as in the source.

    References
    ----------
    `sct_compute_compression` of the Spinal Cord Toolbox 7 (De Leener et al. 2017, NeuroImage 145:24-43), modes
    "compression" and "lesion"; there in percent. It does not keep the references clear of the compression: where a
    mass is longer than 20 mm they lie within it, and our `compromise` keeps clear.
    """
    known = np.isfinite(diameter) & (diameter > 0)
    away = s - s[site]
    tolerance = 1e-6
    sides = [
        known & (away * way >= DISTANCE_MM - tolerance) & (away * way < DISTANCE_MM + EXTENT_MM - tolerance)
        for way in (1.0, -1.0)
    ]
    above, below = (float(diameter[side].mean()) if side.any() else float("nan") for side in sides)
    reference = [value for value in (above, below) if np.isfinite(value)]
    if not reference or not known[site]:
        return float("nan"), above, below
    return float(1.0 - diameter[site] / np.mean(reference)), above, below


def sct_findings(dataset: xr.Dataset) -> tuple[Finding, ...]:
    """Say where the toolbox's references are missing or lie within the mass.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `measure`; one time only.

    Returns
    -------
    tuple of Finding
        ``SCT-ONE-SIDED`` and ``SCT-REFERENCE-IN-MASS``.
    """
    findings = []
    for name, what in (("mcc_sct", "canal"), ("mscc_sct", "cord")):
        site = dataset[f"{name}_s"].item()
        if not np.isfinite(site):
            continue
        known = [side for side in ("above", "below") if np.isfinite(dataset[f"{name}_{side}"].item())]
        if len(known) == 1:
            message = (
                f"The Spinal Cord Toolbox's reference of the {what} exists {known[0]} the mass only: it counts twice."
            )
            findings.append(Finding("SCT-ONE-SIDED", "info", name, message))
        away = np.abs(dataset["s_mm"].values - site)
        used = (away >= DISTANCE_MM) & (away < DISTANCE_MM + EXTENT_MM)
        if (used & (dataset["mass_area_in_canal"].values > 0)).any():
            message = (
                f"The Spinal Cord Toolbox's reference of the {what} lies partly beside the mass, so that {name} is too "
                "small; mcc and mscc keep clear of the mass."
            )
            findings.append(Finding("SCT-REFERENCE-IN-MASS", "info", name, message))
    return tuple(findings)
