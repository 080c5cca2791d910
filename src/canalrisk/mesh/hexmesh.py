"""Hexahedral meshes: swept ones, sections of equal topology stacked along a curve, and any others."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]

# Faces of a VTK hexahedron, each counter-clockwise seen from outside.
FACES = ((0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))


@dataclass(frozen=True, eq=False)
class HexMesh:
    """Hexahedra; if swept, in sections: node ``k * section_size + i`` is node i of section k.

    Parameters
    ----------
    points : (n, 3) ndarray
        Node positions, mm.
    cells : (m, 8) ndarray of int64
        VTK order: the lower section's quad counter-clockwise seen from the upper section, then the upper's.
    surface : (k, 4) ndarray of int64
        Boundary quads, counter-clockwise seen from outside (outward normals); of a swept mesh the lateral ones only.
    node_sets : dict of str to ndarray of int64
        ``ends`` and whatever the builder adds.
    section_size, n_sections : int
        Nodes per section and number of sections; every cell joins neighbouring sections, so matrices are
        block-tridiagonal. Both 0 if the mesh is not swept.
    cell_data : dict of str to (m, ...) ndarray
        Labels and fields per cell.
    node_data : dict of str to (n, ...) ndarray
        ``disc`` (n, 2): position in the unit disc of the section, first right, then anterior.
    """

    points: Array
    cells: Index
    surface: Index
    node_sets: dict[str, Index]
    section_size: int
    n_sections: int
    cell_data: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    node_data: dict[str, NDArray[np.generic]] = field(default_factory=dict)

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.points)

    @property
    def ring(self) -> Index:
        """Nodes of the first section's outline, counter-clockwise seen from the second section."""
        ring: Index = self.surface[self.surface.max(axis=1) < 2 * self.section_size][:, 0]
        return ring


def boundary_quads(cells: Index) -> Index:
    """Faces that belong to one cell only, (k, 4), counter-clockwise seen from outside.

    Parameters
    ----------
    cells : (m, 8) ndarray of int64
        Hexahedra in VTK order.
    """
    faces = cells[:, FACES].reshape(-1, 4)
    _, first, count = np.unique(np.sort(faces, axis=1), axis=0, return_index=True, return_counts=True)
    outer: Index = faces[np.sort(first[count == 1])]
    return outer


def lateral_quads(cells: Index, *, section_size: int, n_sections: int) -> Index:
    """Boundary quads that do not lie in the first or the last section.

    Parameters
    ----------
    cells : (m, 8) ndarray of int64
        Hexahedra in VTK order.
    section_size, n_sections : int
        Block layout of the node numbers.

    Returns
    -------
    (k, 4) ndarray of int64
        Counter-clockwise seen from outside, ordered by section.
    """
    outer = boundary_quads(cells)
    section = outer // section_size
    flat = (section == section[:, :1]).all(axis=1) & np.isin(section[:, 0], (0, n_sections - 1))
    outer = outer[~flat]
    # Start every quad on the lower section so that quads of one layer read alike.
    low = outer // section_size == (outer // section_size).min(axis=1, keepdims=True)
    start = np.argmax(low & ~np.roll(low, 1, axis=1), axis=1)
    outer = np.take_along_axis(outer, (start[:, None] + np.arange(4)) % 4, axis=1)
    order = np.lexsort((outer[:, 0], (outer // section_size).min(axis=1)))
    ordered: Index = outer[order]
    return ordered
