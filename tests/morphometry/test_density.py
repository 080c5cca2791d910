"""Density of a mass on a synthetic CT: statistics in closed form, a pocket of fluid with and without sediment."""

from dataclasses import replace

import numpy as np
import pytest
import straight

from canalrisk.morphometry.density import LEAST_POCKET_MM3, measure_density
from canalrisk.morphometry.surroundings import find_surroundings

CHALK, FLUID, DENSE, FAT = 250.0, 5.0, 700.0, -90.0
RADIUS = 9.0
CENTRE = (-8.0, -18.0, 0.0)


@pytest.fixture(scope="module")
def neck():
    ball = straight.clipped(straight.ball(*CENTRE, RADIUS))
    return replace(straight.spine(), mass=ball)


def _ct(neck, *parts, noise=0.0):
    """Fat around a chalky mass; `parts` are (where, HU)."""
    hu = np.where(neck.mass < 0, CHALK, FAT)
    for where, value in parts:
        hu[where] = value
    return (hu + noise * np.random.default_rng(1).standard_normal(hu.shape)).astype(np.float32)


def _pocket(radius, x=CENTRE[0], y=CENTRE[1]):
    return straight.ball(x, y, CENTRE[2], radius) < 0


def test_statistics_of_two_densities(neck):
    core = _pocket(5.0)
    found, told = measure_density(neck, _ct(neck, (core, DENSE)))
    share = (5.0 / RADIUS) ** 3  # of the ball's volume
    assert found["mass_hu_mean"] == pytest.approx(CHALK + share * (DENSE - CHALK), rel=0.01)
    assert found["mass_hu_sd"] == pytest.approx(np.sqrt(share * (1 - share)) * (DENSE - CHALK), rel=0.02)
    assert found["mass_hu_median"] == CHALK
    assert found["mass_hu_p95"] == DENSE
    assert found["mass_calcified_volume"] == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.01)
    assert found["mass_dense_volume"] == pytest.approx(4 / 3 * np.pi * 5.0**3, rel=0.02)
    assert found["mass_fluid_volume"] == 0
    assert told == ()


@pytest.mark.parametrize("noise", [0.0, 15.0])
def test_a_pocket_of_fluid_has_its_volume_and_is_told(neck, noise):
    found, told = measure_density(neck, _ct(neck, (_pocket(4.0), FLUID), noise=noise))
    # The median over 27 voxels rounds a ball's edge off a little.
    assert found["mass_fluid_volume"] == pytest.approx(4 / 3 * np.pi * 4.0**3, rel=0.08)
    assert [f.code for f in told] == ["MASS-FLUID"]
    assert "-20 to 20 HU" in told[0].message
    assert "VERIFIED_SECONDARY" in told[0].message


def test_fluid_over_sediment_is_a_level(neck):
    # On the back: what is denser lies posteriorly (smaller y), and its surface is horizontal.
    fluid = _pocket(5.0) & (CENTRE[1] < straight.Y)
    sediment = _pocket(5.0) & (CENTRE[1] >= straight.Y)
    found, told = measure_density(neck, _ct(neck, (fluid, FLUID), (sediment, DENSE), noise=15.0))
    assert [f.code for f in told] == ["MASS-FLUID", "MASS-FLUID-LEVEL"]
    assert found["mass_fluid_volume"] == pytest.approx(2 / 3 * np.pi * 5.0**3, rel=0.12)
    assert "sedimentation sign" in told[1].message


def test_a_level_on_its_side_is_none(neck):
    # The same pocket as if the patient had been upright: a level across the cranial axis is none on the back.
    half = CENTRE[2] < straight.Z
    _, told = measure_density(neck, _ct(neck, (_pocket(5.0) & half, FLUID), (_pocket(5.0) & ~half, DENSE)))
    assert [f.code for f in told] == ["MASS-FLUID"]


def test_noise_and_edges_are_no_fluid(neck):
    # Chalk of 60 HU with noise of 30 HU dips below 20 HU in one voxel of eleven; the edge against fat passes 0 HU.
    hu = _ct(neck, (neck.mass < 0, 60.0), noise=30.0)
    edge = np.abs(neck.mass) < 0.4
    hu[edge] = 0.0
    found, told = measure_density(neck, hu)
    assert found["mass_fluid_volume"] == 0
    assert told == ()
    small = _pocket((LEAST_POCKET_MM3 / 2 * 3 / 4 / np.pi) ** (1 / 3))
    assert measure_density(neck, _ct(neck, (small, FLUID)))[1] == ()


def test_no_ct_gives_no_number(neck):
    found, told = measure_density(neck, None)
    assert np.isnan(list(found.values())).all()
    assert told == ()


def test_it_reaches_the_prepared_scan(neck):
    found = find_surroundings(neck, image=_ct(neck, (_pocket(4.0), FLUID)))
    assert found.today["mass_fluid_volume"] > 200
    assert "MASS-FLUID" in {f.code for f in found.findings}
