"""Soft segmentations beside a label map, on the same voxels: the share of each that a structure fills."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import LabelError, UsageError
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding
from canalrisk.imaging.files import read_value_file
from canalrisk.imaging.labelmap import LabelMap
from canalrisk.imaging.lattice import on_grid

Share = NDArray[np.float32]

SOFT_NAMES = ("cord", "canal", "mass", "gray")
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
    name : {"cord", "canal", "mass", "gray"}
        What it shows; gray is the probability of gray matter.
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


def _with_cord(canal: Share, cord: Share, where: str) -> tuple[Share, tuple[Finding, ...]]:
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


def _agrees(share: Share, mask: NDArray[np.bool_], *, name: str, where: str) -> tuple[Finding, ...]:
    """Compare a soft segmentation with the labelled structure; Dice below 0.8 is serious."""
    if not mask.any():
        return ()
    half = share >= 0.5
    dice = 2.0 * float((half & mask).sum()) / max(1.0, float(half.sum()) + float(mask.sum()))
    if dice >= 0.8:
        return ()
    text = f"The soft {name} and the labelled {name} overlap poorly (Dice {dice:.2f}): they show different things."
    return (Finding("SOFT-DISAGREES", "serious", where, text),)


def with_soft(read: LabelMap, soft: Mapping[str, str | os.PathLike[str]]) -> LabelMap:
    """Return the label map with soft segmentations on its grid.

    Parameters
    ----------
    read : LabelMap
        Without a mass, a soft mass brings one: where it fills at least half a voxel.
    soft : mapping of str to path
        By name: ``cord``, ``canal``, ``mass``, ``gray``.

    Returns
    -------
    LabelMap

    Raises
    ------
    UsageError
        A name that has no soft segmentation; a soft mass beside a resampled one.
    InputRefused
        As `read_soft`.
    """
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
        shares["canal"], noted = _with_cord(shares["canal"], cord, source["soft_canal_name"])
        findings += noted
    if "mass" in soft and mass is None:
        mass = shares["mass"] >= 0.5
        text = "The mass is the soft mass where it fills at least half a voxel."
        findings.append(Finding("MASS-FROM-SOFT", "info", source["soft_mass_name"], text))
        source["mass"] = "soft segmentation"
    labelled = {"cord": read.mask("cord"), "canal": _canal(read), "mass": mass}
    for name in sorted(soft):
        mask = labelled.get(name)
        if mask is not None:
            findings += _agrees(shares[name], mask, name=name, where=source[f"soft_{name}_name"])
    return replace(read, mass=mass, soft=shares, source=source, findings=tuple(findings))


def _canal(read: LabelMap) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Return the whole canal where it is labelled, cord included; otherwise an empty mask."""
    whole = read.mask("canal", "canal_content", "epidural")
    return whole | read.mask("cord", "csf", "cord_or_sac") if whole.any() else whole
