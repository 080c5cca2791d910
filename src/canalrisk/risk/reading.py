"""Read one variable of a case as an array over time."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from canalrisk.errors import UsageError

Array = NDArray[np.float64]

FLOOR = 0.005
"""Relative loss below which nothing was lost: the tolerance to which an untouched cord comes back unchanged."""


def times(dataset: xr.Dataset) -> Array:
    """Return the times in years.

    Raises
    ------
    UsageError
        No `time` dimension, or times that do not ascend.
    """
    if "time" not in dataset.dims or "time" not in dataset.coords:
        raise UsageError(
            "the dataset has no dimension 'time'", where="assess_risk", fix="stack the snapshots on 'time'"
        )
    values = np.asarray(dataset["time"].values, dtype=np.float64)
    if values.size == 0 or not (np.diff(values) > 0).all():
        raise UsageError("the times do not ascend", where="assess_risk", fix="sort the dataset by 'time', no repeats")
    return values


def read(dataset: xr.Dataset, name: str, *dims: str) -> Array | None:
    """Return a variable as float64 with dims (time, *dims), broadcast over time; None where absent."""
    if name not in dataset:
        return None
    variable = dataset[name]
    if "time" not in variable.dims:
        variable = variable.expand_dims(time=dataset["time"])
    extra = set(variable.dims) - {"time", *dims}
    if extra or not set(dims) <= set(variable.dims):
        raise UsageError(
            f"'{name}' has dimensions {variable.dims}",
            where="assess_risk",
            fix=f"give it ({', '.join(('time', *dims))})",
        )
    return np.asarray(variable.transpose("time", *dims).values, dtype=np.float64)
