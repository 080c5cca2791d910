"""Is a change real: closed forms of the statistics, and their calibration on simulated pairs."""

import numpy as np
import pytest
import torus
import xarray as xr
from scipy import stats

from canalrisk.errors import UsageError
from canalrisk.field import Grid, volume
from canalrisk.morphometry import (
    change_of_indices,
    minimal_detectable_change,
    probability_of_increase,
    simulated_standard_error,
    standard_error,
    standard_error_from_intervals,
)
from canalrisk.morphometry.wavering import waves

SEM, PAIRS = 30.0, 4000


def dataset(volume, loss, section=3):
    """What `measure` gives, in small: one number, one per foramen and side, one per section, one word."""
    return xr.Dataset(
        {
            "mass_volume": ((), float(volume), {"units": "mm3", "long_name": "mass volume"}),
            "foramen_area_loss": (("foramen", "side"), np.asarray(loss, float), {"units": "1"}),
            "canal_area": ("section", np.ones(section), {"units": "mm2"}),
            "worst_level": ((), "C5"),
        },
        coords={"foramen": ["C4/5", "C5/6"][: len(loss)], "side": ["left", "right"], "section": np.arange(section)},
    )


def test_sem_is_the_spread_of_the_repeats_and_mdc_its_multiple():
    repeats = [
        dataset(v, [[0.1, loss], [0.2, 0.0]], section=n) for v, loss, n in ((100, 0.3, 3), (110, 0.5, 4), (90, 0.4, 5))
    ]
    sem = standard_error(repeats)
    assert set(sem.data_vars) == {"mass_volume", "foramen_area_loss"}
    assert sem["mass_volume"].item() == pytest.approx(10.0)
    assert sem["foramen_area_loss"].values == pytest.approx(np.array([[0.0, 0.1], [0.0, 0.0]]))
    assert sem["mass_volume"].attrs["degrees_of_freedom"] == 2
    assert sem["mass_volume"].attrs["units"] == "mm3"
    assert minimal_detectable_change(sem)["mass_volume"].item() == pytest.approx(27.72, abs=0.01)
    with pytest.raises(UsageError):
        standard_error(repeats[:1])


def test_change_names_what_both_have():
    first, second = dataset(100, [[0.1, 0.2], [0.3, 0.4]]), dataset(160, [[0.1, 0.3]], section=7)
    sem = standard_error([first, dataset(100 + 30 * np.sqrt(2), [[0.1, 0.2], [0.3, 0.4]])])
    change = change_of_indices(first, second, sem_first=sem, sem_second=sem)
    assert change["mass_volume"].item() == 60
    assert change["mass_volume_mdc95"].item() == pytest.approx(1.96 * np.sqrt(2) * 30, abs=0.01)
    # One degree of freedom: Student's law is Cauchy's, whose distribution function is 1/2 + atan(x) / pi.
    assert change["mass_volume_p_increase"].item() == pytest.approx(0.5 + np.arctan(np.sqrt(2)) / np.pi)
    assert change["foramen_area_loss"].dims == ("foramen", "side")
    assert change["foramen"].values.tolist() == ["C4/5"]
    assert change["foramen_area_loss"].values == pytest.approx(np.array([[0.0, 0.1]]))
    assert change["foramen_area_loss_p_increase"].values.tolist() == [[0.5, 1.0]]
    for variable in change.data_vars.values():
        assert all(variable.attrs[key] for key in ("units", "long_name", "definition"))


def test_pairs_without_growth_give_a_uniform_probability():
    rng = np.random.default_rng(1)
    a, b = 900.0 + SEM * rng.standard_normal((2, PAIRS))
    p = probability_of_increase(b - a, sem_first=SEM, sem_second=SEM)
    assert stats.kstest(p, "uniform").pvalue > 0.01
    # The MDC is not reached by 95 % of them: binomial, three standard deviations.
    mdc = 1.96 * np.sqrt(2) * SEM
    assert (np.abs(b - a) > mdc).mean() == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / PAIRS))


def test_a_sem_from_few_repeats_is_still_calibrated():
    rng = np.random.default_rng(3)
    a, b = SEM * rng.standard_normal((2, PAIRS))
    estimated = np.std(SEM * rng.standard_normal((4, PAIRS)), axis=0, ddof=1)
    p = probability_of_increase(b - a, sem_first=estimated, sem_second=estimated, degrees_of_freedom=3)
    assert stats.kstest(p, "uniform").pvalue > 0.01
    # The normal law would be too sure of itself, and the test sees it.
    normal = probability_of_increase(b - a, sem_first=estimated, sem_second=estimated)
    assert stats.kstest(normal, "uniform").pvalue < 1e-4


@pytest.mark.parametrize("growth", [30.0, 90.0, 150.0])
def test_power_is_that_of_the_closed_form(growth):
    rng = np.random.default_rng(int(growth))
    a, b = SEM * rng.standard_normal((2, PAIRS))
    seen = (probability_of_increase(b + growth - a, sem_first=SEM, sem_second=SEM) > 0.95).mean()
    power = stats.norm.cdf(growth / (np.sqrt(2) * SEM) - stats.norm.ppf(0.95))
    assert seen == pytest.approx(power, abs=3 * np.sqrt(power * (1 - power) / PAIRS))


def test_no_error_at_all_is_certainty():
    p = probability_of_increase([1.0, 0.0, -1.0, np.nan], sem_first=0.0, sem_second=0.0)
    assert p[:3].tolist() == [1.0, 0.5, 0.0]
    assert np.isnan(p[3])


def test_waves_have_unit_variance_and_the_correlation_they_claim():
    grid = Grid((90, 90, 90), np.diag([0.5, 0.5, 0.5, 1.0]))
    level = np.zeros(grid.shape, np.float32)
    drawn = np.stack([waves(level, grid=grid, wave_mm=2.0, seed=[7, k]) for k in range(6)])
    assert drawn.var() == pytest.approx(1.0, abs=0.05)
    for lag in (2, 4, 8):
        along = (drawn[:, :-lag] * drawn[:, lag:]).mean() / drawn.var()
        assert along == pytest.approx(np.exp(-0.5 * (0.5 * lag / 2.0) ** 2), abs=0.05)


def variance_of_volume(radius, sd, wave):
    """Variance of a ball's volume when its edge is off by a random field of covariance sd^2 exp(-d^2 / (2 wave^2)).

    Var = sd^2 int int rho dA dA' = sd^2 4 pi R^2 int_0^{4 R^2} exp(-u / (2 wave^2)) pi du: on a sphere the area within
    a chord d is pi d^2.
    """
    return sd**2 * 4 * np.pi * radius**2 * 2 * np.pi * wave**2 * (1 - np.exp(-2 * radius**2 / wave**2))


@pytest.mark.parametrize("wave", [2.0, 5.0])
def test_a_balls_volume_wavers_as_the_closed_form_says(wave):
    grid, radius, sd = Grid((30, 30, 30), np.diag([0.7, 0.7, 0.7, 1.0])), 7.0, 0.15
    world = grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1))
    ball = (np.linalg.norm(world - 10.2, axis=-1) - radius).astype(np.float32)
    draws = [volume(ball - sd * waves(ball, grid=grid, wave_mm=wave, seed=[3, k]), grid=grid) for k in range(100)]
    # A standard deviation of 100 draws is off by 7 %.
    assert np.std(draws, ddof=1) == pytest.approx(np.sqrt(variance_of_volume(radius, sd, wave)), rel=0.21)


@pytest.fixture(scope="module")
def with_ball(analytic_neck, analytic_prepared):
    from dataclasses import replace

    centre = torus.world_of(torus.middle("C5"), 0.0, -7.0)
    ball = np.clip(np.linalg.norm(analytic_neck.world - centre, axis=-1) - 3.0, -15, 15).astype(np.float32)
    return replace(analytic_prepared.spine, mass=ball)


def test_sem_of_an_interval_is_its_half_width_over_its_quantile():
    found = dataset(100, [[0.1, 0.2]])
    for name, half in (("mass_volume", 19.6), ("foramen_area_loss", 0.0392), ("canal_area", 1.0)):
        for end, way in (("low", -1), ("high", 1)):
            found[f"{name}_{end}"] = found[name] + way * half
    sem = standard_error_from_intervals(found)
    assert set(sem.data_vars) == {"mass_volume", "foramen_area_loss"}
    assert sem["mass_volume"].item() == pytest.approx(10.0, rel=1e-3)
    assert sem["foramen_area_loss"].values == pytest.approx(0.02, rel=1e-3)


def test_simulated_sem_of_the_whole_chain(with_ball):
    edge = {"mass": 0.2, "bone": 0.0, "canal": 0.0, "sac": 0.0, "cord": 0.0}
    sem = simulated_standard_error(with_ball, edge_mm=edge, wave_mm=2.0, draws=3, seed=1)
    expected = np.sqrt(variance_of_volume(3.0, 0.2 / 1.96, 2.0))
    # 95 % of standard deviations of 3 draws lie between 0.16 and 1.92 of the true one (chi-squared, 2).
    assert 0.16 * expected < sem["mass_volume"].item() < 1.92 * expected
    assert sem["mass_cord_clearance"].item() > 0
    for name in ("foramen_height", "foramen_area_prelesion"):
        assert sem[name].values == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("wrong", [{"draws": 1}, {"wave_mm": 0.0}, {"edge_mm": -1.0}])
def test_simulations_that_make_no_sense_are_refused(with_ball, wrong):
    with pytest.raises(UsageError):
        simulated_standard_error(with_ball, **wrong)
