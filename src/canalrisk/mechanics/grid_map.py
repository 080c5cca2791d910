"""Fields of the deformed cord on a voxel grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from canalrisk.field import Grid
from canalrisk.mesh import HexMesh

Array = NDArray[np.float64]

_CORNERS = np.array(
    [(-1, -1, -1), (1, -1, -1), (1, 1, -1), (-1, 1, -1), (-1, -1, 1), (1, -1, 1), (1, 1, 1), (-1, 1, 1)], float
)
# d(position)/d(local axis) at the cell's centre from its corners.
_CENTRE_SLOPES = _CORNERS.T / 8.0


def paint(mesh: HexMesh, points: Array, *, grid: Grid, fields: Array) -> NDArray[np.float32]:
    """Average fields over the voxels that the (deformed) mesh covers.

    Parameters
    ----------
    mesh : HexMesh
        Topology, n nodes and m cells.
    points : (n, 3) ndarray
        Node positions to paint at, mm.
    grid : Grid
        Target.
    fields : (n, a) or (m, a) ndarray
        Fields per node, interpolated in each hexahedron, or per cell.

    Returns
    -------
    (nx, ny, nz, a) ndarray of float32
        NaN in voxels of which the mesh covers less than half.
    """
    voxel = grid.to_voxel(points)
    low = np.clip(np.floor(voxel.min(axis=0)).astype(int) - 1, 0, np.array(grid.shape) - 1)
    high = np.clip(np.ceil(voxel.max(axis=0)).astype(int) + 2, low + 1, grid.shape)
    box = grid.crop(low, high)
    corners = points[mesh.cells]
    lines = []
    for low_corner, high_corner in ((0, 1), (0, 3), (0, 4)):
        # Parallel edges along one local axis; the opposite ones are alike in a swept mesh.
        edge = np.linalg.norm(corners[:, high_corner] - corners[:, low_corner], axis=1).max()
        count = int(np.clip(np.ceil(2.0 * edge / grid.spacing.min()), 2, 40))
        lines.append((np.arange(count) + 0.5) * 2.0 / count - 1.0)
    local = np.stack(np.meshgrid(*lines, indexing="ij"), axis=-1).reshape(-1, 3)
    shape = np.prod(1.0 + local[:, None, :] * _CORNERS[None], axis=2) / 8.0

    edges = np.einsum("kc,mcd->mkd", _CENTRE_SLOPES, corners)
    share = np.abs(np.linalg.det(edges)) * 8.0 / len(local) / grid.voxel_volume

    voxels = int(np.prod(box.shape))
    covered = np.zeros(voxels)
    sums = np.zeros((fields.shape[1], voxels))
    # A few cells at a time: hundreds of sample points per cell add up.
    for part in np.array_split(np.arange(len(mesh.cells)), max(1, len(mesh.cells) * len(local) // 1_000_000)):
        where = np.einsum("qc,mcd->mqd", shape, corners[part]).reshape(-1, 3)
        index = np.rint(box.to_voxel(where)).astype(np.int64)
        inside = np.all((index >= 0) & (index < box.shape), axis=1)
        flat = np.ravel_multi_index(tuple(index[inside].T), box.shape)
        if len(fields) == mesh.n_nodes:
            values = np.einsum("qc,mca->mqa", shape, fields[mesh.cells[part]]).reshape(len(where), -1)
        else:
            values = np.repeat(fields[part], len(local), axis=0)
        weight = np.repeat(share[part], len(local))[inside]
        covered += np.bincount(flat, weights=weight, minlength=voxels)
        for row, column in enumerate(values[inside].T):
            sums[row] += np.bincount(flat, weights=weight * column, minlength=voxels)
    out = np.full((*grid.shape, fields.shape[1]), np.nan, np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(covered >= 0.5, sums / covered, np.nan).T.reshape(*box.shape, -1)
    out[tuple(slice(a, b) for a, b in zip(low, high, strict=True))] = mean
    return out
