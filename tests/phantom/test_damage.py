"""Segmentations with errors: as far off as asked for, the same for a seed, and still a map that can be read."""

from dataclasses import replace

import numpy as np
import pytest

from canalrisk.errors import UsageError
from canalrisk.phantom.damage import KINDS, damaged, dice_of, structure_masks


@pytest.fixture(scope="module")
def whole(neck, neck_mass):
    return replace(neck, mass=neck_mass)


@pytest.mark.parametrize("kind", KINDS)
def test_the_mass_has_the_dice_asked_for(whole, kind):
    bad = damaged(whole, kind=kind, dice={"mass": 0.9}, seed=1)
    # One step of the search for the size of the error (4 mm / 2^12) moves less than 0.5 % of a mass this rough.
    assert dice_of(bad.mass, whole.mass) == pytest.approx(0.9, abs=0.005)
    assert (bad.labels == whole.labels).all()
    ratio = bad.mass.sum() / whole.mass.sum()
    assert {"grown": ratio > 1.1, "shrunk": ratio < 0.9}.get(kind, 0.9 < ratio < 1.1)


def test_all_structures_at_once_are_near_what_was_asked_for(whole):
    bad = damaged(whole, kind="noise", dice=0.9, seed=2)
    before, after = structure_masks(whole), structure_masks(bad)
    assert before.keys() == after.keys()
    for name, mask in before.items():
        # Neighbours that claim the same voxels change it a little.
        assert dice_of(after[name], mask) == pytest.approx(0.9, abs=0.04), name
    levels = np.unique(whole.labels[whole.labels <= 8])
    assert (np.unique(bad.labels[bad.labels <= 8]) == levels).all()


def test_a_seed_gives_the_same_errors_again_and_another_others(whole):
    first, again, other = (damaged(whole, kind="noise", dice={"mass": 0.9}, seed=seed) for seed in (4, 4, 5))
    assert (again.mass == first.mass).all()
    assert (other.mass != first.mass).any()


def test_what_cannot_be_done_is_refused(whole):
    for arguments in ({"kind": "noise", "dice": 1.5}, {"kind": "smeared", "dice": 0.9}):
        with pytest.raises(UsageError):
            damaged(whole, seed=0, **arguments)
