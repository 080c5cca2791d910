"""Meshes to VTU files, and swept ones back, through meshio."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import meshio
import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import InputRefused
from canalrisk.mesh.hexmesh import HexMesh, lateral_quads


def write_vtu(
    mesh: HexMesh,
    path: str | Path,
    *,
    point_data: Mapping[str, NDArray[np.generic]] | None = None,
    cell_data: Mapping[str, NDArray[np.generic]] | None = None,
) -> Path:
    """Write a mesh with its labels; the file appears under its name only when complete.

    Parameters
    ----------
    mesh : HexMesh
        Mesh; its `cell_data` and `node_data` are written too, node sets as ``set:NAME`` (0/1).
    path : str or Path
        File to write, ``.vtu``.
    point_data, cell_data : mapping of str to ndarray, optional
        Further fields per node and per cell.

    Returns
    -------
    Path
        The file written.
    """
    path = Path(path)
    points: dict[str, NDArray[np.generic]] = {}
    if mesh.section_size:
        points["section"] = np.repeat(np.arange(mesh.n_sections), mesh.section_size)
    for name, nodes in mesh.node_sets.items():
        points[f"set:{name}"] = np.isin(np.arange(mesh.n_nodes), nodes).astype(np.int8)
    points |= {name: _components(values) for name, values in (mesh.node_data | dict(point_data or {})).items()}
    cells = {name: [_components(values)] for name, values in (mesh.cell_data | dict(cell_data or {})).items()}
    whole = meshio.Mesh(mesh.points, [("hexahedron", mesh.cells)], point_data=points, cell_data=cells)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        whole.write(part, file_format="vtu")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path


def read_vtu(path: str | Path) -> HexMesh:
    """Read a mesh written by `write_vtu`.

    Parameters
    ----------
    path : str or Path
        A ``.vtu`` file whose point data ``section`` numbers sections of equal size.

    Returns
    -------
    HexMesh
        Mesh with its node sets, cell data and node data.

    Raises
    ------
    InputRefused
        If the file is not a swept hexahedral mesh.
    """
    path = Path(path)
    try:
        # Not `meshio.read`, which prints and exits where a file is broken.
        whole = meshio.vtu.read(str(path))
        cells = whole.cells_dict["hexahedron"].astype(np.int64)
        section = whole.point_data["section"].astype(np.int64)
    except (meshio.ReadError, KeyError, OSError, ValueError) as error:
        raise InputRefused(
            "not a VTU file with hexahedra and section numbers", where=path.name, fix="write it with write_vtu"
        ) from error
    size = int((section == 0).sum())
    count = int(section.max()) + 1
    if len(section) != size * count or not np.array_equal(section, np.repeat(np.arange(count), size)):
        raise InputRefused("sections of unequal size", where=path.name, fix="write it with write_vtu")
    data = {name: values for name, values in whole.point_data.items() if name != "section"}
    sets = {name[4:]: np.flatnonzero(data.pop(name)) for name in list(data) if name.startswith("set:")}
    # VTK stores planar vectors with a third component.
    nodes = {name: values[:, :2] if name == "disc" else values for name, values in data.items()}
    return HexMesh(
        points=whole.points,
        cells=cells,
        surface=lateral_quads(cells, section_size=size, n_sections=count),
        node_sets=sets,
        section_size=size,
        n_sections=count,
        cell_data={name: values[0] for name, values in whole.cell_data.items()},
        node_data=nodes,
    )


def _components(values: NDArray[np.generic]) -> NDArray[np.generic]:
    """Pad planar vectors to three components, as VTK wants; flags become integers."""
    values = np.asarray(values)
    if values.dtype == np.bool_:
        values = values.astype(np.int8)
    if values.ndim == 2 and values.shape[1] == 2:
        values = np.pad(values, ((0, 0), (0, 1)))
    return values.reshape(len(values), -1) if values.ndim > 2 else values
