"""What `build_spine` refuses, and what it must say when the measured line does not cover everything."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from canalrisk.anatomy.sections import curve_coordinates
from canalrisk.anatomy.spine import Centreline
from canalrisk.errors import GeometryError, LabelError
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding

COARSEST_MM = 3.0
SMALLEST_MM = 20.0
FARTHEST_MASS_MM = 30.0
# The sections end a little before the canal does: a middle this near beyond them is still beside the last one.
_BEYOND_MM = 2.0


def check_grid(grid: Grid) -> None:
    """Refuse grids on which a cervical canal cannot be measured.

    Raises
    ------
    GeometryError
        Affine not finite, singular or sheared; voxels coarser than 3 mm; less than 20 mm along an axis.
    """
    matrix = grid.affine[:3, :3]
    if not np.isfinite(grid.affine).all() or abs(np.linalg.det(matrix)) < 1e-9:
        raise GeometryError("the affine is not usable", where="header", fix="write a valid affine (mm per voxel)")
    spacing = grid.spacing
    unit = matrix / spacing
    if np.abs(unit.T @ unit - np.eye(3)).max() > 1e-3:
        raise GeometryError(
            "the voxel axes are not at right angles", where="header", fix="resample to a grid without shear"
        )
    if spacing.max() > COARSEST_MM:
        raise GeometryError(
            f"voxels of {spacing.max():.1f} mm are too coarse",
            where="header",
            fix=f"give a segmentation at {COARSEST_MM:.0f} mm or finer (0.5 mm is best), or check the units",
        )
    extent = np.array(grid.shape) * spacing
    if extent.min() < SMALLEST_MM:
        raise GeometryError(
            f"the map is only {extent.min():.1f} mm wide along an axis",
            where="shape",
            fix="give a map that covers the spine, in millimetres",
        )


def check_mass(mass: NDArray[np.bool_], anatomy: NDArray[np.bool_], *, grid: Grid) -> None:
    """Refuse a mass that is empty or away from the spine.

    Parameters
    ----------
    mass, anatomy : (nx, ny, nz) ndarray of bool
        The mass; vertebrae and canal.
    grid : Grid
        Their grid.

    Raises
    ------
    LabelError
        No voxel is set.
    GeometryError
        The mass lies further than 30 mm from every vertebra and the canal.
    """
    if mass.shape != grid.shape:
        raise GeometryError("mass and label map differ in shape", where="mass", fix="resample the mass to the map")
    if not mass.any():
        raise LabelError(
            "the mass is empty", where="mass", fix="leave the mass out to assess the spine alone, or check its label"
        )
    points = grid.to_world(np.argwhere(mass))[:: max(1, int(mass.sum()) // 5000)]
    bone = grid.to_world(np.argwhere(anatomy))[:: max(1, int(anatomy.sum()) // 50_000)]
    gap = float(cKDTree(bone).query(points)[0].min())
    if gap > FARTHEST_MASS_MM:
        raise GeometryError(
            f"the mass lies {gap:.0f} mm away from the spine",
            where="mass",
            fix="check that mass and label map belong to the same scan and world frame",
        )


def check_some_healthy(affected: NDArray[np.bool_]) -> None:
    """Refuse a mass that replaced part of the canal at every section (n,).

    Raises
    ------
    GeometryError
        If all sections are affected.
    """
    if affected.all():
        raise GeometryError(
            "the mass reaches the canal at every section: no healthy section is left to compare with",
            where="mass",
            fix="give a map that covers healthy levels, or the mass as its own file over a healthy segmentation",
        )


def outside_line(
    line: Centreline, landmarks: dict[str, float], mass: NDArray[np.bool_] | None, *, grid: Grid
) -> list[Finding]:
    """Name the vertebrae and the part of the mass that lie beyond the measured sections.

    Parameters
    ----------
    line : Centreline
        The measured sections.
    landmarks : dict of str to float
        Level to arc length, mm.
    mass : (nx, ny, nz) ndarray of bool, optional
        The mass.
    grid : Grid
        Its grid.

    Returns
    -------
    list of Finding
        ``LEVEL-OUTSIDE-CANAL`` and ``MASS-OUTSIDE-CANAL``, serious; none where everything is covered.
    """
    low, high = float(line.s[0]) - _BEYOND_MM, float(line.s[-1]) + _BEYOND_MM
    findings = []
    beyond = [name for name, s in landmarks.items() if "/" not in name and not low <= s <= high]
    if beyond:
        message = f"The measured part of the canal does not reach {', '.join(beyond)}: nothing is measured there."
        findings.append(Finding("LEVEL-OUTSIDE-CANAL", "serious", ", ".join(beyond), message))
    if mass is not None:
        s = curve_coordinates(line, grid.to_world(np.argwhere(mass)))[0]
        share = float(((s < low) | (s > high)).mean())
        if share > 0:
            message = f"{share:.0%} of the mass lies beyond the measured part of the canal and is not measured there."
            findings.append(Finding("MASS-OUTSIDE-CANAL", "serious", "mass", message))
    return findings


def out_of_scope(
    mass: NDArray[np.bool_], line: Centreline, landmarks: dict[str, float], *, grid: Grid
) -> list[Finding]:
    """Say that mechanics and risk at C1-C2 are out of scope where the mass lies there.

    Returns
    -------
    list of Finding
        ``MASS-AT-C1-C2-ONLY`` (serious) or ``MASS-AT-C1-C2`` (warning), or none.
    """
    upper = [value for name, value in landmarks.items() if name in ("C1", "C2")]
    if not upper:
        return []
    s = curve_coordinates(line, grid.to_world(np.argwhere(mass)))[0]
    border = landmarks.get("C2/3", min(upper) - 8.0)
    if (s > border).all():
        message = "The mass reaches C1-C2 only: it is measured, but mechanics and risk there are out of scope."
        return [Finding("MASS-AT-C1-C2-ONLY", "serious", "C1-C2", message)]
    if (s > border + 4.0).any():
        message = "Part of the mass lies at C1-C2: it is measured, but mechanics and risk there are out of scope."
        return [Finding("MASS-AT-C1-C2", "warning", "C1-C2", message)]
    return []
