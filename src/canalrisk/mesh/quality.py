"""Mesh quality: the scaled Jacobian, and a Finding where it is poor."""

from __future__ import annotations

import numpy as np

from canalrisk.findings import Finding
from canalrisk.mesh.hexmesh import Array, HexMesh

MINIMUM_SCALED_JACOBIAN = 0.2

# Corner -> its neighbours in right-handed order (VTK hexahedron).
_NEIGHBOURS = ((1, 3, 4), (2, 0, 5), (3, 1, 6), (0, 2, 7), (7, 5, 0), (4, 6, 1), (5, 7, 2), (6, 4, 3))


def scaled_jacobian(mesh: HexMesh) -> Array:
    """Smallest scaled Jacobian over the eight corners of every cell (Knupp 2000, SIAM J Sci Comput 22:193).

    Parameters
    ----------
    mesh : HexMesh
        Mesh of m cells.

    Returns
    -------
    (m,) ndarray
        1 for a brick, 0 for a flat corner, negative for an inverted one.
    """
    corners = mesh.points[mesh.cells]
    worst = np.full(len(mesh.cells), np.inf)
    for corner, others in enumerate(_NEIGHBOURS):
        edges = corners[:, others] - corners[:, [corner]]
        edges /= np.linalg.norm(edges, axis=2, keepdims=True)
        worst = np.minimum(worst, np.einsum("ij,ij->i", np.cross(edges[:, 0], edges[:, 1]), edges[:, 2]))
    return worst


def quality_findings(mesh: HexMesh, *, where: str) -> tuple[Finding, ...]:
    """Report a mesh whose smallest scaled Jacobian is below 0.2.

    Parameters
    ----------
    mesh : HexMesh
        Mesh to judge.
    where : str
        What the mesh is of, for the reader.

    Returns
    -------
    tuple of Finding
        Empty when the mesh is good; ``serious`` when a corner is inverted.
    """
    worst = float(scaled_jacobian(mesh).min())
    if worst >= MINIMUM_SCALED_JACOBIAN:
        return ()
    message = f"Smallest scaled Jacobian of the mesh is {worst:.2f} (below {MINIMUM_SCALED_JACOBIAN})."
    return (Finding("MESH-QUALITY", "serious" if worst <= 0 else "warning", where, message),)
