"""Vertebral arteries: closed forms on tubes and blocks, flags, and the Findings that they must raise."""

from dataclasses import replace

import numpy as np
import pytest
import straight
import xarray as xr
from straight import AHEAD, ARTERY, ASIDE, HOLE

from canalrisk.morphometry.arteries import describe, measure_vessels, prepare_vessels
from canalrisk.morphometry.artery_findings import vessel_findings
from canalrisk.morphometry.mass import measure_mass, prepare_neighbours
from canalrisk.morphometry.variables import as_dataset

LEFT, RIGHT = 0, 1


@pytest.fixture(scope="module")
def neck():
    return straight.spine()


@pytest.fixture(scope="module")
def vessels(neck):
    return prepare_vessels(neck)


def _measured(neck, vessels, distance):
    return measure_vessels(neck, vessels, straight.mass(distance))


def _beside(distance):
    """The mass without the artery's lumen, as a segmentation draws it; 24 mm long about C5."""
    own = -straight.tube(-ASIDE, AHEAD, ARTERY)
    return np.maximum.reduce([distance, own, np.abs(straight.Z) - 12.0])


def test_calibre_and_foramina_are_those_drawn(vessels):
    # Lumen 3.3 mm on 0.5 mm voxels; a tube's section is a circle.
    assert vessels.fixed["artery_diameter"] == pytest.approx([2 * ARTERY] * 2, abs=0.1)
    assert vessels.fixed["transverse_foramen_area"] == pytest.approx(np.full((3, 2), np.pi * HOLE**2), rel=0.04)
    assert vessels.fixed["artery_asymmetry"] < 0.02
    assert list(vessels.fixed["artery_source"]) == ["label", "label"]


def test_no_mass_takes_nothing(neck, vessels):
    found = measure_vessels(neck, vessels, None)
    assert np.isnan(found["artery_clearance"]).all()
    assert (found["transverse_foramen_taken"] == 0).all()
    assert list(found["artery_clearance_level"]) == ["none", "none"]


def test_clearance_of_a_ball_passing_by(neck, vessels):
    # Ball of 5 mm whose centre is 10 mm in front of the left artery's axis at C5's height.
    found = _measured(neck, vessels, straight.ball(-ASIDE, AHEAD - 10.0, 1.0, 5.0))
    assert found["artery_clearance"][LEFT] == pytest.approx(10.0 - 5.0 - ARTERY, abs=0.1)
    assert found["artery_clearance"][RIGHT] == pytest.approx(np.hypot(2 * ASIDE, 10.0) - 5.0 - ARTERY, abs=0.1)
    assert found["artery_clearance_level"][LEFT] == "C5"
    assert found["artery_encasement"][LEFT] == 0
    # Along the course, C4 to C6 with the discs: the distance grows as from the ball's centre at z = 1 to the nearest
    # point of each stretch. C5 is its own least, C4/5 (z = 9) begins half way to C5 (z = 4.5), C4 at 13.5.
    along = found["artery_clearance_along"][:, LEFT]
    expected = [np.hypot(10.0 - ARTERY, z) - 5.0 for z in (12.5, 3.5, 0.0, 5.5, 14.5)]
    # The course is cut every 0.5 mm and the distance grows by up to 0.83 mm per mm of it: 0.42 mm.
    assert along == pytest.approx(expected, abs=0.45)


def test_half_embedded_is_half_encased(neck, vessels):
    # The left half-space up to the plane through the artery's axis.
    found = _measured(neck, vessels, _beside(np.maximum(straight.Y - AHEAD, straight.X)))
    assert found["artery_encasement"][LEFT] == pytest.approx(180.0, abs=12.0)
    assert found["artery_encasement"][RIGHT] == 0
    assert found["artery_clearance"][LEFT] == pytest.approx(0.0, abs=0.1)


def test_fully_embedded_is_encased_all_round(neck, vessels):
    around = np.maximum(np.abs(straight.X + ASIDE), np.abs(straight.Y - AHEAD)) - 5.0
    found = _measured(neck, vessels, _beside(around))
    assert found["artery_encasement"][LEFT] == pytest.approx(360.0)
    # Beyond the ends of the mass there is nothing on the artery.
    assert found["artery_encasement_along"][:, LEFT] == pytest.approx([0.0, 360.0, 360.0, 360.0, 0.0])


def test_a_plane_beside_the_artery_covers_the_angle_of_its_wall(neck, vessels):
    # Plane 0.5 mm behind the lumen: the ray at angle t from it reaches it within 1 mm where (r + 1) cos t > r + 0.5.
    found = _measured(neck, vessels, np.maximum(straight.Y - (AHEAD - ARTERY - 0.5), np.abs(straight.Z) - 12.0))
    expected = 2 * np.degrees(np.arccos((ARTERY + 0.5) / (ARTERY + 1.0)))
    assert found["artery_encasement"][LEFT] == pytest.approx(expected, abs=6.0)
    assert found["artery_clearance"][LEFT] == pytest.approx(0.5, abs=0.1)
    assert found["artery_narrowing"][LEFT] < 0.02


def test_half_the_lumen_and_half_the_foramen_taken(neck, vessels):
    half = np.maximum(straight.Y - AHEAD, np.abs(straight.Z) - 9.0)
    found = _measured(neck, vessels, half)
    assert found["artery_narrowing"] == pytest.approx([0.5, 0.5], abs=0.04)
    taken = found["transverse_foramen_taken"]
    assert taken[1] == pytest.approx([0.5, 0.5], abs=0.03)
    assert (taken[[0, 2]] == 0).all()
    assert found["artery_clearance"][LEFT] == pytest.approx(-ARTERY, abs=0.1)


def test_entry_is_the_lowest_foramen_that_holds_the_artery():
    # No hole at C6: the artery runs on below C5, in front of (here: inside the block of) C6.
    neck = straight.spine(closed=("C4", "C5"))
    vessels = prepare_vessels(neck)
    assert list(vessels.fixed["artery_entry"]) == ["C5", "C5"]
    assert np.isnan(vessels.fixed["transverse_foramen_area"][2]).all()
    assert [f.code for f in vessels.findings] == ["ARTERY-ENTRY-UNUSUAL"] * 2


def test_a_label_that_begins_in_the_foramen_hides_the_entry():
    vessels = prepare_vessels(straight.spine(artery_from=-3.0))
    assert list(vessels.fixed["artery_entry"]) == ["C5", "C5"]
    assert [f.code for f in vessels.findings] == ["ARTERY-ENTRY-UNSEEN"] * 2


def test_without_labels_the_course_is_that_of_the_foramina():
    neck = straight.spine(arteries=())
    vessels = prepare_vessels(neck)
    assert [f.code for f in vessels.findings] == ["ARTERY-INFERRED"] * 2
    assert list(vessels.fixed["artery_source"]) == ["transverse foramina"] * 2
    assert list(vessels.fixed["artery_flag"]) == ["unknown", "unknown"]
    assert np.isnan(vessels.fixed["artery_diameter"]).all()
    for artery, x in zip(vessels.arteries, (-ASIDE, ASIDE), strict=True):
        off = artery.path[:, :2] - (x, AHEAD)
        assert np.abs(off).max() < 0.3
    found = _measured(neck, vessels, straight.ball(-ASIDE, AHEAD - 10.0, 1.0, 5.0))
    # 3.50 mm: mean of 91 adults at the left entry (evidence va.diameter.entry_left).
    assert found["artery_clearance"][LEFT] == pytest.approx(5.0 - 0.5 * 3.50, abs=0.3)
    assert np.isnan(found["artery_narrowing"]).all()


def test_neither_label_nor_foramina_is_said():
    vessels = prepare_vessels(straight.spine(arteries=(), closed=()))
    assert [f.code for f in vessels.findings] == ["ARTERY-UNKNOWN"] * 2
    assert vessels.arteries == ()


@pytest.mark.parametrize(
    ("sides", "said", "flag", "evidence"),
    [
        (("left", "right"), {}, ["normal", "normal"], ["calibre", "calibre"]),
        (("left",), {}, ["single", "not labelled"], ["labels", "labels"]),
        (("left", "right"), {"left": "hypoplastic"}, ["hypoplastic", "normal"], ["clinical", "calibre"]),
        (("left",), {"right": "hypoplastic"}, ["unknown", "hypoplastic"], ["none", "clinical"]),
        (("left",), {"left": "single"}, ["single", "not labelled"], ["clinical", "labels"]),
        ((), {"right": "absent"}, ["single", "absent"], ["clinical", "clinical"]),
    ],
)
def test_flags_come_from_the_clinic_first(neck, vessels, sides, said, flag, evidence):
    arteries = tuple(artery for artery in vessels.arteries if artery.side in sides)
    fixed = describe(neck, arteries, vessels.holes, flags=said).fixed
    assert list(fixed["artery_flag"]) == flag
    assert list(fixed["artery_flag_evidence"]) == evidence


def test_clinic_and_labels_that_disagree_are_told(neck, vessels):
    told = describe(neck, vessels.arteries, vessels.holes, flags={"left": "single"}).findings
    assert [f.code for f in told if f.severity != "info"] == ["ARTERY-CONTRADICTION"]


def test_calibre_decides_where_the_clinic_says_nothing(neck, vessels):
    # Areas scaled: 2.2 mm is below 2.5 mm (Chen 2010), 3.7 mm is 0.4 mm (0.3: Hong 2009) wider than 3.3 mm.
    left, right = vessels.arteries
    narrow = replace(left, area=np.full_like(left.area, np.pi * 1.1**2))
    wide = replace(left, area=np.full_like(left.area, np.pi * 1.85**2))
    flags = [list(describe(neck, (own, right), vessels.holes).fixed["artery_flag"]) for own in (narrow, wide)]
    assert flags == [["hypoplastic", "dominant"], ["dominant", "normal"]]


def _findings(neck, vessels, distance, **flags):
    known = describe(neck, vessels.arteries, vessels.holes, flags=flags)
    ready = straight.mass(distance)
    values = measure_vessels(neck, known, ready) | measure_mass(neck, prepare_neighbours(neck), ready)
    return vessel_findings(
        xr.Dataset({name: as_dataset({name: value}, coords={})[name] for name, value in values.items()})
    )


def test_sole_supply_on_the_side_of_the_mass_is_serious(neck, vessels):
    ball = straight.ball(-ASIDE, AHEAD - 10.0, 1.0, 5.0)
    (left,) = _findings(neck, vessels, ball, left="single")
    assert (left.code, left.severity, left.where) == ("ARTERY-SOLE-SUPPLY", "serious", "artery left")
    assert "3.3 mm away at C5" in left.message or "3.4 mm away at C5" in left.message  # 10 - 5 - 1.65 mm
    (right,) = _findings(neck, vessels, ball, right="single")
    assert (right.code, right.severity) == ("ARTERY-SINGLE", "warning")
    assert _findings(neck, vessels, ball) == ()


def test_dominance_and_encasement_are_told(neck, vessels):
    around = np.maximum(np.abs(straight.X + ASIDE), np.abs(straight.Y - AHEAD)) - 5.0
    found = _findings(neck, vessels, _beside(around), left="dominant")
    assert [f.code for f in found] == ["ARTERY-DOMINANT-AT-MASS", "ARTERY-ENCASED"]
    assert found[1].severity == "serious"
    plane = np.maximum(straight.Y - (AHEAD - ARTERY - 0.5), straight.X)
    assert [f.code for f in _findings(neck, vessels, plane)] == ["ARTERY-ABUTTED"]
