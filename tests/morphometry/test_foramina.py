"""Foramina of known shape: with a mass, with soft tissue, open, and named after the right root."""

from dataclasses import replace

import numpy as np
import pytest
import torus

from canalrisk.anatomy import InnerLayers, build_spine
from canalrisk.errors import UsageError
from canalrisk.growth.timeline import Snapshot
from canalrisk.imaging.labelmap import LabelTable
from canalrisk.morphometry import measure, prepare

WAY = np.array([np.cos(torus.PITCH) * np.cos(torus.YAW), np.cos(torus.PITCH) * np.sin(torus.YAW), -np.sin(torus.PITCH)])
ACROSS = np.cross(WAY, [0.0, 0.0, 1.0]) / np.linalg.norm(np.cross(WAY, [0.0, 0.0, 1.0]))
UP = np.cross(ACROSS, WAY)
# Axis and middle of the waist of the right C4/5 foramen: the torus is straight at s = 0.
AXIS = np.array([4.0, -8.0, 1.2])
HALF_WIDTH, HALF_HEIGHT = torus.WAIST
AREA = np.pi * HALF_WIDTH * HALF_HEIGHT
RIGHT = {"foramen": "C4/5", "side": "right"}
TABLE = LabelTable("torus", "1", torus.TABLE.entries | {63: "flavum", 70: "artery:left", 71: "artery:right"})


def _filled(prepared, distance):
    clipped = np.clip(distance, -15, 15).astype(np.float32)
    return measure(prepared, Snapshot(0.0, clipped, prepared.spine.bone, 0.0, 0.0))


def _at_waist(neck):
    """Coordinates of the voxels about the waist: along the foramen, across it, and from pedicle to pedicle, mm."""
    away = neck.world - (AXIS + torus.WAIST_AT * WAY)
    return away @ WAY, away @ ACROSS, away @ UP


def test_what_a_mass_leaves_has_height_and_width(analytic_neck, analytic_prepared):
    along, across, up = _at_waist(analytic_neck)
    near = np.maximum(np.abs(along), np.maximum(np.abs(across), np.abs(up))) - 9.0
    beside = _filled(analytic_prepared, np.maximum(across, near)).sel(RIGHT)
    # Half an ellipse: full height; the width in the middle third falls to sqrt(1 - 1/9) of half the axis.
    assert beside["foramen_height"].item() == pytest.approx(2 * HALF_HEIGHT, abs=0.4)
    assert beside["foramen_width"].item() == pytest.approx(HALF_WIDTH * np.sqrt(8 / 9), abs=0.3)
    below = _filled(analytic_prepared, np.maximum(up, near)).sel(RIGHT)
    # The upper half: half the height; its middle third ends at 2/3 of the axis, where the width is sqrt(1 - 4/9) of it.
    assert below["foramen_height"].item() == pytest.approx(HALF_HEIGHT, abs=0.3)
    assert below["foramen_width"].item() == pytest.approx(2 * HALF_WIDTH * np.sqrt(5 / 9), abs=0.4)
    for name in ("foramen_height_prelesion", "foramen_width_prelesion", "foramen_area_prelesion"):
        assert beside[name].item() == below[name].item()
    assert beside["foramen_height_prelesion"].item() == pytest.approx(2 * HALF_HEIGHT, abs=0.4)
    whole = _filled(analytic_prepared, near).sel(RIGHT)
    assert whole["foramen_area"].item() == whole["foramen_height"].item() == whole["foramen_width"].item() == 0.0


def test_an_artery_in_the_foramen_narrows_the_soft_variant_only(analytic_neck):
    # A tube of radius 1.5 mm along the foramen that touches the side of the waist from inside.
    along, across, up = _at_waist(analytic_neck)
    radius = 1.5
    labels = analytic_neck.labelmap.labels.copy()
    tube = np.hypot(across - (HALF_WIDTH - radius), up) < radius
    labels[(labels == 0) & tube & (np.abs(along) < 9.0)] = 71
    prepared = prepare(build_spine(replace(analytic_neck.labelmap, labels=labels, table=TABLE)))
    indices = measure(prepared)
    right = indices.sel(RIGHT)
    assert right["foramen_area"].item() == pytest.approx(AREA, rel=0.04)
    assert right["foramen_soft_area"].item() == pytest.approx(AREA - np.pi * radius**2, rel=0.04)
    # Beside the tube's middle 2.2 mm are left.
    assert right["foramen_soft_width"].item() == pytest.approx(2 * HALF_WIDTH - 2 * radius, abs=0.3)
    # The artery is anatomy, not loss.
    assert right["foramen_soft_area_loss"].item() == 0.0
    other = indices.sel(foramen="C4/5", side="left")
    assert other["foramen_soft_area"].item() == other["foramen_area"].item()
    (said,) = (f.message for f in prepared.findings if f.code == "FORAMEN-SOFT-WALLS")
    assert "artery:right" in said
    assert "facet capsules are not labelled" in said


def test_a_capsule_of_given_thickness_lines_the_posterior_wall(analytic_prepared):
    thickness = 0.8
    plain = measure(analytic_prepared).sel(RIGHT)
    lined = measure(prepare(replace(analytic_prepared.spine, layers=InnerLayers(capsule=thickness)))).sel(RIGHT)
    assert lined["foramen_area"].item() == plain["foramen_area"].item()
    taken = plain["foramen_soft_area"].item() - lined["foramen_soft_area"].item()
    # Half of the ring between the ellipse and its parallel curve: perimeter (Ramanujan 1914) times t less pi t^2.
    h = ((HALF_HEIGHT - HALF_WIDTH) / (HALF_HEIGHT + HALF_WIDTH)) ** 2
    perimeter = np.pi * (HALF_HEIGHT + HALF_WIDTH) * (1 + 3 * h / (10 + np.sqrt(4 - 3 * h)))
    assert taken == pytest.approx(0.5 * (perimeter * thickness - np.pi * thickness**2), rel=0.1)


def test_an_open_foramen_is_left_out_and_told(analytic_neck):
    # A slot of 9 mm through all bone on the right between C4 and C5: no section closes within 12 mm.
    labels = analytic_neck.labelmap.labels.copy()
    slot = (np.abs(analytic_neck.s) < 4.5) & (analytic_neck.u > 9.0) & (labels < 10)
    labels[slot] = 0
    prepared = prepare(build_spine(replace(analytic_neck.labelmap, labels=labels)))
    indices = measure(prepared)
    right = indices.sel(RIGHT)
    for name in ("foramen_area", "foramen_area_loss", "foramen_height", "foramen_soft_area", "foramen_station_s"):
        assert np.isnan(right[name].item()), name
    assert right["foramen_sections_left_out"].item() == 24  # all of 12 mm, 0.5 mm apart
    others = indices["foramen_area"].values[np.isfinite(indices["foramen_area"].values)]
    assert len(others) == 5
    assert np.abs(others / AREA - 1).max() < 0.04
    assert [f.where for f in prepared.findings if f.code == "FORAMEN-OPEN"] == ["C4/5 right"]


def test_c8_leaves_between_c7_and_t1(neck):
    spine = build_spine(neck)
    roots = {(foramen.name, foramen.side): foramen.root for foramen in spine.foramina}
    assert roots["C7/T1", "left"] == roots["C7/T1", "right"] == "C8"
    assert roots["C6/7", "left"] == "C7"
    assert roots["C2/3", "right"] == "C3"
    assert len(roots) == 12


def test_thicknesses_that_cannot_be_are_refused():
    for bad in (-0.1, 11.0, float("nan"), {}):
        with pytest.raises(UsageError) as caught:
            InnerLayers(flavum=bad)
        assert "InnerLayers(flavum=...)" in caught.value.where
