"""Which label table wrote this file: judged on the integers that occur and on anatomy, never in silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from canalrisk.errors import LabelError
from canalrisk.imaging.labelmap import LabelTable
from canalrisk.imaging.shapes import LabelShapes
from canalrisk.imaging.vocabulary import axial_rank, side_of

LEAST_SCORE = 0.45
LEAST_GAP = 0.10
_IGNORED_COUNTS = 0.5  # a label the table knows but we do not use says less than one that looks like itself

# Volume, mm3, from a truncated or body-only piece to a large one with all processes.
_VOLUME = {
    "vertebra:C": (700.0, 30_000.0),
    "vertebra:T": (2_000.0, 70_000.0),
    "vertebra:L": (6_000.0, 160_000.0),
    "disc:C": (60.0, 6_000.0),
    "disc:T": (150.0, 16_000.0),
    "disc:L": (400.0, 30_000.0),
    "level": (80.0, 6_000.0),
    "cord": (300.0, 150_000.0),
    "cord_or_sac": (300.0, 250_000.0),
    "csf": (300.0, 250_000.0),
    "epidural": (300.0, 250_000.0),
    "canal_content": (300.0, 250_000.0),
    "canal": (500.0, 300_000.0),
    "sacrum": (1_000.0, 500_000.0),
    "artery": (30.0, 40_000.0),
    "root": (1.0, 6_000.0),
    "mass": (1.0, 500_000.0),
    "point": (0.0, 100.0),
    "part:body": (3_000.0, 2_000_000.0),
    "part:vertebra": (3_000.0, 2_000_000.0),
    "part:disc": (200.0, 300_000.0),
}
_ANY_VOLUME = (1.0, 500_000.0)
# Typical distance from the middle of one level to that of the next below, mm, by rank of the upper one: cervical,
# thoracic growing caudally, lumbar. Adults differ by some 15 %, so a neck is told from a chest, not from a tall neck.
_STEPS = np.array([16.5] * 7 + [19.0 + 0.8 * i for i in range(1, 13)] + [35.0] * 6)
_DEPTH = np.concatenate([[0.0, 0.0], np.cumsum(_STEPS)])
_STEP_SPREAD = 0.25  # of the logarithm
_REVERSED = 0.7  # no deformity puts a vertebra above the one that should be over it
_APART_MM = 3.0  # least distance between a left and a right part
_CANAL = frozenset({"canal_content", "canal", "csf", "epidural"})
_LONG = frozenset({"cord", "cord_or_sac", "canal_content", "canal", "csf", "epidural"})


@dataclass(frozen=True)
class TableScore:
    """How well one table explains a file: `score` in [0, 1], and how many pairs of levels are the wrong way up."""

    table: LabelTable
    score: float
    pairs: int
    reversed_pairs: int
    meaning: tuple[str | None, ...]
    """What each integer present means under the table; None where it means nothing."""


def score_table(table: LabelTable, shapes: LabelShapes) -> TableScore:
    """Judge one table.

    Parameters
    ----------
    table : LabelTable
        Candidate.
    shapes : LabelShapes
        What the file holds.

    Returns
    -------
    TableScore
        Mean plausibility of the named labels (volume, form, order along the body, cord inside canal, sides) times
        the share of integers that the table explains, and less again where levels are the wrong way up.
    """
    meaning = tuple(table.entries.get(int(value)) for value in shapes.values)
    named = [i for i, name in enumerate(meaning) if name not in (None, "ignore")]
    ignored = sum(name == "ignore" for name in meaning)
    if not named:
        return TableScore(table, 0.0, 0, 0, meaning)
    names = {i: str(meaning[i]) for i in named}
    order, pairs, wrong = _order(names, shapes)
    marks = [np.mean([*_form(i, names, shapes), *order.get(i, [])]) for i in named]
    explained = (len(named) + _IGNORED_COUNTS * ignored) / len(meaning)
    score = float(np.mean(marks)) * explained * (_REVERSED if wrong else 1.0)
    return TableScore(table, score, pairs, wrong, meaning)


def recognise(shapes: LabelShapes, tables: Iterable[LabelTable], *, where: str) -> tuple[TableScore, TableScore | None]:
    """Choose the table of a file, and the best one that would have read it otherwise.

    Parameters
    ----------
    shapes : LabelShapes
        What the file holds.
    tables : iterable of LabelTable
        Candidates.
    where : str
        Safe file name for the message.

    Returns
    -------
    best, runner_up : TableScore, TableScore or None
        The runner-up gives at least one integer present another meaning; tables that read this file alike are no
        rivals.

    Raises
    ------
    LabelError
        If no table scores 0.45, or the runner-up comes within 0.10; the candidates are listed.
    """
    ranked = sorted((score_table(table, shapes) for table in tables), key=lambda s: -s.score)
    best = ranked[0]
    runner_up = next((s for s in ranked[1:] if s.score > 0 and s.meaning != best.meaning), None)
    gap = best.score - (runner_up.score if runner_up else 0.0)
    if best.score >= LEAST_SCORE and gap >= LEAST_GAP:
        return best, runner_up
    candidates = ", ".join(f"{s.table.name} {s.score:.2f}" for s in ranked[:4])
    raise LabelError(
        f"the label table cannot be told from the file (candidates: {candidates})",
        where=where,
        fix="name it with --labels (see canalrisk labels) or a .toml file; an image must be segmented first",
    )


def sides_swapped(shapes: LabelShapes, meaning: tuple[str | None, ...], *, by_mm: float = 5.0) -> str | None:
    """Name of a structure whose left part lies right of its right part by more than `by_mm`, or None."""
    x = {name: shapes.centre[i, 0] for i, name in enumerate(meaning) if name}
    for name, left in x.items():
        if side_of(name) == "left":
            right = x.get(name[: -len("left")] + "right")
            if right is not None and left - right > by_mm:
                return name.removesuffix(":left")
    return None


def _family(name: str) -> str:
    kind, _, rest = name.partition(":")
    if kind in ("vertebra", "disc"):
        return f"{kind}:{rest[0]}"
    return name if kind == "part" else kind


def _form(i: int, names: dict[int, str], shapes: LabelShapes) -> list[float]:
    """Verdicts on volume, proportions, side and surroundings of label `i`."""
    name = names[i]
    low, high = _VOLUME.get(_family(name), _ANY_VOLUME)
    verdicts = [low <= shapes.volume[i] <= high]
    right, _, up = shapes.spread[i]
    kind = name.partition(":")[0]
    if kind == "vertebra" or name == "part:body":
        verdicts.append(right > 4.2)  # a body 15 mm wide; a cord 13 mm wide has 3.3
    elif kind == "level":
        verdicts.append(right < 4.2)
    elif kind == "disc":
        verdicts.append(up < right)
    elif name in _LONG:
        verdicts.append(up > right and right < 12.0)
    if name in ("cord", "cord_or_sac"):
        canal = [j for j, other in names.items() if other in _CANAL]
        if (
            canal
        ):  # the canal encloses its cord, also a compressed one; a body touches discs with a third of its surface
            verdicts.append(shapes.touching[i][canal].sum() > 0.5 * max(1, shapes.surface[i]))
    side = side_of(name)
    if side:
        twin = name[: -len(side)] + ("right" if side == "left" else "left")
        for j, other in names.items():
            if other == twin:
                apart = float(shapes.centre[j, 0] - shapes.centre[i, 0]) * (1 if side == "left" else -1)
                verdicts.append(apart > _APART_MM)
    return [float(v) for v in verdicts]


def _order(names: dict[int, str], shapes: LabelShapes) -> tuple[dict[int, list[float]], int, int]:
    """Mark cranio-caudal order and spacing, chain by chain, and the number of pairs the wrong way up."""
    marks: dict[int, list[float]] = {}
    pairs = wrong = 0
    for kind in ("vertebra", "disc", "level", "point"):
        chain = [(axial_rank(name) or 0.0, i) for i, name in names.items() if name.startswith(kind + ":")]
        if kind in ("vertebra", "disc") and chain:  # the sacrum lies below every vertebra and every disc
            chain += [(25.0, i) for i, name in names.items() if name == "sacrum"]
        chain.sort()
        for (rank_a, a), (rank_b, b) in pairwise(chain):
            down = float(shapes.centre[a, 2] - shapes.centre[b, 2])
            depth_a, depth_b = np.interp([rank_a, rank_b], np.arange(len(_DEPTH)), _DEPTH)
            distance = float(np.linalg.norm(shapes.centre[a] - shapes.centre[b]))
            off = np.log(max(distance, 0.1) / max(depth_b - depth_a, 5.0)) / _STEP_SPREAD
            mark = float(np.exp(-0.5 * off**2)) if down > 0 else 0.0
            for i in (a, b):
                marks.setdefault(i, []).append(mark)
            pairs += 1
            wrong += down <= 0
    return marks, pairs, wrong
