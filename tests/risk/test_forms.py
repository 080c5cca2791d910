import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canalrisk.risk.crossing import crossing_summary, first_crossing
from canalrisk.risk.forms import cumulative_hazard, hinge_dose, incident_risk, risk_from_dose, union_risk

fractions = st.floats(1e-4, 0.5)


def test_hinge_logistic_by_hand():
    # logit 0.023 = -3.749; slope 20 per unit, 0.1 above the hinge: logit -1.749, P = 0.1482.
    risk = risk_from_dose(np.array([0.023]), np.array([20.0]), hinge_dose(np.array([0.16]), np.array([0.06])))
    np.testing.assert_allclose(risk, 1 / (1 + np.exp(np.log(0.977 / 0.023) - 2.0)), rtol=1e-12)


@given(fractions, st.floats(0, 100), st.floats(0, 0.2), st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_risk_rises_with_dose_for_every_draw_and_starts_at_the_base(base, slope, hinge, markers):
    marker = np.sort(markers)
    dose = hinge_dose(marker, np.full(marker.size, hinge))
    risk = risk_from_dose(np.full(marker.size, base), np.full(marker.size, slope), dose)
    assert (np.diff(risk) >= 0).all()
    assert (risk[marker <= hinge] == base).all()
    assert (risk <= 1).all()


def test_unknown_dose_gives_unknown_risk():
    risk = risk_from_dose(np.array([0.02, 0.02]), np.array([1.0, 1.0]), np.array([np.nan, 0.0]))
    assert np.isnan(risk[0])
    assert risk[1] == 0.02


def test_incident_risk_by_hand():
    # 0.05 a year, two years under compression, P0 = 0.1: 1 - 0.9 exp(-0.1).
    hazard = cumulative_hazard(np.array([0.05]), np.array([1.0, 1.0, 1.0]), np.array([0.0, 1.0, 2.0]))
    np.testing.assert_allclose(hazard, [[0.0, 0.05, 0.1]])
    risk = incident_risk(np.full((1, 3), 0.1), hazard)
    np.testing.assert_allclose(risk[0, 2], 1 - 0.9 * np.exp(-0.1))
    assert risk[0, 0] == 0.1
    # The dose grows and shrinks: the largest of 0.1, 0.4, 0.2 up to then is what the hazard leaves untouched.
    grown = incident_risk(np.array([[0.1, 0.4, 0.2]]), hazard)
    np.testing.assert_allclose(grown, [[0.1, 1 - 0.6 * np.exp(-0.05), 1 - 0.6 * np.exp(-0.1)]])


@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=8),
    st.lists(st.sampled_from([0.0, 1e-300, 1e-18, 1e-9, 0.05, 3.0]), min_size=2, max_size=8),
)
@settings(max_examples=50)
def test_incident_is_never_below_any_earlier_prevalent_risk_and_never_falls(risks, steps):
    n = min(len(risks), len(steps))
    state, hazard = np.array(risks[:n])[None], np.cumsum([0.0, *steps[1:n]])[None]
    incident = incident_risk(state, hazard)
    assert (incident >= np.maximum.accumulate(state, axis=1)).all()
    assert (np.diff(incident) >= 0).all()
    assert (incident <= 1).all()
    np.testing.assert_array_equal(incident_risk(state, 0 * hazard), np.maximum.accumulate(state, axis=1))


def test_an_unknown_prevalent_risk_leaves_only_its_own_time_unknown():
    risk = incident_risk(np.array([[np.nan, 0.3, np.nan, 0.2]]), np.zeros((1, 4)))
    np.testing.assert_array_equal(risk, [[np.nan, 0.3, np.nan, 0.3]])


def test_compression_that_begins_between_two_times_counts_half():
    hazard = cumulative_hazard(np.array([1.0]), np.array([0.0, 0.0, 1.0, 1.0]), np.arange(4.0))
    np.testing.assert_allclose(hazard, [[0.0, 0.0, 0.5, 1.5]])


def test_no_compression_adds_nothing_to_the_bit():
    base = np.array([0.023, 0.0171])
    hazard = cumulative_hazard(np.array([0.05, 0.1]), np.zeros(3), np.arange(3.0))
    assert (incident_risk(np.repeat(base[:, None], 3, axis=1), hazard) == base[:, None]).all()


@given(st.lists(fractions, min_size=2, max_size=6))
@settings(max_examples=30)
def test_union_of_independent_roots(each):
    base = np.full(len(each), 1e-4)
    risks = np.maximum(each, base)
    any_base = 1 - np.prod(1 - base)
    union = union_risk(risks[None, None, :], np.array([any_base]), base[None, :])
    np.testing.assert_allclose(union[0, 0], 1 - np.prod(1 - risks), rtol=1e-9)
    assert union_risk(base[None, None, :], np.array([any_base]), base[None, :])[0, 0] == any_base


def test_crossing_times_by_hand():
    years = np.array([0.0, 1.0, 2.0])
    risk = np.array([[0.0, 0.2, 0.4], [0.5, 0.6, 0.7], [0.0, 0.1, 0.2], [0.0, 0.0, 0.3]])
    when, known = first_crossing(risk, years, 0.3)
    np.testing.assert_allclose(when, [1.5, 0.0, np.inf, 2.0])
    assert known.all()
    # Each of the four is a quarter of the draws: median is the second, 95 % the fourth (never).
    low, median, high, missing = crossing_summary(when, known)
    assert (low, median, missing) == (0.0, 1.5, 0.25)
    assert np.isnan(high)


def test_a_failed_time_hides_what_comes_after():
    years = np.array([0.0, 1.0, 2.0])
    risk = np.array([[0.1, 0.5, np.nan], [0.1, 0.2, np.nan], [0.1, np.nan, 0.9]])
    when, known = first_crossing(risk, years, 0.3)
    np.testing.assert_allclose(when, [0.5, np.inf, np.inf])
    assert known.tolist() == [True, False, False]
    assert np.isnan(crossing_summary(when, known)[3])


@given(st.integers(0, 10_000), st.floats(0.05, 0.9))
@settings(max_examples=50)
def test_a_higher_threshold_is_never_crossed_earlier(seed, threshold):
    rng = np.random.default_rng(seed)
    risk = np.sort(rng.uniform(0, 1, (20, 6)), axis=1)
    years = np.sort(rng.uniform(0, 5, 6)) + np.arange(6) * 1e-3
    early, _ = first_crossing(risk, years, threshold)
    late, _ = first_crossing(risk, years, min(0.99, threshold + 0.05))
    assert (late >= early).all()


def test_linear_risk_has_its_closed_form_crossing_distribution():
    # P = k t with k uniform on (0.1, 0.5): t = 0.25 / k; median 0.25 / 0.3; never within 2 years if k < 0.125.
    rng = np.random.default_rng(0)
    k = rng.uniform(0.1, 0.5, 40_000)
    years = np.linspace(0, 2, 9)
    low, median, high, missing = crossing_summary(*first_crossing(k[:, None] * years, years, 0.25))
    assert median == pytest.approx(0.25 / 0.3, rel=0.02)
    assert low == pytest.approx(0.25 / 0.48, rel=0.02)
    assert missing == pytest.approx(0.025 / 0.4, abs=0.005)
    assert np.isnan(high)
