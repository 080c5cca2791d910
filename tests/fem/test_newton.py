"""How Newton ends, what a load cycle costs, and what the record keeps."""

from __future__ import annotations

import numpy as np
import pytest

from canalrisk.fem import Load, Membrane, Model, NeoHookean, Obstacle, Settings, Supports, System, dofs, prepare, solve
from canalrisk.field import Spline
from canalrisk.mesh import elliptic_cylinder
from conftest import field


@pytest.fixture(scope="module")
def ball() -> Spline:
    return field(lambda x, y, z: np.sqrt(x**2 + y**2 + z**2 + 1e-12) - 4.0, half=9.0, spacing=0.5)


def _cord(*, poisson: float = 0.49, pia: bool = False) -> System:
    """Cylinder of 13 x 8 x 20 mm, held at its ends and in front."""
    mesh = elliptic_cylinder((2, 1, 8), length=20.0)
    fixed = np.unique(np.concatenate([dofs(mesh.node_sets["ends"]), dofs(mesh.node_sets["ant"], axes=(1,))]))
    membranes = (Membrane(mesh.surface, 0.5, 0.3, 0.1),) if pia else ()
    return prepare(
        Model(
            mesh=mesh,
            materials=(NeoHookean.from_young(0.02, poisson=poisson),),
            membranes=membranes,
            supports=Supports(fixed=fixed),
        )
    )


def _at(ball: Spline, depth: float) -> Load:
    """The ball `depth` mm into the back of the cord, off the middle."""
    return Load((Obstacle("mass", ball, translation=(0.6, -8.0 + depth, 9.3)),))


@pytest.mark.parametrize("poisson", [0.49, 0.4999])
def test_newton_is_quadratic_at_the_end_of_a_contact_step(ball: Spline, poisson: float) -> None:
    system = _cord(poisson=poisson)
    # As tight as rounding allows: it grows with the bulk modulus.
    tight = 1e-12 * 0.02 / (1 - 2 * poisson)
    settings = Settings(tolerance=tight, loose=tight, force_change=1e-6, penetration=1e-4)
    (state,) = solve(system, [_at(ball, 1.0)], settings=settings)
    assert state.converged, state.reason
    assert state.contacts["mass"].force[1] > 1e-3
    orders = []
    for entry in state.record:
        assert entry.residuals[-1] == entry.residual
        # The last three residuals that rounding has not reached.
        tail = [r for r in entry.residuals if r > 10 * tight]
        if len(tail) >= 3 and tail[-1] < 1e-4:
            first, second, third = tail[-3:]
            orders.append(np.log(third / second) / np.log(second / first))
    # Order 2 in the limit; a tangent that is not consistent gives 1.
    assert orders
    assert max(orders) > 1.7


def test_a_cycle_of_loading_and_unloading_gives_back_what_it_took(ball: Spline) -> None:
    system = _cord(pia=True)
    depths = np.concatenate((np.linspace(0.0, 1.2, 7), np.linspace(1.0, 0.0, 6)))
    states = solve(system, [_at(ball, d) for d in depths], settings=Settings(force_change=1e-4))
    assert all(state.converged for state in states), [state.reason for state in states]
    energy = np.array([state.energy for state in states])
    force = np.array([state.contacts["mass"].force[1] for state in states])
    assert energy.max() > 1e-4
    # No friction, no damping: the same state at the same depth, both ways, and nothing left at the end.
    assert energy[7:] == pytest.approx(energy[5::-1], abs=2e-3 * energy.max())
    assert np.abs(states[-1].u).max() < 2e-3
    # Work of the ball: trapezium rule both ways; the rule's own error is the same and cancels.
    work = np.diff(depths) * 0.5 * (force[1:] + force[:-1])
    assert work.sum() == pytest.approx(0.0, abs=2e-3 * work[:6].sum())
    # What went in is the energy at the top. The trapezium rule over six parts errs by 0.8 % if F grows like d^1.5, and
    # up to 0.02 mm of penetration are left in 1.2 mm of travel.
    assert work[:6].sum() == pytest.approx(energy[6], rel=0.008 + 0.02 / 1.2)


def test_record_tells_every_attempt(ball: Spline) -> None:
    system = _cord()
    settings = Settings(shortest_step=0.2, max_iterations=3)
    (state,) = solve(system, [_at(ball, 3.0)], settings=settings)
    assert not state.converged
    refused = [entry for entry in state.record if not entry.accepted]
    assert refused
    for entry in state.record:
        assert bool(entry.reason) != entry.accepted
        assert len(entry.residuals) >= entry.iterations
        assert np.isfinite(entry.energy)
        assert entry.min_jacobian > 0.0
        assert entry.depth >= 0.0
    assert 0.0 <= state.reached < 1.0
    assert state.min_jacobian > 0.0
    assert state.iterations == sum(entry.iterations for entry in state.record)
