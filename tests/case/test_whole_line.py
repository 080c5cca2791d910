"""The whole line on a small synthetic neck: what must hold whatever the numbers are."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.image import imread

from canalrisk._jit import one_thread
from canalrisk.case import Settings, assess, prepare_subject
from canalrisk.growth.timeline import Scenario
from canalrisk.mechanics import CordSettings
from canalrisk.report import write_results

COARSE = Settings(cord=CordSettings(preset="coarse"), draws=400)
SCENARIO = Scenario(n_times=3, horizon_years=1.0, doubling_time_years=1.0)


@pytest.fixture(scope="module")
def diseased(neck, neck_mass):
    return assess(replace(neck, mass=neck_mass), scenario=SCENARIO, settings=COARSE)


@pytest.fixture(scope="module")
def healthy_subject(neck):
    return prepare_subject(neck)


@pytest.fixture(scope="module")
def healthy(healthy_subject):
    return assess(healthy_subject, scenario=SCENARIO, settings=COARSE).dataset


def test_risk_grows_with_the_mass(diseased):
    data = diseased.dataset
    assert (data["mechanics_status"] == 0).all(), data["mechanics_reason"].values
    assert (np.diff(data["mass_volume"]) > 0).all()
    # Doubling time of one year over one year: the volume doubles.
    np.testing.assert_allclose(float(data["mass_volume"][-1] / data["mass_volume"][0]), 2.0, rtol=0.02)
    assert (np.diff(data["occupying_ratio_max"]) >= 0).all()
    assert (np.diff(data["contact_force"]) >= 0).all()


def test_assumptions_of_the_evidence_reach_the_reader(diseased):
    codes = {finding.code for finding in diseased.findings}
    assert {"OGDEN-CONVENTION", "FLAVUM-ONE-LEVEL"} <= codes


def test_two_arteries_are_no_sole_supply(diseased):
    assert list(diseased.dataset["artery_source"].isel(time=0).values) == ["label", "label"]
    assert "ARTERY-SOLE-SUPPLY" not in {finding.code for finding in diseased.findings}


def test_every_variable_says_what_it_is(diseased):
    for name, variable in diseased.dataset.variables.items():
        missing = {"units", "long_name", "definition"} - set(variable.attrs)
        assert not missing, f"{name} lacks {missing}"


def test_the_healthy_side_loses_nothing(diseased):
    # The mass is on the left: right foramina keep their area.
    right = diseased.dataset["foramen_area_loss"].sel(side="right")
    assert float(right.max()) < 0.02


def test_no_mass_gives_exactly_the_base_rates(healthy):
    data = healthy
    assert float(data["contact_force"].max()) == 0.0
    myelopathy = data["risk_myelopathy_prevalent"]
    assert (myelopathy == data["base_rate_myelopathy"]).all()
    # The base rate differs per root: C6 and C7 are affected more often than C3 (Oshina 2024).
    measured = data["foramen_area"].notnull()
    assert int(measured.isel(time=0).sum()) >= 10  # of twelve foramina
    equal = data["risk_radiculopathy_prevalent"] == data["base_rate_radiculopathy_foramen"]
    assert equal.where(measured, True).all()


def test_a_mass_that_touches_nothing_leaves_the_cord_alone(neck, healthy_subject, healthy):
    # A ball in the muscle 25 mm behind and left of C5, well off bone and canal.
    centre = healthy_subject.spine.centreline.points[len(healthy_subject.spine.centreline.s) // 2] + (-28.0, -22.0, 0.0)
    index = np.indices(neck.grid.shape).reshape(3, -1).T
    distance = np.linalg.norm(neck.grid.to_world(index) - centre, axis=1).reshape(neck.grid.shape)
    mass = (distance < 3.0) & (neck.labels == 0)
    assert mass.sum() > 100
    far = assess(replace(neck, mass=mass), scenario=SCENARIO, settings=COARSE).dataset
    assert float(far["contact_force"].max()) == 0.0
    assert float(far["cord_area_loss_predicted_max"].max()) < 0.005
    for name in ("risk_myelopathy_prevalent", "risk_radiculopathy_prevalent"):
        np.testing.assert_array_equal(far[name].values, healthy[name].values)


def test_one_thread_gives_the_same_bits(neck, neck_mass, diseased):
    with one_thread():
        again = assess(replace(neck, mass=neck_mass), scenario=SCENARIO, settings=COARSE)
    for name in diseased.dataset.data_vars:
        np.testing.assert_array_equal(diseased.dataset[name].values, again.dataset[name].values, err_msg=str(name))


@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium")
def test_report_opens_in_a_browser(diseased, tmp_path):
    out = write_results(diseased, out=tmp_path / "out")
    picture = tmp_path / "page.png"
    quiet = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    quiet += ["--disable-component-update", "--disable-sync", f"--user-data-dir={tmp_path / 'profile'}"]
    page = (out / "report.html").as_uri()
    subprocess.run(
        ["chromium", *quiet, "--window-size=1200,6000", f"--screenshot={picture}", page],
        check=True,
        capture_output=True,
        timeout=120,
    )
    pixels = imread(picture)[..., :3]
    # Every 500 px of the page shows something: text, a table or a picture, not one flat colour.
    bands = pixels[: pixels.shape[0] // 500 * 500].reshape(-1, 500, *pixels.shape[1:])
    assert bands.std(axis=(1, 2)).max(axis=1).min() > 0.02
    # The cord's and the mass's colours are there: the figures were drawn, not left out.
    saturated = (pixels.max(axis=2) - pixels.min(axis=2)) > 0.5
    assert saturated.mean() > 0.002
