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


def _read(file: str) -> dict[str, Variable]:
    text = (files("canalrisk.morphometry") / "data" / file).read_text("utf-8")
    return {
        row["name"]: Variable(tuple(row["dims"].split()), row["units"], row["long_name"], row["definition"])
        for row in csv.DictReader(text.splitlines())
    }


VARIABLES: Final[dict[str, Variable]] = _read("variables.csv")
"""Name of every variable that `measure` gives to its shape and meaning."""

DERIVED: Final[dict[str, Variable]] = _read("derived.csv")
"""The same of what is said about measurements: which references served, what changed between two scans."""


def as_dataset(values: dict[str, Any], *, coords: dict[str, Any]) -> xr.Dataset:
    """Put values into a Dataset with units, long name and definition.

    Parameters
    ----------
    values : dict
        Name (a key of `VARIABLES` or `DERIVED`) to array or scalar.
    coords : dict
        Coordinates as xarray takes them.

    Returns
    -------
    xarray.Dataset
    """
    data = {}
    for name, value in values.items():
        about = VARIABLES[name] if name in VARIABLES else DERIVED[name]
        attrs = {"units": about.units, "long_name": about.long_name, "definition": about.definition}
        data[name] = (about.dims, value, attrs)
    return xr.Dataset(data, coords=coords)
