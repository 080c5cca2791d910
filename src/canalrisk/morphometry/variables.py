"""Units, names and definitions of every index, from one data file."""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Any, Final, NamedTuple

import xarray as xr


class Variable(NamedTuple):
    """How one index is shaped and what it means."""

    dims: tuple[str, ...]
    units: str
    long_name: str
    definition: str


def _read() -> dict[str, Variable]:
    text = (files("canalrisk.morphometry") / "data" / "variables.csv").read_text("utf-8")
    return {
        row["name"]: Variable(tuple(row["dims"].split()), row["units"], row["long_name"], row["definition"])
        for row in csv.DictReader(text.splitlines())
    }


VARIABLES: Final[dict[str, Variable]] = _read()
"""Name of every variable that `measure` gives to its shape and meaning."""


def as_dataset(values: dict[str, Any], *, coords: dict[str, Any]) -> xr.Dataset:
    """Put values into a Dataset with units, long name and definition.

    Parameters
    ----------
    values : dict
        Name (a key of `VARIABLES`) to array or scalar.
    coords : dict
        Coordinates as xarray takes them.

    Returns
    -------
    xarray.Dataset
    """
    data = {}
    for name, value in values.items():
        about = VARIABLES[name]
        attrs = {"units": about.units, "long_name": about.long_name, "definition": about.definition}
        data[name] = (about.dims, value, attrs)
    return xr.Dataset(data, coords=coords)
