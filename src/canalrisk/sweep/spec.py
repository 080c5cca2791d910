"""A sweep as people write it: one TOML file, checked key by key before anything runs."""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from canalrisk.errors import UsageError
from canalrisk.imaging import safe_name

Value = bool | int | float | str
_LARGEST_TOML = 1_000_000


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Base(_Strict):
    """The case that every sample starts from: a phantom or files.

    Parameters
    ----------
    phantom : "demo" or int, optional
        The embedded demo, mass included, or the seed of a healthy synthetic neck.
    segmentation : str, optional
        NIfTI file, relative to the TOML file; `labels` and `mass` as in `canalrisk assess`.
    """

    phantom: Literal["demo"] | int | None = None
    segmentation: str | None = None
    labels: str = "auto"
    mass: str | int | None = None

    @model_validator(mode="after")
    def _one_of_two(self) -> Base:
        if (self.phantom is None) == (self.segmentation is None):
            raise ValueError("give either phantom or segmentation")
        if self.phantom is not None and self.mass is not None:
            raise ValueError("mass belongs to segmentation; a phantom's mass is placed by mass_volume_mm3 and the like")
        return self


class Parameter(_Strict):
    """One varied quantity: a list of values, a range, or a distribution."""

    values: tuple[Value, ...] | None = None
    distribution: Literal["uniform", "log-uniform", "normal", "triangular"] = "uniform"
    low: float | None = None
    high: float | None = None
    mean: float | None = None
    sd: float | None = Field(default=None, gt=0)
    mode: float | None = None
    steps: int | None = Field(default=None, ge=2, le=10_000)

    @model_validator(mode="after")
    def _complete(self) -> Parameter:
        if self.values is not None:
            if not self.values:
                raise ValueError("values is empty")
            if self.model_fields_set - {"values"}:
                raise ValueError("values stands alone, without a distribution")
            return self
        if self.distribution == "normal":
            needed: tuple[str, ...] = ("mean", "sd")
        elif self.distribution == "triangular":
            needed = ("low", "mode", "high")
        else:
            needed = ("low", "high")
        missing = [key for key in needed if getattr(self, key) is None]
        if missing:
            raise ValueError(f"a {self.distribution} distribution needs {', '.join(missing)}")
        low, high = self.low, self.high
        if low is not None and high is not None and not low < high:
            raise ValueError("low must be less than high")
        if self.distribution == "log-uniform" and low is not None and low <= 0:
            raise ValueError("a log-uniform distribution needs low > 0")
        if self.distribution == "triangular" and not (low or 0) <= (self.mode or 0) <= (high or 0):
            raise ValueError("mode must lie between low and high")
        return self


class Design(_Strict):
    """How samples are chosen, and how many make one task.

    Parameters
    ----------
    kind : {"grid", "sobol"}
        All combinations, or a scrambled Sobol sequence.
    samples : int, optional
        For ``sobol``; a power of two keeps the sequence balanced.
    seed : int
        Of the scrambling.
    batch : int
        Samples per task: one task is one chunk of the store, and what a kill can lose.
    """

    kind: Literal["grid", "sobol"]
    samples: int | None = Field(default=None, ge=1, le=1_000_000)
    seed: int = Field(default=0, ge=0)
    batch: int = Field(default=1, ge=1, le=10_000)

    @model_validator(mode="after")
    def _complete(self) -> Design:
        if (self.kind == "sobol") != (self.samples is not None):
            raise ValueError("samples belongs to kind = 'sobol', and a sobol design needs it")
        return self


class Outputs(_Strict):
    """What is stored: every variable without section dimension, or the named ones."""

    variables: tuple[str, ...] = ()


class SweepSpec(_Strict):
    """A whole sweep. `fixed` and `parameters` share one vocabulary: see `canalrisk.sweep.parameters`."""

    name: str = "sweep"
    base: Base
    fixed: dict[str, Value] = {}
    parameters: dict[str, Parameter] = Field(min_length=1)
    design: Design
    outputs: Outputs = Outputs()


def read_spec(path: str | os.PathLike[str]) -> SweepSpec:
    """Read and check a sweep file.

    Parameters
    ----------
    path : str or path-like
        TOML. Relative files in ``[base]`` are looked up beside it.

    Returns
    -------
    SweepSpec

    Raises
    ------
    UsageError
        Naming the key, and the nearest known key where one was mistyped.
    """
    shown = safe_name(path)
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST_TOML + 1)
        if len(data) > _LARGEST_TOML:
            raise UsageError("the sweep file is larger than 1 MB", where=shown, fix="give a TOML file")
        raw = tomllib.loads(data.decode("utf-8"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error).splitlines()[0]
        raise UsageError(f"the sweep file cannot be read ({reason})", where=shown, fix="give a TOML file") from error
    spec = parse_spec(raw, where=shown)
    folder = Path(path).parent
    files = {
        key: str(folder / value)
        for key in ("segmentation", "mass")
        if isinstance(value := getattr(spec.base, key), str)
    }
    if spec.base.labels.endswith(".toml"):
        files["labels"] = str(folder / spec.base.labels)
    return spec.model_copy(update={"base": spec.base.model_copy(update=files)})


def parse_spec(raw: dict[str, Any], *, where: str = "sweep") -> SweepSpec:
    """Check a dictionary as a sweep; errors name key and nearest known key."""
    try:
        spec = SweepSpec.model_validate(raw)
    except ValidationError as error:
        first = error.errors()[0]
        path = [str(part) for part in first["loc"]]
        mistyped = first["type"] == "extra_forbidden"
        known = _keys(path[:-1] if mistyped else path)
        key = safe_name(".".join(path) or "top level")
        if mistyped:
            raise UsageError(
                f"unknown key '{safe_name(path[-1])}'", where=f"{where}, key {key}", fix=nearest(path[-1], known)
            ) from error
        message = first["msg"].removeprefix("Value error, ").splitlines()[0]
        raise UsageError(message, where=f"{where}, key {key}", fix=f"known keys here: {', '.join(known)}") from error
    from canalrisk.sweep.parameters import check_names

    check_names(spec, where=where)
    return spec


def nearest(word: str, known: list[str]) -> str:
    """Advice for a mistyped `word`."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"use one of: {', '.join(known)}"


def _keys(path: list[str]) -> list[str]:
    """Keys allowed in the section at `path`."""
    section: type[BaseModel] = SweepSpec
    sections: dict[str, type[BaseModel]] = {"base": Base, "design": Design, "outputs": Outputs, "parameters": Parameter}
    if path:
        section = sections.get(path[0], SweepSpec)
    return list(section.model_fields)
