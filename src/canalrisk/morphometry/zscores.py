"""Cord and dural sac against 203 healthy adults, per vertebra and disc."""

from __future__ import annotations

from typing import Final

import numpy as np

from canalrisk.anatomy.population import population
from canalrisk.anatomy.spine import Array, Spine
from canalrisk.morphometry.bylevel import level_names
from canalrisk.morphometry.filling import sac_is_inferred

# Our index per level -> what it is compared with. The source's canal is that of the Spinal Cord Toolbox, which lies
# near the dural sac: our sac is compared with it, our bony canal, which is wider, never. Solidity is not compared: the
# source's is that of pixel masks (0.97 for a healthy cord), ours that of a smooth outline (0.99 to 1).
COMPARED: Final = {
    "cord_area": ("level_cord_area_measured", "cord_area"),
    "cord_ap": ("level_cord_ap_ellipse_measured", "cord_ap"),
    "cord_rl": ("level_cord_rl_ellipse_measured", "cord_rl"),
    "cord_eccentricity": ("level_cord_eccentricity_measured", "cord_eccentricity"),
    "cord_compression_ratio": ("level_cord_compression_ratio_ellipse_measured", "cord_compression_ratio"),
    "sac_area": ("level_sac_area", "canal_area"),
    "sac_ap": ("level_sac_ap_ellipse", "canal_ap"),
    "sac_rl": ("level_sac_rl_ellipse", "canal_rl"),
    "ascor_sac": ("level_ascor_sac", "cord_canal_ratio"),
}


def against_healthy(values: dict[str, Array], spine: Spine, *, sex: str | None = None) -> dict[str, Array]:
    """Give standard deviations from the healthy mean, and share of healthy adults below, per level.

    Parameters
    ----------
    values : dict of str to (levels,) ndarray
        From `by_level`.
    spine : Spine
        Whose levels these are.
    sex : {"F", "M"}, optional
        Compare with this sex only; both where not given.

    Returns
    -------
    dict of str to (levels,) ndarray
        ``z_...`` and ``percentile_...``; not a number where the source has no such level, where the quantity was not
        measured, and for the sac where it was inferred.

    References
    ----------
    Valosek, Bedard et al. 2024, Imaging Neuroscience 2:1-15 (`canalrisk.anatomy.population`).
    """
    levels = level_names(spine)
    inferred = sac_is_inferred(spine)
    found = {}
    for name, (ours, theirs) in COMPARED.items():
        z, percentile = np.full(len(levels), np.nan), np.full(len(levels), np.nan)
        if not (inferred and "sac" in name):
            for k, level in enumerate(levels):
                healthy = population(level, theirs, sex=sex)
                if healthy is not None:
                    z[k], percentile[k] = healthy.z(values[ours][k]), healthy.percentile(values[ours][k])
        found[f"z_{name}"], found[f"percentile_{name}"] = z, percentile
    return found
