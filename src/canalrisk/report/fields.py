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
            "cell_data": {n: dict(zip(("units", "definition"), _CELL_FIELDS.get(n, ("", n)), strict=True)) for n in cells},
        }
        index |= {n: at | entry for n, entry in _voxel_fields(result, k, cells, folder).items()}
    (folder / "fields.json").write_text(json.dumps(index, indent=1), encoding="utf-8")


def _voxel_fields(result: Case, k: int, cells: dict[str, Array], folder: Path) -> dict[str, dict[str, Any]]:
    """Deformed cord, strain and displacement on the input grid."""
    grid, mesh, moved = result.spine.grid, result.cord.mesh, result.cord.displacement[k]
    fraction, (strain, displacement) = rasterise(
        grid, mesh.points + moved, mesh.cells, cell_values=cells["strain_max_principal"], node_values=moved
    )
    inside = fraction >= 0.5
    files = {
        f"cord_t{k:02d}.nii.gz": (inside.astype(np.uint8), "1", "1 inside the deformed cord"),
        f"cord_strain_t{k:02d}.nii.gz": (
            np.where(inside, strain, 0).astype(np.float32),
            "1",
            "maximum principal strain in the deformed cord, 0 outside",
        ),
        f"cord_displacement_t{k:02d}.nii.gz": (
            np.where(inside[..., None], displacement, 0).astype(np.float32)[..., None, :],
            "mm",
            "displacement from the pre-lesion cord, RAS+ components at the deformed position, 0 outside",
        ),
    }
    for name, (values, _, _) in files.items():
        _save(values, grid, folder / name)
    return {name: {"units": units, "definition": text} for name, (_, units, text) in files.items()}


def rasterise(
    grid: Grid, points: Array, cells: NDArray[np.int64], *, cell_values: Array, node_values: Array
) -> tuple[NDArray[np.float64], tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Average a hexahedral mesh's values in voxels.

    Parameters
    ----------
    grid : Grid
        Voxels.
    points : (n, 3) ndarray
        Node positions, mm.
    cells : (m, 8) ndarray
        Hexahedra in VTK order.
    cell_values : (m,) ndarray
        One value per cell.
    node_values : (n, 3) ndarray
        One vector per node.

    Returns
    -------
    fraction : (nx, ny, nz) ndarray
        Part of each voxel that the mesh fills, from equal-volume samples.
    values : tuple of ndarray
        Mean cell value (nx, ny, nz) and mean node vector (nx, ny, nz, 3) over the filled part.
    """
    corners = points[cells]
    edges = np.linalg.norm(corners[:, [1, 3, 4]] - corners[:, [0]], axis=2).max(axis=0)
    steps = np.clip(np.ceil(edges / (0.45 * grid.spacing.min())), 2, 12).astype(int)
    weights = _shape(steps)
    volume = _hexahedron_volume(corners) / len(weights)
    size = int(np.prod(grid.shape))
    filled, scalar, vector = np.zeros(size), np.zeros(size), np.zeros((size, 3))
    shape = np.array(grid.shape)
    for w in weights:
        index = np.round(grid.to_voxel(np.einsum("c,mcd->md", w, corners))).astype(np.int64)
        valid = ((index >= 0) & (index < shape)).all(axis=1)
        flat = np.ravel_multi_index(tuple(index[valid].T), grid.shape)
        np.add.at(filled, flat, volume[valid])
        np.add.at(scalar, flat, (volume * cell_values)[valid])
        np.add.at(vector, flat, volume[valid, None] * np.einsum("c,mcd->md", w, node_values[cells[valid]]))
    safe = np.maximum(filled, 1e-12)
    fraction = (filled / grid.voxel_volume).reshape(grid.shape)
    return fraction, ((scalar / safe).reshape(grid.shape), (vector / safe[:, None]).reshape((*grid.shape, 3)))


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
    return np.abs(np.einsum("md,md->m", np.cross(r, s), t))


def _save(values: NDArray[Any], grid: Grid, path: Path) -> None:
    image = nib.Nifti1Image(values, grid.affine)
    image.set_sform(grid.affine, code=1)
    image.set_qform(grid.affine, code=1)
    image.header.set_xyzt_units("mm")
    if values.ndim == 5:
        image.header.set_intent("vector")
    nib.save(image, path)
