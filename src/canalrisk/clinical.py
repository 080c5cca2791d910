"""What the clinic knows and no image holds: a small TOML file, checked key by key."""

from __future__ import annotations

import difflib
import os
import tomllib
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator
from pydantic.dataclasses import dataclass

from canalrisk.errors import InputRefused
from canalrisk.imaging.names import safe_name

_LARGEST_TOML = 100_000  # bytes
_STRICT = ConfigDict(extra="forbid")
_Bool = Annotated[bool, Field(strict=True)]

Artery = Literal["normal", "dominant", "hypoplastic", "absent", "single"]
Disease = Literal["tumoral_calcinosis", "crest", "systemic_sclerosis", "opll", "cppd", "dialysis", "other"]
_ROOTS = tuple(f"C{n} {side}" for n in range(1, 9) for side in ("left", "right"))


def _word(value: Any) -> Any:
    """``Tumoral calcinosis`` is ``tumoral_calcinosis``."""
    return "_".join(value.lower().replace("-", " ").split()) if isinstance(value, str) else value


def _roots(value: tuple[str, ...]) -> tuple[str, ...]:
    for root in value:
        if root not in _ROOTS:
            near = difflib.get_close_matches(root, _ROOTS, n=1, cutoff=0.4)
            hint = f"did you mean '{near[0]}'?" if near else "write for example 'C6 left'"
            raise ValueError(f"a root is not known; {hint}")
    return value


@dataclass(frozen=True, config=_STRICT)
class VertebralArteries:
    """What angiography says of each side; None where nothing is said.

    `single` is the only artery that feeds the basilar system: the other is then absent or hypoplastic.
    """

    left: Annotated[Artery | None, BeforeValidator(_word)] = None
    right: Annotated[Artery | None, BeforeValidator(_word)] = None

    @model_validator(mode="after")
    def _agree(self) -> VertebralArteries:
        for own, other in ((self.left, self.right), (self.right, self.left)):
            if own == "single" and other not in (None, "absent", "hypoplastic"):
                raise ValueError(f"one side is single and the other {other}; the other can be absent or hypoplastic")
            if own == other == "dominant":
                raise ValueError("both sides cannot be dominant")
        return self


@dataclass(frozen=True, config=_STRICT)
class Clinical:
    """Clinical facts about one patient at the time of the scan. None means not known, never normal.

    Parameters
    ----------
    mjoa : float, optional
        Modified Japanese Orthopaedic Association score, 0 to 18.
    t2_signal : bool, optional
        Cord signal raised on T2-weighted MRI.
    radicular_signs : bool or tuple of str, optional
        Signs of radiculopathy, or the roots that have them: ``C6 left``.
    sep_mep_abnormal : bool, optional
        Abnormal somatosensory or motor evoked potentials.
    duration_years : float, optional
        Duration of symptoms.
    sex : {"F", "M"}, optional
        Which healthy adults cord and sac are compared with.
    disease : str, optional
        What calcified: one of `Disease`. No free text, so that no name can come in.
    vertebral_artery : VertebralArteries
        Flags per side.
    """

    mjoa: Annotated[float, Field(strict=True, ge=0, le=18, allow_inf_nan=False)] | None = None
    t2_signal: _Bool | None = None
    radicular_signs: _Bool | Annotated[tuple[str, ...], AfterValidator(_roots)] | None = None
    sep_mep_abnormal: _Bool | None = None
    duration_years: Annotated[float, Field(strict=True, ge=0, le=120, allow_inf_nan=False)] | None = None
    sex: Literal["F", "M"] | None = None
    disease: Annotated[Disease | None, BeforeValidator(_word)] = None
    vertebral_artery: VertebralArteries = VertebralArteries()

    def facts(self) -> dict[str, Any]:
        """Return what is known, as plain values; empty where nothing is."""
        known = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "vertebral_artery"}
        arteries = {side: flag for side in ("left", "right") if (flag := getattr(self.vertebral_artery, side))}
        known["vertebral_artery"] = arteries or None
        return {name: value for name, value in known.items() if value is not None}


def read_clinical(path: str | os.PathLike[str]) -> Clinical:
    """Read a ``clinical.toml``.

    Parameters
    ----------
    path : str or path-like
        TOML whose keys are the parameters of `Clinical`; flags of the arteries under ``[vertebral_artery]``.

    Returns
    -------
    Clinical

    Raises
    ------
    InputRefused
        If the file cannot be read, or a key or value makes no sense; the nearest key is suggested.
    """
    shown = safe_name(path)
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST_TOML + 1)
        if len(data) > _LARGEST_TOML:
            raise InputRefused("the clinical file is larger than 100 kB", where=shown, fix="give a TOML file")
        raw = tomllib.loads(data.decode("utf-8"))
    except (OSError, ValueError) as error:  # ValueError covers TOML, UTF-8 and a NUL in the path
        reason = (error.strerror or "no file") if isinstance(error, OSError) else "it is no TOML"
        raise InputRefused(
            f"the clinical file cannot be read ({reason})", where=shown, fix="give lines like: mjoa = 15"
        ) from error
    return clinical_from(raw, where=shown)


def clinical_from(raw: dict[str, Any], *, where: str = "clinical") -> Clinical:
    """Check a dictionary as clinical facts.

    Raises
    ------
    InputRefused
        Naming the key, and the nearest known key where one was mistyped.
    """
    try:
        return TypeAdapter(Clinical).validate_python(raw)
    except ValidationError as error:
        first = error.errors()[-1]  # of the members of a union the last says most
        keys = {f.name for kind in (Clinical, VertebralArteries) for f in fields(kind)}
        path = [str(part) for part in first["loc"]]
        if first["type"] != "unexpected_keyword_argument":
            path = [part for part in path if part in keys]  # pydantic adds names of its validators
        key = f"{where}, key {safe_name('.'.join(path) or 'vertebral_artery')}"
        if first["type"] == "unexpected_keyword_argument":
            known = [f.name for f in fields(VertebralArteries if len(path) > 1 else Clinical)]
            near = difflib.get_close_matches(path[-1].lower(), known, n=1, cutoff=0.4)
            fix = f"did you mean '{near[0]}'?" if near else f"use one of: {', '.join(known)}"
            raise InputRefused(f"unknown clinical key '{safe_name(path[-1])}'", where=key, fix=fix) from error
        message = first["msg"].removeprefix("Value error, ").splitlines()[0]
        raise InputRefused(message, where=key, fix="correct the value, or leave the line out if unknown") from error
