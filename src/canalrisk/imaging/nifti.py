"""One NIfTI file to array, grid and Findings, or a refusal that says why.

The header is judged before any voxel is unpacked, so that an absurd file costs nothing; a compressed file is
unpacked to its end, because only then is its checksum compared.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import stat
import zlib
from dataclasses import dataclass
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import GeometryError, InputRefused, LabelError, UnitError
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding
from canalrisk.imaging.names import safe_name

MOST_VOXELS = 150_000_000
LARGEST_EXTENT_MM = 2000.0
FARTHEST_ORIGIN_MM = 1e5  # float32 affines lose a hundredth of a millimetre there
SPACING_MM = (0.05, 10.0)
COARSE_MM = 1.5
_LARGEST_FILE = 4 << 30
_SLACK = 1 << 20  # bytes some programs leave behind the voxels
_SHEAR = 1e-3  # cosine between voxel axes; float32 headers reach 1e-7
_CODES_APART_MM = 0.1


@dataclass(frozen=True, eq=False)
class NiftiFile:
    """What one file holds: integral labels, where they are, and what was odd."""

    name: str
    sha256: str
    labels: NDArray[np.integer]
    grid: Grid
    findings: tuple[Finding, ...]


def read_nifti(path: str | os.PathLike[str]) -> NiftiFile:
    """Read an integral 3-D NIfTI file.

    Parameters
    ----------
    path : str or path-like
        ``.nii`` or ``.nii.gz``, NIfTI-1 or NIfTI-2.

    Returns
    -------
    NiftiFile
        Labels int16 (int32 where needed) in the file's own axis order.

    Raises
    ------
    InputRefused
        Missing, unreadable, truncated or damaged file, or not NIfTI.
    GeometryError
        Not 3-D, too large, too thin, sheared, singular, or without orientation.
    UnitError
        Lengths not in millimetres.
    LabelError
        Values that are not integral, negative, or no labels at all.
    """
    name = safe_name(path)
    raw = _read_bytes(path, name)
    sha256 = hashlib.sha256(raw).hexdigest()
    packed = raw[:2] == b"\x1f\x8b"
    header = _header(_unpack(raw, 540, name, whole=False) if packed else raw[:540], name)
    shape = _shape(header, name)
    grid, findings = _grid(header, shape, name)
    size = int(header["vox_offset"]) + int(np.prod(shape)) * header.get_data_dtype().itemsize
    data = _unpack(raw, size, name, whole=True) if packed else raw
    del raw
    if len(data) < size:
        raise _damaged(name, f"the header promises {size} bytes and the file has {len(data)}")
    labels = _integral(_voxels(header, data, name).reshape(shape), name)
    return NiftiFile(name, sha256, labels, grid, findings)


def _damaged(name: str, why: str) -> InputRefused:
    return InputRefused(
        f"the file is truncated or damaged: {why}",
        where=name,
        fix="copy or export the file again and compare checksums",
    )


def _read_bytes(path: str | os.PathLike[str], name: str) -> bytes:
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):  # a pipe or device would block or never end
            raise InputRefused("this is not a file", where=name, fix="give the path of a .nii or .nii.gz file")
        if status.st_size > _LARGEST_FILE:
            raise InputRefused("the file is larger than 4 GiB", where=name, fix="crop it to the cervical spine")
        with open(path, "rb") as file:
            return file.read()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "not a path"
        raise InputRefused(
            f"the file cannot be read ({reason})", where=name, fix="check path and permissions"
        ) from error


def _unpack(raw: bytes, size: int, name: str, *, whole: bool) -> bytes:
    """Unpack `size` bytes; with `whole`, go on to the end so that length and checksum are verified."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
            data = stream.read(size)
            rest = stream.read(_SLACK + 1) if whole else b""
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(name, "the compressed data cannot be unpacked") from error
    if len(rest) > _SLACK:
        raise _damaged(name, "there is far more data than the header says")
    return data


def _header(start: bytes, name: str) -> Any:
    for kind in (nib.Nifti1Header, nib.Nifti2Header):
        if kind.may_contain_header(start):
            try:
                header = kind(start[: kind.template_dtype.itemsize], check=False)
                header.get_data_dtype()
                header.get_data_shape()
                header.get_xyzt_units()
            except Exception as error:  # nibabel raises many kinds on bytes made to hurt
                raise _damaged(name, "the NIfTI header makes no sense") from error
            if bytes(header["magic"].tobytes())[:3] not in (b"n+1", b"n+2"):
                break
            return header
    raise InputRefused(
        "this is not a NIfTI file (one .nii or .nii.gz)",
        where=name,
        fix="export the segmentation as NIfTI (3D Slicer: Segmentations, Export to files, NIfTI)",
    )


def _shape(header: Any, name: str) -> tuple[int, int, int]:
    full = tuple(int(n) for n in header.get_data_shape())
    shape = full
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3:
        shown = " x ".join(map(str, full))
        raise GeometryError(f"the image is {len(full)}-D ({shown})", where=name, fix="give one 3-D label map")
    if min(shape) < 1:
        raise _damaged(name, "the image size makes no sense")
    if min(shape) < 4:
        raise GeometryError(
            f"the image has only {min(shape)} voxels along one axis", where=name, fix="give a volume, not a slice"
        )
    if float(np.prod(np.array(shape, float))) > MOST_VOXELS:
        raise GeometryError(
            f"{' x '.join(map(str, shape))} voxels are more than {MOST_VOXELS:.1e}",
            where=name,
            fix="crop it to the cervical spine",
        )
    if not 0 <= float(header["vox_offset"]) <= _LARGEST_FILE:  # also false for NaN
        raise _damaged(name, "the voxel offset makes no sense")
    return shape


def _grid(header: Any, shape: tuple[int, int, int], name: str) -> tuple[Grid, tuple[Finding, ...]]:
    unit = header.get_xyzt_units()[0]
    if unit in ("meter", "micron"):
        raise UnitError(f"lengths are in {unit}, not mm", where=name, fix="save the file again in millimetres")
    findings: list[Finding] = []
    sform, qform = _affines(header, name)
    affine = sform if sform is not None else qform
    if affine is None:
        raise GeometryError(
            "the file does not say how the patient lies (sform and qform codes are 0), so left and right are unknown",
            where=name,
            fix="export it again with its orientation",
        )
    grid = Grid(shape, affine)
    _check_affine(grid, name)
    if unit == "unknown":
        findings.append(
            Finding("UNIT-ASSUMED", "info", name, "The file names no length unit; millimetres were assumed.")
        )
    if sform is not None and qform is not None:
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape])).reshape(3, -1).T
        gap = float(np.linalg.norm(grid.to_world(corners) - Grid(shape, qform).to_world(corners), axis=1).max())
        if not gap <= _CODES_APART_MM:
            text = f"The two orientations of the header (sform, qform) differ by up to {gap:.1f} mm; sform was used."
            findings.append(Finding("SFORM-QFORM", "serious", name, text))
    if grid.spacing.max() > COARSE_MM:
        text = f"Voxels are up to {grid.spacing.max():.1f} mm long; clearances are uncertain by about half of that."
        findings.append(Finding("VOXELS-COARSE", "warning", name, text))
    return grid, tuple(findings)


def _affines(header: Any, name: str) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    found: list[NDArray[np.float64] | None] = []
    for get in (header.get_sform, header.get_qform):
        try:
            matrix, code = get(coded=True)
        except Exception as error:  # a quaternion longer than one, among others
            raise GeometryError(
                "the orientation in the header makes no sense", where=name, fix="export it again"
            ) from error
        found.append(np.asarray(matrix, float) if matrix is not None and code > 0 else None)
    return found[0], found[1]


def _check_affine(grid: Grid, name: str) -> None:
    fix = "export the segmentation again from the scan it was drawn on"
    matrix = grid.affine[:3, :3]
    if not np.isfinite(grid.affine).all():
        raise GeometryError("the affine holds NaN or infinity", where=name, fix=fix)
    spacing = grid.spacing
    shown = " x ".join(f"{d:.4g}" for d in spacing)
    if spacing.min() <= 0 or abs(np.linalg.det(matrix / np.maximum(spacing, 1e-300))) < 1e-3:
        raise GeometryError(f"the affine is singular (voxels {shown} mm)", where=name, fix=fix)
    if spacing.min() < SPACING_MM[0] or spacing.max() > SPACING_MM[1]:
        raise UnitError(
            f"voxels of {shown} mm cannot show a spine (allowed {SPACING_MM[0]} to {SPACING_MM[1]} mm)",
            where=name,
            fix="the lengths are probably in metres or microns: save the file again in millimetres",
        )
    unit = matrix / spacing
    shear = float(np.abs(np.triu(unit.T @ unit, 1)).max())
    if shear > _SHEAR:
        angle = np.degrees(np.arcsin(min(shear, 1.0)))
        raise GeometryError(
            f"the affine is sheared by {angle:.2g} degrees (a tilted CT gantry?)",
            where=name,
            fix="resample to a rectangular grid",
        )
    extent = float((spacing * np.array(grid.shape)).max())
    if extent > LARGEST_EXTENT_MM:
        raise GeometryError(f"the image is {extent / 1000:.1f} m long", where=name, fix="check the voxel size")
    far = float(np.abs(grid.affine[:3, 3]).max())
    if far > FARTHEST_ORIGIN_MM:
        raise GeometryError(f"the image lies {far / 1000:.0f} m from its origin", where=name, fix=fix)


def _voxels(header: Any, data: bytes, name: str) -> NDArray[Any]:
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf":
        raise LabelError(f"voxels of type {dtype} are not labels", where=name, fix="save the labels as integers")
    try:
        return np.asanyarray(nib.arrayproxy.ArrayProxy(io.BytesIO(data), header, mmap=False))
    except Exception as error:  # the bytes are there; whatever fails now is in scale factors or layout
        raise _damaged(name, "the voxels cannot be read") from error


def _integral(values: NDArray[Any], name: str) -> NDArray[np.integer]:
    fix = "give a label map of whole numbers, not an image or a probability"
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
