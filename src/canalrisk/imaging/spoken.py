"""What people and tools call a structure, in our vocabulary: 'C5 vertebra', 'vertebrae_C5', 'Spinal cord', ..."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from canalrisk.imaging.vocabulary import VERTEBRAE, is_structure

_LEVEL: Final = re.compile(r"([ctl])0?(\d{1,2})|th0?(\d{1,2})")
_SIDES: Final = {"left": "left", "l": "left", "lt": "left", "right": "right", "r": "right", "rt": "right"}
_NORMAL: Final = tuple(level for level in VERTEBRAE if level not in ("T13", "L6", "L7"))
_FILLERS: Final = frozenset({"the", "of", "segment", "label", "mask", "seg"})

_VERTEBRA: Final = frozenset({"vertebra", "vertebrae", "bone"})
_DISC: Final = frozenset({"disc", "disk", "discs", "disks", "discus", "ivd", "intervertebral", "intervertebralis"})
_ARTERY: Final = frozenset({"vertebral", "artery", "arteria", "vertebralis", "va"})
_ROOT: Final = frozenset({"root", "nerve", "spinal", "cervical"})
_PLAIN: Final = {
    "cord": ("spinal cord", "cord", "medulla spinalis", "cervical spinal cord", "cervical cord"),
    "cord_or_sac": ("cord or sac",),
    "canal": ("spinal canal", "canal", "vertebral canal", "canalis vertebralis", "bony canal", "cervical spinal canal"),
    "csf": ("csf", "cerebrospinal fluid", "dural sac", "thecal sac", "subarachnoid space"),
    "epidural": ("epidural", "epidural space", "epidural fat"),
    "flavum": ("flavum", "ligamentum flavum", "ligamenta flava"),
    "sacrum": ("sacrum", "s1", "sacrum s1", "s1 vertebra", "vertebra s1", "vertebrae s1", "sacral bone"),
    "coccyx": ("coccyx",),
}
_BY_NAME: Final = {"atlas": "c1", "axis": "c2"}
_BY_PHRASE: Final = {phrase: name for name, phrases in _PLAIN.items() for phrase in phrases}
# One of these makes it the mass, if nothing else is said than the words below.
_MASS: Final = frozenset(
    (
        "mass",
        "masses",
        "calcification",
        "calcifications",
        "calcinosis",
        "calcified",
        "lesion",
        "tumor",
        "tumour",
        "neoplasm",
        "ossification",
        "opll",
    )
)
_OF_A_MASS: Final = frozenset(
    (
        "calcific",
        "calcified",
        "tumoral",
        "tumoural",
        "soft",
        "tissue",
        "paraspinal",
        "paravertebral",
        "left",
        "right",
        "posterior",
        "anterior",
        "whole",
        "ectopic",
        "heterotopic",
        "main",
        "cervical",
        "dystrophic",
    )
)


def structure_of(text: str) -> str | None:
    """Return the structure that `text` names, or None where it is not certain.

    Parameters
    ----------
    text : str
        A segment's name or the meaning of its code: ``C5 vertebra`` (SNOMED CT), ``vertebrae_C5``
        (TotalSegmentator), ``disc_C5_C6`` (TotalSpineSeg), ``vertebra:C5`` (ours), ``Left vertebral artery``.

    Returns
    -------
    str or None
        Name of our vocabulary. Every word must be understood: ``C5 vertebral body`` or ``cord lesion`` is None,
        because a part is not the whole.
    """
    text = text.strip()[:200]
    if is_structure(text) and text != "ignore":
        return text
    words = [word for word in re.split(r"[\W_]+", text.lower()) if word and word not in _FILLERS]
    if not words:
        return None
    phrase = " ".join(words)
    if phrase in _BY_PHRASE:
        return _BY_PHRASE[phrase]
    return _vertebra(words) or _disc(words) or _sided(words) or _mass(words)


def _level(word: str) -> str | None:
    match = _LEVEL.fullmatch(word)
    if not match:
        return None
    level = f"T{match[3]}" if match[3] else f"{match[1].upper()}{match[2]}"
    return level if level in VERTEBRAE or level == "C8" else None


def _vertebra(words: list[str]) -> str | None:
    called = [_BY_NAME.get(word, word) for word in words]
    levels = {level for word in called if (level := _level(word))}
    others = {word for word in called if not _level(word)}
    level = levels.pop() if len(levels) == 1 else "C8"
    return f"vertebra:{level}" if level != "C8" and others <= _VERTEBRA else None


def _disc(words: list[str]) -> str | None:
    """``C5 C6``, ``C5 6``, ``C7 T1``, ``L5 S1`` and ``L5 S``, with a word that says disc."""
    others = [word for word in words if word in _DISC]
    place = [word for word in words if word not in _DISC]
    if not others or len(place) != 2:
        return None
    upper = _level(place[0])
    if upper is None or upper == "C8":
        return None
    lower = {"s": "S1", "s1": "S1"}.get(place[1]) or _level(place[1])
    if place[1].isdigit():
        lower = upper[0] + place[1]
    after = dict(pairwise(_NORMAL)) | {"L5": "S1", "L6": "S1", "T13": "L1"}
    if lower is None or after.get(upper) != lower:
        return None
    return f"disc:{upper}/{lower[1:] if lower[0] == upper[0] else lower}"


def _sided(words: list[str]) -> str | None:
    """Arteries and roots: the words must give exactly one side."""
    sides = [_SIDES[word] for word in words if word in _SIDES]
    others = [word for word in words if word not in _SIDES]
    if len(sides) != 1:
        return None
    levels = [level for word in others if (level := _level(word))]
    rest = {word for word in others if not _level(word)}
    if not levels and rest <= _ARTERY and rest & {"artery", "arteria", "va"} and rest != {"artery"}:
        return f"artery:{sides[0]}"
    if len(levels) == 1 and rest <= _ROOT and rest & {"root", "nerve"}:
        name = f"root:{levels[0]}:{sides[0]}"
        return name if is_structure(name) else None
    return None


def _mass(words: list[str]) -> str | None:
    said = {word for word in words if not word.isdigit()}
    return "mass" if said & _MASS and said <= _MASS | _OF_A_MASS else None
