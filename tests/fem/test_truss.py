from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
import pytest

from canalrisk.errors import UsageError
from canalrisk.fem import (
    Load,
    Model,
    NeoHookean,
    Springs,
    Supports,
    Trusses,
    dofs,
    prepare,
    set_dofs,
    solve,
    truss_tensions,
)
from canalrisk.fem.assemble import evaluate
from conftest import block, dense_matrix

SOFT = NeoHookean(1e-9, 1e-9)
EA, LENGTH = 2.0, 4.0


@pytest.mark.parametrize("prestrain", [0.0, 0.3, -0.3])
def test_force_and_tangent_are_derivatives(prestrain: float) -> None:
    # Taut and slack ones, between nodes and to anchors; the first two share nodes.
    mesh = block(1, 1, 1)
    nodes = np.array([[0, 7], [7, -1], [3, -1], [2, 5]])
    rng = np.random.default_rng(2)
    trusses = Trusses(nodes, np.array([2.0, 1.0, 3.0, 0.5]), 2.0 * rng.normal(size=(4, 3)), prestrain, residual=0.1)
    system = prepare(Model(mesh=mesh, materials=(SOFT,), trusses=trusses))
    u = 0.1 * rng.normal(size=mesh.points.shape)
    at = evaluate(system, u, touches=(), forces=None, tangent=True)
    matrix, h = dense_matrix(system), 1e-6
    for k in range(24):
        step = np.zeros(24)
        step[k] = h
        plus, minus = (
            evaluate(system, u + s * step.reshape(8, 3), touches=(), forces=None, tangent=False) for s in (1, -1)
        )
        column = (plus.residual - minus.residual).ravel() / (2 * h)
        assert np.abs(column - matrix[:, k]).max() < 1e-7 * np.abs(matrix).max()
        assert (plus.energy - minus.energy) / (2 * h) == pytest.approx(at.residual.ravel()[k], abs=1e-7)
    assert np.array_equal(matrix, matrix.T)


@pytest.mark.parametrize("prestrain", [0.0, 0.01, -0.01])
def test_spring_and_truss_in_series(prestrain: float) -> None:
    # A node on a spring k, pulled by a truss whose anchor moves away by d: the two share d less the slack.
    mesh = block(1, 1, 1)
    k = 0.3
    others = dofs(np.arange(1, 8))
    held = np.append(others, [1, 2])
    springs = Springs(np.array([0]), np.array([[1.0, 0.0, 0.0]]), np.array([k]))
    trusses = Trusses(np.array([[0, -1]]), np.array([EA]), np.array([[-LENGTH, 0.0, 0.0]]), prestrain)
    supports = Supports(fixed=held, springs=springs)
    system = prepare(Model(mesh=mesh, materials=(SOFT,), supports=supports, trusses=trusses))
    rest = LENGTH / (1 + prestrain)
    ways = np.array([0.02, 0.5, 0.1])
    loads = [Load(anchors=np.array([[-d, 0.0, 0.0]])) for d in ways]
    for d, load, state in zip(ways, loads, solve(system, loads), strict=True):
        assert state.converged, state.reason
        over = d + LENGTH - rest
        stiffness = EA / rest if over > 0 else 1e-3 * EA / rest
        moved = -stiffness * over / (k + stiffness)
        assert state.u[0, 0] == pytest.approx(moved, rel=1e-6)
        pull = truss_tensions(system.trusses, system.points + state.u, anchors=load.anchors)
        assert pull == pytest.approx(-k * moved, rel=1e-6)


@pytest.mark.parametrize("method", ["multifrontal", "sections"])
def test_truss_between_distant_nodes(method: Literal["multifrontal", "sections"]) -> None:
    # A tie between the far corners of a tall block joins sections that no element joins; the solution must be the
    # minimum of the energy: Newton's end state has no residual, and its matrix is the derivative of the forces.
    mesh = block(2, 2, 6, size=(1.0, 1.0, 3.0))
    low, high = (int(np.flatnonzero((mesh.points == p).all(axis=1))[0]) for p in ((0.0, 0.0, 0.0), (1.0, 1.0, 3.0)))
    trusses = Trusses(np.array([[low, high]]), np.array([0.5]), prestrain=0.05)
    supports = Supports(fixed=set_dofs(mesh, "z0"))
    free = prepare(Model(mesh=mesh, materials=(NeoHookean(0.1, 1.0),), supports=supports), method=method)
    system = prepare(
        Model(mesh=mesh, materials=(NeoHookean(0.1, 1.0),), supports=supports, trusses=trusses), method=method
    )
    state = solve(system, [Load()])[0]
    assert state.converged, state.reason
    assert np.abs(state.u).max() > 1e-3
    # Without the tie, its tension as a dead load gives the same body.
    along = mesh.points[low] - mesh.points[high] - state.u[high]
    forces = np.zeros_like(mesh.points)
    forces[high] = truss_tensions(system.trusses, system.points + state.u)[0] * along / np.linalg.norm(along)
    other = solve(free, [Load(forces=forces)])[0]
    assert np.abs(other.u - state.u).max() < 1e-5 * np.abs(state.u).max()
    evaluate(system, state.u, touches=(), forces=None, tangent=True)
    matrix, h = dense_matrix(system), 1e-6
    step = np.zeros_like(mesh.points)
    step[low] = h
    plus, minus = (
        evaluate(system, state.u + s * step, touches=(), forces=None, tangent=False).residual for s in (1, -1)
    )
    column = matrix[:, 3 * low : 3 * low + 3].sum(axis=1)
    assert np.abs((plus - minus).ravel() / (2 * h) - column).max() < 1e-7 * np.abs(matrix).max()


def test_new_pair_needs_a_new_system() -> None:
    mesh = block(2, 1, 1)
    model = Model(mesh=mesh, materials=(SOFT,))
    system = prepare(model)
    with pytest.raises(UsageError, match="no place"):
        system.set_materials(replace(model, trusses=Trusses(np.array([[0, 2]]), np.ones(1))))


def test_impossible_trusses_are_refused() -> None:
    mesh = block(2, 1, 1)
    one = np.ones(1)
    for trusses in (
        Trusses(np.array([[0, -1]]), one),
        Trusses(np.array([[0, -1]]), one, mesh.points[:1]),
        Trusses(np.array([[0, 99]]), one),
        Trusses(np.array([[0, 1]]), -one),
        Trusses(np.array([[0, 1]]), one, prestrain=-1.0),
    ):
        with pytest.raises(UsageError):
            prepare(Model(mesh=mesh, materials=(SOFT,), trusses=trusses))
    system = prepare(Model(mesh=mesh, materials=(SOFT,)))
    with pytest.raises(UsageError):
        solve(system, [Load(anchors=np.zeros((1, 3)))])
