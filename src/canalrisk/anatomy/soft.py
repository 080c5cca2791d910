"""Soft segmentations of canal, cord and mass: which are used, and the boundary they give."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from canalrisk.anatomy.content import Content
from canalrisk.anatomy.spine import BAND_MM, Distance
from canalrisk.errors import LabelError
from canalrisk.field import from_fraction, signed_distance, softness
from canalrisk.field.grid import Grid
from canalrisk.field.spline import check_shape
from canalrisk.findings import Finding
from canalrisk.imaging.labelmap import LabelMap

Mask = NDArray[np.bool_]
Share = NDArray[np.float32]

# Two raters' masks of one cord or canal overlap by more than this; less is not the same structure.
LEAST_DICE = 0.7
_FILLED = 0.5


def boundary(mask: Mask, share: Share | None, *, grid: Grid, band: float = BAND_MM, smooth: bool = False) -> Distance:
    """Signed distance to the boundary of canal, cord or mass, mm.

    Parameters
    ----------
    mask : (nx, ny, nz) ndarray of bool
        The structure, or the part of it that is wanted.
    share : (nx, ny, nz) ndarray of float32, optional
        Share of each voxel that it fills; what lies further than two voxels from `mask` is left out.
    grid : Grid
        Their grid.
    band : float
        Distances are clipped to +-band, mm.
    smooth : bool
        The structure has neither edges nor flat faces: see `signed_distance`. Of no matter with shares.
    """
    if share is None:
        return signed_distance(mask, grid=grid, band=band, smooth=smooth)
    kept = ndimage.binary_dilation(mask, np.ones((3, 3, 3), bool), iterations=2)
    return from_fraction(np.where(kept, share, np.float32(0)), grid=grid, band=band)


def with_shares(content: Content, labelmap: LabelMap) -> tuple[Content, list[Finding]]:
    """Add soft canal and cord to what was labelled; what only they name is taken from them.

    Raises
    ------
    GeometryError
        A soft map of another shape.
    LabelError
        A soft map that contradicts its label.
    """
    findings: list[Finding] = []
    canal, canal_share = _both(content.canal, labelmap, "canal", findings)
    cord, cord_share = _both(content.cord, labelmap, "cord", findings)
    return replace(content, canal=canal, cord=cord, canal_share=canal_share, cord_share=cord_share), findings


def mass_share(mask: Mask | None, labelmap: LabelMap) -> tuple[Mask | None, Share | None, list[Finding]]:
    """Mask and share of the mass, and what to say of them; raises as `with_shares`."""
    findings: list[Finding] = []
    mask, share = _both(mask, labelmap, "mass", findings)
    return mask, share, findings


def _both(
    mask: Mask | None, labelmap: LabelMap, name: str, findings: list[Finding]
) -> tuple[Mask | None, Share | None]:
    share = labelmap.soft.get(name)
    if share is None:
        return mask, None
    check_shape(share.shape, labelmap.grid)
    filled = np.asarray(share >= _FILLED)
    if mask is None or not mask.any():
        if not filled.any():
            return mask, None
        mask = filled
        message = f"Only a soft segmentation names the {name}: it is where that fills at least half a voxel."
        findings.append(Finding(f"{name.upper()}-FROM-SOFT", "info", name, message))
    dice = 2.0 * float((filled & mask).sum()) / (float(filled.sum()) + float(mask.sum()))
    if dice < LEAST_DICE:
        raise LabelError(
            f"the soft and the labelled {name} contradict each other (Dice {dice:.2f})",
            where=f"soft {name}",
            fix="check that both show the same structure of the same scan, or leave the soft segmentation out",
        )
    kind = softness(share)
    if kind == "plain":
        return mask, None
    message = f"The {name}'s boundary follows its soft segmentation, not the faces of labelled voxels"
    if kind == "partial":
        findings.append(Finding("SOFT-USED", "info", name, f"{message}: shares are read as partial volume."))
    else:
        message += (
            ": that is smeared over several voxels, and the boundary is where it is half full, which makes thin and "
            "curved outlines too small"
        )
        findings.append(Finding("SOFT-BLURRED", "warning", name, f"{message}."))
    return mask, share
