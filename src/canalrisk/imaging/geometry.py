"""Sizes and affines that no scan of a neck can have are refused, the same way for every format."""

from __future__ import annotations

import numpy as np

from canalrisk.errors import GeometryError, UnitError
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding
from canalrisk.imaging.raw import damaged

MOST_VOXELS = 150_000_000
LARGEST_EXTENT_MM = 2000.0
FARTHEST_ORIGIN_MM = 1e5  # float32 affines lose a hundredth of a millimetre there
SPACING_MM = (0.05, 10.0)
COARSE_MM = 1.5
_SHEAR = 1e-3  # cosine between voxel axes; float32 headers reach 1e-7
LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def check_shape(full: tuple[int, ...], name: str, *, least: int = 4) -> tuple[int, int, int]:
    """Shape of a 3-D volume of at least `least` voxels each way, trailing axes of length one dropped.

    Raises
    ------
    GeometryError
        Not 3-D, a slice, or too many voxels.
    InputRefused
        A size below one.
    """
    shape = full
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    if len(shape) != 3:
        shown = " x ".join(map(str, full))
        raise GeometryError(f"the image is {len(full)}-D ({shown})", where=name, fix="give one 3-D label map")
    if min(shape) < 1:
        raise damaged(name, "the image size makes no sense")
    if min(shape) < least:
        raise GeometryError(
            f"the image has only {min(shape)} voxels along one axis", where=name, fix="give a volume, not a slice"
        )
    if float(np.prod(np.array(shape, float))) > MOST_VOXELS:
        raise GeometryError(
            f"{' x '.join(map(str, shape))} voxels are more than {MOST_VOXELS:.1e}",
            where=name,
            fix="crop it to the cervical spine",
        )
    return shape


def check_affine(grid: Grid, name: str) -> None:
    """Refuse an affine that is singular, sheared, far off, or not in millimetres.

    Raises
    ------
    GeometryError, UnitError
    """
    fix = "export the segmentation again from the scan it was drawn on"
    matrix = grid.affine[:3, :3]
    if not np.isfinite(grid.affine).all():
        raise GeometryError("the affine holds NaN or infinity", where=name, fix=fix)
    spacing = grid.spacing
    shown = " x ".join(f"{d:.4g}" for d in spacing)
    if spacing.min() <= 0 or abs(np.linalg.det(matrix / np.maximum(spacing, 1e-300))) < 1e-3:
        raise GeometryError(f"the affine is singular (voxels {shown} mm)", where=name, fix=fix)
    if spacing.min() < SPACING_MM[0] or spacing.max() > SPACING_MM[1]:
        raise UnitError(
            f"voxels of {shown} mm cannot show a spine (allowed {SPACING_MM[0]} to {SPACING_MM[1]} mm)",
            where=name,
            fix="the lengths are probably in metres or microns: save the file again in millimetres",
        )
    unit = matrix / spacing
    shear = float(np.abs(np.triu(unit.T @ unit, 1)).max())
    if shear > _SHEAR:
        angle = np.degrees(np.arcsin(min(shear, 1.0)))
        raise GeometryError(
            f"the affine is sheared by {angle:.2g} degrees (a tilted CT gantry?)",
            where=name,
            fix="resample to a rectangular grid",
        )
    extent = float((spacing * np.array(grid.shape)).max())
    if extent > LARGEST_EXTENT_MM:
        raise GeometryError(f"the image is {extent / 1000:.1f} m long", where=name, fix="check the voxel size")
    far = float(np.abs(grid.affine[:3, 3]).max())
    if far > FARTHEST_ORIGIN_MM:
        raise GeometryError(f"the image lies {far / 1000:.0f} m from its origin", where=name, fix=fix)


def coarse(grid: Grid, name: str) -> list[Finding]:
    """Return the Finding of voxels longer than 1.5 mm, if they are."""
    if grid.spacing.max() <= COARSE_MM:
        return []
    text = f"Voxels are up to {grid.spacing.max():.1f} mm long; clearances are uncertain by about half of that."
    return [Finding("VOXELS-COARSE", "warning", name, text)]


def unit_assumed(name: str) -> Finding:
    """Return the Finding of a file that names no unit."""
    return Finding("UNIT-ASSUMED", "info", name, "The file names no length unit; millimetres were assumed.")
