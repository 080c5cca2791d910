"""What one sample leaves behind: a status, a reason, and arrays with names and units."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from canalrisk.errors import CanalriskError, InputRefused, NumericalFailure, UsageError

OK, PARTIAL, REFUSED, FAILED, ERROR, LOST, PENDING = 0, 1, 2, 3, 4, 5, -1
STATUS = {
    PENDING: "pending",
    OK: "ok",
    PARTIAL: "partial",
    REFUSED: "refused",
    FAILED: "failed",
    ERROR: "error",
    LOST: "lost",
}
_LONG_DIMS = frozenset({"section", "cord_section"})
_PATHS = re.compile(r"(?:[A-Za-z]:)?[\\/][^\s'\",:;]+")
_LONGEST_REASON = 300


@dataclass(frozen=True, eq=False)
class Variable:
    """A named array as the store keeps it."""

    dims: tuple[str, ...]
    values: NDArray[Any]
    attrs: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Outcome:
    """One sample: `variables` and `coords` are empty unless it is ok or partial."""

    status: int
    reason: str = ""
    variables: dict[str, Variable] = field(default_factory=dict)
    coords: dict[str, Variable] = field(default_factory=dict)


def from_dataset(dataset: xr.Dataset, *, names: Sequence[str] = ()) -> Outcome:
    """Keep what a sweep stores of one case.

    Parameters
    ----------
    dataset : xarray.Dataset
        Of `canalrisk.case.assess`, or of any evaluator.
    names : sequence of str
        Variables to keep; empty keeps every variable without a section dimension.

    Returns
    -------
    Outcome
        The coordinate ``time`` becomes the variable ``time_years``, because it may differ between samples. A case some
        of whose times have no mechanics is partial, with the first reason.

    Raises
    ------
    UsageError
        If a name is not among the variables.
    """
    if "time" in dataset.coords:
        years = dataset["time"]
        dataset = dataset.drop_vars("time").assign(time_years=("time", years.values, dict(years.attrs)))
    missing = [name for name in names if name not in dataset.data_vars]
    if missing:
        known = ", ".join(sorted(map(str, dataset.data_vars)))
        raise UsageError(f"no output is called '{missing[0]}'", where="outputs.variables", fix=f"use some of: {known}")
    kept = list(names) or [str(n) for n, v in dataset.data_vars.items() if not _LONG_DIMS & set(v.dims)]
    if "time_years" in dataset and "time_years" not in kept:
        kept.append("time_years")
    variables = {name: _variable(dataset[name]) for name in sorted(kept)}
    dims = {dim for variable in variables.values() for dim in variable.dims}
    coords = {str(n): _variable(c) for n, c in sorted(dataset.coords.items()) if set(c.dims) <= dims and c.dims}
    status, reason = _mechanics(dataset)
    return Outcome(status, reason, variables, coords)


def from_error(error: Exception) -> Outcome:
    """Return the row of a sample that raised: refused, failed, or an unexpected error, with its reason and no path."""
    if isinstance(error, CanalriskError):
        kind = REFUSED if isinstance(error, InputRefused | UsageError) else ERROR
        kind = FAILED if isinstance(error, NumericalFailure) else kind
        text = f"{error.what} ({error.where})"
    else:
        kind, text = ERROR, f"{type(error).__name__}: {error}"
    return Outcome(kind, clean_reason(text))


def clean_reason(text: str) -> str:
    """One line of at most 300 characters without file paths."""
    line = " ".join(_PATHS.sub("<path>", text).split())
    return line[:_LONGEST_REASON]


def digest(variables: Mapping[str, Any], *, status: int, reason: str) -> str:
    """SHA-256 of one stored row: what a rerun compares before it trusts a sample."""
    sha = hashlib.sha256(f"{status}\0{reason}".encode())
    for name in sorted(variables):
        values = np.asarray(variables[name])
        text = values.dtype.kind in "OUST"
        data = "\0".join(map(str, values.ravel())).encode() if text else np.ascontiguousarray(values).tobytes()
        sha.update(name.encode() + b"\0" + data + b"\0")
    return sha.hexdigest()


def _variable(array: xr.DataArray) -> Variable:
    values = np.asarray(array.values)
    if values.dtype.kind == "b":
        values = values.astype(np.int8)
    elif values.dtype.kind in "OUST":
        values = np.array([str(v) for v in values.ravel()], dtype=object).reshape(values.shape)
    return Variable(tuple(map(str, array.dims)), values, {str(k): _plain(v) for k, v in array.attrs.items()})


def _plain(value: Any) -> Any:
    """Attributes as JSON holds them: numpy scalars and tuples do not survive zarr."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray | tuple | list):
        return [_plain(v) for v in value]
    return value


def _mechanics(dataset: xr.Dataset) -> tuple[int, str]:
    if "mechanics_status" not in dataset:
        return OK, ""
    bad = np.flatnonzero(np.atleast_1d(dataset["mechanics_status"].values) != 0)
    if not len(bad):
        return OK, ""
    first = ""
    if "mechanics_reason" in dataset:
        first = str(np.atleast_1d(dataset["mechanics_reason"].values)[bad[0]])
    return PARTIAL, clean_reason(f"{len(bad)} of {dataset.sizes.get('time', 1)} times without mechanics: {first}")
