"""``fields/``: the deformed cord as VTU, mass and cord in the input's own voxel frame as NIfTI."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from canalrisk.field.grid import Grid
from canalrisk.mesh import write_vtu
from canalrisk.report._kernels import scatter_cells
from canalrisk.report.reading import Case, times_of

Array = NDArray[np.float64]

_CELL_FIELDS = {
    "strain_max_principal": ("1", "maximum principal strain of the element, as the mechanics section defines it"),
    "von_mises": ("MPa", "von Mises stress of the element"),
    "pressure": ("MPa", "pressure of the element, patch-averaged"),
}


def converged(cord: Any, time: int) -> bool:
    """Whether the cord has a solution at this time."""
    return cord is not None and bool(np.isfinite(cord.displacement[time]).all())


def write_fields(result: Case, folder: Path) -> None:
    """Write every field of a case.

    Parameters
    ----------
    result : Case
        A case result. Times at which mechanics failed have no cord files.
    folder : Path
        Existing folder to write into; ``fields.json`` there explains each file.
    """
    grid = result.spine.grid
    index: dict[str, dict[str, Any]] = {}
    for k, time in enumerate(times_of(result.dataset)):
        at = {"time_years": float(time), "frame": "RAS+ mm, the input's own"}
        mass = result.timeline.snapshots[k].mass
        if mass is not None:
            name = f"mass_t{k:02d}.nii.gz"
            _save((mass < 0).astype(np.uint8), grid, folder / name)
            index[name] = at | {"units": "1", "definition": "1 inside the mass"}
        if not converged(result.cord, k):
            continue
        cells = {n: np.asarray(v[k], float) for n, v in result.cord.cell_fields.items()}
        mesh = result.cord.mesh
        name = f"cord_t{k:02d}.vtu"
        write_vtu(replace(mesh, points=mesh.points + result.cord.displacement[k]), folder / name,
                  point_data={"displacement": result.cord.displacement[k]}, cell_data=cells)  # fmt: skip
        index[name] = at | {
            "definition": "deformed cord; subtract point data 'displacement' (mm) for the pre-lesion cord",
            "cell_data": {
                n: dict(zip(("units", "definition"), _CELL_FIELDS.get(n, ("", n)), strict=True)) for n in cells
            },
        }
        index |= {n: at | entry for n, entry in _voxel_fields(result, k, cells, folder).items()}
    (folder / "fields.json").write_text(json.dumps(index, indent=1), encoding="utf-8")


def _described(name: str) -> dict[str, str]:
    units, definition = _CELL_FIELDS.get(name, ("", name))
    return {"units": units, "definition": definition}


def _voxel_fields(result: Case, k: int, cells: dict[str, Array], folder: Path) -> dict[str, dict[str, Any]]:
    """Deformed cord, strain and displacement on the input grid."""
    grid, mesh, moved = result.spine.grid, result.cord.mesh, result.cord.displacement[k]
    points = mesh.points + moved
    window, crop = _window(grid, points)
    fraction, mean = rasterise(crop, points, mesh.cells, _node_values(mesh.cells, cells["strain_max_principal"], moved))
    inside = fraction >= 0.5
    mean = np.where(inside[..., None], mean, 0).astype(np.float32)
    files: dict[str, tuple[NDArray[Any], str, str]] = {
        f"cord_t{k:02d}.nii.gz": (inside.astype(np.uint8), "1", "1 inside the deformed cord"),
        f"cord_strain_t{k:02d}.nii.gz": (mean[..., 0], "1", "maximum principal strain in the deformed cord, 0 outside"),
        f"cord_displacement_t{k:02d}.nii.gz": (
            mean[..., None, 1:],
            "mm",
            "displacement from the pre-lesion cord, RAS+ components at the deformed position, 0 outside",
        ),
    }
    for name, (values, _, _) in files.items():
        whole = np.zeros((*grid.shape, *values.shape[3:]), values.dtype)
        whole[window] = values
        _save(whole, grid, folder / name)
    return {name: {"units": units, "definition": text} for name, (_, units, text) in files.items()}


def _window(grid: Grid, points: Array) -> tuple[tuple[slice, slice, slice], Grid]:
    """Part of the grid that holds all points, with a voxel to spare."""
    index = grid.to_voxel(points)
    low = np.clip(np.floor(index.min(axis=0)).astype(int) - 1, 0, np.array(grid.shape) - 1)
    high = np.clip(np.ceil(index.max(axis=0)).astype(int) + 2, low + 1, grid.shape)
    return (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])), grid.crop(low, high)


def _node_values(cells: NDArray[np.int64], cell_values: Array, node_values: Array) -> Array:
    """Values at the eight corners of every cell, (m, 8, 4): the cell's own value, then the nodes' vector."""
    own = np.broadcast_to(cell_values[:, None, None], (*cells.shape, 1))
    return np.concatenate([own, node_values[cells]], axis=2)


def rasterise(
    grid: Grid, points: Array, cells: NDArray[np.int64], values: Array
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average a hexahedral mesh's values in voxels.

    Parameters
    ----------
    grid : Grid
        Voxels.
    points : (n, 3) ndarray
        Node positions, mm.
    cells : (m, 8) ndarray
        Hexahedra in VTK order.
    values : (m, 8, c) ndarray
        Values at each cell's corners, interpolated trilinearly inside.

    Returns
    -------
    fraction : (nx, ny, nz) ndarray
        Part of each voxel that the mesh fills, from samples that share each cell's volume.
    mean : (nx, ny, nz, c) ndarray
        Mean value over the filled part; 0 where nothing is filled.
    """
    corners = points[cells]
    edges = np.linalg.norm(corners[:, [1, 3, 4]] - corners[:, [0]], axis=2).max(axis=0)
    steps = np.clip(np.ceil(edges / (0.5 * grid.spacing.min())), 2, 12).astype(int)
    weights = _shape(steps)
    filled, total = np.zeros(grid.shape), np.zeros((*grid.shape, values.shape[2]))
    volume = _hexahedron_volume(corners) / len(weights)
    scatter_cells(grid.to_voxel(corners), np.ascontiguousarray(values), weights, volume, filled, total)
    return filled / grid.voxel_volume, total / np.maximum(filled, 1e-12)[..., None]


def _shape(steps: NDArray[np.int64]) -> Array:
    """Trilinear weights (k, 8) of equally spaced samples in the unit hexahedron, VTK order."""
    axes = [(np.arange(n) + 0.5) / n for n in steps]
    a, b, c = (g.ravel() for g in np.meshgrid(*axes, indexing="ij"))
    lower = np.stack([(1 - a) * (1 - b), a * (1 - b), a * b, (1 - a) * b], -1)
    return np.concatenate([lower * (1 - c)[:, None], lower * c[:, None]], axis=1)


def _hexahedron_volume(corners: Array) -> Array:
    """Volume of hexahedra (m, 8, 3) from the Jacobian at the centre, mm3; exact for parallelepipeds."""
    r = (corners[:, [1, 2, 5, 6]] - corners[:, [0, 3, 4, 7]]).mean(axis=1)
    s = (corners[:, [3, 2, 7, 6]] - corners[:, [0, 1, 4, 5]]).mean(axis=1)
    t = (corners[:, 4:] - corners[:, :4]).mean(axis=1)
    return np.asarray(np.abs(np.einsum("md,md->m", np.cross(r, s), t)))


def _save(values: NDArray[Any], grid: Grid, path: Path) -> None:
    image = nib.Nifti1Image(values, grid.affine)
    image.set_sform(grid.affine, code=1)
    image.set_qform(grid.affine, code=1)
    image.header.set_xyzt_units("mm")
    if values.ndim == 5:
        image.header.set_intent("vector")
    nib.save(image, path)
