import numpy as np
import pytest

from canalrisk.risk import cohort_hazards, radiculopathy_base_rate, root_base_rate, root_shares
from canalrisk.risk.baserates import ROOTS
from canalrisk.risk.parameters import cord_loss_sd, draw_parameters

P = draw_parameters(2000, 0)


def middle(values):
    return np.quantile(values, [0.05, 0.5, 0.95])


def test_hazards_are_those_of_the_dossier():
    # RISK.md 1.4: 0.071, 0.055, 0.048, 0.03 per year.
    got = list(cohort_hazards().values())
    np.testing.assert_allclose(got, [0.071, 0.055, 0.048, 0.03], atol=5e-4)
    low, median, high = middle(P.hazard)
    assert 0.02 < low < 0.035
    assert 0.04 < median < 0.06
    assert 0.075 < high < 0.11


def test_base_rate_draws_have_the_published_rate_as_median_and_its_interval():
    assert np.median(P.myelopathy_base) == 0.023
    assert np.median(P.radiculopathy_base) == 0.0035
    # Wilson 90 % interval of 28 of 1202: 0.0171-0.0314.
    np.testing.assert_allclose(middle(P.myelopathy_base)[[0, 2]], [0.0171, 0.0314], atol=8e-4)


def test_twelve_independent_roots_give_the_population_rate():
    spared = 1.0
    for root in ROOTS:
        spared *= (1 - float(root_base_rate(radiculopathy_base_rate(), root))) ** 2
    assert 1 - spared == pytest.approx(0.0035, rel=1e-12)
    shares = root_shares()
    assert sum(shares.values()) == pytest.approx(1.0)
    # Oshina 2024: C7 149 and C6 132 of 359.
    assert shares["C7"] == pytest.approx(149 / 359, abs=0.005)
    assert shares["C3"] < 0.002


def test_foraminal_slopes_are_those_the_dossier_recommends():
    # RISK.md section 3: logit slope -0.10 to -0.29 per mm2; MRI series alone about -0.285.
    low, _, high = middle(P.foramen.slope)
    assert 0.09 < low < 0.18
    assert 0.25 < high < 0.36
    assert np.median(P.foramen.slope[~P.foramen_from_ct]) == pytest.approx(0.285, rel=0.03)
    # A healthy C5/6 foramen (43 mm2) is at or above most hinges, the CT cut-off (26 mm2) below all.
    assert (P.foramen.hinge > 25.9).all()
    assert np.mean(P.foramen.hinge < 43.0) > 0.6


def test_sac_slope_is_the_discriminant_of_the_published_means():
    # Means 11.1 and 16.5 mm; SDs from (13, 0.82, 0.85): 2.08 and 3.38 mm; n 140, 99: slope 5.4 / 7.26 = 0.74.
    # From (14, 0.88, 0.74): 2.47 and 3.89 mm: slope 5.4 / 9.84 = 0.55.
    assert 0.5 < np.median(P.sac.series_slope) < 0.75


def test_slopes_lie_between_transport_and_anchor():
    for model in (P.cord_loss, P.sac, P.occupying):
        assert (model.series_slope <= model.slope * (1 + 1e-12)).all()
        assert (model.slope <= model.anchored_slope * (1 + 1e-12)).all()
        assert (model.series_slope > 0).all()


def test_same_seed_same_bits_and_read_only():
    draw_parameters.cache_clear()
    again = draw_parameters(2000, 0)
    np.testing.assert_array_equal(again.cord_loss.slope, P.cord_loss.slope)
    np.testing.assert_array_equal(again.foramen.hinge, P.foramen.hinge)
    assert not np.array_equal(draw_parameters(2000, 1).cord_loss.slope, P.cord_loss.slope)
    with pytest.raises(ValueError, match="read-only"):
        again.hazard[0] = 1.0


def test_measured_loss_has_the_error_of_reconstruction_and_retest():
    # sqrt(0.044^2 + 0.025^2).
    assert cord_loss_sd() == pytest.approx(0.0506, abs=1e-4)
    assert P.loss_error.std() == pytest.approx(cord_loss_sd(), rel=0.05)
