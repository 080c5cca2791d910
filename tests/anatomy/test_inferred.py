"""What is missing is inferred with a Finding: canal from rings, sac, cord, and what a mass has replaced."""

from dataclasses import replace

import numpy as np
import pytest
import torus

from canalrisk.anatomy import build_spine
from canalrisk.anatomy.lining import evidence_of, flavum_mm
from canalrisk.anatomy.population import population
from canalrisk.anatomy.sections import STEP_MM, plane_moments, plane_points, sample_planes
from canalrisk.imaging.labelmap import LabelMap


def _areas(spine, name):
    planes = plane_points(spine.centreline, slice(None))
    return plane_moments(sample_planes(getattr(spine, name), grid=spine.grid, points=planes), step=STEP_MM)[0]


def _at(spine, values, level):
    return float(np.interp(spine.landmarks[level], spine.centreline.s, values))


def _without(labelmap, *codes):
    return replace(labelmap, labels=np.where(np.isin(labelmap.labels, codes), 0, labelmap.labels).astype(np.int16))


def _codes(spine):
    return {finding.code for finding in spine.findings}


@pytest.fixture(scope="module")
def bony_spine():
    return build_spine(_without(torus.neck(1.0).labelmap, 60, 61, 62))


def test_vertebrae_alone_give_the_canal(bony_spine):
    spine = bony_spine
    assert {"CANAL-FROM-RINGS", "SAC-INFERRED", "CORD-FROM-MORPHOMETRY", "FLAVUM-ONE-LEVEL"} <= _codes(spine)
    assert spine.cord_measured is None
    area = np.pi * torus.CANAL[0] * torus.CANAL[1]
    for level in ("C4", "C5"):
        assert _at(spine, _areas(spine, "canal"), level) == pytest.approx(area, rel=0.05)
    # Between the rings, where the foramina open, the canal does not spill.
    assert _at(spine, _areas(spine, "canal"), "C4/5") == pytest.approx(area, rel=0.08)
    # The cord has the table's mean area at its levels (Valosek 2024), if it fits.
    for level in ("C4", "C5"):
        assert _at(spine, _areas(spine, "cord"), level) == pytest.approx(population(level, "cord_area").mean, rel=0.03)


def test_inferred_sac_leaves_flavum_and_dura_behind_the_cord(bony_spine):
    spine = bony_spine
    i = int(np.argmin(np.abs(spine.centreline.s - spine.landmarks["C5"])))
    line = spine.centreline
    back = line.points[i] - np.arange(0.0, 9.0, 0.02)[:, None] * line.anterior[i]
    canal, sac = (sample_planes(f, grid=spine.grid, points=back) for f in (spine.canal, spine.sac))
    gap = 0.02 * ((canal < 0).sum() - (sac < 0).sum())
    assert gap == pytest.approx(flavum_mm() + evidence_of("dura").value, abs=0.1)


def test_vertebrae_and_cord_keep_the_cord():
    spine = build_spine(_without(torus.neck(1.0).labelmap, 61, 62))
    assert "CANAL-FROM-RINGS" in _codes(spine)
    assert "CORD-FROM-MORPHOMETRY" not in _codes(spine)
    assert spine.cord_measured is not None
    assert _at(spine, _areas(spine, "cord"), "C5") == pytest.approx(np.pi * torus.CORD[0] * torus.CORD[1], rel=0.03)
    assert _at(spine, _areas(spine, "canal"), "C5") == pytest.approx(np.pi * torus.CANAL[0] * torus.CANAL[1], rel=0.03)


def test_a_mass_drawn_as_label_gives_back_what_it_replaced():
    neck = torus.neck(1.0)
    ball = np.linalg.norm(neck.world - torus.world_of(torus.middle("C5"), 3.0, -7.0), axis=-1) < 5.0
    labels = np.where(ball, 80, neck.labelmap.labels).astype(np.int16)
    marked = LabelMap(labels, neck.labelmap.grid, torus.TABLE, mass=ball, mass_is_label=True)
    spine = build_spine(marked)
    assert {"CANAL-RECONSTRUCTED", "CORD-RECONSTRUCTED", "BONE-RECONSTRUCTED"} <= _codes(spine)
    # The ball crosses the midline: what it hides on both sides is said to be interpolated.
    (said,) = (finding.message for finding in spine.findings if finding.code == "CANAL-RECONSTRUCTED")
    assert "hides both sides" in said
    canal, cord = np.pi * np.prod(torus.CANAL), np.pi * np.prod(torus.CORD)
    assert _at(spine, _areas(spine, "canal"), "C5") == pytest.approx(canal, rel=0.02)
    assert _at(spine, _areas(spine, "cord"), "C5") == pytest.approx(cord, rel=0.03)
    # The segmented cord is today's, with the ball's bite out of it.
    assert _at(spine, _areas(spine, "cord_measured"), "C5") < 0.97 * cord


def test_a_cord_drawn_without_the_mass_is_not_taken_for_todays():
    neck = torus.neck(1.0)
    ball = np.linalg.norm(neck.world - torus.world_of(torus.middle("C5"), 0.0, -5.0), axis=-1) < 5.0
    spine = build_spine(replace(neck.labelmap, mass=ball))
    assert "CORD-DRAWN-WITHOUT-MASS" in _codes(spine)
    assert spine.cord_measured is None


def test_disease_at_c1_c2_is_out_of_scope():
    neck = torus.neck(1.0)
    upper = {3: 1, 4: 2, 5: 3, 6: 4}  # the same neck called C1 to C4
    labels = neck.labelmap.labels.copy()
    for old, new in upper.items():
        labels[neck.labelmap.labels == old] = new
    ball = np.linalg.norm(neck.world - torus.world_of(torus.middle("C3") - 2.0, 0.0, -10.0), axis=-1) < 4.0
    spine = build_spine(LabelMap(labels, neck.labelmap.grid, torus.TABLE, mass=ball))
    assert "MASS-AT-C1-C2-ONLY" in _codes(spine)


def test_what_lies_beyond_the_canal_is_named():
    neck = torus.neck(1.0)
    # The canal was drawn up to 8 mm below the middle of C3; the mass stands behind C3 and C4.
    labels = neck.labelmap.labels.copy()
    labels[(neck.s > torus.middle("C3") - 8.0) & np.isin(labels, (60, 61, 62))] = 0
    mass = (np.abs(neck.u - 12.0) < 3.0) & (np.abs(neck.v + 14.0) < 3.0)
    mass &= (neck.s > torus.middle("C4") - 6.0) & (neck.s < torus.middle("C3") + 4.0)
    spine = build_spine(replace(neck.labelmap, labels=labels, mass=mass))
    found = {finding.code: finding for finding in spine.findings}
    assert found["LEVEL-OUTSIDE-CANAL"].where == "C3"
    assert found["LEVEL-OUTSIDE-CANAL"].severity == found["MASS-OUTSIDE-CANAL"].severity == "serious"
    # The sections end within 2 mm of where the canal was cut, and 2 mm more are let pass.
    top = spine.centreline.points[-1]
    end = float(neck.s.ravel()[np.argmin(np.linalg.norm(neck.world.reshape(-1, 3) - top, axis=1))])
    assert abs(end - (torus.middle("C3") - 8.0)) < 3.0
    share = float((neck.s[mass] > end + 2.0).mean())
    said = float(found["MASS-OUTSIDE-CANAL"].message.split("%")[0]) / 100
    assert said == pytest.approx(share, abs=0.05)
    whole = build_spine(replace(neck.labelmap, mass=mass))
    assert not {"LEVEL-OUTSIDE-CANAL", "MASS-OUTSIDE-CANAL"} & _codes(whole)
