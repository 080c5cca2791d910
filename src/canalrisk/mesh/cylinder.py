"""The elliptic cylinder of the reference problems, node for node."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from canalrisk.mesh.hexmesh import HexMesh
from canalrisk.mesh.ogrid import disc_section
from canalrisk.mesh.sweep import ellipse_outlines, sweep_section

# (core quads, rings, axial layers) of the published reference meshes.
SIZES = {"S": (8, 4, 32), "M": (12, 6, 44), "L": (18, 9, 66)}
HALF_WIDTH, HALF_DEPTH, LENGTH = 6.5, 4.0, 40.0


def elliptic_cylinder(
    size: str | tuple[int, int, int] = "S",
    *,
    half_width: float = HALF_WIDTH,
    half_depth: float = HALF_DEPTH,
    length: float = LENGTH,
) -> HexMesh:
    """Elliptic cylinder along z with x to the right and y anterior.

    Parameters
    ----------
    size : {"S", "M", "L"} or (core, rings, layers)
        Reference size, or numbers of divisions.
    half_width, half_depth, length : float
        Semi-axes in x and y and the length, mm.

    Returns
    -------
    HexMesh
        Node sets ``ends``, ``lateral``, ``post`` (|x| <= 3, |z - middle| <= 5, y < 0) and ``ant`` (|x| <= 4,
        y > 0, without ends): those of ``reference/README.md``.
    """
    core, rings, layers = SIZES[size] if isinstance(size, str) else size
    section = disc_section(core, rings=rings)
    z = np.linspace(0.0, length, layers + 1)
    ones = np.ones_like(z)
    mesh = sweep_section(
        section,
        origins=np.stack((0 * z, 0 * z, z), axis=-1),
        right=np.tile((1.0, 0.0, 0.0), (len(z), 1)),
        anterior=np.tile((0.0, 1.0, 0.0), (len(z), 1)),
        outlines=ellipse_outlines(section, half_widths=half_width * ones, half_depths=half_depth * ones),
    )
    lateral = np.unique(mesh.surface)
    x, y, height = mesh.points[lateral].T
    tolerance = 1e-6
    post = (y < 0) & (abs(height - length / 2) <= 5 + tolerance) & (abs(x) <= 3 + tolerance)
    ant = (y > 0) & (abs(x) <= 4 + tolerance)
    sets = {
        "ends": mesh.node_sets["ends"],
        "lateral": lateral,
        "post": lateral[post],
        "ant": np.setdiff1d(lateral[ant], mesh.node_sets["ends"]),
    }
    return replace(mesh, node_sets=sets)
