"""canalrisk itself: assembly and linear solves timed from outside, compiled code loaded before the clock starts."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any, Literal

import numpy as np
from common import POISSON, PUSH, RADIUS, YOUNG, Clock, Outcome, fixed_dofs, main, mesh_of

from canalrisk.fem import (
    Load,
    Model,
    NeoHookean,
    Obstacle,
    Settings,
    Supports,
    indefinite,
    newton,
    path,
    predict,
    prepare,
    search,
    solve,
)  # fmt: skip
from canalrisk.field import Grid, Spline, fit_spline
from canalrisk.mesh import HexMesh, elliptic_cylinder


def ball() -> Spline:
    """Signed distance of the sphere, sampled at 0.4 mm."""
    n, spacing = 46, 0.4
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = -9.0
    grid = Grid((n, n, n), affine)
    points = grid.to_world(np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1))
    return fit_spline(np.sqrt((points**2).sum(axis=-1) + 1e-12) - RADIUS, grid=grid)


def go(
    mesh: HexMesh, problem: str, *, precision: Literal["double", "single"] = "double", rule: Literal[2, 3] = 2
) -> Any:
    fixed, values = fixed_dofs(mesh, problem)
    law = NeoHookean.from_young(YOUNG, poisson=POISSON, volumetric="quadratic")
    model = Model(mesh=mesh, materials=(law,), supports=Supports(fixed=fixed), contact_rule=rule)
    system = prepare(model, precision=precision)
    if problem == "P1":
        # The patch edge is singular: corners near it invert at fine meshes, quadrature points do not.
        return solve(system, [Load(prescribed=values)], settings=Settings(first_step=0.25, corners=False))[-1]
    sphere = ball()
    loads = [Load((Obstacle("sphere", sphere, translation=(0.0, -4.0 - RADIUS + d, 20.0)),)) for d in (0.0, PUSH)]
    return solve(system, loads)[-1]


def timed(clock: Clock, name: str, work: Any) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        with clock(name):
            return work(*args, **kwargs)

    return call


def run(problem: str, size: str, outcome: Outcome, clock: Clock, *, precision: Literal["double", "single"]) -> None:
    go(elliptic_cylinder((2, 1, 4)), problem, precision=precision)
    mesh = mesh_of(size)
    assembly = timed(clock, "assembly", search.evaluate)
    for module in (newton, path, predict, search):
        module.evaluate = assembly
    product = timed(clock, "linear", newton.times_free)
    for module in (indefinite, newton, predict):
        module.times_free = product
    solver = type(prepare(Model(mesh=elliptic_cylinder((2, 1, 4)), materials=(NeoHookean(1.0, 10.0),))).cholesky)
    solver.factor = timed(clock, "linear", solver.factor)
    solver.solve = timed(clock, "linear", solver.solve)
    clock.start()
    state = go(mesh, problem, precision=precision)
    outcome.iterations, outcome.factorisations = state.iterations, state.factorisations
    outcome.converged, outcome.notes = state.converged, state.reason
    if problem == "P1":
        outcome.force = float(state.reactions[mesh.node_sets["post"], 1].sum())
    else:
        outcome.force = float(state.contacts["sphere"].force[1])


if __name__ == "__main__":
    precision: Literal["double", "single"] = "single" if "single" in sys.argv else "double"
    main(partial(run, precision=precision), program=f"canalrisk, {precision}", formulation="Q1P0")
