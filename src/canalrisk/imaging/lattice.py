"""The same voxels stored otherwise: another axis order, or only part of them. Nothing here is ever resampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import GeometryError
from canalrisk.field.grid import Grid
from canalrisk.imaging.raw import Volume

APART_MM = 0.01  # two programs round one float32 affine differently; a hundredth of a millimetre is no move


@dataclass(frozen=True)
class Lattice:
    """How an array on one grid is laid upon another grid whose voxel centres coincide with its own.

    `order` and `flips` turn the axes; `offset` is where the turned array's first voxel lies on the target.
    """

    order: tuple[int, int, int]
    flips: tuple[int, ...]
    offset: tuple[int, int, int]
    shape: tuple[int, int, int]
    target: tuple[int, int, int]

    @property
    def turned(self) -> bool:
        """Whether axes are permuted or flipped."""
        return self.order != (0, 1, 2) or bool(self.flips)

    @property
    def covers(self) -> bool:
        """Whether every voxel of the target is given."""
        return all(o <= 0 and o + n >= t for o, n, t in zip(self.offset, self.shape, self.target, strict=True))

    @property
    def exact(self) -> bool:
        """Whether both hold the very same voxels."""
        return self.offset == (0, 0, 0) and self.shape == self.target

    def apply(self, array: NDArray[Any]) -> NDArray[Any]:
        """Lay `array` on the target grid, 0 where it says nothing; a copy."""
        array = np.flip(np.transpose(array, self.order), axis=self.flips)
        out = np.zeros(self.target, array.dtype)
        low = [max(o, 0) for o in self.offset]
        high = [min(o + n, t) for o, n, t in zip(self.offset, self.shape, self.target, strict=True)]
        if all(a < b for a, b in zip(low, high, strict=True)):
            there = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
            here = tuple(slice(a - o, b - o) for a, b, o in zip(low, high, self.offset, strict=True))
            out[there] = array[here]
        return out


def lattice(own: Grid, target: Grid) -> Lattice | None:
    """How `own` is laid on `target`, or None if their voxel centres do not coincide within 0.01 mm."""
    step = target.inverse[:3, :3] @ own.affine[:3, :3]
    whole = np.rint(step)
    if not (np.abs(whole).sum(axis=0) == 1).all() or not (np.abs(whole).sum(axis=1) == 1).all():
        return None
    order = [int(np.argmax(np.abs(whole[axis]))) for axis in range(3)]
    flips = tuple(axis for axis in range(3) if whole[axis, order[axis]] < 0)
    shape = tuple(own.shape[axis] for axis in order)
    affine = own.affine[:, [*order, 3]].copy()
    for axis in flips:
        affine[:3, 3] += affine[:3, axis] * (shape[axis] - 1)
        affine[:3, axis] *= -1
    offset = np.rint(target.to_voxel(affine[:3, 3])).astype(int)
    ideal = target.affine.copy()
    ideal[:3, 3] = target.to_world(offset)
    if not Grid((shape[0], shape[1], shape[2]), affine).matches(
        Grid((shape[0], shape[1], shape[2]), ideal), tolerance_mm=APART_MM
    ):
        return None
    a, b, c = offset.tolist()
    return Lattice((order[0], order[1], order[2]), flips, (a, b, c), (shape[0], shape[1], shape[2]), target.shape)


def gap(own: Grid, target: Grid, *, what: str) -> str:
    """Say how two grids differ, in voxels and millimetres; `what` names the file that lies on `own`."""
    if own.shape != target.shape:
        shapes = " and ".join(" x ".join(map(str, g.shape)) for g in (own, target))
        mine, theirs = (g.to_world((np.array(g.shape) - 1) / 2) for g in (own, target))
        apart = float(np.linalg.norm(mine - theirs))
        return f"{what} and segmentation have different grids ({shapes} voxels, centres {apart:.2f} mm apart)"
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in own.shape])).reshape(3, -1).T
    apart = float(np.linalg.norm(own.to_world(corners) - target.to_world(corners), axis=1).max())
    return f"{what} and segmentation are up to {apart:.2f} mm apart in space although their shapes agree"


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
