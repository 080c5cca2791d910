"""Indices of the analytic neck against closed forms, 0.5 mm voxels."""

import numpy as np
import pytest
import torus

from canalrisk.errors import UsageError
from canalrisk.growth.timeline import Snapshot
from canalrisk.morphometry import clearance, measure, measure_findings, prepare
from canalrisk.morphometry.compromise import CLEAR_MM
from canalrisk.morphometry.variables import VARIABLES

RADIUS = 3.0


def _snapshot(prepared, distance):
    clipped = np.clip(distance, -15, 15).astype(np.float32)
    return Snapshot(0.0, clipped, prepared.spine.bone, 0.0, 0.0)


def _ball(neck, level, u, v, radius):
    return np.linalg.norm(neck.world - torus.world_of(torus.middle(level), u, v), axis=-1) - radius


@pytest.fixture(scope="module")
def healthy(analytic_prepared):
    return measure(analytic_prepared, Snapshot(0.0, None, analytic_prepared.spine.bone, 0.0, 0.0))


@pytest.fixture(scope="module")
def posterior(analytic_neck, analytic_prepared):
    """A ball on the canal's posterior wall at mid C5."""
    return measure(analytic_prepared, _snapshot(analytic_prepared, _ball(analytic_neck, "C5", 0.0, -7.0, RADIUS)))


@pytest.mark.parametrize(
    ("name", "axes"),
    [("canal_area", torus.CANAL), ("sac_area", torus.SAC), ("cord_area_prelesion", torus.CORD)],
)
def test_areas_are_those_of_the_ellipses(healthy, name, axes):
    error = healthy[name].values[6:-6] / (np.pi * axes[0] * axes[1]) - 1
    assert np.abs(error).max() < 0.01


@pytest.mark.parametrize(
    ("name", "length"),
    [("canal_ap", 14.0), ("canal_rl", 22.0), ("cord_ap_prelesion", 7.6), ("cord_rl_prelesion", 12.4)],
)
def test_diameters_are_those_of_the_ellipses(healthy, name, length):
    error = healthy[name].values[6:-6] - length
    assert np.abs(error).max() < 0.1


def test_no_mass_takes_nothing(healthy):
    for name in ("occupying_ratio", "occupying_ratio_area", "mass_area_in_canal", "cord_area_loss_measured"):
        assert (healthy[name].values == 0).all()
    assert (healthy["foramen_area_loss"].values == 0).all()
    assert (healthy["sac_width"].values == healthy["canal_ap"].values).all()
    assert (healthy["residual_canal_area"].values == healthy["canal_area"].values).all()
    for name in (
        "mcc",
        "mcc_prelesion",
        "mscc",
        "occupying_ratio_max",
        "mass_volume",
        "mass_volume_in_canal",
        "cord_area_loss_measured_max",
    ):
        assert healthy[name].item() == 0
    assert np.isnan(healthy["mass_cord_clearance"].item())
    assert healthy["worst_level"].item() == "none"
    assert measure_findings(healthy) == ()


def test_a_mass_far_away_takes_exactly_nothing(analytic_neck, analytic_prepared, healthy):
    far = measure(analytic_prepared, _snapshot(analytic_prepared, _ball(analytic_neck, "C5", 22.0, -20.0, 2.0)))
    assert (far["occupying_ratio"].values == 0).all()
    assert far["mcc"].item() == 0
    assert (far["foramen_area"].values == healthy["foramen_area"].values).all()
    assert (far["foramen_area_loss"].values == 0).all()
    assert far["mass_volume"].item() == pytest.approx(4 / 3 * np.pi * 2.0**3, rel=0.01)
    assert far["mass_volume_in_canal"].item() == 0


def test_posterior_ball_canal_compromise(posterior):
    # The ball's centre lies on the wall: half of it, 3 mm, stands on the mid-sagittal chord of 14 mm.
    assert posterior["occupying_ratio_max"].item() == pytest.approx(RADIUS / 14.0, abs=0.01)
    assert posterior["sac_min"].item() == pytest.approx(14.0 - RADIUS, abs=0.1)
    assert posterior["mcc"].item() == pytest.approx(RADIUS / 14.0, abs=0.02)
    assert posterior["mcc_prelesion"].item() == pytest.approx(RADIUS / 14.0, abs=0.01)
    assert posterior["worst_level"].item() == "C5"
    assert posterior["sac_wall"].item() == "bone"
    assert posterior["s_above"].item() - posterior["s_below"].item() == pytest.approx(
        2 * RADIUS + 2 * CLEAR_MM, abs=1.5
    )
    assert posterior["mass_volume"].item() == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.01)
    assert measure_findings(posterior) == ()


def test_posterior_ball_area_is_the_lens(posterior):
    # Area common to the ellipse and the circle about its posterior end, by quadrature at 0.01 mm.
    u = np.arange(-RADIUS, RADIUS, 0.01) + 0.005
    circle = np.sqrt(RADIUS**2 - u**2)
    wall = -torus.CANAL[1] * np.sqrt(1 - (u / torus.CANAL[0]) ** 2)
    lens = (np.maximum(0, -7.0 + circle - np.maximum(wall, -7.0 - circle)) * 0.01).sum()
    i = int(np.argmax(posterior["mass_area_in_canal"].values))
    assert posterior["mass_area_in_canal"].values[i] == pytest.approx(lens, rel=0.03)
    left = posterior["residual_canal_area"].values + posterior["mass_area_in_canal"].values
    assert np.allclose(left, posterior["canal_area"].values)


def test_clearance_to_the_cord(analytic_neck, analytic_prepared, posterior):
    # The cord's posterior surface lies at v = -3.8, the ball reaches v = -4.
    assert posterior["mass_cord_clearance"].item() == pytest.approx(0.2, abs=0.1)
    grid = analytic_prepared.spine.grid
    a, b = (np.clip(_ball(analytic_neck, "C5", u, 0.0, 2.0), -15, 15).astype(np.float32) for u in (-4.0, 4.0))
    assert clearance(a, b, grid=grid) == pytest.approx(4.0, abs=0.02)  # two balls 8 mm apart
    deep = np.clip(_ball(analytic_neck, "C5", -1.0, 0.0, 2.0), -15, 15).astype(np.float32)
    assert clearance(a, deep, grid=grid) == pytest.approx(-1.0, abs=0.06)


def test_clearance_beyond_the_band(analytic_neck, analytic_prepared):
    a, b = (np.clip(_ball(analytic_neck, "C5", u, 0.0, 2.0), -15, 15).astype(np.float32) for u in (-18.0, 18.0))
    assert clearance(a, b, grid=analytic_prepared.spine.grid) == pytest.approx(32.0, abs=0.5)


def test_lateral_ball_counts_by_area_not_by_sagittal_rays(analytic_neck, analytic_prepared):
    side = measure(analytic_prepared, _snapshot(analytic_prepared, _ball(analytic_neck, "C5", 11.0, 0.0, 3.0)))
    assert side["occupying_ratio_max"].item() == 0
    assert side["occupying_ratio_area_max"].item() > 0.03


def test_foramina_have_the_area_of_their_waist(healthy):
    waist = np.pi * torus.WAIST[0] * torus.WAIST[1]
    area = healthy["foramen_area_prelesion"].values
    assert area.shape == (3, 2)
    assert list(healthy["foramen"].values) == ["C3/4", "C4/5", "C5/6"]
    assert list(healthy["root"].values) == ["C4", "C5", "C6"]
    assert np.abs(area / waist - 1).max() < 0.04
    assert np.abs(healthy["foramen_height"].values - 2 * torus.WAIST[1]).max() < 0.5
    # In the middle third of an ellipse the width falls to sqrt(1 - 1/9) of its axis.
    assert np.abs(healthy["foramen_width"].values - 2 * torus.WAIST[0] * np.sqrt(8 / 9)).max() < 0.3


def test_half_a_foramen_filled_is_half_its_area(analytic_neck, analytic_prepared):
    # A half-space through the axis of the right C4/5 foramen.
    way = np.array(
        [np.cos(torus.PITCH) * np.cos(torus.YAW), np.cos(torus.PITCH) * np.sin(torus.YAW), -np.sin(torus.PITCH)]
    )
    across = np.cross(way, [0.0, 0.0, 1.0])
    axis = np.array([4.0, -8.0, 1.2])
    side = (analytic_neck.world - axis) @ (across / np.linalg.norm(across))
    box = np.abs(analytic_neck.world - (axis + torus.WAIST_AT * way)).max(axis=-1) - 9.0
    filled = measure(analytic_prepared, _snapshot(analytic_prepared, np.maximum(side, box)))
    loss = filled["foramen_area_loss"].sel(foramen="C4/5")
    assert loss.sel(side="right").item() == pytest.approx(0.5, abs=0.04)
    assert loss.sel(side="left").item() == 0
    assert (filled["foramen_area_loss"].sel(foramen=["C3/4", "C5/6"]).values == 0).all()


def test_a_foramen_filled_whole_loses_all(analytic_neck, analytic_prepared):
    way = np.array(
        [np.cos(torus.PITCH) * np.cos(torus.YAW), np.cos(torus.PITCH) * np.sin(torus.YAW), -np.sin(torus.PITCH)]
    )
    ball = np.linalg.norm(analytic_neck.world - (np.array([4.0, -8.0, 1.2]) + torus.WAIST_AT * way), axis=-1) - 7.0
    filled = measure(analytic_prepared, _snapshot(analytic_prepared, ball))
    assert filled["foramen_area_loss"].sel(foramen="C4/5", side="right").item() == 1.0


def test_every_variable_says_what_it_is(healthy):
    assert set(healthy.data_vars) == set(VARIABLES)
    for name in healthy.data_vars:
        assert set(healthy[name].attrs) >= {"units", "long_name", "definition"}
        assert healthy[name].attrs["long_name"]
    for name in ("s_mm", "level", "root"):
        assert healthy[name].attrs["definition"]


def _said_of_mcc(result):
    return [finding.code for finding in measure_findings(result) if finding.code.startswith("MCC")]


def test_one_sided_reference_is_said(analytic_neck, analytic_prepared):
    # A rod along the posterior wall from C5 to beyond the canal's cranial end.
    rod = np.hypot(analytic_neck.u, analytic_neck.v + 7.0) - 2.0
    rod = np.maximum(rod, torus.middle("C5") - analytic_neck.s)
    result = measure(analytic_prepared, _snapshot(analytic_prepared, rod))
    assert np.isnan(result["s_above"].item())
    assert _said_of_mcc(result) == ["MCC-ONE-SIDED"]
    whole = np.hypot(analytic_neck.u, analytic_neck.v + 7.0) - 2.0
    result = measure(analytic_prepared, _snapshot(analytic_prepared, whole))
    assert np.isnan(result["mcc"].item())
    assert _said_of_mcc(result) == ["MCC-NO-REFERENCE"]


def test_prepare_takes_a_spine():
    with pytest.raises(UsageError):
        prepare("spine")
