"""The mass and the arteries in the summary and on the page."""

from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from fake_case import LEVELS, fake_case

from canalrisk.report.beside import artery_facts, mass_facts
from canalrisk.report.page import render
from canalrisk.report.summary import summary


def _measured(case):
    """The fake case with what `measure` says of mass and arteries: growth on the right, artery on the right only."""
    times, n = case.dataset.sizes["time"], len(LEVELS)
    t = np.arange(times, dtype=float)
    per = {
        "mass_side": np.array(["right"] * times),
        "mass_level_top": np.array(["C4"] * times),
        "mass_level_bottom": np.array(["C5"] * times),
        "mass_reach_left": np.full(times, 1.5),
        "mass_reach_right": np.full(times, 20.0),
        "mass_surface_area": 1500.0 + 100 * t,
        "mass_components": np.full(times, 2),
        "mass_length": 26.0 + t,
        "mass_share_dorsal": np.full(times, 0.8),
        "mass_share_left": np.full(times, 0.1),
        "mass_sac_clearance": 0.7 - t,
    }
    contact = np.zeros((times, n))
    contact[:, 1] = 55.0 + t
    clearance = np.full((times, 2), np.nan)
    clearance[:, 1] = 2.4 - t
    words = {"artery_source": ("none", "label"), "artery_flag": ("not labelled", "single")}
    words |= {"artery_flag_evidence": ("labels", "labels"), "artery_entry": ("unknown", "C6")}
    words |= {"artery_clearance_level": ("none", "C4/5")}
    taken = np.zeros((times, n, 2))
    taken[-1, 2, 1] = 0.4
    about = {"units": "", "long_name": "made up", "definition": "made up"}
    new = {name: (("time",), value, about) for name, value in per.items()}
    new |= {name: (("time", "side"), np.tile(value, (times, 1)), about) for name, value in words.items()}
    new |= {
        "mass_contact_area": (("time", "vertebra"), contact, about),
        "mass_bone_replaced": (("time", "vertebra"), 2 * contact, about),
        "bone_lysed_mirror": (("time", "vertebra"), np.zeros((times, n)), about),
        "mass_contact_part": (("time", "vertebra"), np.where(contact > 0, "behind the canal", "none"), about),
        "artery_clearance": (("time", "side"), clearance, about),
        "artery_encasement": (("time", "side"), np.where(clearance < 0, 120.0, clearance * 0), about),
        "artery_diameter": (("time", "side"), clearance * 0 + 3.4, about),
        "artery_narrowing": (("time", "side"), clearance * 0, about),
        "transverse_foramen_taken": (("time", "vertebra", "side"), taken, about),
    }
    data = case.dataset.assign(new).assign_coords(vertebra=np.array(LEVELS))
    return replace(case, dataset=data)


@pytest.fixture(scope="module")
def measured():
    return _measured(fake_case())


def test_facts_are_those_of_the_dataset(measured):
    facts = mass_facts(measured.dataset, 0)
    assert facts["mass_side"] == "right"
    assert facts["crosses_midline"] is True
    assert facts["mass_bone_replaced_total"] == 110.0
    assert [row["level"] for row in facts["vertebrae"] if row["mass_contact_area"]] == ["C4"]
    assert facts["mass_hu_mean"] is None
    left, right = artery_facts(measured.dataset, 4)
    assert left["artery_clearance"] is None
    assert right["artery_clearance"] == pytest.approx(-1.6)
    assert (right["foramen_taken"], right["foramen_taken_level"]) == (0.4, "C5")


def test_a_dataset_without_them_says_nothing():
    data = fake_case().dataset
    assert mass_facts(data, 0) == {}
    assert artery_facts(data, 0) == []
    assert mass_facts(xr.Dataset({"mass_side": ((), "none")}), 0) == {}


def test_they_are_in_the_summary(measured):
    said = summary(measured)
    assert said["times"][0]["mass"]["mass_level_top"] == "C4"
    assert said["times"][0]["arteries"][1]["artery_flag"] == "single"


def test_the_page_shows_both_tables(measured, coarse):
    page = render(measured)
    start = page.index('id="beside"')
    part = page[start : page.index("</section>", start)]
    for words in (
        "on the right, crossing the midline",
        "55 mm², behind the canal",
        "single (labels)",
        "120°",
        "40 % at C5",
    ):
        assert words in part.replace("\u00a0", " "), words
    assert "2.4\u00a0mm at C4/5" in part


def test_the_page_leaves_the_section_out_where_nothing_was_measured(coarse):
    assert 'id="beside"' not in render(fake_case())
