"""Bone lost beside a mass without infill: a defect of known volume carved out of a phantom's vertebra."""

from dataclasses import replace

import numpy as np
import pytest

from canalrisk.anatomy.lysis import find_lysis
from canalrisk.field import signed_distance
from canalrisk.phantom import build_model, founding_case, known_spine, sample_neck


@pytest.fixture(scope="module")
def spine():
    healthy = known_spine(build_model(sample_neck(3), spacing=0.8))
    mass = founding_case(healthy, side="left")
    return replace(healthy, mass=signed_distance(mass, grid=healthy.grid))


def _carved(spine, level, *, radius):
    """A ball out of a vertebra's bone beside the mass, and the volume that it took."""
    number = spine.levels.index(level) + 1
    beside = np.argwhere((spine.vertebra_of == number) & (spine.mass > 0.3) & (spine.mass < 4.0))
    # Where the bone is thickest.
    centre = beside[np.argmin(spine.bone[tuple(beside.T)])]
    away = np.linalg.norm((np.moveaxis(np.indices(spine.grid.shape), 0, -1) - centre) * spine.grid.spacing, axis=-1)
    hole = (away < radius) & (spine.vertebra_of == number) & (spine.mass > 0)
    left = np.where(hole, 0, spine.vertebra_of).astype(np.int8)
    bone = np.maximum(spine.bone, np.where(spine.mass > 0, radius - away, -15.0)).astype(np.float32)
    return replace(spine, vertebra_of=left, bone=bone), float(hole.sum() * spine.grid.voxel_volume)


def test_a_healthy_vertebra_lost_nothing(spine):
    # The phantom's two sides differ by a ripple of 0.3 mm (phantom/model.py): less than the 1 mm that counts. Bone that
    # the mass replaced is not lysed either.
    assert ((spine.vertebra_of == spine.levels.index("C5") + 1) & (spine.mass < 0)).sum() > 100
    found = find_lysis(spine)
    assert (found.volume == 0).all()
    beside = np.isfinite(found.gap_mm)
    assert {spine.levels[k] for k in np.flatnonzero(beside)} >= {"C4", "C5", "C6"}
    assert found.gap_mm[beside].max() < 0.6


def test_a_carved_defect_is_found_with_its_volume(spine):
    carved, volume = _carved(spine, "C5", radius=4.0)
    assert volume > 100
    found = find_lysis(carved)
    k = spine.levels.index("C5")
    assert found.volume[k] == pytest.approx(volume, rel=0.15)
    assert (np.delete(found.volume, k) == 0).all()


def test_nothing_is_looked_at_without_a_mass(spine):
    found = find_lysis(replace(spine, mass=None))
    assert (found.volume == 0).all()
    assert np.isnan(found.gap_mm).all()
