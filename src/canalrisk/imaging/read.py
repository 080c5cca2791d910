"""From a file to a LabelMap: the one way a segmentation enters."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import LabelError
from canalrisk.findings import Finding
from canalrisk.imaging.labelmap import LabelMap, LabelTable
from canalrisk.imaging.mass import read_mass
from canalrisk.imaging.nifti import NiftiFile, read_nifti
from canalrisk.imaging.recognise import TableScore, recognise, score_table, sides_swapped
from canalrisk.imaging.shapes import LabelShapes, label_shapes
from canalrisk.imaging.tables import list_tables, load_table

_MOST_LABELS = 400  # the longest table has 117 classes; a grey-value image has thousands


def read_labels(
    path: str | os.PathLike[str],
    *,
    labels: str | os.PathLike[str] = "auto",
    mass: str | os.PathLike[str] | int | None = None,
) -> LabelMap:
    """Read a segmentation and say what its integers mean.

    Parameters
    ----------
    path : str or path-like
        NIfTI label map in any axis order, of any type holding whole numbers.
    labels : str or path-like
        ``auto``, the name of a table of `list_tables`, or the path of a TOML table.
    mass : str, path-like or int, optional
        File with the calcified mass on the same voxels, or its integer in `path`. Without it the table's own
        ``mass`` label is used where it has one.

    Returns
    -------
    LabelMap
        In the file's own axis order and world frame; `source` holds names without paths, SHA-256 and the choice of
        table.

    Raises
    ------
    InputRefused
        And its kinds GeometryError, LabelError, UnitError: what is wrong, where, and what to do.
    UsageError
        If no table is called `labels`.
    """
    table = None if labels == "auto" else load_table(labels)
    file = read_nifti(path)
    number = _mass_number(mass, file)
    shapes = _shapes(file, without=number)
    findings = list(file.findings)
    if table is None:
        best, runner_up = recognise(shapes, list_tables(), where=file.name)
        findings.append(_choice(best, runner_up, file.name))
    else:
        best, runner_up = score_table(table, shapes), None
        _check_chosen(best, shapes, file.name)
    table = best.table
    swapped = sides_swapped(shapes, best.meaning)
    if swapped:
        raise LabelError(
            f"left and right of '{swapped}' are swapped in space",
            where=file.name,
            fix="the image was flipped without its affine: export it again",
        )
    findings += _odd_labels(best, shapes, file.name)
    mask, is_label, mass_source, more = _mass(mass, number, file, table)
    score = {"label_table_score": f"{best.score:.3f}"}
    if runner_up is not None:
        score |= {"runner_up": runner_up.table.name, "runner_up_score": f"{runner_up.score:.3f}"}
    source = {"labels_name": file.name, "labels_sha256": file.sha256, "label_table": table.name}
    source |= {"label_table_version": table.version, **score, **mass_source}
    return LabelMap(file.labels, file.grid, table, mask, is_label, source, (*findings, *more))


def _mass_number(mass: str | os.PathLike[str] | int | None, file: NiftiFile) -> int | None:
    if not isinstance(mass, int):
        return None
    if mass <= 0 or not (file.labels == mass).any():
        raise LabelError(f"no voxel has the label {mass} given for the mass", where=file.name, fix="check --mass")
    return int(mass)


def _shapes(file: NiftiFile, *, without: int | None) -> LabelShapes:
    labels = file.labels if without is None else np.where(file.labels == without, 0, file.labels)
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
        text = "The tool's 'spinal cord' may be the dural sac: on CT the cord's edge is rarely visible."
        findings.append(Finding("CORD-OR-SAC", "warning", name, text))
    if best.score < 0.5:
        text = f"The labels fit table '{best.table.name}' poorly (score {best.score:.2f}); check it."
        findings.append(Finding("LABELS-DOUBTFUL", "serious", name, text))
    return findings


def _mass(
    mass: str | os.PathLike[str] | int | None, number: int | None, file: NiftiFile, table: LabelTable
) -> tuple[NDArray[np.bool_] | None, bool, dict[str, str], tuple[Finding, ...]]:
    """Mask of the mass, whether it replaced labels of the map, its source, and Findings."""
    if number is not None:
        return file.labels == number, True, {"mass": f"label {number}"}, ()
    values = [value for value, name in table.entries.items() if name == "mass"]
    labelled = np.isin(file.labels, values)
    if mass is None:
        return (labelled, True, {"mass": f"label {values[0]}"}, ()) if labelled.any() else (None, False, {}, ())
    assert not isinstance(mass, int)
    mask, own, findings = read_mass(mass, grid=file.grid)
    if (labelled & ~mask).any():
        raise LabelError(
            "the segmentation labels a mass that the mass file does not cover",
            where=f"{file.name} and {own.name}",
            fix="give the mass once: remove the label, or leave out --mass",
        )
    return mask, bool(labelled.any()), {"mass_name": own.name, "mass_sha256": own.sha256}, findings
