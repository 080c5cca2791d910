"""Size, place and neighbours of every label: all that recognising a table needs, in one pass over the voxels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.field.grid import Grid

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LabelShapes:
    """Moments of each label in world axes (RAS+ mm).

    `values` (k,) the integers present without 0; `volume` (k,) mm3; `centre` (k, 3) mm; `spread` (k, 3) standard
    deviation along right, anterior, superior, mm; `touching` (k, k) number of voxel faces shared by two labels;
    `surface` (k,) number of voxel faces towards anything else, background included.
    """

    values: NDArray[np.int64]
    volume: Array
    centre: Array
    spread: Array
    touching: NDArray[np.int64]
    surface: NDArray[np.int64]

    def index(self, value: int) -> int:
        """Row of label `value`."""
        return int(np.searchsorted(self.values, value))


def label_shapes(labels: NDArray[np.integer], *, grid: Grid) -> LabelShapes:
    """Measure every label of a map.

    Parameters
    ----------
    labels : ndarray of int, (nx, ny, nz)
        At least one voxel must not be 0.
    grid : Grid
        Where the voxels are.

    Returns
    -------
    LabelShapes
    """
    occupied = [np.flatnonzero(labels.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
    low = np.array([rows[0] for rows in occupied])
    box = labels[tuple(slice(rows[0], rows[-1] + 1) for rows in occupied)]
    # A layer of background where there is any: a face at the edge of the array may go on outside and is not counted.
    beyond = [(int(rows[0] > 0), int(rows[-1] < n - 1)) for rows, n in zip(occupied, labels.shape, strict=True)]
    where = np.nonzero(box)
    values, code = np.unique(box[where], return_inverse=True)
    count = np.bincount(code)
    dense = np.zeros(box.shape, np.int32)
    dense[where] = code + 1
    # Moments about the box's middle in voxels, then into the world: the covariance turns with the affine.
    middle = (np.array(box.shape) - 1) / 2
    offset = np.stack([axis - m for axis, m in zip(where, middle, strict=True)])
    mean = np.stack([np.bincount(code, weights=row) for row in offset]) / count
    second = np.array([[np.bincount(code, weights=a * b) / count for b in offset] for a in offset])
    covariance = np.moveaxis(second - mean[:, None] * mean[None], -1, 0)
    linear = grid.affine[:3, :3]
    touching, surface = _faces(np.pad(dense, beyond), len(values))
    world = np.einsum("ia,kab,jb->kij", linear, covariance, linear)
    return LabelShapes(
        values=values.astype(np.int64),
        volume=count.astype(np.float64) * grid.voxel_volume,
        centre=grid.to_world(mean.T + middle + low),
        spread=np.sqrt(np.maximum(np.diagonal(world, axis1=1, axis2=2), 0.0)),
        touching=touching,
        surface=surface,
    )


def _faces(dense: NDArray[np.int32], n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Faces between each pair of labels, and of each label towards all else."""
    faces = np.zeros((n + 1, n + 1), np.int64)
    for axis in range(3):
        rows = np.moveaxis(dense, axis, 0)
        a, b = rows[:-1], rows[1:]
        differ = a != b
        pair = a[differ].astype(np.int64) * (n + 1) + b[differ]
        faces += np.bincount(pair, minlength=(n + 1) ** 2).reshape(n + 1, n + 1)
    both: NDArray[np.int64] = faces + faces.T
    return both[1:, 1:], both[1:].sum(axis=1)
