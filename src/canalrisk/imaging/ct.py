"""A CT beside a label map, on the same voxels, and whether its values can be Hounsfield units."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from canalrisk.findings import Finding
from canalrisk.imaging.files import read_value_file
from canalrisk.imaging.labelmap import LabelMap
from canalrisk.imaging.lattice import on_grid

# Gates, not estimates: water is 0 HU by definition, soft tissue -100 (fat) to 100 (with contrast 250), cancellous bone
# 100 to 400, cortical to 1900. Medians outside are another unit, or a rescale that was lost.
_SOFT_HU = (-150.0, 250.0)
_BONE_HU = (60.0, 1900.0)
_CT_HU = (-5000.0, 32767.0)


def with_ct(read: LabelMap, path: str | os.PathLike[str] | None) -> LabelMap:
    """Return the label map with a CT on its voxels.

    Parameters
    ----------
    read : LabelMap
        Vertebrae, and what the canal holds, tell by their median whether the units are Hounsfield's.
    path : str, path-like or None
        NIfTI or NRRD; without it `read` comes back.

    Returns
    -------
    LabelMap
        `image` is as stored, whatever the Findings say of it.

    Raises
    ------
    GeometryError
        Other voxels: a CT is never resampled.
    InputRefused
        As `read_value_file`.
    """
    if path is None:
        return read
    shown, digest, volume = read_value_file(path)
    values = on_grid(volume, read.grid, where=shown, what="CT")
    bone = read.mask(*(name for name in read.table.entries.values() if name.startswith("vertebra:")))
    content = read.mask("cord", "csf", "cord_or_sac", "canal_content", "epidural", "canal")
    if read.mass is not None:
        bone, content = bone & ~read.mass, content & ~read.mass
    findings = (*read.findings, *volume.findings, *_hounsfield(values, bone, content, shown))
    source = read.source | {"ct_name": shown, "ct_sha256": digest}
    return replace(read, image=values, source=source, findings=findings)


def _hounsfield(
    values: NDArray[np.float32], bone: NDArray[np.bool_], soft: NDArray[np.bool_], where: str
) -> list[Finding]:
    wrong = []
    low, high = float(values.min()), float(values.max())
    if not _CT_HU[0] <= low < high <= _CT_HU[1] or high - low < 300:
        wrong.append(f"values run from {low:.4g} to {high:.4g}")
    for mask, (least, most), what in ((soft, _SOFT_HU, "canal's content"), (bone, _BONE_HU, "vertebrae")):
        if mask.any():
            median = float(np.median(values[mask]))
            if not least <= median <= most:
                wrong.append(f"the median of the {what} is {median:.4g}")
    if not wrong:
        return []
    shifted = soft.any() and 874 <= float(np.median(values[soft])) <= 1274
    advice = " They look shifted by 1024: the rescale intercept was lost." if shifted else ""
    text = f"The CT does not look like Hounsfield units: {', '.join(wrong)}.{advice} HU statistics mean nothing then."
    return [Finding("CT-NOT-HU", "serious", where, text)]
