"""Equilibrium of a converged cord, recomputed in NumPy from displacements, fields and pressures."""

from __future__ import annotations

import numpy as np
import pytest
from balance import contact_force_and_moment, end_force_and_moment, obstacle_signs_and_fields
from synthetic import neck, sphere, timeline

from canalrisk.mechanics import CordSettings, simulate_cord
from canalrisk.mechanics.model import build_model
from canalrisk.mechanics.outputs import section_values


@pytest.fixture(scope="module")
def case():
    """A ball off the midline that pushes the cord against the wall: nothing balances by symmetry."""
    spine = neck(radius=90.0)
    grown = timeline(spine, [sphere(spine, centre=(-3.0, -11.0, 46.0), radius=r) for r in (8.0, 9.5)])
    settings = CordSettings(margin_mm=15.0)
    result = simulate_cord(spine, grown, settings)
    return spine, grown, build_model(spine, grown, settings=settings), result


def test_forces_and_moments_on_the_cord_add_up_to_nothing(case):
    spine, grown, model, result = case
    state, mesh = result.states[-1], model.tube.mesh
    assert state.converged, state.reason
    assert np.array_equal(mesh.points, result.mesh.points)
    force, moment = end_force_and_moment(model, state)
    size = {}
    for name, (sign, field) in obstacle_signs_and_fields(spine, grown, model).items():
        total, turn = contact_force_and_moment(model, state, name, sign, field)
        assert total == pytest.approx(state.contacts[name].force, abs=1e-9)
        force, moment, size[name] = force + total, moment + turn, np.linalg.norm(total)
    x = mesh.points + state.u
    assert size["mass"] > 0.05
    assert np.linalg.norm(force) < 1e-4 * size["mass"]
    # Moments about the grid's origin, tens of mm away.
    assert np.linalg.norm(moment) < 1e-4 * size["mass"] * np.abs(x).max()


def test_a_cord_shrunk_across_loses_that_area_in_every_slice(case):
    _, _, model, _ = case
    frame, size = model.tube.outlines, model.tube.mesh.section_size
    origin, tangent = np.repeat(frame.origins, size, axis=0), np.repeat(frame.tangent, size, axis=0)
    offset = model.tube.mesh.points - origin
    across = offset - np.einsum("nd,nd->n", offset, tangent)[:, None] * tangent
    loss = section_values(model.observer, -0.1 * across)["cord_area_loss_predicted"]
    assert loss == pytest.approx(1.0 - 0.9**2, abs=2e-3)
    assert section_values(model.observer, 0.0 * across)["cord_area_loss_predicted"] == pytest.approx(0.0, abs=1e-12)
