"""Random masses in a coarse cord: every one converges or says why not, and what converges is checked anew.

Seed and ranges are in `torture.py`, the check in `checker.py`, which shares no code with the solver. Three cases run by
default; all hundred with ``pytest -m slow tests/fem/test_torture.py`` (about 2 minutes of processor time).
"""

from __future__ import annotations

import numpy as np
import pytest
from checker import Verdict, check, hexahedra
from torture import SEED, Case, make_case

from canalrisk.fem import State, solve

CASES = 100
ALLOWED_FAILURES = 2
# What a converged state promises (Settings): the checker's residual has no floor in its denominator, so twice.
RESIDUAL, PENETRATION = 2e-6, 0.02


def _solve(case: Case) -> State:
    (state,) = solve(case.system, [case.load])
    return state


def _verdict(case: Case, state: State, *, u: np.ndarray | None = None) -> Verdict:
    s = case.system
    springs = s.model.supports.springs
    return check(
        s.points,
        s.cells,
        state.u if u is None else u,
        laws=case.laws,
        law_of_cell=s.model.material_index,
        sheets=case.sheets,
        springs=(springs.nodes, springs.directions, springs.stiffness),
        fixed=s.model.supports.fixed,
        quads=s.contact_quads,
        fields=case.fields,
        pressures=[state.contacts[o.name].pressure for o in case.load.obstacles],
    )


def _wrong(case: Case, state: State) -> list[str]:
    """Return what contradicts a claim of convergence."""
    v = _verdict(case, state)
    force = state.contacts["mass"].force
    found = {
        f"residual {v.residual:.2g}": v.residual > RESIDUAL,
        f"J {v.least_jacobian:.2g} at a point": v.least_jacobian <= 0.0,
        f"J {v.least_corner:.2g} at a corner": v.least_corner <= 0.0,
        f"penetration {v.penetration:.3g} mm": v.penetration > PENETRATION,
        f"pressure across a gap of {v.widest_open:.3g} mm": v.widest_open > PENETRATION,
        f"pressure {v.least_pressure:.3g}": v.least_pressure < 0.0,
        # Nodes lie off the contact points by up to the sagitta of a face: 2.5^2 / (8 x 2) mm on the smallest ball.
        f"a node {v.deepest_node:.3g} mm inside": v.deepest_node > 0.4,
        "a mass that pulls": not float(case.towards @ force) > 0.0,
    }
    return [what for what, wrong in found.items() if wrong]


def _run(numbers: range | tuple[int, ...]) -> tuple[list[str], list[str]]:
    failed, wrong = [], []
    for number in numbers:
        case = make_case(number)
        state = _solve(case)
        if state.converged:
            wrong += [f"{case.label}: {what}" for what in _wrong(case, state)]
        else:
            assert state.reason, case.label
            failed.append(f"{case.label}: {state.reason}")
    return failed, wrong


def test_three_masses() -> None:
    """One of each material set, with and without wall and pia."""
    failed, wrong = _run((3, 5, 10))
    assert not wrong
    assert not failed


@pytest.mark.slow
def test_a_hundred_masses() -> None:
    failed, wrong = _run(range(CASES))
    assert not wrong, f"seed {SEED}: {wrong}"
    assert len(failed) < ALLOWED_FAILURES, f"seed {SEED}: {failed}"


def test_the_checker_sees_what_is_wrong() -> None:
    case = make_case(3)
    state = _solve(case)
    good = _verdict(case, state)
    assert good.residual < RESIDUAL
    pushed = state.u + 0.05 * case.towards * np.exp(-0.1 * case.system.points[:, 2:] ** 2)
    assert _verdict(case, state, u=pushed).residual > 1e-2
    assert _verdict(case, state, u=state.u - 0.05 * case.towards).penetration > PENETRATION
    assert _verdict(case, state, u=state.u + 0.1 * case.towards).widest_open > PENETRATION
    cells, points = case.system.cells, case.system.points
    flat = -1.01 * points * [0.0, 1.0, 0.0]
    forces, j, _ = hexahedra(points, cells, 0.0 * points, case.laws, case.system.model.material_index)
    assert np.abs(forces).max() < 1e-12
    assert j.min() == pytest.approx(1.0)
    with np.errstate(invalid="ignore"):
        assert hexahedra(points, cells, flat, case.laws, case.system.model.material_index)[1].max() < 0.0
