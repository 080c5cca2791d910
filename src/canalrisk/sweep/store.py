"""One zarr store for a sweep: a row per sample, a chunk per task, and a status that is written last.

A task's arrays are written first, then the row's SHA-256, then its status; every file is written under a temporary name
and renamed by zarr. A row without status, or whose bytes do not give its SHA-256, counts as not done.
"""

from __future__ import annotations

import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray

from canalrisk.errors import InputRefused, UsageError
from canalrisk.imaging import safe_name
from canalrisk.sweep.outcome import ERROR, LOST, PENDING, STATUS, Outcome, Variable, digest

_STATUS_ATTRS = {
    "units": "1",
    "long_name": "how the sample ended",
    "definition": "partial: some times have no mechanics; refused: the input or a value was; failed: numerical; "
    "error: unexpected; lost: the worker died, a rerun tries again; pending: not run yet",
    "flag_values": list(STATUS),
    "flag_meanings": " ".join(STATUS.values()),
}
_REASON_ATTRS = {"units": "1", "long_name": "why the sample did not end well", "definition": "empty where it did"}
_SHA_ATTRS = {"units": "1", "long_name": "SHA-256 of the row", "definition": "status, reason and all output variables"}
_OWN = ("status", "reason", "row_sha256")


class SweepStore:
    """An open store; one process writes to it."""

    def __init__(self, path: Path, group: zarr.Group) -> None:
        self.path, self._group = path, group
        self._names = [name for name, _ in group.arrays() if name not in _OWN and not group.attrs["roles"].get(name)]

    @classmethod
    def open(cls, path: Path) -> SweepStore | None:
        """Open an existing store; None where there is none."""
        if not path.exists():
            return None
        try:
            group = zarr.open_group(str(path), mode="r+", zarr_format=3)
            group.attrs["sweep_identity"]
        except Exception as error:
            raise UsageError(
                "this is not the store of a sweep", where=safe_name(path), fix="choose another name for --store"
            ) from error
        return cls(path, group)

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        attrs: dict[str, Any],
        rows: Sequence[dict[str, Any]],
        batch: int,
        layout: Outcome,
        parameter_attrs: dict[str, dict[str, str]],
    ) -> SweepStore:
        """Make a store with room for every sample, whole or not at all.

        Parameters
        ----------
        path : Path
            Folder of the store; made under a temporary name and renamed.
        attrs : dict
            Of the dataset; must hold ``sweep_identity``.
        rows : sequence of dict
            Values of the varied parameters.
        batch : int
            Samples per chunk.
        layout : Outcome
            A sample that ran: its variables fix names, shapes, types and attributes of all.
        parameter_attrs : dict
            Attributes of the parameter coordinates.
        """
        fresh = path.with_name(f".{path.name[:100]}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.parent.mkdir(parents=True, exist_ok=True)
        group = zarr.create_group(str(fresh), zarr_format=3)
        count = len(rows)
        coords = {name: variable for name, variable in layout.coords.items() if name not in rows[0]}
        names = [*rows[0], *coords]
        for name in rows[0]:
            column = [row[name] for row in rows]
            values = np.array(column, dtype=object if isinstance(column[0], str) else None)
            _add(group, name, Variable(("sample",), values, parameter_attrs.get(name, {})))
        for name, variable in coords.items():
            _add(group, name, variable)
        for name, variable in layout.variables.items():
            shape = (count, *variable.values.shape)
            _add(group, name, variable, shape=shape, chunks=(batch, *variable.values.shape))
        for name, kind, fill, extra in (
            ("reason", str, "", _REASON_ATTRS),
            ("row_sha256", str, "", _SHA_ATTRS),
            ("status", "int8", PENDING, _STATUS_ATTRS),
        ):
            group.create_array(
                name, shape=(count,), chunks=(batch,), dtype=kind, fill_value=fill, dimension_names=("sample",),
                attributes=extra,
            )  # fmt: skip
        group.attrs.update({**attrs, "roles": dict.fromkeys(names, "coordinate"), "coordinates": " ".join(names)})
        with warnings.catch_warnings():
            # Without it every xarray.open_zarr warns; nothing in the store's metadata changes after this line.
            warnings.filterwarnings("ignore", message="Consolidated metadata", category=UserWarning)
            zarr.consolidate_metadata(str(fresh), zarr_format=3)
        fresh.replace(path)
        opened = cls.open(path)
        if opened is None:
            raise InputRefused("the store vanished", where=safe_name(path), fix="run again")
        return opened

    @property
    def identity(self) -> str:
        """Hash of inputs, configuration and code that made the store."""
        return str(self._group.attrs["sweep_identity"])

    def pending(self) -> list[int]:
        """Return the indices of samples not done, or whose stored bytes do not give their SHA-256."""
        status = self._array("status")[:]
        left = set(np.flatnonzero((status == PENDING) | (status == LOST)).tolist())
        done = np.flatnonzero((status != PENDING) & (status != LOST))
        if len(done):
            try:
                left |= {int(i) for i in done if not self._sound(int(i))}
            except Exception:  # a chunk that cannot be decoded: judge sample by sample
                left |= {int(i) for i in done if not self._readable_and_sound(int(i))}
        return sorted(left)

    def commit(self, first: int, outcomes: Sequence[Outcome]) -> None:
        """Write one task's samples, `first` being the index of the first; the status goes last."""
        end = first + len(outcomes)
        shaped = [self._fit(outcome) for outcome in outcomes]
        rows: list[dict[str, Any]] = [{} for _ in shaped]
        for name in self._names:
            target = self._array(name)
            block = np.full((len(shaped), *target.shape[1:]), target.fill_value, dtype=_memory_type(target))
            for i, outcome in enumerate(shaped):
                if name in outcome.variables:
                    block[i] = outcome.variables[name].values
            if block.dtype.kind == "f":
                # zarr leaves out a chunk of nothing but NaN: one with its sign set would come back without it.
                block[np.isnan(block)] = np.nan
            for i, row in enumerate(rows):
                row[name] = block[i]
            target[first:end] = block
        shas = [digest(row, status=o.status, reason=o.reason) for row, o in zip(rows, shaped, strict=True)]
        self._array("reason")[first:end] = np.array([o.reason for o in shaped], dtype=object)
        self._array("row_sha256")[first:end] = np.array(shas, dtype=object)
        self._array("status")[first:end] = np.array([o.status for o in shaped], dtype=np.int8)

    def dataset(self) -> xr.Dataset:
        """Everything in memory, as a Dataset with dimension ``sample``."""
        with xr.open_dataset(self.path, engine="zarr", chunks=None) as opened:
            loaded = opened.load()
        loaded.attrs.pop("roles", None)
        return loaded

    def _array(self, name: str) -> Any:
        return self._group[name]

    def _fit(self, outcome: Outcome) -> Outcome:
        """Turn a sample that does not fit the layout into an error row."""
        for name, variable in outcome.variables.items():
            if name not in self._names:
                return Outcome(ERROR, f"output '{name}' is not in the store's layout")
            shape = self._array(name).shape[1:]
            if variable.values.shape != shape:
                return Outcome(ERROR, f"output '{name}' has shape {variable.values.shape}, the store has {shape}")
        for name, variable in outcome.coords.items():
            if name in self._group and not _same(self._array(name)[...], variable.values):
                return Outcome(ERROR, f"coordinate '{name}' differs from that of the store")
        return outcome

    def _sound(self, sample: int) -> bool:
        row = {name: np.asarray(self._array(name)[sample]) for name in self._names}
        sha = digest(row, status=int(self._array("status")[sample]), reason=str(self._array("reason")[sample]))
        return sha == str(self._array("row_sha256")[sample])

    def _readable_and_sound(self, sample: int) -> bool:
        try:
            return self._sound(sample)
        except Exception:
            return False


def _same(stored: Any, given: NDArray[Any]) -> bool:
    if np.shape(stored) != given.shape:
        return False
    if given.dtype.kind == "f":
        return bool(np.array_equal(stored, given, equal_nan=True))
    return [str(v) for v in np.ravel(stored)] == [str(v) for v in given.ravel()]


def _memory_type(target: Any) -> Any:
    return object if np.dtype(target.dtype).kind in "OUST" else target.dtype


def _add(
    group: zarr.Group,
    name: str,
    variable: Variable,
    *,
    shape: tuple[int, ...] | None = None,
    chunks: tuple[int, ...] | None = None,
) -> None:
    """Add one array: with values where `shape` is None, else empty with a leading sample dimension."""
    kind = variable.values.dtype.kind
    dtype: Any = str if kind in "OUST" else variable.values.dtype
    fill: Any = {"f": np.nan, "i": -1, "u": 0}.get(kind, "")
    dims = variable.dims if shape is None else ("sample", *variable.dims)
    shape_ = variable.values.shape if shape is None else shape
    array = group.create_array(
        name,
        shape=shape_,
        chunks=chunks if chunks is not None else tuple(max(1, n) for n in shape_),
        dtype=dtype,
        fill_value=fill,
        dimension_names=dims,
        attributes=variable.attrs,
    )
    if shape is None:
        array[...] = variable.values
