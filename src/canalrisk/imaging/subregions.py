"""The second file of a pair: SPINEPS writes levels (`seg-vert`) and canal, cord, processes (`seg-spine`) apart."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np

from canalrisk.errors import GeometryError, LabelError
from canalrisk.findings import Finding
from canalrisk.imaging.files import LabelFile, read_label_file
from canalrisk.imaging.labelmap import LabelTable
from canalrisk.imaging.lattice import gap, lattice
from canalrisk.imaging.recognise import score_table, sides_swapped
from canalrisk.imaging.shapes import label_shapes
from canalrisk.imaging.tables import load_table

_TABLE = "spineps-subregions"
_CONTENT = ("cord", "canal_content")
_BONE = ("part:arch", "part:spinous_process", "part:body", "part:vertebra", "part:dens")
_BONE_KINDS = ("part:costal_process", "part:facet_superior", "part:facet_inferior")
_LEAST_SHARED = 0.7  # of the subregions' bone that must lie in vertebrae of the instance file


def add_subregions(
    file: LabelFile, table: LabelTable, path: str | os.PathLike[str]
) -> tuple[LabelFile, LabelTable, dict[str, str]]:
    """Add cord and canal of a subregion file to an instance file.

    Parameters
    ----------
    file : LabelFile
        Vertebrae and discs by level.
    table : LabelTable
        Its integers.
    path : str or path-like
        SPINEPS ``seg-spine`` mask on the same voxels.

    Returns
    -------
    file, table : LabelFile, LabelTable
        With cord and canal where the instance file is empty.
    source : dict of str
        For provenance.

    Raises
    ------
    GeometryError
        Other voxels.
    LabelError
        If it is no subregion file, belongs to another scan, or `file` has a canal already.
    """
    other = read_label_file(path)
    if {"cord", "canal_content", "canal", "csf"} & {table.entries.get(int(v), "") for v in np.unique(file.labels)}:
        raise LabelError(
            "the segmentation has a canal or cord already", where=f"{file.name} and {other.name}", fix="give it alone"
        )
    laid = lattice(other.grid, file.grid)
    if laid is None or not (laid.covers or other.partial):
        raise GeometryError(
            gap(other.grid, file.grid, what="subregion file"), where=other.name, fix="give the pair of one scan"
        )
    labels = laid.apply(other.labels)
    parts = load_table(_TABLE)
    if not labels.any():
        raise LabelError("the subregion file is empty here", where=other.name, fix="give the pair of one scan")
    shapes = label_shapes(labels, grid=file.grid)
    judged = score_table(parts, shapes)
    present = set(judged.meaning)
    if not present & set(_CONTENT) or None in present:
        raise LabelError(
            "this is not a subregion file (no cord and canal under 60 and 61, or other integers)",
            where=other.name,
            fix="give the seg-vert file first and the seg-spine file with --subregions",
        )
    swapped = sides_swapped(shapes, judged.meaning)
    if swapped:
        raise LabelError(
            f"left and right of '{swapped}' are swapped in space",
            where=other.name,
            fix="the image was flipped without its affine: export it again",
        )
    names = {value: str(name) for value, name in parts.entries.items()}
    bony = [v for v, name in names.items() if name in _BONE or name.startswith(_BONE_KINDS)]
    vertebrae = np.isin(file.labels, [v for v, name in table.entries.items() if name.startswith("vertebra:")])
    bone = np.isin(labels, bony)
    shared = float(vertebrae[bone].mean()) if bone.any() else 1.0
    if shared < _LEAST_SHARED:
        raise LabelError(
            f"only {shared:.0%} of the subregions' bone lies in a vertebra of the other file",
            where=f"{file.name} and {other.name}",
            fix="give the pair of one scan",
        )
    painted = file.labels.copy()
    entries = dict(table.entries)
    free = iter(v for v in range(60, 2000) if v not in entries and not (file.labels == v).any())
    kept = 0
    for name in _CONTENT:
        mask = np.isin(labels, [v for v, meaning in names.items() if meaning == name])
        kept += int(np.count_nonzero(mask & (file.labels != 0)))
        value = next(free)
        painted[mask & (file.labels == 0)] = value
        entries[value] = name
    text = f"Cord and canal come from the subregion file, vertebrae and discs from {file.name}."
    findings = [*other.findings, Finding("SUBREGIONS-ADDED", "info", other.name, text)]
    if kept * file.grid.voxel_volume > 1.0:
        text = f"{kept * file.grid.voxel_volume:.0f} mm3 of canal lie in vertebrae or discs and were left to these."
        findings.append(Finding("SUBREGIONS-OVERLAP", "warning", other.name, text))
    source = {"subregions_name": other.name, "subregions_sha256": other.sha256}
    table = replace(table, entries=dict(sorted(entries.items())))
    return replace(file, labels=painted, findings=(*file.findings, *findings)), table, source
