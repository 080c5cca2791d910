"""Results on the voxel grid of the input, and as a VTU file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canalrisk.field import Grid
from canalrisk.mechanics.cord import CordResult
from canalrisk.mechanics.grid_map import paint
from canalrisk.mesh import write_vtu

_KPA = 1000.0


def fields_on_grid(result: CordResult, grid: Grid, *, time: int = -1) -> dict[str, NDArray[np.float32]]:
    """Displacement, strain and stress of the deformed cord in a grid's voxels.

    Parameters
    ----------
    result : CordResult
        Simulation.
    grid : Grid
        The input's grid.
    time : int
        Index of the time.

    Returns
    -------
    dict of str to ndarray of float32
        ``displacement`` (nx, ny, nz, 3) mm, world axes; ``strain_max_principal``; ``von_mises``,
        ``pressure`` kPa (nx, ny, nz). NaN outside the deformed cord and everywhere at a failed time.
    """
    displacement = result.displacement[time]
    names = list(result.cell_fields)
    if not np.isfinite(displacement).all():
        scalar = np.full(grid.shape, np.nan, np.float32)
        return {"displacement": np.full((*grid.shape, 3), np.nan, np.float32)} | {name: scalar for name in names}
    points = result.mesh.points + displacement
    cells = np.stack([result.cell_fields[name][time] * _factor(name) for name in names], axis=-1)
    painted = paint(result.mesh, points, grid=grid, fields=cells)
    return {"displacement": paint(result.mesh, points, grid=grid, fields=displacement)} | {
        name: painted[..., index] for index, name in enumerate(names)
    }


def write_cord(result: CordResult, path: str | Path, *, time: int = -1) -> Path:
    """Write the cord at one time as VTU: undeformed points, displacement to warp by, strain and stress.

    Parameters
    ----------
    result : CordResult
        Simulation.
    path : str or Path
        ``.vtu`` file.
    time : int
        Index of the time.

    Returns
    -------
    Path
        The file written.
    """
    cells = {name: values[time] * _factor(name) for name, values in result.cell_fields.items()}
    return write_vtu(result.mesh, path, point_data={"displacement": result.displacement[time]}, cell_data=cells)


def _factor(name: str) -> float:
    return 1.0 if name.startswith("strain") else _KPA
