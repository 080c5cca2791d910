"""Many scenarios of one mesh at once give what each gives alone, in any order."""

from __future__ import annotations

import numpy as np
import pytest

from canalrisk.errors import UsageError
from canalrisk.fem import Load, Model, NeoHookean, Obstacle, Settings, Supports, dofs, prepare, solve, solve_batch
from canalrisk.field import Spline
from canalrisk.mesh import elliptic_cylinder
from conftest import field


@pytest.fixture(scope="module")
def ball() -> Spline:
    return field(lambda x, y, z: np.sqrt(x**2 + y**2 + z**2 + 1e-12) - 5.0, half=9.0, spacing=0.6)


def _pressed(ball: Spline, depth: float, *, x: float = 0.0, z: float = 20.0, thicker: float = 0.0) -> Load:
    return Load((Obstacle("mass", ball, translation=(x, -9.0 + depth, z), offset=thicker),))


def _system():
    mesh = elliptic_cylinder((4, 2, 12))
    sets = mesh.node_sets
    fixed = np.concatenate([dofs(sets["ends"]), dofs(sets["ant"], axes=(1,))])
    return prepare(Model(mesh=mesh, materials=(NeoHookean.from_young(0.25, poisson=0.49),), supports=Supports(fixed)))


def test_a_batch_gives_what_its_scenarios_give_alone_in_any_order(ball: Spline) -> None:
    system = _system()
    near = [_pressed(ball, 0.0), _pressed(ball, 1.2)]
    start = solve(system, near)[-1]
    assert start.converged
    cases = [
        [_pressed(ball, 1.3)],
        [_pressed(ball, 1.2, z=20.3), _pressed(ball, 1.4, z=20.5)],
        [_pressed(ball, 1.2, thicker=0.1)],
        [_pressed(ball, 1.1, x=0.2)],
    ]
    alone = [solve(system, loads, start=start, origin=near[-1]) for loads in cases]
    together = solve_batch(system, cases, start=start, origin=near[-1])
    backwards = solve_batch(system, cases[::-1], start=start, origin=near[-1])[::-1]
    for one, other, again in zip(alone, together, backwards, strict=True):
        assert len(other) == len(one)
        for a, b, c in zip(one, other, again, strict=True):
            assert a.converged, a.reason
            assert b.converged, b.reason
            # Two paths to one state: contact settles to 0.5 % of its force (Settings.force_change) and 0.02 mm.
            assert np.linalg.norm(b.contacts["mass"].force - a.contacts["mass"].force) < 0.005 * np.linalg.norm(
                a.contacts["mass"].force
            )
            assert np.abs(b.u - a.u).max() < Settings().penetration
            assert np.array_equal(b.u, c.u)
    # The common factor did serve: fewer matrices were factored than Newton iterations made.
    made = sum(state.factorisations for states in together for state in states)
    assert made < sum(state.iterations for states in together for state in states)


def test_scenarios_among_solved_ones_take_fewer_iterations(ball: Spline) -> None:
    system = _system()
    near = [_pressed(ball, 0.0), _pressed(ball, 1.2)]
    start = solve(system, near)[-1]
    random = np.random.default_rng(7)
    cases = [
        [_pressed(ball, 1.2 + dy, x=dx, z=20.0 + dz)] for dx, dy, dz in 0.2 * random.uniform(-1.0, 1.0, size=(24, 3))
    ]
    alone = [solve(system, loads, start=start, origin=near[-1])[0] for loads in cases]
    together = [states[0] for states in solve_batch(system, cases, start=start, origin=near[-1])]
    assert all(state.converged for state in (*alone, *together))
    for a, b in zip(alone, together, strict=True):
        assert np.linalg.norm(b.contacts["mass"].force - a.contacts["mass"].force) < 0.005 * np.linalg.norm(
            a.contacts["mass"].force
        )
    # The first eight go side by side, without neighbours.
    assert sum(b.iterations for b in together) < 0.85 * sum(a.iterations for a in alone)


def test_a_batch_from_rest_records_failures_and_refuses_nonsense(ball: Spline) -> None:
    system = _system()
    through = _pressed(ball, 7.0)
    states = solve_batch(system, [[_pressed(ball, 0.4)], [through]], settings=Settings(max_steps=3))
    assert [case[0].converged for case in states] == [True, False]
    assert states[1][0].reason
    assert solve_batch(system, []) == []
    with pytest.raises(UsageError):
        solve_batch(system, [[Load(forces=np.zeros((2, 3)))]])
