"""Writes DICOM SEG files through highdicom, on a synthetic CT series of a made-up patient."""

from __future__ import annotations

from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
from pydicom.dataset import FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

NAME = "DOE^JANE^Q"
IDENTITY = (
    "DOE",
    "JANE",
    "PAT4711",
    "19560301",
    "ACC0815",
    "Hospital of Nowhere",
    "2024010",
    "Dr Who",
    "1.2.826.0.1.3680",
)
LPS = np.diag([-1.0, -1.0, 1.0])


def series(shape: tuple[int, int, int], affine: np.ndarray) -> list[pydicom.Dataset]:
    """One CT dataset per slice along the last axis of an array with this RAS affine; columns run along the first."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    unit = LPS @ affine[:3, :3] / spacing
    study, one_series, frame = generate_uid(), generate_uid(), generate_uid()
    slices = []
    for k in range(shape[2]):
        ds = pydicom.Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid()
        ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = NAME, "PAT4711", "19560301", "F"
        ds.AccessionNumber, ds.InstitutionName, ds.ReferringPhysicianName = "ACC0815", "Hospital of Nowhere", "Dr Who"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, one_series, frame
        ds.StudyID, ds.StudyDate, ds.StudyTime, ds.Modality = "1", "20240101", "120000", "CT"
        ds.SeriesNumber, ds.InstanceNumber = 1, k + 1
        ds.Rows, ds.Columns = shape[1], shape[0]
        ds.ImageOrientationPatient = [*map(float, unit[:, 0]), *map(float, unit[:, 1])]
        ds.ImagePositionPatient = [float(v) for v in LPS @ (affine[:3, 3] + k * affine[:3, 2])]
        ds.PixelSpacing, ds.SliceThickness = [float(spacing[1]), float(spacing[0])], float(spacing[2])
        ds.ImageType, ds.PixelRepresentation, ds.SamplesPerPixel = ["ORIGINAL", "PRIMARY", "AXIAL"], 1, 1
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PhotometricInterpretation = 16, 16, 15, "MONOCHROME2"
        ds.PositionReferenceIndicator = ""
        slices.append(ds)
    return slices


def write_seg(
    path: Path,
    segments: list[tuple[str, np.ndarray]],
    affine: np.ndarray,
    *,
    kind: str = "BINARY",
    types: dict[str, object] | None = None,
    shuffle: int | None = None,
    omit_empty: bool = True,
) -> Path:
    """Write (label, mask) segments; `shuffle` seeds another order of the frames."""
    shape = segments[0][1].shape
    descriptions = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=label,
            segmented_property_category=codes.SCT.AnatomicalStructure,
            segmented_property_type=(types or {}).get(label, codes.SCT.Tissue),
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, (label, _) in enumerate(segments, start=1)
    ]
    stack = np.stack([mask.transpose(2, 1, 0) for _, mask in segments], axis=-1)
    if kind == "LABELMAP":
        stack = np.max(stack * np.arange(1, len(segments) + 1, dtype=np.uint8), axis=-1).astype(np.uint8)
    elif kind == "FRACTIONAL":
        stack = stack * np.float32(0.5)
    else:
        stack = stack.astype(np.uint8)
    seg = hd.seg.Segmentation(
        source_images=series(shape, affine),
        pixel_array=stack,
        segmentation_type=kind,
        segment_descriptions=descriptions,
        series_instance_uid=generate_uid(),
        series_number=2,
        sop_instance_uid=generate_uid(),
        instance_number=1,
        manufacturer="Hospital of Nowhere",
        manufacturer_model_name="x",
        software_versions="1",
        device_serial_number="1",
        content_creator_name="Dr^Who",
        omit_empty_frames=omit_empty,
    )
    if shuffle is not None:
        frames = np.atleast_3d(seg.pixel_array)
        order = np.random.default_rng(shuffle).permutation(len(frames))
        groups = list(seg.PerFrameFunctionalGroupsSequence)
        seg.PerFrameFunctionalGroupsSequence = pydicom.Sequence([groups[i] for i in order])
        seg.PixelData = pydicom.pixels.pack_bits(frames[order].ravel(), pad=True)
    seg.save_as(path)
    return path
