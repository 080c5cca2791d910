"""Hexahedral meshes from the files of mesh generators, through meshio."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal
from xml.etree.ElementTree import ParseError

import meshio
import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import InputRefused, UnitError
from canalrisk.mesh.hexmesh import FACES, Array, HexMesh, Index, boundary_quads

READERS: dict[str, Callable[[str], Any]] = {
    ".vtu": meshio.vtu.read,
    ".vtk": meshio.vtk.read,
    ".msh": meshio.gmsh.read,
    ".inp": meshio.abaqus.read,
}
TO_MM = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 1e-3}
# Cells of three dimensions that a mesh of 8-node hexahedra must not hold.
_SOLID = ("tetra", "wedge", "pyramid", "hexahedron", "polyhedron")
_BROKEN = (
    meshio.ReadError, ParseError, OSError, ValueError, KeyError, IndexError, TypeError, AttributeError, AssertionError,
    EOFError, StopIteration,
)  # fmt: skip


def read_hex_mesh(path: str | Path, *, unit: Literal["mm", "cm", "m", "um"] = "mm") -> HexMesh:
    """Read 8-node hexahedra from a file.

    Parameters
    ----------
    path : str or Path
        ``.vtu``, ``.vtk``, ``.msh`` (Gmsh) or ``.inp`` (Abaqus).
    unit : {"mm", "cm", "m", "um"}
        Unit of the coordinates; none of the formats says it.

    Returns
    -------
    HexMesh
        Not swept, in mm; `surface` is the whole boundary, outward. Named sets of nodes, and the nodes of named sets of
        faces, lines and points, are in `node_sets`; named sets of hexahedra are 0/1 in `cell_data` under ``set:NAME``.
        Nodes that no hexahedron uses are left out. Further fields are kept.

    Raises
    ------
    InputRefused
        If the file cannot be read, holds other solids or no hexahedra, or if hexahedra are inverted or repeated.
    UnitError
        If the unit is none of the four.
    """
    path = Path(path)
    if unit not in TO_MM:
        raise UnitError(f"unit '{unit}' of a mesh", where=path.name, fix=f"use one of {', '.join(TO_MM)}")
    whole = _read(path)
    cells, blocks = _hexahedra(whole, path)
    points = TO_MM[unit] * np.asarray(whole.points, np.float64)
    if points.ndim != 2 or points.shape[1] != 3 or not np.isfinite(points).all():
        raise InputRefused("points that are not three finite numbers", where=path.name, fix="export a mesh in 3-D")
    if cells.min() < 0 or cells.max() >= len(points):
        raise InputRefused("hexahedra of nodes that do not exist", where=path.name, fix="export the mesh anew")
    used = np.unique(cells)
    number = np.full(len(points), -1, np.int64)
    number[used] = np.arange(len(used))
    cells = np.ascontiguousarray(number[cells])
    points = np.ascontiguousarray(points[used])
    _check(points, cells, path)
    sets = {name: number[nodes] for name, nodes in _node_sets(whole).items()}
    return HexMesh(
        points=points,
        cells=cells,
        surface=boundary_quads(cells),
        node_sets={name: np.unique(nodes[nodes >= 0]) for name, nodes in sets.items()},
        section_size=0,
        n_sections=0,
        cell_data=_cell_data(whole, blocks),
        node_data={
            name: np.asarray(values)[used]
            for name, values in whole.point_data.items()
            if not name.startswith("set:") and len(values) == len(whole.points)
        },
    )


def _read(path: Path) -> Any:
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise InputRefused(
            f"a mesh file of unknown kind '{path.suffix}'", where=path.name, fix=f"give one of {', '.join(READERS)}"
        )
    try:
        # Not `meshio.read`, which prints and exits where a file is broken.
        return reader(str(path))
    except _BROKEN as error:
        raise InputRefused(
            f"not readable as {path.suffix}: {type(error).__name__}", where=path.name, fix="export the mesh anew"
        ) from error


def _hexahedra(whole: Any, path: Path) -> tuple[Index, list[int]]:
    """Hexahedra (m, 8) of the whole file, and which of its blocks they come from."""
    kinds = [block.type for block in whole.cells]
    others = sorted({kind for kind in kinds if kind.startswith(_SOLID) and kind != "hexahedron"})
    if others:
        raise InputRefused(
            f"other solids than 8-node hexahedra: {', '.join(others)}", where=path.name, fix="mesh with hexahedra only"
        )
    blocks = [k for k, kind in enumerate(kinds) if kind == "hexahedron" and len(whole.cells[k].data)]
    if not blocks:
        raise InputRefused("no 8-node hexahedra", where=path.name, fix="export the volume elements too")
    return np.concatenate([np.asarray(whole.cells[k].data, np.int64) for k in blocks]), blocks


def _check(points: Array, cells: Index, path: Path) -> None:
    x = points[cells]
    # Volume at the middle: the triple product of the lines that join opposite faces.
    right, back, up = (x[:, FACES[b]].mean(axis=1) - x[:, FACES[a]].mean(axis=1) for a, b in ((5, 3), (2, 4), (0, 1)))
    volume = np.einsum("ei,ei->e", np.cross(right, back), up)
    if not (volume > 0).all():
        raise InputRefused(
            f"{int((volume <= 0).sum())} of {len(cells)} hexahedra are inverted or flat",
            where=f"{path.name}, hexahedron {int(volume.argmin())}",
            fix="order nodes as VTK and Abaqus do: the first four counter-clockwise seen from the other four",
        )
    faces = np.sort(cells[:, FACES].reshape(-1, 4), axis=1)
    _, first, count = np.unique(faces, axis=0, return_index=True, return_counts=True)
    if (count > 2).any():
        raise InputRefused(
            f"{int((count > 2).sum())} faces belong to more than two hexahedra",
            where=f"{path.name}, hexahedron {int(first[count > 2][0]) // 6}",
            fix="remove repeated hexahedra",
        )


def _node_sets(whole: Any) -> dict[str, Index]:
    """Named nodes: sets of the file, nodes of its named faces, lines and points, and ``set:NAME`` fields."""
    sets = {str(name): np.asarray(nodes, np.int64).ravel() for name, nodes in whole.point_sets.items()}
    for name, values in whole.point_data.items():
        if name.startswith("set:"):
            sets[name[4:]] = np.flatnonzero(values)
    for name, members in _named_cells(whole).items():
        parts = [
            np.asarray(block.data, np.int64)[chosen].ravel()
            for block, chosen in zip(whole.cells, members, strict=True)
            if block.type != "hexahedron"
        ]
        nodes = np.concatenate([np.empty(0, np.int64), *parts])
        if len(nodes):
            sets[name] = np.union1d(nodes, sets.get(name, nodes[:0]))
    return sets


def _named_cells(whole: Any) -> dict[str, list[NDArray[np.bool_]]]:
    """Named cells of any kind, as flags per block: Abaqus element sets, Gmsh physical groups."""
    named: dict[str, list[NDArray[np.bool_]]] = {}
    for name, members in whole.cell_sets.items():
        if name.startswith("gmsh:") or len(members) != len(whole.cells):
            continue
        flags = [np.zeros(len(block.data), np.bool_) for block in whole.cells]
        for flag, chosen in zip(flags, members, strict=True):
            if chosen is not None and len(chosen):
                flag[np.asarray(chosen, np.int64)] = True
        named[str(name)] = flags
    groups = whole.cell_data.get("gmsh:physical")
    for name, (tag, dimension) in ((n, np.ravel(v)[:2]) for n, v in whole.field_data.items() if np.size(v) >= 2):
        if groups is not None:
            named[str(name)] = [
                (np.asarray(group) == tag) & (block.dim == dimension)
                for group, block in zip(groups, whole.cells, strict=True)
            ]
    return named


def _cell_data(whole: Any, blocks: list[int]) -> dict[str, NDArray[np.generic]]:
    """Fields of the hexahedra, and their named sets as 0/1."""
    data: dict[str, NDArray[np.generic]] = {
        name: np.concatenate([np.asarray(values[k]) for k in blocks]) for name, values in whole.cell_data.items()
    }
    for name, members in _named_cells(whole).items():
        flags = np.concatenate([members[k] for k in blocks])
        if flags.any():
            data[f"set:{name}"] = flags.astype(np.int8)
    return data
