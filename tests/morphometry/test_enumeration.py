"""Slips of numbering and block vertebrae drawn into a neck of blocks on an arc are found; an intact neck has none."""

from dataclasses import replace

import arc
import numpy as np
import pytest

from canalrisk.anatomy import build_spine
from canalrisk.anatomy.content import read_discs
from canalrisk.anatomy.enumeration import enumeration_confidence, enumeration_findings
from canalrisk.anatomy.levels import find_vertebrae, landmarks_of
from canalrisk.imaging.labelmap import LabelTable

RADIUS = 150.0
TABLE = LabelTable("arc", "1", {**arc.TABLE.entries, 8: "vertebra:T1", 103: "disc:C3/4"})


@pytest.fixture(scope="module")
def intact():
    labelmap = replace(arc.neck(RADIUS), table=TABLE)
    return labelmap, build_spine(labelmap).centreline


def _codes(intact, labels):
    """Findings of a map with other labels on the intact neck's centreline."""
    labelmap, line = intact
    other = replace(labelmap, labels=labels)
    vertebrae, _ = find_vertebrae(other)
    discs = read_discs(other)
    marks = landmarks_of(line, vertebrae, discs)
    return enumeration_findings(vertebrae, line, marks, discs, grid=other.grid)


def _renumbered(intact, names):
    labels = intact[0].labels
    out = labels.copy()
    for old, new in names.items():
        out[labels == old] = new
    return out


def test_an_intact_neck_raises_nothing(intact, neck):
    assert _codes(intact, intact[0].labels) == []
    findings = build_spine(neck).findings
    codes = {finding.code for finding in findings}
    assert not codes & {"LEVEL-SKIPPED", "LEVEL-GAP", "LEVEL-TALL", "VERTEBRAE-FUSED", "AXIS-WITHOUT-DENS"}
    assert enumeration_confidence(findings) == "high"


def test_a_skipped_number(intact):
    # Six vertebrae called C2, C3, C4, C6, C7, T1.
    found = _codes(intact, _renumbered(intact, {5: 6, 6: 7, 7: 8}))
    assert [(f.code, f.where) for f in found] == [("LEVEL-SKIPPED", "C4-C6")]
    assert enumeration_confidence(tuple(found)) == "doubtful"


def test_an_unsegmented_vertebra_is_no_skipped_number(intact):
    assert _codes(intact, _renumbered(intact, {5: 0})) == []


def test_a_vertebra_without_a_number(intact):
    # One of six left out and the rest called C2, C3, C4, C5, C6.
    found = _codes(intact, _renumbered(intact, {5: 0, 6: 5, 7: 6}))
    assert [(f.code, f.where) for f in found] == [("LEVEL-GAP", "C4-C5")]


def test_two_bodies_under_one_label(intact):
    found = _codes(intact, _renumbered(intact, {4: 3}))
    assert [(f.code, f.where) for f in found] == [("LEVEL-TALL", "C3")]


def test_a_block_vertebra_and_a_disc_between(intact):
    labelmap, _ = intact
    x, y, z = np.moveaxis(labelmap.grid.to_world(np.moveaxis(np.indices(labelmap.grid.shape), 0, -1)), -1, 0)
    away = np.hypot(y + RADIUS, z)
    s, v = RADIUS * np.arctan2(z, y + RADIUS), away - RADIUS
    between = 0.5 * (arc.middle("C3") + arc.middle("C4"))
    gap = (
        (np.abs(s - between) < 2.5) & (np.abs(x) < 9) & (v > arc.BACK_MM) & (v < arc.FRONT_MM) & (labelmap.labels == 0)
    )
    fused = labelmap.labels.copy()
    fused[gap] = 3
    found = _codes(intact, fused)
    assert [(f.code, f.where) for f in found] == [("VERTEBRAE-FUSED", "C3-C4")]
    # 18 mm wide by 14 mm deep, projected on the section.
    area = float(found[0].message.split(" mm2")[0].split()[-1])
    assert area == pytest.approx(18.0 * 14.0, rel=0.12)
    labelled = labelmap.labels.copy()
    labelled[gap] = 103
    assert _codes(intact, labelled) == []


def test_an_axis_without_a_dens_and_a_map_without_an_axis(intact):
    labels = arc.neck(RADIUS, dens=False).labels
    assert [f.code for f in _codes(intact, labels)] == ["AXIS-WITHOUT-DENS"]
    found = _codes(intact, _renumbered(intact, {2: 0}))
    assert [f.code for f in found] == ["ENUMERATION-UNANCHORED"]
    assert enumeration_confidence(tuple(found)) == "unanchored"
    # The axis called C3, and so on: what is called C3 is as tall as two.
    shifted = _codes(intact, _renumbered(intact, {2: 3, 3: 4, 4: 5, 5: 6, 6: 7, 7: 8}))
    assert {f.code for f in shifted} == {"LEVEL-TALL", "ENUMERATION-UNANCHORED"}
