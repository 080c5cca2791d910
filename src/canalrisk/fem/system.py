"""`prepare`: everything that depends on the mesh and not on the load, kept for thousands of solves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import GeometryError
from canalrisk.fem import reference
from canalrisk.fem.kept import KeptFactor
from canalrisk.fem.linear import Method, Precision, build_solver, single_twin
from canalrisk.fem.materials import material_table
from canalrisk.fem.membrane import membrane_properties
from canalrisk.fem.model import Model, check_model
from canalrisk.fem.pattern import Gather, Pattern, lower_half, nodal_gather, surface_gather
from canalrisk.fem.truss import TrussGroup, prepare_trusses

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(eq=False)
class SurfaceGroup:
    """Quads of one kind with their geometry, gathers and element buffers."""

    quads: Index
    gradients: Array
    weights: Array
    nodes: Gather
    pairs: Gather
    energy: Array
    force: Array
    blocks: Array

    @classmethod
    def build(cls, quads: Index, *, points: Array, pattern: Pattern, rule: int = 2) -> SurfaceGroup:
        """Prepare `quads` (k, 4) with `rule` Gauss points per direction; gradients are those of 2."""
        quads = np.ascontiguousarray(quads, np.int64).reshape(-1, 4)
        gradients, areas = reference.quad_gradients(points, quads)
        if rule != 2:
            areas = reference.quad_areas(points, quads, rule=rule)
        k = len(quads)
        return cls(
            quads,
            gradients,
            np.ascontiguousarray(areas),
            nodal_gather(quads, n_nodes=len(points)),
            surface_gather(pattern, quads),
            np.zeros(k),
            np.zeros((k, 4, 3)),
            np.zeros((k, 10, 9)),
        )


@dataclass(eq=False)
class System:
    """A prepared model: geometry, positions and buffers. One thread of control at a time.

    The material table may be replaced between solves (`set_materials`); mesh, supports and surfaces may not.
    `held` is the displacement whose hexahedra and membranes the element buffers hold, with tangents if `held_tangent`.
    `cell_pressure` (m, 2) and `cell_rate` (m, 8, 3) are each element's mean stress, its slope over volume and the slope
    of volume; `ahead` (m,) are the mean stresses from which tangents take their initial stress, None for the state's.
    """

    model: Model
    points: Array
    cells: Index
    gradients: Array
    weights: Array
    table: Array
    index: Index
    directions: Array
    pattern: Pattern
    lower: Gather
    cell_nodes: Gather
    cell_pairs: Gather
    membrane: SurfaceGroup
    membrane_properties: Array
    trusses: TrussGroup
    contact: SurfaceGroup
    contact_shape: Array
    check_shape: Array
    free: NDArray[np.bool_]
    cholesky: KeptFactor
    cell_energy: Array
    cell_force: Array
    cell_blocks: Array
    cell_lowest: Array
    cell_pressure: Array
    cell_rate: Array
    matrix: Array
    spring_rows: Index
    held: Array | None = None
    held_tangent: bool = False
    ahead: Array | None = None

    @property
    def contact_weights(self) -> Array:
        """Reference area of each contact point, (f, p) with p = contact_rule^2, mm2."""
        return self.contact.weights

    @property
    def contact_quads(self) -> Index:
        """Faces that may touch obstacles, (f, 4)."""
        return self.contact.quads

    def contact_points(self, u: Array) -> Array:
        """Return current positions (f, p, 3) of the contact points, mm."""
        points: Array = np.einsum("qa,fai->fqi", self.contact_shape, (self.points + u)[self.contact.quads])
        return points

    def set_materials(self, model: Model) -> None:
        """Take over the materials of `model` (same mesh): constants and distribution."""
        check_model(model)
        self.model = model
        self.table = material_table(model.materials)
        self.index = _material_index(model, len(self.cells))
        self.directions = _fibre_directions(model)
        self.membrane_properties = membrane_properties(model.membranes)
        self.trusses = prepare_trusses(model.trusses, points=self.points, pattern=self.pattern)
        self.held = None


def _material_index(model: Model, cells: int) -> Index:
    index = model.material_index
    if index is None:
        return np.zeros((cells, 8), np.int64)
    wide = np.repeat(index[:, None], 8, axis=1) if index.ndim == 1 else index
    return np.ascontiguousarray(wide, np.int64)


def _fibre_directions(model: Model) -> Array:
    """Return unit fibre directions (m, 3, 8: axis, point), of no element if the model has none."""
    if model.fibres is None:
        return np.zeros((0, 3, 8))
    points = model.fibres if model.fibres.ndim == 3 else np.repeat(model.fibres[:, None, :], 8, axis=1)
    length = np.linalg.norm(points, axis=-1, keepdims=True)
    unit = np.divide(points, length, out=np.zeros(points.shape), where=length > 0)
    return np.ascontiguousarray(np.swapaxes(unit, 1, 2))


def prepare(model: Model, *, method: Method = "multifrontal", precision: Precision = "double") -> System:
    """Do the symbolic work of a model once.

    Parameters
    ----------
    model : Model
    method : {"multifrontal", "sections"}
        Direct solver, see `build_solver`.
    precision : {"double", "single"}
        "single" factors in single precision, in half the time and memory, and refines every solution in double by
        conjugate gradients; a matrix that single precision refuses is factored in double. Answers meet the same
        tolerance. It pays on large sections; on thin tubes factors are a small part of the time.

    Returns
    -------
    System

    Raises
    ------
    UsageError
        If arrays of the model contradict each other, or `precision` is "single" with another method.
    GeometryError
        If a hexahedron is inverted at a quadrature point.
    """
    check_model(model)
    points = np.ascontiguousarray(model.mesh.points, np.float64)
    cells = np.ascontiguousarray(model.mesh.cells, np.int64)
    n, m = len(points), len(cells)
    gradients, weights = reference.hex_gradients(points, cells)
    if not weights.min() > 0:
        raise GeometryError(
            f"{int((weights.min(axis=1) <= 0).sum())} hexahedra are inverted",
            where=f"cell {int(weights.min(axis=1).argmin())}",
            fix="give a mesh with positive Jacobians (VTK node order)",
        )
    pattern, cell_pairs, cholesky = build_solver(
        cells, points=points, section_size=model.mesh.section_size, method=method, links=model.trusses.links
    )
    empty = np.empty((0, 4), np.int64)
    quads = [np.asarray(membrane.quads) for membrane in model.membranes] or [empty]
    contact = model.mesh.surface if model.contact is None else model.contact
    free = np.ones(3 * n, np.bool_)
    free[model.supports.fixed] = False
    return System(
        model=model,
        points=points,
        cells=cells,
        gradients=gradients,
        weights=np.ascontiguousarray(weights),
        table=material_table(model.materials),
        index=_material_index(model, m),
        directions=_fibre_directions(model),
        pattern=pattern,
        lower=lower_half(pattern),
        cell_nodes=nodal_gather(cells, n_nodes=n),
        cell_pairs=cell_pairs,
        membrane=SurfaceGroup.build(np.concatenate(quads), points=points, pattern=pattern),
        membrane_properties=membrane_properties(model.membranes),
        trusses=prepare_trusses(model.trusses, points=points, pattern=pattern),
        contact=SurfaceGroup.build(contact, points=points, pattern=pattern, rule=model.contact_rule),
        contact_shape=np.ascontiguousarray(reference.quad_shape(reference.quad_rule(model.contact_rule))),
        check_shape=np.ascontiguousarray(reference.quad_shape(reference.quad_rule(3))),
        free=free.reshape(n, 3),
        cholesky=KeptFactor(cholesky, rough=single_twin(cholesky) if precision == "single" else None),
        cell_energy=np.zeros(m),
        cell_force=np.zeros((m, 8, 3)),
        cell_blocks=np.zeros((m, 36, 9)),
        cell_lowest=np.zeros(m),
        cell_pressure=np.zeros((m, 2)),
        cell_rate=np.zeros((m, 8, 3)),
        matrix=np.zeros((pattern.n_blocks, 9)),
        # The diagonal block is the first of its row.
        spring_rows=pattern.pointer[pattern.rank[model.supports.springs.nodes]],
    )
