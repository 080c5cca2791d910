"""How thick the layers are that line the bony canal where nobody segmented them, and who says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk import evidence
from canalrisk.errors import UsageError
from canalrisk.evidence import Evidence
from canalrisk.findings import Finding

Array = NDArray[np.float64]
Thickness = float | Mapping[str, float] | None

LAYERS = ("flavum", "posterior_longitudinal", "epidural_fat", "dura")
"""From the wall inwards: flavum behind, ligament in front, fat at the sides, dura all round."""
_KEYS = {
    "flavum": "thickness/ligamentum flavum/C6/7",
    "posterior_longitudinal": "thickness/posterior longitudinal ligament/C",
    "epidural_fat": "thickness/epidural fat lateral/C",
    "dura": "thickness/dura mater cervical/C1-C7",
}
_NAMES = {
    "flavum": "ligamentum flavum",
    "posterior_longitudinal": "posterior longitudinal ligament",
    "epidural_fat": "lateral epidural fat",
    "dura": "dura",
}


@dataclass(frozen=True)
class InnerLayers:
    """Thickness of each inner layer, mm.

    A number holds at every level; a mapping from vertebral or disc level (``C5``, ``C5/6``) to mm is interpolated along
    the centreline; None is the evidence's number.

    Parameters
    ----------
    flavum : float or mapping, optional
        Behind, from lamina to lamina.
    posterior_longitudinal : float or mapping, optional
        In front.
    epidural_fat : float or mapping, optional
        At the sides.
    dura : float or mapping, optional
        All round, inside the others.
    capsule : float, optional
        Capsule of the facet joint on a foramen's posterior wall, for the soft-tissue variant; None leaves it out (no
        number is in the evidence).

    Raises
    ------
    UsageError
        A thickness that is negative, over 10 mm or not a number; a mapping without levels.
    """

    flavum: Thickness = None
    posterior_longitudinal: Thickness = None
    epidural_fat: Thickness = None
    dura: Thickness = None
    capsule: float | None = None

    def __post_init__(self) -> None:
        for name in (*LAYERS, "capsule"):
            given: Thickness = getattr(self, name)
            numbers = list(given.values()) if isinstance(given, Mapping) else [0.0 if given is None else given]
            if not numbers or not all(0.0 <= number <= 10.0 for number in numbers):
                raise UsageError(
                    f"the thickness of {name} is not between 0 and 10 mm",
                    where=f"InnerLayers({name}=...)",
                    fix="give millimetres, or a mapping from levels such as 'C5' or 'C5/6' to millimetres",
                )

    @property
    def by_level(self) -> bool:
        """Whether any thickness was given per level."""
        return any(isinstance(getattr(self, name), Mapping) for name in LAYERS)

    def thickness(self, name: str, s: Array, landmarks: Mapping[str, float]) -> Array:
        """Thickness (n,) of one of `LAYERS` at arc lengths `s` (n,), mm."""
        given: Thickness = getattr(self, name)
        if given is None:
            return np.full(len(s), evidence_of(name).value)
        if not isinstance(given, Mapping):
            return np.full(len(s), float(given))
        known = sorted((landmarks[level], value) for level, value in given.items() if level in landmarks)
        if not known:
            raise UsageError(
                f"none of the levels given for {name} is in the image",
                where=f"InnerLayers({name}=...): {', '.join(given)}",
                fix=f"use levels of this spine: {', '.join(landmarks)}",
            )
        at, value = np.array(known).T
        return np.asarray(np.interp(s, at, value), np.float64)


def evidence_of(name: str) -> Evidence:
    """Row of the evidence that a layer's default thickness comes from."""
    return evidence.value("mechanics", _KEYS[name])


def flavum_mm() -> float:
    """Thickness of the ligamentum flavum, mm: the evidence's one value, of 87 controls at C6/7."""
    return evidence_of("flavum").value


def flavum_finding() -> Finding:
    """Say that one level's flavum stands for all, wherever it lines the canal."""
    row = evidence_of("flavum")
    message = f"The ligamentum flavum is {row.value:g} mm thick at every level; it was measured at {row.level} only."
    return Finding("FLAVUM-ONE-LEVEL", "info", "canal", message)


def layer_table(layers: InnerLayers, landmarks: Mapping[str, float]) -> list[dict[str, str | float]]:
    """Thickness of every layer at every level, with where it comes from.

    Returns
    -------
    list of dict
        ``layer``, ``level``, ``thickness_mm``, ``status`` (``GIVEN`` where the user gave it, else the evidence's
        word) and ``source``.
    """
    rows: list[dict[str, str | float]] = []
    at = np.array(list(landmarks.values()))
    for name in LAYERS:
        row = evidence_of(name)
        own = getattr(layers, name) is None
        status, source = (row.status, row.source) if own else ("GIVEN", "option")
        for level, thickness in zip(landmarks, layers.thickness(name, at, landmarks).tolist(), strict=True):
            rows.append({"layer": name, "level": level, "thickness_mm": thickness, "status": status, "source": source})
    return rows


def sac_findings(layers: InnerLayers) -> tuple[Finding, ...]:
    """Say that the dural sac was made from the canal, and on whose numbers."""
    parts = []
    for name in LAYERS:
        given: Thickness = getattr(layers, name)
        if given is None:
            row = evidence_of(name)
            parts.append(f"{_NAMES[name]} {row.value:.2g} mm ({row.status.lower()})")
        else:
            size = "by level" if isinstance(given, Mapping) else f"{given:g} mm"
            parts.append(f"{_NAMES[name]} {size} (given)")
    message = f"No dural sac was labelled: it is the canal less {', '.join(parts)}."
    used = [evidence_of(name) for name in LAYERS if getattr(layers, name) is None]
    one = (flavum_finding(),) if layers.flavum is None else ()
    recalled = evidence.recalled_findings(used, where="sac")
    return (Finding("SAC-INFERRED", "warning", "sac", message), *one, *recalled)
