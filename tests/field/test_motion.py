"""Rigid motions: closed forms of turns about an axis."""

from __future__ import annotations

import numpy as np
import pytest

from canalrisk.field import RigidMotion

QUARTER = RigidMotion((0.0, 0.0, np.pi / 2), (1.0, 0.0, 0.0), (0.0, 0.0, 3.0))


def test_quarter_turn_about_a_centre() -> None:
    # (2, 0, 0) lies 1 mm right of the centre: a quarter turn brings it 1 mm in front, the shift 3 mm up.
    assert QUARTER.apply((2.0, 0.0, 0.0)) == pytest.approx([1.0, 1.0, 3.0], abs=1e-15)
    assert QUARTER.apply((1.0, 0.0, 0.0)) == pytest.approx([1.0, 0.0, 3.0], abs=1e-15)
    assert QUARTER.matrix @ QUARTER.inverse == pytest.approx(np.eye(4), abs=1e-15)


def test_another_centre_is_the_same_motion() -> None:
    points = np.random.default_rng(1).normal(size=(5, 3))
    other = QUARTER.about((-4.0, 2.0, 7.0))
    assert other.centre == (-4.0, 2.0, 7.0)
    assert other.apply(points) == pytest.approx(QUARTER.apply(points), abs=1e-14)


def test_part_of_the_way_turns_at_a_constant_rate() -> None:
    third = RigidMotion().towards(QUARTER, share=1 / 3)
    # 30 degrees about the centre, which has risen by 1 mm.
    assert third.apply((2.0, 0.0, 0.0)) == pytest.approx([1 + np.cos(np.pi / 6), 0.5, 1.0], abs=1e-14)
    begin = RigidMotion((0.3, -0.2, 0.5), (5.0, 1.0, 0.0), (1.0, 0.0, 0.0))
    points = np.random.default_rng(2).normal(size=(5, 3))
    assert begin.towards(QUARTER, share=0.0).apply(points) == pytest.approx(begin.apply(points), abs=1e-14)
    assert begin.towards(QUARTER, share=1.0) is QUARTER
