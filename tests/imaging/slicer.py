"""Writes `.seg.nrrd` files as 3D Slicer does, through pynrrd and independently of the reader."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path

import nrrd
import numpy as np


def write_nrrd(
    path: Path,
    array: np.ndarray,
    affine: np.ndarray,
    *,
    extra: dict | None = None,
    space: str = "left-posterior-superior",
) -> Path:
    """Write a volume, or layers along the first axis if it is 4-D, whose RAS affine is given."""
    turn = {
        "left-posterior-superior": np.diag([-1.0, -1, 1]),
        "right-anterior-superior": np.eye(3),
        "left-anterior-superior": np.diag([-1.0, 1, 1]),
    }[space]
    directions = (turn @ affine[:3, :3]).T
    kinds = ["domain"] * 3
    if array.ndim == 4:
        directions = np.vstack([np.full(3, np.nan), directions])
        kinds = ["list", *kinds]
    header = OrderedDict(
        {"space": space, "kinds": kinds, "space directions": directions, "space origin": turn @ affine[:3, 3]}
    )
    header |= extra or {}
    nrrd.write(str(path), array, header, index_order="F")
    return path


def segment_fields(segments: list[dict[str, object]]) -> dict[str, str]:
    """`SegmentN_...` key/value pairs; each segment has name, value, layer and optionally tags."""
    fields: dict[str, str] = {"Segmentation_MasterRepresentation": "Binary labelmap"}
    for number, segment in enumerate(segments):
        fields[f"Segment{number}_ID"] = f"Segment_{number + 1}"
        fields[f"Segment{number}_Name"] = str(segment["name"])
        fields[f"Segment{number}_LabelValue"] = str(segment["value"])
        fields[f"Segment{number}_Layer"] = str(segment.get("layer", 0))
        fields[f"Segment{number}_Color"] = "0.5 0.5 0.5"
        fields[f"Segment{number}_Tags"] = str(segment.get("tags", "Segmentation.Status:inprogress|"))
    return fields
