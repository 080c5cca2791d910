"""What holds the modelled piece of cord: the unmodelled cord beyond its two ends."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem import Springs, Supports
from canalrisk.mechanics.materials import CordMaterials
from canalrisk.mechanics.settings import CordSettings
from canalrisk.mechanics.tube import CordTube

Array = NDArray[np.float64]

# An end section keeps its shape and place across: springs this stiff per mm2 of section move by far less than
# the contact tolerance under any force that the cord carries.
TRANSVERSE_N_PER_MM3 = 5.0


def end_supports(tube: CordTube, *, materials: CordMaterials, settings: CordSettings) -> Supports:
    """Springs on both end sections.

    Axially EA/L of the missing cord (tissue and pia in parallel), spread by area and by perimeter; across,
    the section is held. ``fixed`` ends replace the axial spring by a stiff one, ``free`` ends by none.

    Parameters
    ----------
    tube : CordTube
        Meshed cord.
    materials : CordMaterials
        Moduli.
    settings : CordSettings
        `missing_cord_mm` and `ends`.

    Returns
    -------
    Supports
    """
    size, mesh = tube.mesh.section_size, tube.mesh
    quads = mesh.cells[mesh.cells[:, 0] < size][:, :4]
    nodes, directions, stiffness = [], [], []
    for section in (0, mesh.n_sections - 1):
        first = section * size
        points = mesh.points[first : first + size]
        area = _nodal_area(points, quads)
        ring = points[mesh.ring]
        edge = np.linalg.norm(np.roll(ring, -1, axis=0) - ring, axis=1)
        length = np.zeros(size)
        length[mesh.ring] = 0.5 * (edge + np.roll(edge, 1))
        axial = (materials.young * area + materials.pia_young * materials.pia_thickness * length) / (
            settings.missing_cord_mm
        )
        if settings.ends == "fixed":
            axial = TRANSVERSE_N_PER_MM3 * area
        elif settings.ends == "free":
            axial = np.zeros(size)
        frame = tube.outlines
        for axis, value in (
            (frame.tangent[section], axial),
            (frame.right[section], TRANSVERSE_N_PER_MM3 * area),
            (frame.anterior[section], TRANSVERSE_N_PER_MM3 * area),
        ):
            nodes.append(first + np.arange(size))
            directions.append(np.tile(axis, (size, 1)))
            stiffness.append(value)
    used = np.concatenate(stiffness) > 0
    springs = Springs(
        nodes=np.concatenate(nodes)[used],
        directions=np.concatenate(directions)[used],
        stiffness=np.concatenate(stiffness)[used],
    )
    return Supports(fixed=np.zeros(0, np.int64), springs=springs)


def _nodal_area(points: Array, quads: NDArray[np.int64]) -> Array:
    corners = points[quads]
    area = 0.5 * np.linalg.norm(np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1]), axis=1)
    return np.asarray(np.bincount(quads.ravel(), np.repeat(area / 4.0, 4), len(points)), np.float64)
