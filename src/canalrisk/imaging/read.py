"""From files to a LabelMap: the one way a segmentation enters."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from canalrisk.errors import LabelError, UsageError
from canalrisk.imaging.ct import with_ct
from canalrisk.imaging.files import LabelFile, read_label_file
from canalrisk.imaging.geometry import check_shape
from canalrisk.imaging.labelmap import LabelMap, LabelTable
from canalrisk.imaging.mass import FoundMass, read_mass
from canalrisk.imaging.recognise import TableScore
from canalrisk.imaging.soft import with_soft
from canalrisk.imaging.subregions import add_subregions
from canalrisk.imaging.tables import load_table
from canalrisk.imaging.understand import understood

Path = str | os.PathLike[str]


def read_labels(
    path: Path,
    *,
    labels: Path = "auto",
    mass: Path | int | None = None,
    resample_mass: bool = False,
    subregions: Path | None = None,
    cord_is: str | None = None,
    soft: Mapping[str, Path] | None = None,
    ct: Path | None = None,
) -> LabelMap:
    """Read a segmentation, say what its integers mean, and take in what lies beside it.

    Parameters
    ----------
    path : str or path-like
        NIfTI or NRRD label map in any axis order, of any type holding whole numbers; a ``.seg.nrrd`` of 3D Slicer; a
        DICOM SEG (extra ``dicom``) or a folder with one.
    labels : str or path-like
        ``auto``, the name of a table of `list_tables`, or the path of a TOML table or a BIDS ``dseg.tsv``. With
        ``auto``, named segments are understood by their names.
    mass : str, path-like or int, optional
        File with the calcified mass on the same voxels, or its integer in `path`. Without it the ``mass`` label or
        segment is used where there is one.
    resample_mass : bool
        Resample a mass file whose voxels lie elsewhere (Finding ``MASS-RESAMPLED``); otherwise it is refused.
    subregions : str or path-like, optional
        SPINEPS ``seg-spine`` file beside the ``seg-vert`` file in `path`: brings cord and canal.
    cord_is : {"cord", "sac"}, optional
        What a label that may be either (a cord segmented on CT) shows.
    soft : mapping of str to path, optional
        Soft segmentations of ``cord``, ``canal`` and ``mass`` on the same voxels.
    ct : str or path-like, optional
        CT on the same voxels, Hounsfield units.

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
        If no table is called `labels`, or an argument makes no sense.
    MissingExtra
        If a DICOM file is given without the extra ``dicom``.
    """
    chosen = None if labels == "auto" else load_table(labels)
    file = read_label_file(path, by_name=chosen is None, mass_value=mass if isinstance(mass, int) else None)
    number = _mass_number(mass, file)
    check_shape(file.grid.shape, file.name)
    best, runner_up, findings = understood(chosen, file, number)
    if cord_is is not None:  # the doubt has been answered
        findings = [finding for finding in findings if finding.code != "CORD-OR-SAC"]
        file = replace(file, findings=tuple(f for f in file.findings if f.code != "CORD-BY-NAME"))
    source = _source(file, best, runner_up) | ({"cord_is": cord_is} if cord_is else {})
    table = best.table
    if subregions is not None:
        file, table, more = add_subregions(file, table, subregions)
        source |= more
    present = {table.entries.get(int(value), "") for value in np.unique(file.labels)}
    table = _cord_said(table, cord_is, present, file.name)
    found = _mass(mass, number, file, table, resample=resample_mass)
    read = LabelMap(
        labels=file.labels,
        grid=file.grid,
        table=table,
        mass=found.mask,
        mass_is_label=found.replaced,
        source=source | found.source,
        findings=(*file.findings, *findings, *found.findings),
        soft={} if found.share is None else {"mass": found.share},
    )
    return with_ct(with_soft(read, soft or {}), ct)


def _mass_number(mass: Path | int | None, file: LabelFile) -> int | None:
    """Integer of the mass in a label map; None where it is a file, or a segment that reading has already found."""
    if not isinstance(mass, int) or file.mass is not None:
        return None
    if mass <= 0 or not (file.labels == mass).any():
        raise LabelError(f"no voxel has the label {mass} given for the mass", where=file.name, fix="check --mass")
    return int(mass)


def _source(file: LabelFile, best: TableScore, runner_up: TableScore | None) -> dict[str, str]:
    source = {
        "labels_name": file.name,
        "labels_sha256": file.sha256,
        "label_table": best.table.name,
        "label_table_version": best.table.version,
        "label_table_score": f"{best.score:.3f}",
    }
    if runner_up is not None:
        source |= {"runner_up": runner_up.table.name, "runner_up_score": f"{runner_up.score:.3f}"}
    return source


def _cord_said(table: LabelTable, cord_is: str | None, present: set[str], where: str) -> LabelTable:
    """Table in which a label that may be cord or sac is what the user says it is."""
    if cord_is is None:
        return table
    if cord_is not in ("cord", "sac"):
        raise UsageError(f"'{cord_is[:20]}' is neither cord nor sac", where="--cord-is", fix="use cord or sac")
    if cord_is == "sac" and "csf" in present:
        raise UsageError("the segmentation has a sac (CSF) of its own", where=where, fix="leave out --cord-is")
    doubtful = {"cord_or_sac"} if cord_is == "cord" else {"cord_or_sac", "cord"}
    said = "cord" if cord_is == "cord" else "csf"  # without a cord of its own, all of the sac
    entries = {value: said if name in doubtful else name for value, name in table.entries.items()}
    return replace(table, entries=entries)


def _mass(
    mass: Path | int | None, number: int | None, file: LabelFile, table: LabelTable, *, resample: bool
) -> FoundMass:
    """Find the mass: the integer asked for, the file given, or what the map itself calls so."""
    if resample and (mass is None or isinstance(mass, int)):
        raise UsageError(
            "only a mass in a file of its own can be resampled", where="--resample-mass", fix="leave it out"
        )
    if number is not None:
        return FoundMass(file.labels == number, True, {"mass": f"label {number}"})
    values = [value for value, name in table.entries.items() if name == "mass"]
    drawn, replaced, called = np.isin(file.labels, values), True, f"label {values[0]}" if values else ""
    if file.mass is not None:
        drawn, replaced = file.mass, file.mass_replaced
        called = f"segment {mass}" if isinstance(mass, int) else "segments called a mass"
    if mass is None or isinstance(mass, int):
        return FoundMass(drawn, replaced, {"mass": called}) if drawn.any() else FoundMass(None)
    own = read_mass(mass, grid=file.grid, resample=resample)
    if own.mask is not None and (drawn & ~own.mask).any():
        raise LabelError(
            "the segmentation labels a mass that the mass file does not cover",
            where=f"{file.name} and {own.source['mass_name']}",
            fix="give the mass once: remove the label, or leave out --mass",
        )
    return replace(own, replaced=replaced and bool(drawn.any()))
