"""One NIfTI file to values, grid and Findings, or a refusal that says why.

The header is judged before any voxel is unpacked, so that an absurd file costs nothing; a compressed file is
unpacked to its end, because only then is its checksum compared.
"""

from __future__ import annotations

import io
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import GeometryError, LabelError, UnitError
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding
from canalrisk.imaging.geometry import check_affine, check_shape, coarse, unit_assumed
from canalrisk.imaging.raw import LARGEST_FILE, Volume, damaged, gunzip

_CODES_APART_MM = 0.1
_HEADER_BYTES = 540  # of NIfTI-2, the longer one


def is_nifti(raw: bytes, name: str) -> bool:
    """Whether these are the bytes of a single NIfTI-1 or NIfTI-2 file, packed or not."""
    start = _start(raw, name)
    return start[344:347] == b"n+1" or (len(start) == _HEADER_BYTES and start[4:7] == b"n+2")


def open_nifti(raw: bytes, name: str) -> Volume:
    """Read the bytes of a 3-D NIfTI file.

    Parameters
    ----------
    raw : bytes
        ``.nii`` or ``.nii.gz``, NIfTI-1 or NIfTI-2.
    name : str
        Safe name for messages.

    Returns
    -------
    Volume
        Values in the file's own axis order, slope and intercept applied.

    Raises
    ------
    InputRefused
        Truncated or damaged.
    GeometryError
        Not 3-D, too large, too thin, sheared, singular, or without orientation.
    UnitError
        Lengths not in millimetres.
    LabelError
        Voxels that are no real numbers.
    """
    packed = raw[:2] == b"\x1f\x8b"
    header = _header(_start(raw, name), name)
    shape = check_shape(tuple(int(n) for n in header.get_data_shape()), name)
    if not 0 <= float(header["vox_offset"]) <= LARGEST_FILE:  # also false for NaN
        raise damaged(name, "the voxel offset makes no sense")
    grid, findings = _grid(header, shape, name)
    size = int(header["vox_offset"]) + int(np.prod(shape)) * header.get_data_dtype().itemsize
    data = gunzip(raw, size, name, whole=True) if packed else raw
    if len(data) < size:
        raise damaged(name, f"the header promises {size} bytes and the file has {len(data)}")
    return Volume(_voxels(header, data, name).reshape(shape), grid, findings)


def _start(raw: bytes, name: str) -> bytes:
    packed = raw[:2] == b"\x1f\x8b"
    return gunzip(raw, _HEADER_BYTES, name, whole=False) if packed else raw[:_HEADER_BYTES]


def _header(start: bytes, name: str) -> Any:
    kind = nib.Nifti1Header if start[344:347] == b"n+1" else nib.Nifti2Header
    try:
        header = kind(start[: kind.template_dtype.itemsize], check=False)
        header.get_data_dtype()
        header.get_data_shape()
        header.get_xyzt_units()
    except Exception as error:  # nibabel raises many kinds on bytes made to hurt
        raise damaged(name, "the NIfTI header makes no sense") from error
    return header


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
    check_affine(grid, name)
    if unit == "unknown":
        findings.append(unit_assumed(name))
    if sform is not None and qform is not None:
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in shape])).reshape(3, -1).T
        gap = float(np.linalg.norm(grid.to_world(corners) - Grid(shape, qform).to_world(corners), axis=1).max())
        if not gap <= _CODES_APART_MM:
            text = f"The two orientations of the header (sform, qform) differ by up to {gap:.1f} mm; sform was used."
            findings.append(Finding("SFORM-QFORM", "serious", name, text))
    findings += coarse(grid, name)
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


def _voxels(header: Any, data: bytes, name: str) -> NDArray[Any]:
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf":
        raise LabelError(f"voxels of type {dtype} are not labels", where=name, fix="save the labels as integers")
    try:
        return np.asanyarray(nib.arrayproxy.ArrayProxy(io.BytesIO(data), header, mmap=False))
    except Exception as error:  # the bytes are there; whatever fails now is in scale factors or layout
        raise damaged(name, "the voxels cannot be read") from error
