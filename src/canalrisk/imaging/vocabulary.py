"""The names our label tables may use, and where along the spine each belongs."""

from __future__ import annotations

import re
from typing import Final

VERTEBRAE: Final = (
    *(f"C{i}" for i in range(1, 8)),
    *(f"T{i}" for i in range(1, 14)),
    *(f"L{i}" for i in range(1, 8)),
)
"""Cranial to caudal. T13, L6 and L7 occur in transitional anatomy; no spine has them all."""

_PLAIN: Final = frozenset(
    ("cord", "cord_or_sac", "csf", "epidural", "canal_content", "canal", "flavum", "sacrum", "coccyx", "mass", "ignore")
)
_VERTEBRA: Final = "|".join(VERTEBRAE)
_PATTERNS: Final = (
    re.compile(rf"(vertebra|level):({_VERTEBRA})"),
    re.compile(rf"disc:({_VERTEBRA})/(S|[TLS]?\d+)"),
    re.compile(rf"point:(C1|compression|({_VERTEBRA})/[TLS]?\d+)"),
    re.compile(rf"root:({_VERTEBRA}|C8):(left|right)"),
    re.compile(r"artery:(left|right)"),
    re.compile(r"part:[a-z_]+(:left|:right)?"),
)


def is_structure(name: str) -> bool:
    """Whether `name` is a word of our vocabulary (see `LabelTable`)."""
    return name in _PLAIN or any(pattern.fullmatch(name) for pattern in _PATTERNS)


def axial_rank(name: str) -> float | None:
    """Position along the spine, increasing caudally; None for what has no level.

    Parameters
    ----------
    name : str
        Structure name; vertebrae ``vertebra:C5``, discs ``disc:C5/6``, cord levels ``level:C5``, points at discs
        ``point:C5/6`` and the sacrum have a rank. A disc ranks half a level below its upper vertebra. T13 and L6
        share the rank space between their neighbours, so that their absence leaves no hole.

    Returns
    -------
    float or None
        C1 is 1, C7 is 7, T1 is 8, T12 is 19, L1 is 20, L5 is 24, the sacrum 25.
    """
    kind, _, rest = name.partition(":")
    if kind == "sacrum":
        return 25.0
    if kind not in ("vertebra", "level", "disc", "point") or rest == "compression":
        return None
    if name == "point:C1":  # its top
        return 0.5
    level = rest.split("/")[0]
    region, number = level[0], int(level[1:])
    rank = {"C": 0.0, "T": 7.0, "L": 19.0}[region] + number
    if level == "T13":
        rank = 19.6
    elif region == "L" and number > 5:
        rank = 24.0 + 0.3 * (number - 5)
    return rank + 0.5 if kind in ("disc", "point") else rank


def side_of(name: str) -> str | None:
    """``left``, ``right`` or None."""
    tail = name.rpartition(":")[2]
    return tail if tail in ("left", "right") else None
