"""Ellipse of equal moments and solidity against closed forms; filling ratios and z-scores on the analytic neck."""

from dataclasses import replace

import numpy as np
import pytest
import torus

from canalrisk.anatomy.population import levels, population
from canalrisk.anatomy.sections import offsets
from canalrisk.errors import UsageError
from canalrisk.findings import Finding
from canalrisk.morphometry import measure, prepare
from canalrisk.morphometry.filling import filling_findings
from canalrisk.morphometry.shape import section_shape
from canalrisk.morphometry.zscores import COMPARED, against_healthy

STEP = 0.5
T = offsets(20.0, STEP)
V, U = np.meshgrid(T, T, indexing="ij")


def _ellipse(a, b, *, turn=0.0, at=(0.13, -0.21)):
    """Level set of an ellipse with half axes a (right) and b (anterior), a distance near its outline."""
    u, v = U - at[0], V - at[1]
    u, v = np.cos(turn) * u + np.sin(turn) * v, np.cos(turn) * v - np.sin(turn) * u
    q = np.maximum(np.hypot(u / a, v / b), 1e-9)
    return (q - 1.0) * q / np.maximum(np.hypot(u / a**2, v / b**2), 1e-9)


@pytest.mark.parametrize(("a", "b"), [(6.2, 3.8), (11.0, 7.0), (3.0, 5.0), (5.0, 5.0)])
@pytest.mark.parametrize("turn", [0.0, 0.3])
def test_an_ellipse_has_its_own_axes(a, b, turn):
    shape = section_shape(_ellipse(a, b, turn=turn)[None], step=STEP)
    assert shape.rl[0] == pytest.approx(2 * a, abs=0.05)
    assert shape.ap[0] == pytest.approx(2 * b, abs=0.05)
    # A circle's eccentricity is the square root of a small error.
    expected = np.sqrt(1 - (min(a, b) / max(a, b)) ** 2)
    assert shape.eccentricity[0] ** 2 == pytest.approx(expected**2, abs=0.01)
    assert 0.999 < shape.solidity[0] <= 1.0 + 1e-12


def test_a_bitten_disc_has_the_solidity_of_its_segment():
    # A disc of radius R less a disc of radius r about a point of its rim. Its hull is the big disc less the segment
    # behind the chord through the two rims' crossings, which lie r^2 / 2R from the bitten point.
    big, small = 6.0, 3.0
    bitten = np.maximum(np.hypot(U, V) - big, small - np.hypot(U, V + big))
    half = np.arcsin(small / (2 * big))
    lens = 4 * half * big**2 / 2 - big**2 * np.sin(4 * half) / 2
    depth = small**2 / (2 * big)
    opening = np.arccos((small**2 / (2 * big)) / small)
    lens += opening * small**2 - small**2 * np.sin(2 * opening) / 2
    segment = big**2 * np.arccos(1 - depth / big) - (big - depth) * np.sqrt(2 * big * depth - depth**2)
    expected = (np.pi * big**2 - lens) / (np.pi * big**2 - segment)
    assert expected < 0.95
    assert section_shape(bitten[None], step=STEP).solidity[0] == pytest.approx(expected, abs=0.004)


def test_an_empty_section_has_no_shape():
    shape = section_shape(np.full((2, *U.shape), 3.0), step=STEP)
    assert np.isnan([shape.ap, shape.rl, shape.eccentricity, shape.solidity]).all()


@pytest.fixture(scope="module")
def healthy(analytic_prepared):
    return measure(analytic_prepared)


def test_shape_and_filling_of_the_analytic_neck(healthy):
    inner = slice(6, -6)
    (ca, cb), (sa, sb), (a, b) = torus.CANAL, torus.SAC, torus.CORD
    for name, expected, error in (
        ("cord_compression_ratio_measured", b / a, 0.01),
        ("cord_compression_ratio_ellipse_measured", b / a, 0.01),
        ("cord_eccentricity_measured", np.sqrt(1 - (b / a) ** 2), 0.01),
        ("cord_rl_measured", 2 * a, 0.1),
        ("cord_ap_ellipse_measured", 2 * b, 0.1),
        ("sac_rl_ellipse", 2 * sa, 0.1),
        ("sac_ap_ellipse", 2 * sb, 0.1),
        ("ascor_sac", a * b / (sa * sb), 0.01),
        ("ascor_canal", a * b / (ca * cb), 0.01),
    ):
        assert np.abs(healthy[name].values[inner] - expected).max() < error, name
    for name in ("cord_solidity_measured", "canal_solidity"):
        assert healthy[name].values[inner].min() > 0.995


def test_todays_mass_narrows_what_the_cord_fills(analytic_neck, analytic_prepared):
    # A ball of 3 mm on the posterior wall at C5 takes part of canal and sac there, and nothing at C3.
    spine = analytic_prepared.spine
    ball = np.linalg.norm(analytic_neck.world - torus.world_of(torus.middle("C5"), 0.0, -7.0), axis=-1) - 3.0
    with_mass = measure(prepare(replace(spine, mass=np.clip(ball, -15, 15).astype(np.float32))))
    without = measure(analytic_prepared)
    free = with_mass["level_residual_canal_area"].sel(vertebral_level="C5")
    cord = with_mass["level_cord_area_measured"].sel(vertebral_level="C5")
    ratio = with_mass["level_ascor_canal"]
    assert ratio.sel(vertebral_level="C5").item() == pytest.approx((cord / free).item(), rel=0.01)
    assert ratio.sel(vertebral_level="C5") > without["level_ascor_canal"].sel(vertebral_level="C5") + 0.005
    assert ratio.sel(vertebral_level="C3") == without["level_ascor_canal"].sel(vertebral_level="C3")


def test_levels_run_from_head_to_foot_at_their_places(healthy, analytic_prepared):
    names = list(healthy["vertebral_level"].values)
    assert names == ["C3", "C3/4", "C4", "C4/5", "C5", "C5/6", "C6"]
    s, line = healthy["level_s_mm"].values, analytic_prepared.spine.centreline
    # C4/5 is the arc's middle, the world's origin; neighbours are half a level apart.
    middle = [np.interp(s[3], line.s, healthy[f"{axis}_mm"].values) for axis in "xyz"]
    assert np.abs(middle).max() < 0.5
    assert np.diff(s) == pytest.approx(np.full(6, -0.5 * torus.SPACING_MM), abs=0.7)
    area = np.pi * torus.CORD[0] * torus.CORD[1]
    assert healthy["level_cord_area_measured"].values == pytest.approx(np.full(7, area), rel=0.01)


def test_a_level_is_the_mean_of_its_sections(analytic_neck, analytic_prepared):
    ball = np.linalg.norm(analytic_neck.world - torus.world_of(torus.middle("C5"), 0.0, -7.0), axis=-1) - 3.0
    spine = replace(analytic_prepared.spine, mass=np.clip(ball, -15, 15).astype(np.float32))
    found = measure(prepare(spine))
    near = np.abs(found["s_mm"].values - found["level_s_mm"].sel(vertebral_level="C5").item()) <= 1.5
    assert 5 <= near.sum() <= 7
    expected = found["residual_canal_ap"].values[near].mean()
    assert found["level_residual_canal_ap"].sel(vertebral_level="C5").item() == pytest.approx(expected, abs=1e-9)


def test_z_scores_are_those_of_the_ellipses(healthy):
    # Means and standard deviations at C5 of healthy_controls_per_subject_level.csv, computed apart from the package.
    area, ap, rl = np.pi * 6.2 * 3.8, 7.6, 12.4
    sac = np.pi * 9.0 * 5.8
    for name, x, mean, sd in (
        ("z_cord_area", area, 76.609, 7.767),
        ("z_cord_ap", ap, 7.482, 0.510),
        ("z_cord_rl", rl, 13.034, 0.820),
        ("z_sac_area", sac, 208.009, 28.945),
        ("z_ascor_sac", area / sac, 0.371, 0.042),
    ):
        assert healthy[name].sel(vertebral_level="C5").item() == pytest.approx((x - mean) / sd, abs=0.15), name
    assert healthy["percentile_sac_area"].sel(vertebral_level="C5").item() < 0.1
    # Discs have no eccentricity in the source; they have areas.
    assert np.isnan(healthy["z_cord_eccentricity"].sel(vertebral_level="C4/5").item())
    assert np.isfinite(healthy["z_cord_area"].sel(vertebral_level="C4/5").item())


def test_the_bony_canal_is_never_compared_and_an_inferred_sac_neither(healthy, analytic_prepared):
    assert not any(ours.startswith("level_canal") for ours, _ in COMPARED.values())
    assert not any("solidity" in ours for ours, _ in COMPARED.values())
    spine = replace(analytic_prepared.spine, findings=(Finding("SAC-INFERRED", "warning", "sac", ""),))
    values = {ours: healthy[ours].values for ours, _ in COMPARED.values()}
    found = against_healthy(values, spine)
    for name in ("z_sac_area", "percentile_sac_ap", "z_ascor_sac"):
        assert np.isnan(found[name]).all()
    assert np.isfinite(found["z_cord_area"]).all()
    assert [f.code for f in filling_findings(spine)] == ["ASCOR-SAC-INFERRED"]


def test_the_population_knows_sexes_discs_and_its_own_tails():
    assert set(levels()) >= {"C1", "C2", "C7", "T1", "C2/3", "C5/6", "C7/T1"}
    both, man, woman = (population("C5", "cord_area", sex=sex) for sex in (None, "M", "F"))
    assert (both.n, man.n, woman.n) == (203, 105, 98)
    assert woman.mean < both.mean < man.mean
    assert both.z(both.mean + 2 * both.sd) == pytest.approx(2.0)
    assert both.percentile(float(np.interp(0.5, both.percentiles, both.values))) == pytest.approx(0.5)
    assert (both.percentile(0.0), both.percentile(1e3)) == (0.01, 0.99)
    assert np.isnan(both.percentile(np.nan))
    assert population("C5/6", "cord_area", sex="F") is population("C5/6", "cord_area")
    assert population("L1", "cord_area") is None
    with pytest.raises(UsageError):
        population("C5", "cord_area", sex="X")


def test_sex_reaches_the_z_scores(analytic_prepared, healthy):
    woman = measure(prepare(analytic_prepared.spine, sex="F"))
    at = {"vertebral_level": "C5"}
    assert woman["z_cord_area"].sel(at) > healthy["z_cord_area"].sel(at) + 0.1
    with pytest.raises(UsageError):
        prepare(analytic_prepared.spine, sex="female")


def test_the_shipped_table_is_what_the_script_makes(shared):
    import subprocess
    import sys
    from importlib.resources import files
    from pathlib import Path

    script = Path(__file__).parents[2] / "tools" / "healthy_table.py"
    made = subprocess.run(
        [sys.executable, str(script), str(shared / "data" / "morphometry")], capture_output=True, text=True, check=True
    )
    shipped = (files("canalrisk.anatomy") / "data" / "healthy_morphometry.csv").read_text("utf-8")
    assert made.stdout == shipped
