"""NGSolve: trilinear displacement with element-wise constant pressure, eliminated by condensation.

With a quadratic volumetric energy this two-field form is the mean dilatation of Simo, Taylor and Pister (1985),
that is Q1P0. Contact in P2 is a penalty on the analytic gap. NGSolve's own interface to PARDISO (0.8 s a solve at S)
repeats the analysis each time; the condensed matrix goes to PARDISO directly (0.2 s), the better peer.
"""

from __future__ import annotations

import warnings

import netgen.meshing as nm
import ngsolve as ng
import numpy as np
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
from scipy.sparse import csr_matrix

warnings.filterwarnings("ignore")
# MPa/mm, about FEBio's penalty factor 10: its contact is up to 5 % too soft, a stiffer one does not converge here.
PENALTY = 3.0


def build(mesh) -> ng.Mesh:
    body = nm.Mesh(dim=3)
    body.Add(nm.FaceDescriptor(surfnr=1, domin=1, bc=1))
    ids = [body.Add(nm.MeshPoint(nm.Pnt(*p))) for p in mesh.points]
    for cell in mesh.cells:
        body.Add(nm.Element3D(1, [ids[i] for i in cell]))
    for quad in mesh.surface:
        body.Add(nm.Element2D(1, [ids[i] for i in quad]))
    return ng.Mesh(body)


def condensed(form: ng.BilinearForm, free: np.ndarray) -> csr_matrix:
    """Return the assembled matrix of the displacements that may move."""
    rows, columns, values = form.mat.COO()
    whole = csr_matrix((np.asarray(values), (np.asarray(rows), np.asarray(columns))), shape=2 * (form.mat.height,))
    return whole[free][:, free]


def run(problem: str, size: str, outcome: Outcome, clock: Clock) -> None:
    mesh = mesh_of(size)
    domain = build(mesh)
    clock.start()
    displacement = ng.VectorH1(domain, order=1)
    space = displacement * ng.L2(domain, order=0)
    u, p = space.TrialFunction()
    deform = ng.Id(3) + ng.Grad(u)
    J = ng.Det(deform)
    energy = 0.5 * MU * (J ** (-2.0 / 3.0) * ng.InnerProduct(deform, deform) - 3.0)
    form = ng.BilinearForm(space, symmetric=True, condense=True)
    form += ng.SymbolicEnergy((energy + p * (J - 1.0) - p**2 / (2.0 * BULK)).Compile())
    depth = ng.Parameter(0.0)
    if problem == "P2":
        centre = ng.CF((0.0, -4.0 - RADIUS, 20.0)) + ng.CF((0.0, 1.0, 0.0)) * depth
        place = ng.CF((ng.x, ng.y, ng.z)) + u - centre
        gap = ng.sqrt(ng.InnerProduct(place, place)) - RADIUS
        form += ng.SymbolicEnergy((0.5 * PENALTY * ng.IfPos(gap, 0.0, gap) ** 2).Compile(), ng.BND)
    dofs, values = fixed_dofs(mesh, problem)
    n = len(mesh.points)
    index = n * (dofs % 3) + dofs // 3
    free = np.setdiff1d(np.arange(3 * n), index)
    pardiso = Pardiso()
    state = ng.GridFunction(space)
    residual = state.vec.CreateVector()
    steps = STEPS[size] if problem == "P1" else 12
    jump, before = state.vec.CreateVector(), state.vec.CreateVector()
    for k in range(1, steps + 1):
        depth.Set(PUSH * k / steps)
        for iteration in range(40):
            with clock("assembly"):
                form.AssembleLinearization(state.vec)
                form.Apply(state.vec, residual)
            unbalanced = residual.FV().NumPy().copy()
            scale = np.linalg.norm(unbalanced)
            unbalanced[index] = 0.0
            error = np.linalg.norm(unbalanced) / scale if scale else 0.0
            if iteration and error < TOLERANCE:
                break
            # The first iteration of a step carries the prescribed motion, the rest of the body following linearly.
            jump[:] = 0.0
            if iteration == 0:
                jump.FV().NumPy()[index] = values / steps
            with clock("linear"):
                residual.data += form.harmonic_extension_trans * residual
                right = (residual + form.mat * jump).Evaluate().FV().NumPy()
                jump.FV().NumPy()[free] -= pardiso.solve(condensed(form, free), right[free])
                jump.data += form.harmonic_extension * jump
                jump.data -= form.inner_solve * residual
            outcome.iterations += 1
            before.data = state.vec
            share = 1.0
            while share > 1e-3:
                state.vec.data = before + share * jump
                with clock("assembly"):
                    form.Apply(state.vec, residual)
                trial = residual.FV().NumPy().copy()
                trial[index] = 0.0
                if (iteration == 0 and problem == "P1") or np.linalg.norm(trial) < (
                    1.0 - 1e-4 * share
                ) * np.linalg.norm(unbalanced):
                    break
                share *= 0.5
        else:
            raise RuntimeError(f"no convergence in step {k} of {steps}: {error:.1e}")
    form.Apply(state.vec, residual)
    r = residual.FV().NumPy()
    outcome.force = (
        float(r[n + mesh.node_sets["post"]].sum())
        if problem == "P1"
        else float(-r[n : 2 * n][np.isin(np.arange(n), (dofs // 3)[dofs % 3 == 1])].sum())
    )
    outcome.converged = True


if __name__ == "__main__":
    ng.SetNumThreads(2)
    with ng.TaskManager():
        main(run, program="NGSolve + PARDISO", formulation="Q1P0")
