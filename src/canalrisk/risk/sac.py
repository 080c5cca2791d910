"""Space available for the cord as a dose: what the mass took, at the section where that matters most."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from canalrisk.risk.forms import hinge_dose
from canalrisk.risk.parameters import Parameters
from canalrisk.risk.reading import FLOOR, read

Array = NDArray[np.float64]


def sac_dose(dataset: xr.Dataset, *, absent: NDArray[np.bool_], parameters: Parameters) -> Array:
    """Return the millimetres below the hinge because of the mass, at the section where that is most, (draws, time)."""
    residual, healthy = _sac_pairs(dataset, absent)
    hinge = parameters.sac.hinge[:, None]
    sd = read(dataset, "sac_min_sd")
    dose = np.empty((hinge.shape[0], residual.shape[0]))
    for k in range(residual.shape[0]):
        error = 0.0 if sd is None else parameters.error[:, None] * sd[k]
        dose[:, k] = _most_below(residual[k], healthy[k], hinge, error)
    return dose


def _most_below(residual: Array, healthy: Array, hinge: Array, error: Array | float) -> Array:
    known = np.isfinite(residual) & np.isfinite(healthy)
    if not known.any():
        return np.full(hinge.shape[0], np.nan)
    now, was = residual[known], healthy[known]
    taken = (was - now) > FLOOR * was
    seen = np.where(taken, np.maximum(0.0, now[None, :] + error), was)
    dose = hinge_dose(-seen, -hinge) - hinge_dose(-was[None, :], -hinge)
    return np.asarray(np.maximum(0.0, dose).max(axis=1))


def _sac_pairs(dataset: xr.Dataset, absent: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Residual and pre-lesion AP of the canal on the ray of each section, or of the worst one only, (time, sections).

    Where the chord without the mass is not given it is SAC / (1 - ratio), as the ratio is thickness over chord.
    """
    pairs = (
        ("sac_width", "occupying_ratio", "canal_ap_on_ray", ("section",)),
        ("sac_min", "occupying_ratio_max", "", ()),
    )
    for sac_name, ratio_name, chord_name, dims in pairs:
        sac, ratio = read(dataset, sac_name, *dims), read(dataset, ratio_name, *dims)
        if sac is None or ratio is None:
            continue
        sac, ratio = (array.reshape(array.shape[0], -1) for array in (sac, ratio))
        chord = read(dataset, chord_name, *dims) if chord_name else None
        open_ray = ratio < 0.999
        healthy = np.where(open_ray, sac / np.where(open_ray, 1.0 - ratio, 1.0), np.nan) if chord is None else chord
        return sac, np.where((ratio < FLOOR) | absent[:, None], sac, healthy)
    nothing = np.where(absent[:, None], 0.0, np.nan)
    return nothing, nothing
