"""Volume laws in closed form; scenarios that make no sense are refused by key."""

from __future__ import annotations

import math

import numpy as np
import pytest

from canalrisk import evidence
from canalrisk.errors import UsageError
from canalrisk.growth import LAWS, Scenario, law_volume


def test_exponential_doubles_per_doubling_time():
    scenario = Scenario(law="exponential", doubling_time_years=0.5)
    assert law_volume(scenario, v0=100.0, t=0.0) == 100.0
    assert law_volume(scenario, v0=100.0, t=1.5) == pytest.approx(800.0)


def test_linear_radius_adds_to_the_equivalent_radius():
    scenario = Scenario(law="linear-radius", radial_rate_mm_per_year=2.0)
    ball = 4 / 3 * math.pi * 5.0**3
    assert law_volume(scenario, v0=ball, t=1.5) == pytest.approx(4 / 3 * math.pi * 8.0**3)


def test_none_stays():
    assert law_volume(Scenario(law="none"), v0=7.0, t=9.0) == 7.0


@pytest.mark.parametrize("law", sorted(LAWS))
def test_every_law_starts_at_the_scan(law):
    assert law_volume(Scenario(law=law), v0=321.0, t=0.0) == pytest.approx(321.0, rel=1e-12)


def test_times():
    np.testing.assert_allclose(Scenario(horizon_years=2.0, n_times=5).times_years, [0, 0.5, 1, 1.5, 2])
    np.testing.assert_allclose(Scenario(n_times=1).times_years, [0.0])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("law", "gompertz"),
        ("doubling_time_years", 0.0),
        ("doubling_time_years", float("nan")),
        ("radial_rate_mm_per_year", -1.0),
        ("horizon_years", -0.5),
        ("horizon_years", float("inf")),
        ("n_times", 0),
        ("n_times", 201),
        ("n_times", True),
        ("n_times", float("inf")),
        ("n_times", float("nan")),
        ("horizon_years", 0.0),
        ("horizon_years", 5e-324),
        ("horizon_years", 1e6),
        ("horizon_years", 10.01),
        ("doubling_time_years", 1e-4),
        ("doubling_time_years", 5e-324),
        ("n_times", 2.5),
        ("bone_speed", 0.0),
        ("bone_speed", 1.5),
    ],
)
def test_nonsense_is_refused_by_key(key, value):
    with pytest.raises(UsageError) as error:
        Scenario(**{key: value})
    assert error.value.where == f"scenario.{key}"
    assert error.value.exit_code == 2


def test_ten_doublings_are_the_most():
    assert law_volume(Scenario(doubling_time_years=0.06, horizon_years=0.6), v0=2.0, t=0.6) == pytest.approx(2048.0)
    with pytest.raises(UsageError) as error:
        law_volume(Scenario(), v0=2.0, t=1e6)
    assert error.value.where == "scenario.doubling_time_years"
    with pytest.raises(UsageError) as error:
        Scenario(horizon_years=30.0, doubling_time_years=2.0)
    assert (error.value.where, "20 years" in error.value.fix) == ("scenario.horizon_years", True)
    # The named way out is one.
    assert Scenario(horizon_years=20.0, doubling_time_years=2.0).n_times == 5


@pytest.mark.parametrize("rate", [91.0, 1e200, 1e308])
def test_a_radius_that_grows_too_far_is_refused_where_the_volume_is_known(rate):
    # Ten doublings are a radius times 2^(10/3) = 10.08: a ball of 10 mm may grow by 90.7 mm.
    ball = 4 / 3 * math.pi * 10.0**3
    assert law_volume(Scenario(law="linear-radius", radial_rate_mm_per_year=90.7), v0=ball, t=1.0) > 1000 * ball
    with pytest.raises(UsageError) as error:
        law_volume(Scenario(law="linear-radius", radial_rate_mm_per_year=rate), v0=ball, t=1.0)
    assert error.value.where == "scenario.radial_rate_mm_per_year"


def test_one_time_is_today_whatever_the_horizon():
    for horizon in (0.0, 1e6):
        np.testing.assert_array_equal(Scenario(n_times=1, horizon_years=horizon).times_years, [0.0])


def test_a_mass_that_does_not_grow_may_be_followed_for_long():
    assert Scenario(law="none", horizon_years=100.0).times_years[-1] == 100.0


def test_the_default_speed_in_bone_is_the_assumed_row_of_the_evidence():
    row = evidence.value("risk", "growth.front.bone_speed")
    assert (Scenario().bone_speed, row.status) == (row.value, "ASSUMED")
    assert row.low <= row.value <= row.high == 1.0
