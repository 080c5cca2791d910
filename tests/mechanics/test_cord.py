"""The cord model end to end on a synthetic neck: what a surgeon and an engineer both expect."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial import cKDTree
from synthetic import neck, sphere, timeline

from canalrisk.fem import Settings
from canalrisk.mechanics import CordSettings, cord, fields_on_grid, simulate_cord, write_cord
from canalrisk.mesh import read_vtu


@pytest.fixture(scope="module")
def spine():
    return neck()


@pytest.fixture(scope="module")
def dorsal(spine):
    """A ball behind the cord, growing from no contact to 35 % of the cord's depth."""
    masses = [sphere(spine, centre=(0, -12.0, 46.5), radius=r) for r in (7.5, 9.2, 10.4)]
    return simulate_cord(spine, timeline(spine, masses), CordSettings(margin_mm=18.0))


def test_growing_ball_converges_and_loads_the_cord_more_and_more(dorsal):
    data = dorsal.dataset
    assert (data.mechanics_status == 0).all(), list(data.mechanics_reason.values)
    for name in ("contact_force", "strain_p95", "von_mises_p95", "stress_normalised", "cord_area_loss_predicted_max"):
        assert (np.diff(data[name]) > 0).all(), name
    # An elastic cord at nu 0.49 loses area by axial outflow only: DESIGN section 5 expects at most about 22 %.
    assert 0.01 < float(data.cord_area_loss_predicted_max[-1]) < 0.25


def test_first_time_does_not_touch_and_is_exactly_unloaded(dorsal):
    first = dorsal.dataset.isel(time=0)
    assert float(first.contact_force) == 0.0
    assert float(first.cord_area_loss_predicted_max) < 0.005
    assert float(first.cord_touched) == 0.0
    assert list(dorsal.dataset.cord_touched.values) == [0, 1, 1]


def test_symmetric_mass_gives_a_symmetric_cord(dorsal):
    points, u = dorsal.mesh.points, dorsal.displacement[-1]
    gap, partner = cKDTree(points).query(points * (-1, 1, 1))
    assert gap.max() < 0.02
    mirrored = u[partner] * (-1, 1, 1)
    assert np.abs(u - mirrored).max() < 0.02 * np.abs(u).max()


def test_wall_that_is_not_reached_carries_nothing(dorsal):
    # 3.4 mm of room in front; the squeezed cord is in test_two_sided.py.
    assert list(dorsal.dataset.cord_two_sided.values) == [0, 0, 0]
    assert (dorsal.dataset.wall_force == 0).all()
    moved = dorsal.mesh.points + dorsal.displacement[-1]
    assert moved[:, 1].max() < 7.5 - 0.35  # the dura alone lines the bone in front


def test_area_loss_is_largest_under_the_ball(dorsal):
    loss = dorsal.dataset.cord_area_loss_predicted.isel(time=-1)
    s = float(dorsal.dataset.cord_s_mm[int(np.argmax(loss.values))])
    assert abs(s - 46.5) < 4.0
    ratio = dorsal.dataset.cord_compression_ratio
    assert float(ratio.isel(time=-1).min()) < 0.97 * float(ratio.isel(time=0).min())


def test_no_mass_at_all_is_a_healthy_cord(spine):
    result = simulate_cord(spine, timeline(spine, [None, None]), CordSettings(margin_mm=18.0))
    assert (result.dataset.mechanics_status == 0).all()
    assert (result.dataset.contact_force == 0).all()
    assert float(result.dataset.cord_area_loss_predicted_max.max()) < 0.005
    assert float(result.dataset.stress_normalised.max()) < 1e-6


def test_every_variable_says_what_it_is(dorsal):
    for name, variable in dorsal.dataset.variables.items():
        assert {"units", "long_name", "definition"} <= set(variable.attrs), name


def test_recalled_numbers_and_assumptions_are_findings(dorsal):
    codes = {finding.code for finding in dorsal.findings}
    assert {"EVIDENCE-RECALLED", "POISSON-ASSUMED", "ENDS-ASSUMED", "DENTICULATE-ABSENT", "CORD-MESH-ERROR"} <= codes


def test_fields_land_on_the_grid_and_in_a_vtu(dorsal, spine, tmp_path):
    fields = fields_on_grid(dorsal, spine.grid)
    covered = np.isfinite(fields["von_mises"])
    volume = covered.sum() * spine.grid.voxel_volume
    assert fields["displacement"].shape == (*spine.grid.shape, 3)
    assert volume == pytest.approx(76.3 * np.ptp(dorsal.mesh.points[:, 2]), rel=0.06)
    back = read_vtu(write_cord(dorsal, tmp_path / "cord.vtu"))
    assert {"strain_max_principal", "von_mises", "gray"} <= set(back.cell_data)


def test_path_that_is_given_up_fails_with_a_reason_and_no_numbers(spine, monkeypatch):
    monkeypatch.setattr(cord, "PATH", Settings(max_steps=1))
    masses = [sphere(spine, centre=(0, -12.0, 46.5), radius=r) for r in (12.0, 12.5)]
    result = simulate_cord(spine, timeline(spine, masses), CordSettings(margin_mm=18.0))
    assert list(result.dataset.mechanics_status) == [1, 1]
    assert str(result.dataset.mechanics_reason.values[0])
    assert str(result.dataset.mechanics_reason.values[1]).startswith("an earlier time failed")
    assert np.isnan(result.dataset.strain_p95).all()
    assert np.isnan(result.displacement).all()
    assert "CORD-NOT-CONVERGED" in {finding.code for finding in result.findings}
