"""The mass as a file of its own: on the very voxels of the label map, or resampled to them where that is asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import GeometryError, LabelError
from canalrisk.field import fit_spline, signed_distance
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding
from canalrisk.imaging.files import LabelFile, read_label_file
from canalrisk.imaging.lattice import gap, lattice

Mask = NDArray[np.bool_]

_SUBPOINTS = 4  # along each axis of a voxel
_CUT_SHARE = 0.005  # of the mass outside the label map; less is rounding at an edge


@dataclass(frozen=True, eq=False)
class FoundMass:
    """A mass on the label map's grid.

    `replaced` tells that it was drawn as a label and so took the place of what lay under it, `share` what part of each
    voxel it fills, if it was resampled.
    """

    mask: Mask | None
    replaced: bool = False
    source: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    share: NDArray[np.float32] | None = None


def read_mass(path: str | os.PathLike[str], *, grid: Grid, resample: bool = False) -> FoundMass:
    """Read a mass and bring it to `grid`.

    Parameters
    ----------
    path : str or path-like
        Any format of `read_label_file`, with 0 outside and one other whole number inside, or one segment called a
        mass.
    grid : Grid
        Grid of the label map.
    resample : bool
        Resample a mass whose voxels lie elsewhere, through its signed distance.

    Returns
    -------
    FoundMass

    Raises
    ------
    GeometryError
        If the voxels do not coincide and `resample` is False, or the mass lies outside the label map.
    LabelError
        If the file is empty, holds several labels, or covers most of the image.
    """
    file = read_label_file(path)
    mask = _only_mass(file)
    source = {"mass_name": file.name, "mass_sha256": file.sha256}
    laid = lattice(file.grid, grid)
    findings = list(file.findings)
    if laid is not None and (laid.covers or file.partial):
        placed = laid.apply(mask)
        lost = np.count_nonzero(mask) - np.count_nonzero(placed)
        if lost == 0:
            if laid.turned:
                text = (
                    "The mass file stores the same voxels in another axis order; they were matched without resampling."
                )
                findings.append(Finding("MASS-REORDERED", "info", file.name, text))
            if not laid.exact:
                text = "The mass file covers another part of the same voxels; they were matched without resampling."
                findings.append(Finding("MASS-PART-OF-GRID", "info", file.name, text))
            return FoundMass(placed, False, source, tuple(findings))
    if not resample:
        raise GeometryError(
            gap(file.grid, grid, what="mass"),
            where=file.name,
            fix="export the mass on the grid of the segmentation, or allow --resample-mass (resample_mass=True)",
        )
    inside, share = _resampled(mask, file.grid, grid=grid, name=file.name)
    if not inside.any():
        raise LabelError(
            "nothing is left of the mass at the voxels of the segmentation",
            where=file.name,
            fix="give a finer segmentation",
        )
    before = np.count_nonzero(mask) * file.grid.voxel_volume
    voxels, shares = np.count_nonzero(inside) * grid.voxel_volume, float(share.sum(dtype=float)) * grid.voxel_volume
    text = (
        f"The mass was resampled to the segmentation's grid through its signed distance: {before:.0f} mm3 before, "
        f"{shares:.0f} mm3 after (sum of the voxels' shares; {voxels:.0f} mm3 as whole voxels)."
    )
    findings.append(Finding("MASS-RESAMPLED", "warning", file.name, text))
    source |= {"mass_resampled": "signed distance"}
    return FoundMass(inside, False, source, tuple(findings), share)


def _only_mass(file: LabelFile) -> Mask:
    if file.mass is not None:
        mask = file.mass
    elif file.table is not None:
        raise LabelError(
            f"the mass file shows {', '.join(list(file.table.entries.values())[:4])} and no mass",
            where=file.name,
            fix="give the mass, or call its segment a mass",
        )
    else:
        present = np.unique(file.labels)
        present = present[present > 0]
        if len(present) > 1:
            raise LabelError(
                f"the mass file holds {len(present)} labels ({', '.join(map(str, present[:6]))})",
                where=file.name,
                fix="give a mask with one label, or --mass NUMBER if the mass is a label of the segmentation",
            )
        mask = file.labels > 0
    if mask.mean() > 0.5 and not file.partial:
        raise LabelError("the mass covers more than half of the image", where=file.name, fix="the mask may be inverted")
    return mask


def _resampled(mask: Mask, own: Grid, *, grid: Grid, name: str) -> tuple[Mask, NDArray[np.float32]]:
    """Voxels of `grid` whose centres lie inside the sub-voxel boundary of `mask`, and the share of each that does.

    The signed distance to the mask's boundary is sampled as a cubic spline, at 4 x 4 x 4 points of every voxel near
    it. It is smooth, so that no staircase of the coarser grid is carried over, as nearest-neighbour sampling would do
    (tri-linear sampling of it shrinks what is convex: 1.2 % of an ellipsoid of 2.5 cm3 at 1.1 mm); and it is negative
    exactly at the mask's own voxels, so that a mask on the same lattice comes back as it was.
    """
    where = np.argwhere(mask)
    low, high = where.min(axis=0), where.max(axis=0) + 1
    seen = grid.to_voxel(own.to_world(where))
    outside = ((seen < -0.5) | (seen > np.array(grid.shape) - 0.5)).any(axis=1).mean()
    if outside > _CUT_SHARE:
        raise GeometryError(
            "the mass lies outside the segmentation"
            if outside == 1.0
            else f"{outside:.0%} of the mass lies outside the segmentation",
            where=name,
            fix="both must be drawn in one frame: register them first, or extend the segmentation",
        )
    # A margin of empty voxels: a mask that meets the edge of its own array ends there.
    pad = 4
    box = np.pad(mask[tuple(slice(a, b) for a, b in zip(low, high, strict=True))], pad)
    cropped = Grid((box.shape[0], box.shape[1], box.shape[2]), own.crop(low - pad, high + pad).affine)
    reach = float(cropped.spacing.min()) * (pad - 1)
    smooth = fit_spline(signed_distance(box, grid=cropped, band=reach), grid=cropped)

    corners = np.array(np.meshgrid(*[(-0.5, n - 0.5) for n in box.shape])).reshape(3, -1).T
    there = grid.to_voxel(cropped.to_world(corners))
    first = np.clip(np.floor(there.min(axis=0)).astype(int), 0, grid.shape)
    last = np.clip(np.ceil(there.max(axis=0)).astype(int) + 1, 0, grid.shape)
    voxels = np.stack(np.meshgrid(*(np.arange(a, b) for a, b in zip(first, last, strict=True)), indexing="ij"), -1)

    def sample(at: NDArray[np.generic]) -> NDArray[np.float64]:
        return smooth.value(grid.to_world(at)).reshape(at.shape[:-1])

    middle = sample(voxels)
    part = np.where(middle < 0, np.float32(1), np.float32(0))
    cut = np.abs(middle) < 0.5 * float(np.linalg.norm(grid.spacing))  # the boundary may pass through these voxels
    steps = (np.arange(_SUBPOINTS) + 0.5) / _SUBPOINTS - 0.5
    offsets = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    part[cut] = np.mean([sample(voxels[cut] + offset) < 0 for offset in offsets], axis=0, dtype=np.float32)
    share, inside = np.zeros(grid.shape, np.float32), np.zeros(grid.shape, bool)
    there_box = tuple(slice(a, b) for a, b in zip(first, last, strict=True))
    share[there_box], inside[there_box] = part, middle < 0
    return inside, share
