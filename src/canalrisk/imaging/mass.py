"""The mass as a file of its own: it must lie on the very voxels of the label map."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import GeometryError, LabelError
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding
from canalrisk.imaging.nifti import NiftiFile, read_nifti

_APART_MM = 0.01  # two programs round one float32 affine differently; a hundredth of a millimetre is no move


def read_mass(path: str | os.PathLike[str], *, grid: Grid) -> tuple[NDArray[np.bool_], NiftiFile, tuple[Finding, ...]]:
    """Read a mass mask and bring it into the array order of `grid`.

    Parameters
    ----------
    path : str or path-like
        NIfTI file with 0 outside and one other whole number inside.
    grid : Grid
        Grid of the label map.

    Returns
    -------
    mask : ndarray of bool
        On `grid`.
    file : NiftiFile
        As read.
    findings : tuple of Finding
        That of the file, and one where axes were permuted or flipped without resampling.

    Raises
    ------
    GeometryError
        If the voxels do not coincide; the gap is named in mm.
    LabelError
        If the file is empty, holds several labels, or covers most of the image.
    """
    file = read_nifti(path)
    present = np.unique(file.labels)
    present = present[present > 0]
    if len(present) > 1:
        raise LabelError(
            f"the mass file holds {len(present)} labels ({', '.join(map(str, present[:6]))})",
            where=file.name,
            fix="give a mask with one label, or --mass NUMBER if the mass is a label of the segmentation",
        )
    mask = file.labels > 0
    if mask.mean() > 0.5:
        raise LabelError("the mass covers more than half of the image", where=file.name, fix="the mask may be inverted")
    findings = file.findings
    if not file.grid.matches(grid, tolerance_mm=_APART_MM):
        axes = _reordering(file.grid, grid)
        if axes is None:
            raise GeometryError(
                _gap(file.grid, grid), where=file.name, fix="resample the mass to the grid of the segmentation"
            )
        order, flips = axes
        mask = np.flip(np.transpose(mask, order), axis=flips)
        text = "The mass file stores the same voxels in another axis order; they were matched without resampling."
        findings += (Finding("MASS-REORDERED", "info", file.name, text),)
    return np.ascontiguousarray(mask), file, findings


def _reordering(own: Grid, target: Grid) -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Transposition and flips that carry `own` onto `target`, or None if the voxels differ."""
    step = own.inverse[:3, :3] @ target.affine[:3, :3]
    whole = np.rint(step)
    if not (np.abs(whole).sum(axis=0) == 1).all() or not (np.abs(whole).sum(axis=1) == 1).all():
        return None
    order = tuple(int(np.argmax(np.abs(whole[:, axis]))) for axis in range(3))
    flips = tuple(axis for axis in range(3) if whole[order[axis], axis] < 0)
    shape = tuple(own.shape[axis] for axis in order)
    affine = own.affine[:, [*order, 3]].copy()
    for axis in flips:
        affine[:3, 3] += affine[:3, axis] * (shape[axis] - 1)
        affine[:3, axis] *= -1
    moved = Grid((shape[0], shape[1], shape[2]), affine)
    return (order, flips) if moved.matches(target, tolerance_mm=_APART_MM) else None


def _gap(own: Grid, target: Grid) -> str:
    if own.shape != target.shape:
        shapes = " and ".join(" x ".join(map(str, g.shape)) for g in (own, target))
        mine, theirs = (g.to_world((np.array(g.shape) - 1) / 2) for g in (own, target))
        apart = float(np.linalg.norm(mine - theirs))
        return f"mass and segmentation have different grids ({shapes} voxels, centres {apart:.2f} mm apart)"
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in own.shape])).reshape(3, -1).T
    apart = float(np.linalg.norm(own.to_world(corners) - target.to_world(corners), axis=1).max())
    return f"mass and segmentation are up to {apart:.2f} mm apart in space although their shapes agree"
