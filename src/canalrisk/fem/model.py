"""What is solved: mesh, materials, membranes, supports, contact faces; and the loads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import UsageError
from canalrisk.fem.fibres import FibreReinforced
from canalrisk.fem.materials import Material
from canalrisk.fem.membrane import Membrane
from canalrisk.fem.obstacles import Obstacle
from canalrisk.fem.truss import Trusses, no_trusses, truss_problem
from canalrisk.mesh import HexMesh

Array = NDArray[np.float64]
Index = NDArray[np.int64]


class SweptMesh(Protocol):
    """The part of `canalrisk.mesh.HexMesh` that the solver reads."""

    @property
    def points(self) -> Array:
        """Node positions (n, 3), mm."""

    @property
    def cells(self) -> Index:
        """Hexahedra (m, 8), VTK order."""

    @property
    def surface(self) -> Index:
        """Outward quads (k, 4)."""

    @property
    def section_size(self) -> int:
        """Nodes per section; 0 if the mesh is not swept."""

    @property
    def n_sections(self) -> int:
        """Number of sections."""


@dataclass(frozen=True, eq=False)
class Springs:
    """Grounded linear springs: energy k (d . u)^2 / 2 at a node.

    Parameters
    ----------
    nodes : (s,) ndarray of int64
    directions : (s, 3) ndarray
        Unit vectors.
    stiffness : (s,) ndarray
        N/mm.
    """

    nodes: Index
    directions: Array
    stiffness: Array


def _no_springs() -> Springs:
    return Springs(np.empty(0, np.int64), np.empty((0, 3)), np.empty(0))


@dataclass(frozen=True, eq=False)
class Supports:
    """Prescribed degrees of freedom and springs.

    Parameters
    ----------
    fixed : (k,) ndarray of int64
        Degrees of freedom 3 * node + axis; their values come with each `Load`, 0 by default.
    springs : Springs
    """

    fixed: Index = field(default_factory=lambda: np.empty(0, np.int64))
    springs: Springs = field(default_factory=_no_springs)


def dofs(nodes: NDArray[np.integer], *, axes: tuple[int, ...] = (0, 1, 2)) -> Index:
    """Degrees of freedom of `nodes` along `axes`, (len(nodes) * len(axes),), nodes outermost."""
    return (3 * np.asarray(nodes, np.int64)[:, None] + np.asarray(axes, np.int64)).ravel()


def set_dofs(mesh: HexMesh, name: str, *, axes: tuple[int, ...] = (0, 1, 2)) -> Index:
    """Degrees of freedom along `axes` of the node set `name`, as `dofs`.

    Raises
    ------
    UsageError
        If the mesh has no such set; the error names those it has.
    """
    if name not in mesh.node_sets:
        known = ", ".join(sorted(mesh.node_sets))
        raise UsageError(f"the mesh has no node set '{name}'", where="supports", fix=f"use one of: {known}")
    return dofs(mesh.node_sets[name], axes=axes)


@dataclass(frozen=True, eq=False)
class Model:
    """A body ready to be prepared.

    Parameters
    ----------
    mesh : HexMesh
    materials : tuple of Material
    material_index : (m,) or (m, 8) ndarray of int64, optional
        Material of each hexahedron or of each of its quadrature points; all 0 by default.
    membranes : tuple of Membrane
    supports : Supports
    contact : (f, 4) ndarray of int64, optional
        Outward quads that may touch obstacles; the mesh's surface by default.
    fibres : (m, 3) or (m, 8, 3) ndarray, optional
        Directions of the fibres in the undeformed body, per hexahedron or per quadrature point; of any length above 0
        where the material is `FibreReinforced`.
    trusses : Trusses
    contact_rule : {2, 3}
        Gauss points per direction of a face at which contact acts. Both converge to one limit with the mesh; 3 keeps
        the middle of faces out of curved obstacles, which 2 lets in by the sagitta (docs/mechanics.md).
    """

    mesh: SweptMesh
    materials: tuple[Material, ...]
    material_index: Index | None = None
    membranes: tuple[Membrane, ...] = ()
    supports: Supports = field(default_factory=Supports)
    contact: Index | None = None
    fibres: Array | None = None
    trusses: Trusses = field(default_factory=no_trusses)
    contact_rule: Literal[2, 3] = 2


@dataclass(frozen=True, eq=False)
class Load:
    """What acts at the end of a load step; everything goes linearly from the load before.

    Parameters
    ----------
    obstacles : tuple of Obstacle
        Matched by name with those of the load before; a new one is inserted from first touch.
    prescribed : (k,) ndarray, optional
        Values of ``supports.fixed``, mm; zeros by default.
    forces : (n, 3) ndarray, optional
        Dead nodal forces, N.
    anchors : (t, 3) ndarray, optional
        Displacement of the anchors of `Model.trusses`, mm; zeros by default.
    """

    obstacles: tuple[Obstacle, ...] = ()
    prescribed: Array | None = None
    forces: Array | None = None
    anchors: Array | None = None


def check_model(model: Model) -> None:
    """Raise `UsageError` if arrays of the model do not fit each other."""
    n, m = len(model.mesh.points), len(model.mesh.cells)
    problems = []
    if model.mesh.cells.shape != (m, 8) or (m and not 0 <= model.mesh.cells.min() <= model.mesh.cells.max() < n):
        problems.append(("cells that are not 8 nodes of the mesh", "give VTK hexahedra"))
    index = model.material_index
    if index is not None and (
        index.shape not in ((m,), (m, 8)) or index.min() < 0 or index.max() >= len(model.materials)
    ):
        problems.append((f"material_index of shape {index.shape}", f"give (m,) or (m, 8) below {len(model.materials)}"))
    if not model.materials:
        problems.append(("no material", "give at least one"))
    if not problems:
        problems += _fibre_problems(model)
        lines = truss_problem(model.trusses, points=model.mesh.points)
        problems += [lines] if lines else []
    fixed = model.supports.fixed
    if fixed.size and (fixed.min() < 0 or fixed.max() >= 3 * n or len(np.unique(fixed)) != len(fixed)):
        problems.append(("prescribed degrees of freedom out of range or repeated", "use 3 * node + axis, once each"))
    for what, fix in problems:
        raise UsageError(what, where="fem.Model", fix=fix)


def _fibre_problems(model: Model) -> list[tuple[str, str]]:
    """Say what is wrong with the fibre directions, if any material needs them."""
    m = len(model.mesh.cells)
    if model.fibres is not None and model.fibres.shape not in ((m, 3), (m, 8, 3)):
        return [(f"fibres of shape {model.fibres.shape}", f"give ({m}, 3) or ({m}, 8, 3) directions")]
    kinds = np.array([isinstance(material, FibreReinforced) for material in model.materials])
    if not kinds.any():
        return []
    if model.fibres is None:
        return [("fibre-reinforced material without fibres", "give Model(fibres=...)")]
    index = np.zeros(m, np.int64) if model.material_index is None else model.material_index
    needed = kinds[index]
    length = np.linalg.norm(model.fibres, axis=-1)
    if length.ndim < needed.ndim:
        length = length[:, None]
    elif needed.ndim < length.ndim:
        needed = needed[:, None]
    if not (np.isfinite(length) & (length > 0) | ~needed).all():
        return [("a fibre direction of length 0", "give a direction wherever the material has fibres")]
    return []
