"""One NRRD file: a plain volume, or the `.seg.nrrd` that 3D Slicer writes, its segments in one or several layers.

pynrrd reads the header; the voxels are unpacked here, where a bomb or a broken checksum is noticed and no other file
can be drawn in by a detached header.
"""

from __future__ import annotations

import re
from typing import Any

import nrrd
import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import GeometryError, InputRefused, LabelError, UnitError
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding
from canalrisk.imaging.geometry import LPS_TO_RAS, MOST_VOXELS, check_affine, check_shape, coarse, unit_assumed
from canalrisk.imaging.raw import Volume, damaged, gunzip
from canalrisk.imaging.segments import Segment, Segmentation, layered

_LONGEST_HEADER = 4 << 20  # bytes; Slicer repeats its terminology in every segment
_MOST_LAYERS = 200
_TYPES = {
    "u1": "uchar, unsigned char, uint8, uint8_t",
    "i1": "signed char, int8, int8_t",
    "i2": "short, short int, signed short, signed short int, int16, int16_t",
    "u2": "ushort, unsigned short, unsigned short int, uint16, uint16_t",
    "i4": "int, signed int, int32, int32_t",
    "u4": "uint, unsigned int, uint32, uint32_t",
    "i8": "longlong, long long, long long int, signed long long, signed long long int, int64, int64_t",
    "u8": "ulonglong, unsigned long long, unsigned long long int, uint64, uint64_t",
    "f4": "float",
    "f8": "double",
}
_NUMPY = {word: code for code, words in _TYPES.items() for word in words.split(", ")}
_TO_RAS = {
    "left-posterior-superior": LPS_TO_RAS,
    "right-anterior-superior": np.eye(4),
    "left-anterior-superior": np.diag([-1.0, 1.0, 1.0, 1.0]),
}
_SHORT = {"lps": "left-posterior-superior", "ras": "right-anterior-superior", "las": "left-anterior-superior"}
_SEGMENT_KEY = re.compile(r"Segment(\d{1,4})_(\w+)")


def is_nrrd(raw: bytes) -> bool:
    """Whether these are the bytes of a NRRD file."""
    return raw[:7] == b"NRRD000"


def open_nrrd(raw: bytes, name: str) -> Volume | Segmentation:
    """Read the bytes of a NRRD file.

    Parameters
    ----------
    raw : bytes
        Header and voxels in one file, encoding raw or gzip.
    name : str
        Safe name for messages.

    Returns
    -------
    Volume or Segmentation
        A Segmentation where the header names segments.

    Raises
    ------
    InputRefused
        Truncated, damaged, detached, or in an encoding that is not read.
    GeometryError
        Not 3-D (4-D with one list axis for segments), or without a patient frame.
    UnitError
        Lengths not in millimetres.
    LabelError
        Voxels that are no real numbers.

    References
    ----------
    NRRD format definition, teem.sourceforge.net/nrrd/format.html; `.seg.nrrd`: 3D Slicer developer guide,
    "Segmentations", file format.
    """
    header, start = _header(raw, name)
    sizes = _sizes(header, name)
    described = _segments(header, name)
    layer_axis = _layer_axis(header, sizes, name) if described else None
    in_space = tuple(n for axis, n in enumerate(sizes) if axis != layer_axis)
    shape = check_shape(in_space, name, least=1 if described else 4)  # a segmentation may be cropped to a thin mass
    grid, findings = _grid(header, shape, name, silent=bool(described))
    values = _voxels(header, raw[start:], sizes, name)
    if not described:
        return Volume(values.reshape(shape, order="F"), grid, findings)
    layers = values[None] if layer_axis is None else np.moveaxis(values, layer_axis, 0)
    layers = layers.reshape((len(layers), *shape))
    return layered(_listed(described, len(layers)), layers, grid=grid, findings=findings, where=name)


def _header(raw: bytes, name: str) -> tuple[dict[str, Any], int]:
    """Fields by name, and where the voxels start."""
    end = re.search(rb"\r?\n\r?\n", raw[:_LONGEST_HEADER])
    if end is None:
        raise damaged(name, "the NRRD header has no end")
    lines = raw[: end.start()].decode("utf-8", "replace").splitlines()
    try:
        header = dict(nrrd.read_header(lines))
    except Exception as error:  # pynrrd raises many kinds on a header made to hurt, and repeats what it found
        raise damaged(name, "the NRRD header makes no sense") from error
    for key in ("data file", "datafile", "line skip", "lineskip", "byte skip", "byteskip"):
        if header.get(key, 0) != 0:
            raise InputRefused(
                "the voxels are not in this file, right behind its header",
                where=name,
                fix="save header and voxels together, as .nrrd or .seg.nrrd",
            )
    return header, end.end()


def _sizes(header: dict[str, Any], name: str) -> tuple[int, ...]:
    sizes = tuple(int(n) for n in np.atleast_1d(header.get("sizes", ())))
    if not sizes or len(sizes) != header.get("dimension") or min(sizes) < 1 or len(sizes) > 16:
        raise damaged(name, "the image size makes no sense")
    if float(np.prod(np.array(sizes, float))) > MOST_VOXELS:
        shown = " x ".join(map(str, sizes))
        raise GeometryError(
            f"{shown} voxels are more than {MOST_VOXELS:.1e}", where=name, fix="crop it to the cervical spine"
        )
    return sizes


def _directions(header: dict[str, Any]) -> NDArray[np.float64]:
    """One row per axis, (n, 3); NaN for an axis that is not in space."""
    rows = header.get("space directions", ())
    return np.array([np.full(3, np.nan) if row is None else np.asarray(row, float) for row in rows]).reshape(-1, 3)


def _layer_axis(header: dict[str, Any], sizes: tuple[int, ...], name: str) -> int | None:
    if len(sizes) == 3:
        return None
    try:
        out_of_space = np.flatnonzero(np.isnan(_directions(header)).any(axis=1))
    except ValueError:
        out_of_space = np.array([], int)
    if len(sizes) != 4 or len(out_of_space) != 1 or sizes[out_of_space[0]] > _MOST_LAYERS:
        shown = " x ".join(map(str, sizes))
        raise GeometryError(
            f"the segmentation is {len(sizes)}-D ({shown})", where=name, fix="save one 3-D segmentation, not a sequence"
        )
    return int(out_of_space[0])


def _grid(
    header: dict[str, Any], shape: tuple[int, int, int], name: str, *, silent: bool
) -> tuple[Grid, tuple[Finding, ...]]:
    """Grid and Findings; with `silent` a missing unit needs no remark: 3D Slicer writes mm and says so nowhere."""
    space = str(header.get("space", "")).lower()
    to_ras = _TO_RAS.get(_SHORT.get(space, space))
    try:
        rows = _directions(header)
        rows = rows[~np.isnan(rows).all(axis=1)]
        origin = np.asarray(header.get("space origin", ()), float)
        complete = rows.shape == (3, 3) and origin.shape == (3,)
    except ValueError:
        complete = False
    if to_ras is None or not complete:
        raise GeometryError(
            "the file does not say how the patient lies (space, space directions, space origin)",
            where=name,
            fix="export it from 3D Slicer or ITK, with its orientation",
        )
    units = {str(unit).lower() for unit in header.get("space units", ())} - {""}
    if units - {"mm", "millimeter", "millimeters", "millimetre", "millimetres"}:
        raise UnitError("lengths are not in mm", where=name, fix="save the file again in millimetres")
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = rows.T, origin
    grid = Grid(shape, to_ras @ affine)
    check_affine(grid, name)
    assumed = [] if units or silent else [unit_assumed(name)]
    return grid, (*assumed, *coarse(grid, name))


def _voxels(header: dict[str, Any], data: bytes, sizes: tuple[int, ...], name: str) -> NDArray[Any]:
    code = _NUMPY.get(str(header.get("type")).lower())
    if code is None:
        raise LabelError(
            "voxels of this NRRD type are not numbers", where=name, fix="save the labels as 8- or 16-bit integers"
        )
    kind = np.dtype(code)
    if kind.itemsize > 1:
        order = {"little": "<", "big": ">"}.get(str(header.get("endian")).lower())
        if order is None:
            raise damaged(name, "the byte order is not given")
        kind = np.dtype(order + code)
    size = int(np.prod(sizes)) * kind.itemsize
    encoding = str(header.get("encoding")).lower()
    if encoding in ("gzip", "gz"):
        data = gunzip(data, size, name, whole=True)
    elif encoding != "raw":
        raise InputRefused(
            "this NRRD encoding is not read", where=name, fix="save it compressed by gzip (3D Slicer does) or raw"
        )
    if len(data) < size:
        raise damaged(name, f"the header promises {size} bytes and the file has {len(data)}")
    return np.frombuffer(data, kind, count=int(np.prod(sizes))).reshape(sizes, order="F")


def _segments(header: dict[str, Any], name: str) -> dict[int, dict[str, str]]:
    """Return what the header says of each segment, by its number."""
    found: dict[int, dict[str, str]] = {}
    for key, value in header.items():
        if match := _SEGMENT_KEY.fullmatch(key):
            found.setdefault(int(match[1]), {})[match[2]] = str(value)
    if len(found) > 1000:
        raise LabelError(f"{len(found)} segments are no segmentation of a spine", where=name, fix="export fewer")
    return dict(sorted(found.items()))


def _listed(described: dict[int, dict[str, str]], layers: int) -> list[Segment]:
    """Segments in the order of the file. Old files have one binary layer per segment and no integers."""

    def number(text: str | None, default: int) -> int:
        return int(text) if text is not None and re.fullmatch(r"\d{1,9}", text) else default

    return [
        Segment(
            number=place + 1,
            value=number(about.get("LabelValue"), 1 if layers > 1 else place + 1),
            layer=number(about.get("Layer"), place if layers > 1 else 0),
            names=(about.get("Name", ""), _terminology(about.get("Tags", ""))),
        )
        for place, about in enumerate(described.values())
    ]


def _terminology(tags: str) -> str:
    """Type and side of a ``TerminologyEntry:context~category~type~modifier~...``, codes being ``scheme^value^name``."""
    entry = next((tag.partition(":")[2] for tag in tags.split("|") if tag.startswith("TerminologyEntry:")), "")
    words = [code.split("^")[2] for code in entry.split("~")[2:4] if code.count("^") >= 2]
    return " ".join(words).strip()
