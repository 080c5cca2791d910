"""The affine grid that every label map and every sampled field lives on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, eq=False)
class Grid:
    """A voxel grid in the input's own world frame (RAS+ mm).

    Parameters
    ----------
    shape : tuple of int
        Number of voxels along each array axis.
    affine : (4, 4) ndarray
        Voxel index (of the voxel centre) to RAS+ mm. Any axis order, flip or rotation; no shear.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]

    @property
    def spacing(self) -> NDArray[np.float64]:
        """Voxel edge lengths along the array axes, (3,), mm."""
        spacing: NDArray[np.float64] = np.linalg.norm(self.affine[:3, :3], axis=0)
        return spacing

    @property
    def voxel_volume(self) -> float:
        """Volume of one voxel, mm3."""
        return float(abs(np.linalg.det(self.affine[:3, :3])))

    @property
    def inverse(self) -> NDArray[np.float64]:
        """World mm to voxel index, (4, 4)."""
        return np.asarray(np.linalg.inv(self.affine), np.float64)

    def to_world(self, index: ArrayLike) -> NDArray[np.float64]:
        """Voxel indices (..., 3) to world points (..., 3), mm."""
        world: NDArray[np.float64] = np.asarray(index, float) @ self.affine[:3, :3].T + self.affine[:3, 3]
        return world

    def to_voxel(self, points: ArrayLike) -> NDArray[np.float64]:
        """World points (..., 3), mm, to fractional voxel indices (..., 3)."""
        inverse = self.inverse
        voxel: NDArray[np.float64] = np.asarray(points, float) @ inverse[:3, :3].T + inverse[:3, 3]
        return voxel

    def matches(self, other: Grid, *, tolerance_mm: float = 1e-3) -> bool:
        """Whether both grids have the same shape and put every corner at the same place."""
        if self.shape != other.shape:
            return False
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape])).reshape(3, -1).T
        gap = np.abs(self.to_world(corners) - other.to_world(corners)).max()
        return bool(gap <= tolerance_mm)

    def crop(self, low: ArrayLike, high: ArrayLike) -> Grid:
        """Return the grid of ``array[low:high]`` (half-open, per axis)."""
        low, high = np.asarray(low, int), np.asarray(high, int)
        affine = self.affine.copy()
        affine[:3, 3] = self.to_world(low)
        a, b, c = (high - low).tolist()
        return Grid((a, b, c), affine)
