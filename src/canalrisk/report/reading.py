"""What the report needs of a case, and a safe way to read numbers that may not be there."""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from canalrisk.anatomy.spine import Spine
from canalrisk.findings import Finding
from canalrisk.growth.timeline import Scenario, Timeline
from canalrisk.imaging.labelmap import LabelMap

RESEARCH_USE = "Research use only. This is not a diagnosis and not a medical device."
NOT_CALIBRATED = "not calibrated for tumoral calcinosis"


class Case(Protocol):
    """The parts of a case result that the report reads; `canalrisk.case.CaseResult` is one."""

    @property
    def dataset(self) -> xr.Dataset:
        """Everything measured, dims time, section, foramen, side, ..."""

    @property
    def spine(self) -> Spine:
        """Anatomy in the input's frame."""

    @property
    def timeline(self) -> Timeline:
        """Mass and bone over time."""

    @property
    def cord(self) -> Any:
        """Cord mechanics, or None when it was not run."""

    @property
    def labelmap(self) -> LabelMap:
        """The segmentation as read."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What a reader must know."""

    @property
    def provenance(self) -> dict[str, Any]:
        """Inputs, configuration, seed, command."""

    @property
    def scenario(self) -> Scenario:
        """How the mass was made to grow."""


def times_of(dataset: xr.Dataset) -> NDArray[np.float64]:
    """Return the times in years, (time,)."""
    return np.asarray(dataset["time"].values, float)


def number(dataset: xr.Dataset, name: str, **at: int) -> float:
    """One number, NaN when the variable is missing; reduces nothing.

    Parameters
    ----------
    dataset : xr.Dataset
        Where to look.
    name : str
        Variable.
    **at : int
        Position along each dim; dims the variable lacks are ignored.
    """
    value = _pick(dataset, name, at)
    return math.nan if value is None else float(value)


def text(dataset: xr.Dataset, name: str, **at: int) -> str:
    """One string, empty when the variable is missing."""
    value = _pick(dataset, name, at)
    return "" if value is None else str(value)


def _pick(dataset: xr.Dataset, name: str, at: dict[str, int]) -> Any | None:
    """One element; None when the variable is missing or has a dim that `at` does not fix."""
    if name not in dataset.variables:
        return None
    variable = dataset.variables[name]
    if not set(variable.dims) <= set(at):
        return None
    return variable.values[tuple(at[str(dim)] for dim in variable.dims)]


def series(dataset: xr.Dataset, name: str) -> NDArray[np.float64] | None:
    """Read a variable as floats with time first, or None when it is missing or all NaN."""
    if name not in dataset:
        return None
    variable = dataset[name]
    if "time" in variable.dims:
        variable = variable.transpose("time", ...)
    values = np.asarray(variable.values, float)
    return values if np.isfinite(values).any() else None


def position(dataset: xr.Dataset, dim: str) -> NDArray[np.float64] | None:
    """Arc length along `dim` (``section`` or ``cord_section``), mm, from whichever coordinate holds it."""
    for name, coordinate in dataset.coords.items():
        along = coordinate.dims == (dim,) and coordinate.dtype.kind == "f"
        if along and ("s" in str(name).split("_") or name == dim):
            return np.asarray(coordinate.values, float)
    return None


def has_mass(result: Case) -> bool:
    """Whether any snapshot holds a mass."""
    return any(s.mass is not None and bool((s.mass < 0).any()) for s in result.timeline.snapshots)


def worst_time(dataset: xr.Dataset) -> int:
    """Index of the last time: the end of the horizon."""
    return int(times_of(dataset).size - 1)


def worst_s(result: Case, time: int = 0) -> float:
    """Arc length of the worst section, mm; the middle of the canal when nothing is taken."""
    s = number(result.dataset, "worst_s", time=time)
    line = result.spine.centreline.s
    return s if math.isfinite(s) else float(line[line.size // 2])


def chosen_times(dataset: xr.Dataset, most: int = 5) -> list[int]:
    """At most `most` time indices spread over the horizon, first and last included."""
    n = times_of(dataset).size
    return sorted({round(i) for i in np.linspace(0, n - 1, min(n, most))})
