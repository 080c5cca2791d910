"""What `build_spine` refuses before it starts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from canalrisk.errors import GeometryError, LabelError
from canalrisk.field.grid import Grid

COARSEST_MM = 3.0
MOST_VOXELS = 400_000_000
SMALLEST_MM = 20.0
FARTHEST_MASS_MM = 30.0


def check_grid(grid: Grid) -> None:
    """Refuse grids on which a cervical canal cannot be measured.

    Raises
    ------
    GeometryError
        Affine not finite, singular or sheared; voxels coarser than 3 mm; less than 20 mm along an axis;
        more than 400 million voxels.
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
    if grid.shape[0] * grid.shape[1] * grid.shape[2] > MOST_VOXELS:
        raise GeometryError(
            f"the map has {np.prod(np.array(grid.shape, float)):.1e} voxels", where="shape", fix="crop to the neck"
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
