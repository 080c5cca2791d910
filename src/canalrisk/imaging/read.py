"""From files to a LabelMap: the one way a segmentation enters."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from canalrisk.errors import LabelError, UsageError
from canalrisk.findings import Finding
from canalrisk.imaging.files import LabelFile, read_label_file
from canalrisk.imaging.geometry import check_shape
from canalrisk.imaging.labelmap import LabelMap, LabelTable
from canalrisk.imaging.mass import FoundMass, read_mass
from canalrisk.imaging.recognise import TableScore, recognise, score_table, sides_swapped
from canalrisk.imaging.shapes import LabelShapes, label_shapes
from canalrisk.imaging.soft import agrees, read_image, read_soft, with_cord
from canalrisk.imaging.subregions import add_subregions
from canalrisk.imaging.tables import list_tables, load_table

_MOST_LABELS = 400  # the longest table has 117 classes; a grey-value image has thousands
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
    best, runner_up, findings = _understood(chosen, file, number)
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
    return _with_image(_with_soft(read, soft or {}), ct)


def _mass_number(mass: Path | int | None, file: LabelFile) -> int | None:
    """Integer of the mass in a label map; None where it is a file, or a segment that reading has already found."""
    if not isinstance(mass, int) or file.mass is not None:
        return None
    if mass <= 0 or not (file.labels == mass).any():
        raise LabelError(f"no voxel has the label {mass} given for the mass", where=file.name, fix="check --mass")
    return int(mass)


def _understood(
    chosen: LabelTable | None, file: LabelFile, number: int | None
) -> tuple[TableScore, TableScore | None, list[Finding]]:
    """Table of the file with its score, the runner-up, and Findings; refuses what cannot be told or is flipped."""
    shapes = _shapes(file, without=number)
    findings: list[Finding] = []
    runner_up = None
    if chosen is None and file.table is None:
        best, runner_up = recognise(shapes, list_tables(), where=file.name)
        findings.append(_choice(best, runner_up, file.name))
    else:
        best = score_table(chosen or file.table or list_tables()[0], shapes)
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


def _with_soft(read: LabelMap, soft: Mapping[str, Path]) -> LabelMap:
    """Label map with the soft segmentations on its grid."""
    if "mass" in soft and "mass" in read.soft:
        raise UsageError(
            "a soft mass cannot go with a resampled mass file", where="--soft mass", fix="leave out --mass"
        )
    shares, source, findings, mass = dict(read.soft), dict(read.source), list(read.findings), read.mass
    for name, path in sorted(soft.items()):
        beside = read_soft(path, name=name, grid=read.grid)
        shares[name] = beside.values
        source |= beside.source
        findings += beside.findings
    if "canal" in soft:
        cord = shares["cord"] if "cord" in soft else read.mask("cord").astype(np.float32)
        shares["canal"], noted = with_cord(shares["canal"], cord, source["soft_canal_name"])
        findings += noted
    if "mass" in soft and mass is None:
        mass = shares["mass"] >= 0.5
        text = "The mass is the soft mass where it fills at least half a voxel."
        findings.append(Finding("MASS-FROM-SOFT", "info", source["soft_mass_name"], text))
        source["mass"] = "soft segmentation"
    labelled = {"cord": read.mask("cord"), "canal": _canal(read), "mass": mass}
    for name in sorted(soft):
        mask = labelled[name]
        if mask is not None:
            findings += agrees(shares[name], mask, name=name, where=source[f"soft_{name}_name"])
    return replace(read, mass=mass, soft=shares, source=source, findings=tuple(findings))


def _canal(read: LabelMap) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return the whole canal where it is labelled, cord included; otherwise an empty mask."""
    whole = read.mask("canal", "canal_content", "epidural")
    return whole | read.mask("cord", "csf", "cord_or_sac") if whole.any() else whole


def _with_image(read: LabelMap, ct: Path | None) -> LabelMap:
    """Label map with the CT on its grid."""
    if ct is None:
        return read
    bone = read.mask(*(name for name in read.table.entries.values() if name.startswith("vertebra:")))
    content = read.mask("cord", "csf", "cord_or_sac", "canal_content", "epidural", "canal")
    if read.mass is not None:
        bone, content = bone & ~read.mass, content & ~read.mass
    image = read_image(ct, grid=read.grid, bone=bone, soft=content)
    return replace(
        read,
        image=image.values,
        source=read.source | image.source,
        findings=(*read.findings, *image.findings),
    )
