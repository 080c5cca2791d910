"""DICOM SEG through highdicom (extra ``dicom``); of the patient nothing but voxels and geometry is taken over.

Only segment numbers, and what segment names mean in our own vocabulary, leave this module: no tag's text, no UID, no
message of the DICOM libraries, because these repeat what the file says of a person.
"""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import GeometryError, InputRefused, LabelError, require
from canalrisk.field.grid import Grid
from canalrisk.imaging.geometry import LPS_TO_RAS, MOST_VOXELS, check_affine, check_shape, coarse
from canalrisk.imaging.raw import damaged
from canalrisk.imaging.segments import Segment, Segmentation

EXTRA = "dicom"
_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
_LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"
_WHOLE_FILE_PACKED = ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.8.1")  # deflated: a small file may hold any size
_MOST_FILES = 20_000
_PREAMBLE = 132
_FOLDER = "DICOM folder"


def is_dicom(raw: bytes) -> bool:
    """Whether these are the bytes of a DICOM file."""
    return raw[128:_PREAMBLE] == b"DICM"


def find_segmentation(folder: str | os.PathLike[str]) -> str:
    """Return the path of the one DICOM SEG in a folder; images beside it are passed over.

    Raises
    ------
    InputRefused
        If there is none, or more than one; no name is shown, because folders are called after patients.
    MissingExtra
        Without the extra ``dicom``.
    """
    try:
        paths = sorted(entry.path for entry in os.scandir(folder) if entry.is_file())
    except (OSError, ValueError) as error:
        raise InputRefused("the folder cannot be read", where=_FOLDER, fix="check its permissions") from error
    if len(paths) > _MOST_FILES:
        raise InputRefused("the folder holds too many files", where=_FOLDER, fix="give the DICOM SEG file itself")
    candidates = [path for path in paths if _starts_as_dicom(path)]
    if not candidates:
        raise InputRefused(
            "the folder holds no DICOM file", where=_FOLDER, fix="give a file, or the folder of one DICOM SEG"
        )
    pydicom: Any = require("pydicom", extra=EXTRA)
    found = [path for path in candidates if _sop_class(pydicom, path) in (_SEGMENTATION, _LABEL_MAP)]
    if len(found) != 1:
        raise InputRefused(
            f"the folder holds {len(found)} DICOM segmentations in {len(candidates)} DICOM files",
            where=_FOLDER,
            fix="give the one DICOM SEG file itself",
        )
    return found[0]


def open_dicom_seg(raw: bytes, name: str) -> Segmentation:
    """Read the bytes of a DICOM SEG.

    Parameters
    ----------
    raw : bytes
        BINARY segments, overlapping or not, or a label map; frames in any order, empty ones may be missing.
    name : str
        Safe name for messages.

    Returns
    -------
    Segmentation
        Each binary segment is a layer of its own. Array axes are slices, rows, columns.

    Raises
    ------
    InputRefused
        No segmentation, truncated or damaged.
    GeometryError
        Slices that make no regular volume.
    LabelError
        Probabilities instead of labels.
    MissingExtra
        Without the extra ``dicom``.

    References
    ----------
    DICOM PS3.3, A.51 and C.8.20 (Segmentation IOD); Bridge et al. 2022, J Digit Imaging 35:1719 (highdicom).
    """
    require("highdicom", extra=EXTRA)
    with _quiet():
        image = _opened(raw, name)
        # Checked before a frame is touched: nothing is allocated for sizes that the file only claims.
        frames = [int(image.get(key) or 1) for key in ("NumberOfFrames", "Rows", "Columns")]
        if min(frames) < 1 or float(np.prod(np.array(frames, float))) > 20.0 * MOST_VOXELS:
            raise GeometryError("the frames are absurdly many or large", where=name, fix="export it again")
        geometry = _geometry(image, name)
    shape = check_shape(tuple(int(n) for n in geometry.spatial_shape), name, least=1)
    grid = Grid(shape, LPS_TO_RAS @ geometry.affine)
    check_affine(grid, name)
    packed = str(image.SegmentationType) == "LABELMAP"
    segments = [
        Segment(
            number=int(item.SegmentNumber), value=int(item.SegmentNumber), layer=0 if packed else place, names=names
        )
        for place, (item, names) in enumerate((item, _names(item)) for item in image.SegmentSequence)
        if int(item.SegmentNumber) > 0  # 0 is a label map's background
    ]

    def mask_of(segment: Segment) -> NDArray[np.bool_]:
        with _quiet():
            try:
                volume = image.get_volume(segment_numbers=[segment.number], rescale_fractional=False)
            except Exception:
                raise damaged(name, f"the frames of segment {segment.number} cannot be read") from None
        return np.asarray(volume.array).reshape(grid.shape) > 0

    return Segmentation(tuple(segments), mask_of, grid, tuple(coarse(grid, name)))


def _opened(raw: bytes, name: str) -> Any:
    """Return the highdicom Segmentation. Errors lose their cause: the libraries' words may hold a patient's name."""
    import highdicom
    import pydicom

    # Looked for in the uncompressed group 0002, before anything is unpacked.
    if any(syntax.encode() in raw[:4096] for syntax in _WHOLE_FILE_PACKED):
        raise InputRefused("a deflated DICOM file is not read", where=name, fix="export it without deflation")
    try:
        start = pydicom.dcmread(io.BytesIO(raw), specific_tags=["SOPClassUID"], stop_before_pixels=True)
        kind = str(start.get("SOPClassUID", ""))
    except Exception:
        raise damaged(name, "the DICOM header makes no sense") from None
    if kind not in (_SEGMENTATION, _LABEL_MAP):
        shown = pydicom.uid.UID(kind).name if kind in pydicom.uid.UID_dictionary else "something else"
        raise InputRefused(
            f"this DICOM file is no segmentation ({shown})", where=name, fix="export the segments as DICOM SEG"
        )
    try:
        image = highdicom.seg.segread(io.BytesIO(raw))
        fractional = str(image.SegmentationType) == "FRACTIONAL"
    except Exception:
        raise damaged(name, "the DICOM segmentation makes no sense") from None
    if fractional:
        raise LabelError("the segments are probabilities, not labels", where=name, fix="export binary segments")
    return image


def _geometry(image: Any, name: str) -> Any:
    try:
        geometry = image.get_volume_geometry()
        patient = geometry is not None and geometry.coordinate_system.value == "PATIENT"
    except Exception:
        patient = False
    if not patient:
        raise GeometryError(
            "the slices make no regular volume in the patient's frame",
            where=name,
            fix="export the segmentation on one scan with evenly spaced slices",
        )
    return geometry


def _names(item: Any) -> tuple[str, ...]:
    """Label and coded type of a segment, with its side; only for `structure_of`, never shown."""
    coded = next(iter(item.get("SegmentedPropertyTypeCodeSequence") or ()), None)
    if coded is None:
        return (str(item.get("SegmentLabel", "")),)
    sided = coded.get("SegmentedPropertyTypeModifierCodeSequence") or ()
    sides = [str(modifier.get("CodeMeaning", "")) for modifier in sided]
    return (str(item.get("SegmentLabel", "")), " ".join([str(coded.get("CodeMeaning", "")), *sides]))


def _starts_as_dicom(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return is_dicom(file.read(_PREAMBLE))
    except OSError:
        return False


def _sop_class(pydicom: Any, path: str) -> str:
    with _quiet():
        try:
            return str(pydicom.filereader.read_file_meta_info(path).get("MediaStorageSOPClassUID", ""))
        except Exception:
            return ""


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the DICOM libraries from warning and logging: their words repeat tags of the file."""
    loggers = [logging.getLogger(name) for name in ("pydicom", "highdicom")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
