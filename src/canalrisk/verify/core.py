"""The few calls to the finite-element core that all problems share."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import NumericalFailure
from canalrisk.fem import (
    FibreReinforced,
    Load,
    Material,
    Membrane,
    Model,
    Settings,
    State,
    Supports,
    System,
    prepare,
    solve,
)
from canalrisk.fem.assemble import times_matrix
from canalrisk.mesh import brick as brick
from canalrisk.mesh import rectilinear as rectilinear
from canalrisk.mesh.hexmesh import FACES, HexMesh, lateral_quads
from canalrisk.verify.laws import FIBRE

Array = NDArray[np.float64]
Index = NDArray[np.int64]

# Far below the discretisation errors that are measured.
TIGHT = Settings(tolerance=1e-9)


def swept(points: Array, cells: Index, section: int) -> HexMesh:
    """Mesh of cells that join sections of `section` nodes."""
    count = len(points) // section
    surface = lateral_quads(cells, section_size=section, n_sections=count)
    return HexMesh(points, np.ascontiguousarray(cells, np.int64), surface, {}, section, count)


def distorted(mesh: HexMesh, *, amount: float, seed: int) -> tuple[HexMesh, NDArray[np.bool_]]:
    """Move the nodes inside a unit cube at random by up to `amount` mm; return the mesh and which nodes are inside."""
    inside = np.all((mesh.points > 1e-9) & (mesh.points < 1.0 - 1e-9), axis=1)
    points = mesh.points.copy()
    points[inside] += amount * np.random.default_rng(seed).uniform(-1.0, 1.0, (int(inside.sum()), 3))
    return replace(mesh, points=points), inside


def on(mesh: HexMesh, axis: int, value: float) -> Index:
    """Nodes whose coordinate along `axis` is `value`, mm."""
    return np.flatnonzero(np.abs(mesh.points[:, axis] - value) < 1e-9)


def faces_on(mesh: HexMesh, axis: int, value: float) -> Index:
    """Boundary quads (k, 4), outward, whose nodes all have coordinate `value` along `axis`."""
    faces = mesh.cells[:, FACES].reshape(-1, 4)
    quads: Index = faces[(np.abs(mesh.points[faces][:, :, axis] - value) < 1e-9).all(axis=1)]
    return quads


def solved(
    system: System,
    loads: list[Load],
    *,
    settings: Settings = TIGHT,
    start: State | None = None,
    origin: Load | None = None,
) -> list[State]:
    """Solve, or raise `NumericalFailure` with the reason of the first load that failed."""
    states = solve(system, loads, settings=settings, start=start, origin=origin)
    for number, state in enumerate(states):
        if not state.converged:
            raise NumericalFailure(
                f"load {number + 1} of {len(states)} did not converge: {state.reason}",
                where="canalrisk verify",
                fix="this is a defect of the solver or of the problem: please report it",
            )
    return states


def body(
    mesh: HexMesh,
    law: Material,
    *,
    fixed: Index | None = None,
    membranes: tuple[Membrane, ...] = (),
    fibre: Array = FIBRE,
) -> System:
    """Prepare a mesh of one material, with fibres along `fibre` where it has any."""
    supports = Supports() if fixed is None else Supports(fixed=fixed)
    fibres = np.tile(fibre, (len(mesh.cells), 1)) if isinstance(law, FibreReinforced) else None
    return prepare(Model(mesh=mesh, materials=(law,), supports=supports, membranes=membranes, fibres=fibres))


def stiffness(system: System) -> Array:
    """Dense matrix (3n, 3n) last formed, column by column through the product that the solver uses."""
    size = system.points.size
    columns = np.empty((size, size))
    for k in range(size):
        unit = np.zeros(size)
        unit[k] = 1.0
        columns[:, k] = times_matrix(system, unit.reshape(-1, 3)).ravel()
    return columns
