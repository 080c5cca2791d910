"""Equilibria that would not last: a column compressed exactly along its axis beyond its critical load."""

from __future__ import annotations

import numpy as np
import pytest

from canalrisk.fem import Load, Model, NeoHookean, State, Supports, System, dofs, newton, prepare, solve
from conftest import block

LENGTH, DEPTH = 20.0, 0.8


def _compressed(shortening: float) -> tuple[System, State]:
    """Clamped column of 1 x 0.8 mm; its ends approach each other by `shortening`."""
    mesh = block(2, 2, 20, size=(1.0, DEPTH, LENGTH))
    z = mesh.points[:, 2]
    fixed = dofs(np.flatnonzero((z == 0.0) | (z == LENGTH)))
    values = np.where((fixed % 3 == 2) & (z[fixed // 3] == LENGTH), -shortening, 0.0)
    system = prepare(
        Model(mesh=mesh, materials=(NeoHookean.from_young(1.0, poisson=0.3),), supports=Supports(fixed=fixed))
    )
    (state,) = solve(system, [Load(prescribed=values)])
    return system, state


# Euler, clamped at both ends: critical shortening 4 pi^2 I / (A L).
CRITICAL = 4 * np.pi**2 * DEPTH**2 / 12 / LENGTH


def test_column_below_its_critical_load_stays_straight() -> None:
    _, state = _compressed(0.6 * CRITICAL)
    assert state.converged, state.reason
    side = state.u[:, :2] - state.u[:, :2].mean(axis=0)
    assert np.abs(state.u[:, :2].mean(axis=0)).max() < 1e-6
    assert np.abs(side).max() < 0.01


def test_column_beyond_its_critical_load_is_found_bent() -> None:
    shortening = 8 * CRITICAL
    system, state = _compressed(shortening)
    assert state.converged, state.reason
    middle = np.abs(system.points[:, 2] - LENGTH / 2) < 1e-9
    across = state.u[middle].mean(axis=0)
    # The bent axis w = A (1 - cos 2 pi z / L) / 2 takes up what the straight column cannot: A^2 pi^2 / (4 L). That
    # is its first term: A / L = 0.12 makes the next one (pi A / L)^2 / 4 = 4 %; two elements across bend too stiffly.
    amplitude = 2 / np.pi * np.sqrt(LENGTH * (shortening - CRITICAL))
    assert abs(across[1]) == pytest.approx(amplitude, rel=0.1)
    assert abs(across[0]) < 0.02 * amplitude


def test_equilibrium_that_cannot_be_left_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newton, "MAX_FALLS", 0)
    _, state = _compressed(8 * CRITICAL)
    assert not state.converged
    assert "unstable equilibrium" in state.reason
