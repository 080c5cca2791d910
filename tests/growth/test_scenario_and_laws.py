"""Volume laws in closed form; scenarios that make no sense are refused by key."""

from __future__ import annotations

import math

import numpy as np
import pytest

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
