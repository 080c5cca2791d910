"""Centreline, frame and levels against the circle that the analytic neck is built on (closed form)."""

import numpy as np
import pytest
import torus

from canalrisk.anatomy import build_spine, level_at, section_plane
from canalrisk.anatomy.sections import curve_coordinates, point_at


def _arc(points):
    angle = np.arctan2(points[:, 2], points[:, 1] + torus.ARC_MM)
    return torus.ARC_MM * angle, np.hypot(points[:, 1] + torus.ARC_MM, points[:, 2]) - torus.ARC_MM


def test_centreline_is_the_circle(analytic_spine):
    line = analytic_spine.centreline
    s, off = _arc(line.points)
    assert np.abs(off).max() < 0.1
    assert np.abs(line.points[:, 0]).max() < 0.1
    assert line.s[-1] == pytest.approx(s[-1] - s[0], rel=2e-3)
    assert s[-1] > 37.0
    assert s[0] < -37.0  # the canal ends at +-38


def test_frame_is_orthonormal_and_anatomical(analytic_spine):
    line = analytic_spine.centreline
    frame = np.stack([line.right, line.anterior, line.tangent], axis=1)
    assert np.allclose(frame @ frame.transpose(0, 2, 1), np.eye(3), atol=1e-9)
    assert np.allclose(np.linalg.det(frame), 1.0)
    s, _ = _arc(line.points)
    tangent = np.stack([0 * s, -np.sin(s / torus.ARC_MM), np.cos(s / torus.ARC_MM)], axis=1)
    assert np.degrees(np.arccos(np.clip((tangent * line.tangent).sum(1), -1, 1))).max() < 1.5
    assert (line.right[:, 0] > np.cos(np.radians(1.5))).all()


def test_levels_lie_where_the_vertebrae_are(analytic_spine):
    s, _ = _arc(analytic_spine.centreline.points)
    for level in torus.LEVELS:
        at = np.interp(analytic_spine.landmarks[level], analytic_spine.centreline.s, s)
        assert at == pytest.approx(torus.middle(level), abs=0.4)
        assert level_at(analytic_spine, analytic_spine.landmarks[level] + 1.0) == level
    assert list(analytic_spine.landmarks) == ["C3", "C3/4", "C4", "C4/5", "C5", "C5/6", "C6"]


def test_section_plane_is_orthogonal_and_curve_coordinates_invert_it(analytic_spine):
    line = analytic_spine.centreline
    plane = section_plane(analytic_spine, 70, half_width=5.0, step=1.0)
    away = plane - line.points[70]
    assert np.abs(away @ line.tangent[70]).max() < 1e-9
    point, right, anterior, _ = point_at(line, float(line.s[70]))
    s, u, v, _ = curve_coordinates(line, (point + 3.0 * right - 2.0 * anterior)[None])
    assert (s[0], u[0], v[0]) == pytest.approx((line.s[70], 3.0, -2.0), abs=0.05)


def test_a_patient_lying_otherwise_in_the_world_keeps_his_right_and_left():
    # 70 degrees about the world's vertical and 25 about x: no world axis is anterior any more.
    c, s = np.cos(np.radians(70)), np.sin(np.radians(70))
    d, e = np.cos(np.radians(25)), np.sin(np.radians(25))
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, d, -e], [0, e, d]])
    half = (46.0, 46.0, 46.0)
    spine = build_spine(torus.neck(1.3, half=half, turn=turn).labelmap)
    middle = len(spine.centreline.s) // 2
    assert spine.centreline.right[middle] @ (turn @ [1, 0, 0]) > np.cos(np.radians(4))
    assert spine.centreline.anterior[middle] @ (turn @ [0, 1, 0]) > np.cos(np.radians(4))
    assert "WORLD-FRAME-DOUBTFUL" in {finding.code for finding in spine.findings}
    for foramen in spine.foramina:
        lateral = foramen.path[-1] @ (turn @ [1, 0, 0])
        assert (lateral > 0) == (foramen.side == "right")
