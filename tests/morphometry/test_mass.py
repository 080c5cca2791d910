"""The mass: closed forms of balls beside and in blocks."""

import numpy as np
import pytest
import straight

from canalrisk.morphometry.mass import CONTACT_MM, measure_mass, prepare_neighbours

RADIUS = 6.0


@pytest.fixture(scope="module")
def neck():
    return straight.spine()


@pytest.fixture(scope="module")
def neighbours(neck):
    return prepare_neighbours(neck)


def _measured(neck, neighbours, distance):
    return measure_mass(neck, neighbours, straight.mass(distance))


def test_a_ball_on_a_slab(neck, neighbours):
    # Behind C5's block (y = -16), on the left; its centre 4 mm behind the surface: 2 mm deep in it.
    depth = 2.0
    ball = straight.ball(-10.0, -16.0 - RADIUS + depth, 0.0, RADIUS)
    found = _measured(neck, neighbours, ball)
    assert found["mass_surface_area"] == pytest.approx(4 * np.pi * RADIUS**2, rel=0.01)
    # Cap of a sphere: area 2 pi R h, volume pi h^2 (3 R - h) / 3; contact reaches 0.5 mm beyond the surface.
    cap = 2 * np.pi * RADIUS * (depth + CONTACT_MM)
    assert found["mass_contact_area"] == pytest.approx([0, cap, 0], rel=0.04)
    assert found["mass_bone_replaced"] == pytest.approx([0, np.pi * depth**2 * (3 * RADIUS - depth) / 3, 0], rel=0.04)
    assert list(found["mass_contact_part"]) == ["none", "beside the canal", "none"]
    assert found["mass_components"] == 1
    assert found["mass_side"] == "left"
    assert found["mass_share_left"] == 1
    assert found["mass_share_dorsal"] == 1
    assert found["mass_reach_right"] == pytest.approx(-4.0, abs=0.3)
    assert found["mass_reach_left"] == pytest.approx(16.0, abs=0.3)
    assert found["mass_length"] == pytest.approx(12.0, abs=0.5)


def test_a_ball_that_touches_nothing(neck, neighbours):
    found = _measured(neck, neighbours, straight.ball(-10.0, -19.0, 0.0, 2.0))
    assert (found["mass_contact_area"] == 0).all()
    assert (found["mass_bone_replaced"] == 0).all()


def test_a_ball_between_two_vertebrae_is_divided(neck, neighbours):
    # Between C4 (from z = 11) and C5 (to z = 7): half and half.
    found = _measured(neck, neighbours, straight.ball(14.0, -6.0, 9.0, 5.0))
    replaced = found["mass_bone_replaced"]
    assert replaced[0] == pytest.approx(replaced[1], rel=0.05)
    # Two caps of height 3 mm.
    assert replaced.sum() == pytest.approx(2 * np.pi * 9 * (15 - 3) / 3, rel=0.04)
    assert (found["mass_level_top"], found["mass_level_bottom"]) == ("C4", "C5")
    assert found["mass_contact_area"][2] == 0


def test_two_lobes_across_the_midline(neck, neighbours):
    lobes = np.minimum(straight.ball(-6.0, -19.0, 15.0, 3.0), straight.ball(6.0, -18.0, -15.0, 2.0))
    found = _measured(neck, neighbours, lobes)
    assert found["mass_components"] == 2
    # They touch C4's and C6's block behind, nearer to the middle than the canal is wide.
    assert list(found["mass_contact_part"]) == ["behind the canal", "none", "behind the canal"]
    assert found["mass_largest_component"] == pytest.approx(4 / 3 * np.pi * 27, rel=0.02)
    assert found["mass_side"] == "left"  # 27 / 35 of the volume
    assert found["mass_reach_left"] > 0
    assert found["mass_reach_right"] > 0
    assert (found["mass_level_top"], found["mass_level_bottom"]) == ("C4", "C6")


def test_distances_to_sac_cord_and_root(neck, neighbours):
    # In the canal behind the cord; the root's axis runs at y = 0, z = 9 on the right, 6.0 mm wide (C5, cadavers).
    found = _measured(neck, neighbours, straight.ball(0.0, -7.5, 9.0, 2.0))
    assert found["mass_sac_clearance"] == pytest.approx(7.5 - 2.0 - straight.SAC, abs=0.1)  # -1: in the sac
    assert found["mass_cord_nearest_level"] == "C4/5"
    assert found["mass_cord_nearest_s"] == pytest.approx(39.0, abs=0.6)
    away = np.hypot(6.5, 7.5) - 2.0 - 3.0
    assert found["mass_root_clearance"][0] == pytest.approx([np.nan, away], abs=0.15, nan_ok=True)


def test_no_mass(neck, neighbours):
    found = measure_mass(neck, neighbours, None)
    assert found["mass_surface_area"] == 0
    assert found["mass_side"] == "none"
    assert np.isnan(found["mass_sac_clearance"])
    assert (found["mass_bone_replaced"] == 0).all()


def test_a_root_that_is_not_labelled_is_said(neighbours):
    assert [f.code for f in neighbours.findings] == ["ROOT-INFERRED"]
