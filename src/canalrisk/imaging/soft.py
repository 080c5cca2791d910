"""What lies beside a label map on the same voxels: soft segmentations (shares of a voxel) and a CT."""

from __future__ import annotations

import os
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import GeometryError, LabelError, UsageError
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding
from canalrisk.imaging.files import read_value_file
from canalrisk.imaging.lattice import gap, lattice
from canalrisk.imaging.raw import Volume

Share = NDArray[np.float32]

SOFT_NAMES = ("cord", "canal", "mass")
# What full means in the wild: a share, per cent, 8-bit. A map whose largest value is none of these is not soft.
_SCALES = ((1.0, "shares from 0 to 1"), (100.0, "per cent"), (255.0, "8-bit values from 0 to 255"))
_LEAST_FULL = 0.6  # somewhere a structure fills its voxel; interpolated maps stay a little below one
_OVERSHOOT = 0.05  # cubic interpolation of a mask


@dataclass(frozen=True, eq=False)
class Beside:
    """An array on the label map's grid, its source for provenance, and Findings."""

    values: NDArray[np.float32]
    source: dict[str, str]
    findings: tuple[Finding, ...]


def read_soft(path: str | os.PathLike[str], *, name: str, grid: Grid) -> Beside:
    """Read a soft segmentation: the share of each voxel that a structure fills.

    Parameters
    ----------
    path : str or path-like
        NIfTI or NRRD on the voxels of the label map (axis order may differ, and it may be larger).
    name : {"cord", "canal", "mass"}
        What it shows.
    grid : Grid
        Grid of the label map.

    Returns
    -------
    Beside
        Shares in [0, 1]; the scale found is a Finding.

    Raises
    ------
    UsageError
        Another name.
    GeometryError
        Other voxels: a soft map is never resampled.
    LabelError
        Values that are no shares on any of the scales 1, 100, 255.
    """
    if name not in SOFT_NAMES:
        raise UsageError(
            f"'{name[:20]}' has no soft segmentation here", where="--soft", fix=f"use {', '.join(SOFT_NAMES)}"
        )
    shown, digest, volume = read_value_file(path)
    values = on_grid(volume, grid, where=shown, what=f"soft {name}")
    low, high = float(values.min()), float(values.max())
    fix = "give shares from 0 to 1, per cent, or 8-bit values from 0 to 255, full where the structure fills the voxel"
    scale, called = next(((s, text) for s, text in _SCALES if high <= s * (1 + _OVERSHOOT)), (0.0, ""))
    if scale == 0.0 or high < _LEAST_FULL * scale or low < -_OVERSHOOT * scale:
        raise LabelError(f"values from {low:.4g} to {high:.4g} are no soft segmentation", where=shown, fix=fix)
    share = (values / scale).astype(np.float32)
    findings = list(volume.findings)
    findings.append(Finding("SOFT-SCALE", "info", shown, f"Soft {name}: read as {called}."))
    if ((share == 0) | (share == 1)).all():
        text = f"The soft {name} holds nothing between empty and full: it is a plain mask and adds no precision."
        findings.append(Finding("SOFT-BINARY", "warning", shown, text))
    over = float(max(-share.min(), share.max() - 1.0))
    if over > 1e-3:
        text = f"Shares of the soft {name} overshoot 0 to 1 by up to {over:.3f} and were cut."
        findings.append(Finding("SOFT-CLIPPED", "info", shown, text))
    source = {f"soft_{name}_name": shown, f"soft_{name}_sha256": digest, f"soft_{name}_scale": f"{scale:g}"}
    return Beside(np.clip(share, 0, 1), source, tuple(findings))


def with_cord(canal: Share, cord: Share, where: str) -> tuple[Share, tuple[Finding, ...]]:
    """Fill a soft canal that leaves the cord out, as TotalSpineSeg's and SPINEPS' canal labels do.

    Parameters
    ----------
    canal, cord : ndarray of float32
        Shares; of the same voxel, cord and the rest of the canal add up.
    where : str
        For the Finding.

    Returns
    -------
    canal : ndarray of float32
        With the cord, and a Finding, if within the cord it was less than half full on average.
    findings : tuple of Finding
    """
    inside = cord > 0.9
    if not inside.any() or canal[inside].mean() > 0.5:
        return np.maximum(canal, cord), ()
    text = "The soft canal leaves the cord out; the cord's share was added, because the canal holds its cord here."
    return np.minimum(canal + cord, 1), (Finding("CANAL-WITHOUT-CORD", "warning", where, text),)


def agrees(share: Share, mask: NDArray[np.bool_], *, name: str, where: str) -> tuple[Finding, ...]:
    """Compare a soft segmentation with the labelled structure; Dice below 0.8 is serious."""
    if not mask.any():
        return ()
    half = share >= 0.5
    dice = 2.0 * float((half & mask).sum()) / max(1.0, float(half.sum()) + float(mask.sum()))
    if dice >= 0.8:
        return ()
    text = f"The soft {name} and the labelled {name} overlap poorly (Dice {dice:.2f}): they show different things."
    return (Finding("SOFT-DISAGREES", "serious", where, text),)


def read_image(path: str | os.PathLike[str], *, grid: Grid, bone: NDArray[np.bool_], soft: NDArray[np.bool_]) -> Beside:
    """Read a CT on the voxels of the label map.

    Parameters
    ----------
    path : str or path-like
        NIfTI or NRRD, Hounsfield units.
    grid : Grid
        Grid of the label map.
    bone, soft : ndarray of bool
        Vertebrae, and content of the canal, as labelled: their median HU tells whether the units are Hounsfield's.

    Returns
    -------
    Beside
        Hounsfield units as stored, whatever the Findings say of them.

    Raises
    ------
    GeometryError
        Other voxels: a CT is never resampled.
    """
    shown, digest, volume = read_value_file(path)
    values = on_grid(volume, grid, where=shown, what="CT").astype(np.float32)
    findings = [*volume.findings, *_hounsfield(values, bone, soft, shown)]
    return Beside(values, {"ct_name": shown, "ct_sha256": digest}, tuple(findings))


# Gates, not estimates: water is 0 HU by definition, soft tissue -100 (fat) to 100 (with contrast 250), cancellous bone
# 100 to 400, cortical to 1900. Medians outside are another unit, or a rescale that was lost.
_SOFT_HU = (-150.0, 250.0)
_BONE_HU = (60.0, 1900.0)
_CT_HU = (-5000.0, 32767.0)


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


def on_grid(volume: Volume, grid: Grid, *, where: str, what: str) -> NDArray[np.float32]:
    """Values on the voxels of `grid`, copied and never resampled.

    Raises
    ------
    GeometryError
        If the voxels do not coincide, or cover only part of the grid.
    """
    laid = lattice(volume.grid, grid)
    if laid is None or not laid.covers:
        raise GeometryError(
            gap(volume.grid, grid, what=what), where=where, fix="export it on the grid of the segmentation"
        )
    return laid.apply(np.asarray(volume.values, np.float32))
