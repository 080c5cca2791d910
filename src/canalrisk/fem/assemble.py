"""Total potential energy, its gradient and its Hessian at a state."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem.kernels import gather, hex8, surface
from canalrisk.fem.obstacles import Obstacle
from canalrisk.fem.system import SurfaceGroup, System
from canalrisk.fem.truss import add_trusses

Array = NDArray[np.float64]


@dataclass(eq=False)
class Touch:
    """One obstacle in action: multipliers held fixed, and what the last evaluation found.

    Parameters
    ----------
    obstacle : Obstacle
    penalty : float
        MPa/mm.
    multiplier : (f, p) ndarray
        Augmented-Lagrangian pressure, MPa.

    `ahead` (f, p) are pressures from which the tangent takes its curvature term; None for those of the state.
    """

    obstacle: Obstacle
    penalty: float
    multiplier: Array
    pressure: Array = field(init=False)
    gap: Array = field(init=False)
    resultant: Array = field(init=False)
    normal: Array = field(init=False)
    ahead: Array | None = None

    def __post_init__(self) -> None:
        """Allocate the results."""
        self.pressure = np.zeros_like(self.multiplier)
        self.gap = np.full_like(self.multiplier, np.inf)
        self.resultant = np.zeros((len(self.multiplier), 3))
        self.normal = np.zeros((*self.multiplier.shape, 3))
        self._fields = self.obstacle.fields()
        self._numbers = self.obstacle.numbers(self.penalty)

    def add(self, system: System, x: Array, *, tangent: bool) -> None:
        """Add energy, forces and blocks to the system's contact buffers."""
        group = system.contact
        self.resultant[:] = 0.0
        surface.evaluate_contacts(
            x,
            group.quads,
            system.contact_shape,
            group.weights,
            *self._fields,
            self._numbers,
            self.multiplier,
            tangent,
            self.pressure if self.ahead is None else self.ahead,
            self.ahead is not None,
            group.energy,
            group.force,
            group.blocks,
            self.pressure,
            self.gap,
            self.resultant,
            self.normal,
        )

    def look(self, system: System, x: Array) -> None:
        """Refresh gaps, their gradients and pressures at positions `x` (n, 3) alone."""
        group = system.contact
        group.energy[:], group.force[:] = 0.0, 0.0
        self.add(system, x, tangent=False)

    def updated(self, penalty: float) -> Touch:
        """Return the same obstacle with the multipliers that the last evaluation's gaps give, and `penalty`."""
        return Touch(self.obstacle, penalty, np.maximum(self.multiplier - self.penalty * self.gap, 0.0))

    def settled(self) -> Touch:
        """Return the same obstacle without the multipliers of points that the last evaluation found apart."""
        apart = self.multiplier - self.penalty * self.gap <= 0.0
        return Touch(self.obstacle, self.penalty, np.where(apart, 0.0, self.multiplier))

    def lagrangian(self, weights: Array) -> float:
        """Energy of penalty and multipliers at the last evaluation, N mm: in the potential beside the body's."""
        trial = np.maximum(self.multiplier - self.penalty * self.gap, 0.0)
        return float(np.sum(weights * (trial**2 - self.multiplier**2))) / (2.0 * self.penalty)

    def gaps(self, system: System, x: Array, *, check: bool) -> Array:
        """Gaps (f, p) at the contact points, or at the 3 x 3 check points."""
        shape = system.check_shape if check else system.contact_shape
        out = np.empty((len(system.contact.quads), len(shape)))
        surface.gaps(x, system.contact.quads, shape, *self._fields, self._numbers, out)
        return out


@dataclass(eq=False)
class Evaluation:
    """Energy and residual at a state; `valid` is False where a quadrature point has J <= 0.

    `depth` is the greatest penetration at the contact points, mm.
    """

    valid: bool
    energy: float
    residual: Array
    scale: float
    min_jacobian: float
    depth: float = 0.0


def _collect(group: SurfaceGroup, residual: Array, matrix: Array | None) -> None:
    gather.gather_vectors(group.nodes.pointer, group.nodes.source, group.force.reshape(-1, 3), residual)
    if matrix is not None:
        pairs = group.pairs
        gather.gather_blocks(pairs.targets, pairs.pointer, pairs.source, group.blocks.reshape(-1, 9), matrix)


def evaluate(
    system: System, u: Array, *, touches: tuple[Touch, ...], forces: Array | None, tangent: bool
) -> Evaluation:
    """Evaluate the potential at displacement `u`.

    Parameters
    ----------
    system : System
        Its buffers are overwritten; with `tangent`, `system.matrix` holds the Hessian afterwards.
    u : (n, 3) ndarray
        mm.
    touches : tuple of Touch
        Their pressures, gaps and resultants are overwritten.
    forces : (n, 3) ndarray or None
        Dead loads, N.
    tangent : bool
        Whether to form the Hessian.

    Returns
    -------
    Evaluation
        The residual is the gradient (n, 3), N, prescribed rows included (reactions); `scale` is the Euclidean norm
        of all element forces, against which the residual is judged.
    """
    s = system
    matrix = s.matrix if tangent else None
    residual = np.zeros_like(u)
    # New multipliers or obstacles at an old state: the tissue has not changed.
    fresh = s.held is None or (tangent and not s.held_tangent) or not np.array_equal(u, s.held)
    if fresh:
        s.held = None
        hex8.evaluate_hexahedra(
            u,
            s.cells,
            s.gradients,
            s.weights,
            s.table,
            s.index,
            s.directions,
            tangent,
            s.cell_lowest if s.ahead is None else s.ahead,
            s.ahead is not None,
            s.cell_energy,
            s.cell_force,
            s.cell_blocks,
            s.cell_lowest,
            s.cell_pressure,
            s.cell_rate,
        )
    lowest = float(s.cell_lowest.min())
    if not lowest > 0.0:
        return Evaluation(False, np.inf, residual, 0.0, lowest)
    energy = float(s.cell_energy.sum())
    square = float(np.vdot(s.cell_force, s.cell_force))
    gather.gather_vectors(s.cell_nodes.pointer, s.cell_nodes.source, s.cell_force.reshape(-1, 3), residual)
    if matrix is not None:
        matrix[:] = 0.0
        pairs = s.cell_pairs
        gather.gather_blocks(pairs.targets, pairs.pointer, pairs.source, s.cell_blocks.reshape(-1, 9), matrix)
    x = s.points + u
    if len(s.membrane.quads):
        m = s.membrane
        if fresh:
            surface.evaluate_membranes(
                x, m.quads, m.gradients, m.weights, s.membrane_properties, tangent, m.energy, m.force, m.blocks
            )
        energy += float(m.energy.sum())
        square += float(np.vdot(m.force, m.force))
        _collect(m, residual, matrix)
    if fresh:
        s.held, s.held_tangent = u.copy(), tangent and s.ahead is None
    if touches:
        c = s.contact
        c.energy[:], c.force[:] = 0.0, 0.0
        if tangent:
            c.blocks[:] = 0.0
        for touch in touches:
            touch.add(s, x, tangent=tangent)
        energy += float(c.energy.sum())
        square += float(np.vdot(c.force, c.force))
        _collect(c, residual, matrix)
    if len(s.trusses.nodes):
        stored, squares = add_trusses(s.trusses, x, residual=residual, matrix=matrix)
        energy += stored
        square += squares
    springs = s.model.supports.springs
    if len(springs.nodes):
        stretch = np.einsum("si,si->s", springs.directions, u[springs.nodes])
        energy += 0.5 * float(np.sum(springs.stiffness * stretch**2))
        np.add.at(residual, springs.nodes, (springs.stiffness * stretch)[:, None] * springs.directions)
        if matrix is not None:
            outer = springs.directions[:, :, None] * springs.directions[:, None, :]
            np.add.at(matrix, s.spring_rows, (springs.stiffness[:, None, None] * outer).reshape(-1, 9))
    if forces is not None:
        energy -= float(np.vdot(forces, u))
        residual -= forces
        square += float(np.vdot(forces, forces))
    valid = bool(np.isfinite(energy) and np.isfinite(square))
    depth = max((-float(touch.gap.min(initial=0.0)) for touch in touches), default=0.0)
    return Evaluation(valid, energy, residual, float(np.sqrt(square)), lowest, depth)


def diagonal(system: System) -> Array:
    """Diagonal (n, 3) of the matrix last formed, by node, N/mm."""
    rows = system.matrix[system.pattern.pointer[system.pattern.rank]]
    picked: Array = rows[:, [0, 4, 8]]
    return picked


def times_free(system: System, x: Array) -> Array:
    """Product of the matrix last formed with `x` (n, 3), zero where not free."""
    return np.where(system.free, times_matrix(system, x), 0.0)


def times_matrix(system: System, x: Array) -> Array:
    """Product of the matrix last formed with `x` (n, 3)."""
    p, lower = system.pattern, system.lower
    ordered = np.ascontiguousarray(x[p.order])
    out = np.empty_like(ordered)
    gather.multiply(p.pointer, p.column, lower.pointer, lower.targets, lower.source, system.matrix, ordered, out)
    result = np.empty_like(out)
    result[p.order] = out
    return result
