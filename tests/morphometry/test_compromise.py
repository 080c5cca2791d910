"""MCC by hand."""

import numpy as np
import pytest

from canalrisk.morphometry.compromise import compromise

# Sections 5 mm apart: the neighbour of the affected range is just far enough.
S = 5.0 * np.arange(9)


def test_both_sides():
    diameter = np.array([12.0, 14.0, 9.0, 6.0, 10.0, 16.0, 15.0])
    affected = np.array([0, 0, 1, 1, 1, 0, 0], bool)
    value, above, below = compromise(diameter, affected, 3, s=S[:7])
    assert (above, below) == (5, 1)
    assert value == pytest.approx(1 - 6.0 / 15.0)  # mean of 14 and 16


def test_a_gap_between_two_lobes_is_no_reference():
    diameter = np.array([12.0, 9.0, 13.0, 6.0, 10.0, 16.0, 15.0])
    affected = np.array([0, 1, 0, 1, 1, 0, 0], bool)
    assert compromise(diameter, affected, 3, s=S[:7])[1:] == (5, 0)


def test_references_keep_their_distance():
    diameter = np.array([12.0, 14.0, 9.0, 6.0, 10.0, 16.0, 15.0])
    affected = np.array([0, 0, 1, 1, 1, 0, 0], bool)
    value, above, below = compromise(diameter, affected, 3, s=0.5 * S[:7])
    assert (above, below) == (6, 0)
    assert value == pytest.approx(1 - 6.0 / 13.5)  # mean of 12 and 15


def test_sections_without_the_structure_are_no_reference():
    diameter = np.array([12.0, np.nan, 6.0, 0.0, 14.0])
    value, above, below = compromise(diameter, np.array([0, 0, 1, 0, 0], bool), 2, s=S[:5])
    assert (above, below) == (4, 0)
    assert value == pytest.approx(1 - 6.0 / 13.0)


def test_nothing_affected_is_zero_and_nothing_known_is_nan():
    assert compromise(np.array([1.0, 2.0]), np.zeros(2, bool), 0, s=S[:2])[0] == 0.0
    assert np.isnan(compromise(np.full(2, np.nan), np.zeros(2, bool), 0, s=S[:2])[0])
    assert np.isnan(compromise(np.full(3, np.nan), np.array([0, 1, 0], bool), 1, s=S[:3])[0])
