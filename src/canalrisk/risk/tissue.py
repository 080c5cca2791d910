"""Tissue strain as a mechanistic dose: reported beside the risks, never turned into a probability.

The thresholds were found in guinea-pig optic nerves stretched in milliseconds (Bain and Meaney 2000); slow
compression is tolerated further and chronic compression less far, so they order cases and decide nothing.
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from canalrisk import evidence
from canalrisk.risk.describe import Entry, entry

THRESHOLDS = ("conservative", "optimal", "liberal")


def strain_dose(dataset: xr.Dataset) -> dict[str, Entry]:
    """Return p95 principal strain over each axonal threshold, (axon_threshold, time); empty without mechanics.

    Parameters
    ----------
    dataset : xarray.Dataset
        ``strain_p95`` (time), logarithmic; turned into Lagrangian strain, as the thresholds are.
    """
    if "strain_p95" not in dataset or dataset["strain_p95"].dims != ("time",):
        return {}
    rows = [evidence.value("risk", f"tissue.axon_strain.morph.{name}") for name in THRESHOLDS]
    lagrangian = 0.5 * np.expm1(2.0 * np.asarray(dataset["strain_p95"].values, dtype=np.float64))
    limits = np.asarray([row.value for row in rows])
    return {
        "strain_dose": entry(
            ("axon_threshold", "time"),
            lagrangian[None, :] / limits[:, None],
            units="1",
            long_name="p95 principal strain over the axonal threshold",
            definition="Lagrangian p95 maximum principal strain over the morphological injury threshold "
            + ", ".join(f"{name} {limit:g}" for name, limit in zip(THRESHOLDS, limits, strict=True))
            + "; a dose, not a probability",
            source=f"{rows[0].source} ({rows[0].doi_or_url})",
            n=rows[0].n,
            population="guinea-pig optic nerve, dynamic stretch",
        ),
        "axon_threshold": entry(
            ("axon_threshold",),
            np.asarray(THRESHOLDS),
            units="1",
            long_name="axonal strain threshold",
            definition="conservative: fewest false negatives; liberal: fewest false positives",
        ),
    }
