"""Attributes that every variable and every risk carries."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from canalrisk.risk.catalogue import NOT_CALIBRATED, RiskModel

Array = NDArray[np.float64]

INTERVAL = "5 to 95 % of the draws"

Entry = tuple[tuple[str, ...], Array, dict[Hashable, object]]


def entry(dims: tuple[str, ...], data: Array, *, units: str, long_name: str, definition: str, **more: object) -> Entry:
    """Return one variable with the attributes the house asks for."""
    attrs: dict[Hashable, object] = {"units": units, "long_name": long_name, "definition": definition}
    return dims, data, attrs | dict(more)


def provenance(models: tuple[RiskModel, ...]) -> dict[str, object]:
    """Return population, endpoint, n, source and calibration of one model, or of several side by side."""

    def side_by_side(field: str) -> str:
        if len(models) == 1:
            return str(getattr(models[0], field))
        return "; ".join(f"{model.name}: {getattr(model, field)}" for model in models)

    attrs: dict[str, object] = {"calibration": NOT_CALIBRATED}
    attrs.update({name: side_by_side(name) for name in ("population", "endpoint", "n", "source", "form")})
    return attrs


def summarised(
    name: str, dims: tuple[str, ...], draws: Array, *, long_name: str, definition: str, more: Mapping[str, object]
) -> dict[str, Entry]:
    """Return `name`, `name_low` and `name_high`: median and 5-95 % of draws along the first axis."""
    low, median, high = np.quantile(draws, [0.05, 0.5, 0.95], axis=0)
    parts = (
        ("", median, "median of the draws"),
        ("_low", low, "5 % of the draws"),
        ("_high", high, "95 % of the draws"),
    )
    return {
        name + end: entry(
            dims,
            values,
            units="1",
            long_name=long_name + ("" if not end else f", {which}"),
            definition=f"{definition}; {which}",
            interval=INTERVAL,
            **more,
        )
        for end, values, which in parts
    }


def described(dataset: xr.Dataset, coordinates: Mapping[str, tuple[str, str, str]]) -> xr.Dataset:
    """Return the dataset with (units, long name, definition) on each named coordinate."""
    for name, (units, long_name, definition) in coordinates.items():
        dataset[name].attrs.update(units=units, long_name=long_name, definition=definition)
    return dataset
