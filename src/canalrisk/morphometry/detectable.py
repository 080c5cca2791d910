"""Is a change real? Standard error of measurement, minimal detectable change, probability of true growth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from canalrisk.errors import UsageError
from canalrisk.morphometry.interval import is_index

Array = NDArray[np.float64]

Z95: Final = 1.959964
"""Two-sided 95 % point of the standard normal distribution."""


def standard_error(repeats: Sequence[xr.Dataset]) -> xr.Dataset:
    """Estimate the standard error of measurement (SEM) of every index from repeated segmentations.

    Parameters
    ----------
    repeats : sequence of Dataset
        From `measure`, two or more: one subject, one time, segmented anew each time.

    Returns
    -------
    xarray.Dataset
        Per floating-point index the standard deviation between the repeats (n - 1), in the index's own units, with the
        attribute ``degrees_of_freedom``. Indices per section are left out: the sections of two segmentations are not
        the same planes; the indices per ``vertebral_level`` are kept. Of foramina and levels, those that all have.

    Raises
    ------
    UsageError
        Fewer than two repeats.

    References
    ----------
    Bland and Altman 1996, BMJ 312:1654 (within-subject standard deviation); Weir 2005, J Strength Cond Res 19:231-240.
    """
    if len(repeats) < 2:
        raise UsageError("one measurement has no spread", where="repeats", fix="give two or more segmentations")
    names = [n for n in indices_of(repeats[0]) if all(n in other for other in repeats)]
    together = xr.concat(
        [one[names].drop_vars("section", errors="ignore") for one in repeats],
        dim="repeat",
        join="inner",
        coords="minimal",
        compat="override",
        combine_attrs="override",
    )
    spread = together.std("repeat", ddof=1, keep_attrs=True, skipna=False)
    return _described(spread, dof=len(repeats) - 1)


def standard_error_from_intervals(dataset: xr.Dataset) -> xr.Dataset:
    """Take the SEM of every index from its 95 % interval.

    Parameters
    ----------
    dataset : Dataset
        From `measure_with_intervals`.

    Returns
    -------
    xarray.Dataset
        (high - low) / (2 x 1.96) per index, indices per section left out. The interval moves an edge as a whole: for
        areas and volumes this is the error of a bias that differs between two scans, and more than that of edges that
        waver (`simulated_standard_error`). Indices without an interval have none here.
    """
    names = [name for name in indices_of(dataset) if f"{name}_low" in dataset]
    out = dataset[names].copy()
    for name in names:
        half = 0.5 * (dataset[f"{name}_high"].values - dataset[f"{name}_low"].values)
        out[name] = dataset[name].copy(data=half / Z95)
    return _described(out, dof=None)


def indices_of(dataset: xr.Dataset) -> list[str]:
    """List the indices that two segmentations can be compared in: floats, no places, not per section."""
    return [
        str(name) for name in dataset.data_vars if is_index(dataset, str(name)) and "section" not in dataset[name].dims
    ]


def minimal_detectable_change(sem: xr.Dataset) -> xr.Dataset:
    """Give the smallest change of each index that 95 % of pairs of measurements without change do not reach.

    Parameters
    ----------
    sem : Dataset
        Standard error of measurement per index.

    Returns
    -------
    xarray.Dataset
        MDC95 = 1.96 sqrt(2) SEM.

    References
    ----------
    Weir 2005, J Strength Cond Res 19:231-240; Bland and Altman 1996, BMJ 312:1654 (the same as repeatability).
    """
    return sem.map(lambda one: Z95 * np.sqrt(2.0) * one, keep_attrs=True)


def probability_of_increase(
    change: ArrayLike, *, sem_first: ArrayLike, sem_second: ArrayLike, degrees_of_freedom: float | None = None
) -> Array:
    """Give the probability that the true change is above 0, given the measured one.

    Two independent normal errors and no prior knowledge of the change: the standard normal distribution function at
    change / sqrt(SEM1^2 + SEM2^2), or Student's where the SEM itself was estimated from a few repeats. Of pairs
    without true change this is uniform between 0 and 1.

    Parameters
    ----------
    change : array_like
        Second minus first.
    sem_first, sem_second : array_like
        Standard errors of measurement of both, same units.
    degrees_of_freedom : float, optional
        Of the SEM, where it was estimated from repeats.

    Returns
    -------
    ndarray
        In [0, 1]; 1, 0.5 or 0 where there is no error at all; NaN where something is.

    References
    ----------
    Box and Tiao 1973, Bayesian Inference in Statistical Analysis, sect. 2.5 (difference of means, flat prior).
    """
    apart = np.asarray(change, float)
    scale = np.hypot(np.asarray(sem_first, float), np.asarray(sem_second, float))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(scale > 0, apart / scale, np.where(apart == 0, 0.0, np.sign(apart) * np.inf))
    ratio = np.where(np.isfinite(apart) & np.isfinite(scale), ratio, np.nan)
    law = stats.norm if degrees_of_freedom is None else stats.t(degrees_of_freedom)
    return np.asarray(law.cdf(ratio), np.float64)


def _described(dataset: xr.Dataset, *, dof: int | None) -> xr.Dataset:
    for name, variable in dataset.data_vars.items():
        attrs = {"units": variable.attrs.get("units", "1"), "long_name": f"standard error of {name}"}
        attrs["definition"] = f"standard error of measurement of {name}; docs/uncertainty.md"
        dataset[name].attrs = attrs if dof is None else attrs | {"degrees_of_freedom": dof}
    return dataset
