import numpy as np
import pytest
from scipy.special import gammaincinv
from scipy.stats import gamma

from canalrisk.errors import NumericalFailure
from canalrisk.risk.parameters import cord_loss_roc, draw_parameters, foramen_roc
from canalrisk.risk.roc import Roc, auc_of, fit_tilt, gamma_controls, tilt


def test_tilted_exponential_is_an_exponential():
    # Closed form: controls Exp(a), tilt exp(b x) => cases Exp(a - b); log mean tilt log(a / (a - b)); AUC a / (2a - b).
    edges = np.linspace(0.0, 4.0, 4001)
    centres = 0.5 * (edges[1:] + edges[:-1])
    rate, slope = 20.0, np.array([8.0])
    specificity = np.array([1 - np.exp(-rate * 0.1)])
    controls = gamma_controls(edges, cut=0.1, specificity=specificity, shape=np.array([1.0]))
    cases, log_tilt = tilt(controls, centres, slope=slope, hinge=np.zeros(1))
    np.testing.assert_allclose((cases[0] * centres).sum(), 1 / 12.0, rtol=1e-4)
    np.testing.assert_allclose(log_tilt[0], np.log(20 / 12), rtol=1e-4)
    np.testing.assert_allclose(auc_of(controls, cases)[0], 20 / 32, rtol=1e-4)


def simulate(rng, *, slope, hinge, shape, scale, n_cases, n_controls, top=0.7):
    """Cases and controls of the hinge model by inverting their distribution functions on a fine grid."""
    x = (np.arange(20_000) + 0.5) * top / 20_000
    density = gamma.pdf(x, shape, scale=scale)
    tilted = density * np.exp(slope * (np.maximum(0, x - hinge) - top))
    draw = [
        np.interp(rng.uniform(size=n), np.cumsum(f) / f.sum(), x) for f, n in ((tilted, n_cases), (density, n_controls))
    ]
    return draw[0], draw[1]


def empirical_auc(cases, controls):
    ranks = np.searchsorted(np.sort(controls), cases)
    return ranks.mean() / len(controls)


@pytest.mark.parametrize(("which", "sign"), [("cord", 1), ("foramen", -1)])
def test_the_published_roc_comes_back(which, sign):
    # Origin: severe OPLL n=300, AUC 0.904 (0.863-0.941), 15.2 %; 3D CT foramina, AUC 0.827 (0.803-0.849), 25.95 mm2.
    p = draw_parameters(2000, 0)
    roc = cord_loss_roc() if which == "cord" else foramen_roc()
    if which == "foramen":
        fit = fit_tilt(
            roc, family="normal", hinge=(-51.4, roc.cut), shape=(5, 12), support=(-120, 0), draws=500,
            rng=np.random.default_rng(5),
        )  # fmt: skip
        np.testing.assert_allclose(np.median(fit.slope), np.median(p.foramen.slope[p.foramen_from_ct]), rtol=0.1)
    else:
        fit = p.cord_loss_fit
    assert roc.auc_low < np.median(fit.auc) < roc.auc_high
    assert np.mean((fit.auc > roc.auc_low) & (fit.auc < roc.auc_high)) > 0.9


def test_people_simulated_from_the_fitted_model_have_the_published_roc():
    fit, roc, rng = draw_parameters(2000, 0).cord_loss_fit, cord_loss_roc(), np.random.default_rng(1)
    aucs, senses, specs = [], [], []
    for k in range(0, 2000, 50):
        scale = roc.cut / gammaincinv(fit.shape[k], fit.specificity[k])
        cases, controls = simulate(
            rng, slope=fit.slope[k], hinge=fit.hinge[k], shape=fit.shape[k], scale=scale, n_cases=2000, n_controls=2000
        )
        aucs.append(empirical_auc(cases, controls))
        senses.append((cases > roc.cut).mean())
        specs.append((controls <= roc.cut).mean())
    assert roc.auc_low < np.mean(aucs) < roc.auc_high
    assert np.mean([(roc.auc_low <= a <= roc.auc_high) for a in aucs]) > 0.75
    # Binomial 95 % of the published operating point, about 180 cases and 120 controls: +-0.056 and +-0.049.
    assert abs(np.mean(senses) - roc.sensitivity) < 0.056
    assert abs(np.mean(specs) - roc.specificity) < 0.049


def test_refits_of_simulated_series_cover_the_truth():
    # Series of 300 with a known slope and hinge: report what a paper would, refit, count how often 5-95 % holds it.
    rng = np.random.default_rng(2)
    truth = {"slope": 22.0, "hinge": 0.06, "shape": 2.0, "scale": 0.036}
    held, covered_risk = [], []
    for _ in range(24):
        cases, controls = simulate(rng, **truth, n_cases=160, n_controls=140)
        grid = np.linspace(0.02, 0.4, 200)
        sens = np.array([(cases > c).mean() for c in grid])
        spec = np.array([(controls <= c).mean() for c in grid])
        best = int(np.argmax(sens + spec))
        auc = empirical_auc(cases, controls)
        roc = Roc(auc, auc - 0.039, min(auc + 0.039, 0.999), grid[best], sens[best], spec[best], 300, (0.3, 0.9))
        fit = fit_tilt(
            roc, family="gamma", hinge=(0.0, grid[best]), shape=(1.0, 8.0), support=(0, 0.7), draws=400, rng=rng,
            candidates=800,
        )  # fmt: skip
        low, high = np.quantile(fit.slope, [0.05, 0.95])
        held.append(low <= truth["slope"] <= high)
        log_odds = fit.slope * np.maximum(0, 0.2 - fit.hinge)
        low, high = np.quantile(log_odds, [0.05, 0.95])
        covered_risk.append(low <= truth["slope"] * 0.14 <= high)
    assert np.mean(held) >= 0.75
    assert np.mean(covered_risk) >= 0.75


def test_a_roc_that_contradicts_itself_is_refused():
    # Sensitivity and specificity of 0.9 each cannot go with an area of 0.6.
    roc = Roc(0.6, 0.58, 0.62, 0.15, 0.9, 0.9, 300, (0.4, 0.6))
    with pytest.raises(NumericalFailure, match="effective"):
        fit_tilt(
            roc, family="gamma", hinge=(0, 0.15), shape=(0.5, 8), support=(0, 1), draws=200,
            rng=np.random.default_rng(0),
        )  # fmt: skip
