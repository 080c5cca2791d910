"""What one file holds, whatever its format: the reader is chosen by the file's own first bytes, never by its name."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import InputRefused, LabelError
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding
from canalrisk.imaging.dicom import find_segmentation, is_dicom, open_dicom_seg
from canalrisk.imaging.labelmap import LabelTable
from canalrisk.imaging.names import safe_name
from canalrisk.imaging.nifti import is_nifti, open_nifti
from canalrisk.imaging.nrrd import is_nrrd, open_nrrd
from canalrisk.imaging.raw import Volume, read_bytes, sha256_of
from canalrisk.imaging.segments import Segmentation, compose

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LabelFile:
    """Integral labels, where they are, and what was odd.

    Parameters
    ----------
    name, sha256 : str
        Safe name without folder; digest of the whole file.
    labels : ndarray of int16 or int32, (nx, ny, nz)
        In the file's own axis order.
    grid : Grid
        Where the voxels are.
    findings : tuple of Finding
        What reading had to assume.
    table : LabelTable, optional
        What the integers mean, where the file names its segments.
    mass : ndarray of bool, optional
        Segments that are called a mass, or have the integer that was asked for.
    mass_replaced : bool
        The mass was drawn in one layer with the anatomy and so has replaced what lay under it.
    partial : bool
        The format leaves out what is empty, so that a file may cover only part of its scan.
    """

    name: str
    sha256: str
    labels: NDArray[np.integer]
    grid: Grid
    findings: tuple[Finding, ...]
    table: LabelTable | None = None
    mass: Mask | None = None
    mass_replaced: bool = False
    partial: bool = False


def read_label_file(path: str | os.PathLike[str], *, by_name: bool = True, mass_value: int | None = None) -> LabelFile:
    """Read one label map.

    Parameters
    ----------
    path : str or path-like
        NIfTI, NRRD, ``.seg.nrrd``, DICOM SEG, or a folder with one DICOM SEG.
    by_name : bool
        Take the meaning of named segments from their names; otherwise only their integers count.
    mass_value : int, optional
        Integer of the segment that is the mass.

    Returns
    -------
    LabelFile

    Raises
    ------
    InputRefused
        And its kinds GeometryError, LabelError, UnitError: what is wrong, where, and what to do.
    MissingExtra
        If a DICOM file is given without the extra ``dicom``.
    """
    if os.path.isdir(path):
        path, name = find_segmentation(path), "DICOM SEG"
    else:
        name = safe_name(path)
    raw = read_bytes(path, name)
    digest = sha256_of(raw)
    opened = _open(raw, name)
    del raw
    if isinstance(opened, Volume):
        return LabelFile(name, digest, integral(opened.values, name), opened.grid, opened.findings)
    made = compose(opened, where=name, by_name=by_name, mass_value=mass_value)
    return LabelFile(
        name=name,
        sha256=digest,
        labels=made.labels,
        grid=opened.grid,
        findings=(*opened.findings, *made.findings),
        table=made.table,
        mass=made.mass,
        mass_replaced=made.mass_replaced,
        partial=True,
    )


def read_value_file(path: str | os.PathLike[str]) -> tuple[str, str, Volume]:
    """Read grey values (a CT, a soft segmentation) from NIfTI or NRRD: safe name, SHA-256, volume.

    Raises
    ------
    InputRefused
        As `read_label_file`; also where a value is not finite, or the file holds a segmentation of named segments.
    """
    name = safe_name(path)
    raw = read_bytes(path, name)
    opened = _open(raw, name)
    if not isinstance(opened, Volume):
        raise InputRefused("this is a segmentation, not an image", where=name, fix="give a NIfTI or NRRD image")
    if not np.isfinite(opened.values).all():
        at = tuple(int(i) for i in np.argwhere(~np.isfinite(opened.values))[0])
        raise InputRefused("the image holds NaN or infinity", where=f"{name}, voxel {at}", fix="export it again")
    return name, sha256_of(raw), opened


def _open(raw: bytes, name: str) -> Volume | Segmentation:
    if is_nrrd(raw):
        return open_nrrd(raw, name)
    if is_dicom(raw):
        return open_dicom_seg(raw, name)
    if is_nifti(raw, name):
        return open_nifti(raw, name)
    raise InputRefused(
        "this is not a NIfTI, NRRD or DICOM SEG file",
        where=name,
        fix="export the segmentation as .nii.gz, .seg.nrrd or DICOM SEG",
    )


def integral(values: NDArray[np.generic], name: str) -> NDArray[np.integer]:
    """Labels as int16 (int32 where needed), or a refusal that names the first voxel that is none."""
    fix = "give a label map of whole numbers; shares of cord, canal or mass go to --soft"
    if values.dtype.kind == "f":
        if np.isnan(values).any():
            where = tuple(int(i) for i in np.argwhere(np.isnan(values))[0])
            raise LabelError("the labels hold NaN", where=f"{name}, voxel {where}", fix=fix)
        broken = ~np.isfinite(values) | (values != np.rint(values))
        if broken.any():
            few = ", ".join(f"{v:.6g}" for v in np.unique(values[broken])[:4])
            where = tuple(int(i) for i in np.argwhere(broken)[0])
            raise LabelError(f"labels must be whole numbers; found {few}", where=f"{name}, voxel {where}", fix=fix)
    low, high = int(values.min()), int(values.max())
    if low < 0:
        raise LabelError(f"labels must not be negative; the smallest is {low}", where=name, fix=fix)
    if high > np.iinfo(np.int32).max:
        raise LabelError(f"the label {high} is too large", where=name, fix=fix)
    if high == 0:
        raise LabelError("the file is empty: every voxel is 0", where=name, fix="export the segmentation again")
    return np.ascontiguousarray(values, np.int16 if high <= np.iinfo(np.int16).max else np.int32)
