"""scikit-fem: trilinear displacement alone (no remedy against locking), PARDISO through pypardiso.

A full product form of the tangent; contact in P2 is a penalty on the analytic gap at 2 x 2 points per face.
"""

from __future__ import annotations

import numpy as np
import skfem
from common import (
    BULK,
    MU,
    PUSH,
    RADIUS,
    STEPS,
    TOLERANCE,
    Clock,
    Outcome,
    Pardiso,
    fixed_dofs,
    main,
    mesh_of,
)
from skfem.helpers import ddot, det, grad, inv, mul, transpose

PENALTY = 3.0
# scikit-fem's order of the corners of a hexahedron, as positions in VTK's order.
ORDER = (0, 4, 3, 1, 7, 5, 2, 6)


def strained(basis, u):
    """Deformation gradient, its determinant and inverse transpose at the quadrature points, once for all pairs."""
    H = grad(basis.interpolate(u))
    F = H + np.eye(3)[:, :, None, None]
    return {"F": F, "J": det(F), "G": transpose(inv(F))}


@skfem.LinearForm
def internal(v, w):
    F, J, G = w["F"], w["J"], w["G"]
    stress = MU * J ** (-2 / 3) * (F - ddot(F, F) / 3.0 * G) + BULK * (J - 1.0) * J * G
    return ddot(stress, grad(v))


@skfem.BilinearForm
def stiffness(u, v, w):
    F, J, G, H = w["F"], w["J"], w["G"], grad(u)
    trace, norm, iso = ddot(G, H), ddot(F, F), MU * J ** (-2 / 3)
    swirl = mul(mul(G, transpose(H)), G)
    along = -(2.0 / 3.0) * iso * trace
    across = iso * ((2.0 / 9.0) * norm * trace - (2.0 / 3.0) * ddot(F, H)) + BULK * (2.0 * J - 1.0) * J * trace
    turn = iso * norm / 3.0 - BULK * (J - 1.0) * J
    return ddot(iso * H + along * F + across * G + turn * swirl, grad(v))


def gap_of(w):
    place = w.x + w["u"] - np.array((0.0, w["y"], 20.0))[:, None, None]
    distance = np.sqrt(np.sum(place**2, axis=0))
    return distance - RADIUS, place / distance, distance


@skfem.LinearForm
def push(v, w):
    gap, normal, _ = gap_of(w)
    return PENALTY * np.minimum(gap, 0.0) * np.sum(normal * v.value, axis=0)


@skfem.BilinearForm
def push_tangent(u, v, w):
    gap, normal, distance = gap_of(w)
    along, across = np.sum(normal * u.value, axis=0), np.sum(normal * v.value, axis=0)
    curved = np.sum(u.value * v.value, axis=0) - along * across
    return PENALTY * (gap < 0.0) * (along * across + gap / distance * curved)


def run(problem: str, size: str, outcome: Outcome, clock: Clock) -> None:
    given = mesh_of(size)
    clock.start()
    mesh = skfem.MeshHex(given.points.T.copy(), given.cells[:, ORDER].T.copy(), sort_t=False)
    element = skfem.ElementVector(skfem.ElementHex1())
    basis = skfem.Basis(mesh, element, intorder=3)
    boundary = skfem.FacetBasis(mesh, element, intorder=3) if problem == "P2" else None
    nodal = basis.nodal_dofs
    dofs, values = fixed_dofs(given, problem)
    fixed = nodal[dofs % 3, dofs // 3]
    free = np.setdiff1d(np.arange(basis.N), fixed)
    u = np.zeros(basis.N)
    pardiso = Pardiso()

    def residual_at(u, y):
        with clock("assembly"):
            force = internal.assemble(basis, **strained(basis, u))
            if boundary is not None:
                force = force + push.assemble(boundary, u=boundary.interpolate(u), y=y)
        return force

    steps = STEPS[size] if problem == "P1" else 12
    for k in range(1, steps + 1):
        y = -4.0 - RADIUS + PUSH * k / steps
        force = residual_at(u, y)
        for iteration in range(40):
            if iteration and np.linalg.norm(force[free]) < TOLERANCE * np.linalg.norm(force):
                break
            with clock("assembly"):
                matrix = stiffness.assemble(basis, **strained(basis, u))
                if boundary is not None:
                    matrix = matrix + push_tangent.assemble(boundary, u=boundary.interpolate(u), y=y)
                matrix = matrix.tocsr()
            jump = np.zeros(basis.N)
            if iteration == 0:
                jump[fixed] = values / steps
            with clock("linear"):
                right = -(force + matrix @ jump)[free]
                jump[free] = pardiso.solve(matrix[free][:, free], right)
            outcome.iterations += 1
            share, old = 1.0, np.linalg.norm(force[free])
            while share > 1e-3:
                trial = residual_at(u + share * jump, y)
                size_now = np.linalg.norm(trial[free])
                if (iteration == 0 and problem == "P1") or size_now < (1.0 - 1e-4 * share) * old:
                    break
                share *= 0.5
            if not np.isfinite(size_now):
                raise RuntimeError(f"no finite residual along Newton's direction in step {k} of {steps}")
            u, force = u + share * jump, trial
        else:
            raise RuntimeError(f"no convergence in step {k} of {steps}")
    moved = given.node_sets["post"] if problem == "P1" else (dofs // 3)[dofs % 3 == 1]
    outcome.force = float(force[nodal[1, moved]].sum()) * (1.0 if problem == "P1" else -1.0)
    outcome.converged = True


if __name__ == "__main__":
    main(run, program="scikit-fem + PARDISO", formulation="displacement")
