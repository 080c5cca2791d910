"""What the integers of a file mean: the table that fits, or a refusal; and what is odd about its labels."""

from __future__ import annotations

import numpy as np

from canalrisk.errors import LabelError
from canalrisk.findings import Finding
from canalrisk.imaging.files import LabelFile
from canalrisk.imaging.labelmap import LabelTable
from canalrisk.imaging.recognise import TableScore, recognise, score_table, sides_swapped
from canalrisk.imaging.shapes import LabelShapes, label_shapes
from canalrisk.imaging.tables import list_tables

_MOST_LABELS = 400  # the longest table has 117 classes; a grey-value image has thousands


def understood(
    chosen: LabelTable | None, file: LabelFile, number: int | None
) -> tuple[TableScore, TableScore | None, list[Finding]]:
    """Find the table of a file, or check the one that is given.

    Parameters
    ----------
    chosen : LabelTable or None
        Given by the user; else the file's own segment names count, else every table of the package is tried.
    file : LabelFile
        As read.
    number : int or None
        Integer of the mass: no table needs to know it.

    Returns
    -------
    best, runner_up : TableScore, TableScore or None
        The runner-up only where tables were tried.
    findings : list of Finding

    Raises
    ------
    LabelError
        Nothing but a mass, an image, an unclear table, one that does not fit, mere points, or swapped sides.
    """
    shapes = _shapes(file, without=number)
    findings: list[Finding] = []
    runner_up = None
    table = chosen or file.table
    if table is None:
        best, runner_up = recognise(shapes, list_tables(), where=file.name)
        findings.append(_choice(best, runner_up, file.name))
    else:
        best = score_table(table, shapes)
        _check_chosen(best, shapes, file.name)
    if all((name or "").startswith("point:") for name in best.meaning):
        raise LabelError(
            f"these are points (label table '{best.table.name}'), not a segmentation",
            where=file.name,
            fix="give the segmentation of vertebrae, canal and cord that they belong to",
        )
    swapped = sides_swapped(shapes, best.meaning)
    if swapped:
        raise LabelError(
            f"left and right of '{swapped}' are swapped in space",
            where=file.name,
            fix="the image was flipped without its affine: export it again",
        )
    return best, runner_up, findings + _odd_labels(best, shapes, file.name)


def _shapes(file: LabelFile, *, without: int | None) -> LabelShapes:
    masses = [v for v, name in file.table.entries.items() if name == "mass"] if file.table else []
    masses += [] if without is None else [without]
    labels = np.where(np.isin(file.labels, masses), 0, file.labels) if masses else file.labels
    if not labels.any():
        raise LabelError("there is nothing but the mass", where=file.name, fix="give the segmentation of the spine too")
    distinct = int(np.count_nonzero(np.bincount(labels.ravel()))) if labels.max() < 1 << 24 else len(np.unique(labels))
    if distinct > _MOST_LABELS:
        raise LabelError(
            f"{distinct} different values: this looks like an image, not a segmentation",
            where=file.name,
            fix="segment it first (TotalSpineSeg, TotalSegmentator, SPINEPS or by hand)",
        )
    return label_shapes(labels, grid=file.grid)


def _choice(best: TableScore, runner_up: TableScore | None, name: str) -> Finding:
    text = f"Label table '{best.table.name}' was recognised (score {best.score:.2f}"
    if runner_up is None:
        text += "; no other table reads this file differently)."
    else:
        gap = best.score - runner_up.score
        text += f"; runner-up '{runner_up.table.name}' {runner_up.score:.2f}, gap {gap:.2f})."
    return Finding("LABELS-AUTO", "info", name, text)


def _check_chosen(best: TableScore, shapes: LabelShapes, name: str) -> None:
    present = ", ".join(map(str, shapes.values[:12]))
    if best.score == 0.0:
        raise LabelError(
            f"table '{best.table.name}' knows none of the integers in the file ({present})",
            where=name,
            fix="use --labels auto, or name another table (canalrisk labels lists them)",
        )
    if 2 * best.reversed_pairs > best.pairs:
        raise LabelError(
            f"under table '{best.table.name}' the levels run from caudal to cranial",
            where=name,
            fix="this is another tool's table, or the image is upside down; try --labels auto",
        )


def _odd_labels(best: TableScore, shapes: LabelShapes, name: str) -> list[Finding]:
    findings = []
    unknown = [int(v) for v, meaning in zip(shapes.values, best.meaning, strict=True) if meaning is None]
    if unknown:
        shown = ", ".join(map(str, unknown[:12])) + (", ..." if len(unknown) > 12 else "")
        text = f"Integers unknown to table '{best.table.name}' were left out: {shown}."
        findings.append(Finding("LABELS-UNKNOWN", "warning", name, text))
    if "cord_or_sac" in best.meaning:
        text = (
            "The tool's 'spinal cord' may be the dural sac: on CT the cord's edge is rarely visible. Say which it is "
            "with --cord-is cord or --cord-is sac."
        )
        findings.append(Finding("CORD-OR-SAC", "warning", name, text))
    if best.score < 0.5:
        text = f"The labels fit table '{best.table.name}' poorly (score {best.score:.2f}); check it."
        findings.append(Finding("LABELS-DOUBTFUL", "serious", name, text))
    return findings
