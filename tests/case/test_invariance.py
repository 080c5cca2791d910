"""The same neck stored another way: the same answers, within 0.2 % for flips and axis orders, 2 % when oblique.

2 % is of the index itself for volumes, areas and diameters. Of what a healthy neck has none of (fractions of a healthy
size that are taken, strains) a percentage of itself says nothing where it is small; there it is 2 % of the healthy size
that the fraction is of, that is 0.02. A clearance is a difference of two surfaces' places: 0.1 mm, which design section
3 asks of clearances. So counted, strain and the losses are not held to 2 % of themselves: on the real map turned by 11,
-7 and 15 degrees MCC was seen to move from 0.415 to 0.427 and the coarse mesh's p95 strain from 0.103 to 0.110.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from canalrisk.anatomy import build_spine
from canalrisk.case import Settings, assess
from canalrisk.field import Grid
from canalrisk.growth.timeline import Scenario
from canalrisk.imaging import read_labels
from canalrisk.imaging.labelmap import LabelMap
from canalrisk.mechanics import CordSettings
from canalrisk.phantom import founding_case

COARSE = Settings(cord=CordSettings(preset="coarse"), draws=400)
SCENARIO = Scenario(n_times=2, horizon_years=1.0)

# What 2 % is taken of; a length or an area lost is measured against its healthy size.
SCALE = {
    "mass_volume": "mass_volume",
    "occupying_ratio_max": 1.0,  # of the healthy canal's diameter
    "occupying_ratio_area_max": 1.0,  # of the healthy canal's area
    "mcc": 1.0,  # of the mean of the two healthy diameters
    "mcc_prelesion": 1.0,
    "sac_min": "sac_min",
    "mass_cord_clearance": 5.0,  # mm: 2 % of it is the 0.1 mm
    "strain_p95": 1.0,
    "cord_area_loss_predicted_max": 1.0,
    "foramen_area": "foramen_area_prelesion",
    "foramen_area_prelesion": "foramen_area_prelesion",
}
# Two orders with flips in the default run and under `slow`; all 48 differ in nothing but which of these they combine.
STORED = [
    ((1, 0, 2), (2,)),
    pytest.param((2, 0, 1), (0, 1), marks=pytest.mark.slow),
    pytest.param((0, 1, 2), (0, 1, 2), marks=pytest.mark.slow),
    pytest.param((2, 1, 0), (1,), marks=pytest.mark.slow),
    pytest.param((1, 2, 0), (0, 2), marks=pytest.mark.slow),
]


def stored_as(labelmap: LabelMap, order: tuple[int, int, int], flips: tuple[int, ...]) -> LabelMap:
    """The same labels with array axes permuted and flipped, the affine saying so."""
    labels, mass = labelmap.labels.transpose(order), labelmap.mass.transpose(order)
    affine = labelmap.grid.affine[:, [*order, 3]].copy()
    for axis in flips:
        affine[:3, 3] += affine[:3, axis] * (labels.shape[axis] - 1)
        affine[:3, axis] *= -1
        labels, mass = np.flip(labels, axis), np.flip(mass, axis)
    grid = Grid(labels.shape, affine)
    return replace(labelmap, labels=np.ascontiguousarray(labels), mass=np.ascontiguousarray(mass), grid=grid)


def resampled_obliquely(labelmap: LabelMap, degrees: tuple[float, float, float]) -> LabelMap:
    """Resample on a grid turned about three axes: each voxel takes the label with the largest linear weight."""
    a, b, c = np.deg2rad(degrees)
    turn = (
        np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
        @ np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
        @ np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    )
    old = labelmap.grid
    spacing = old.spacing.min()
    corners = old.to_world(np.array(np.meshgrid(*[(0, n - 1) for n in old.shape])).reshape(3, -1).T) @ turn
    low, high = corners.min(axis=0), corners.max(axis=0)
    shape = tuple(int(n) for n in np.ceil((high - low) / spacing) + 1)
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing
    affine[:3, 3] = turn @ low
    grid = Grid(shape, affine)
    at = np.moveaxis(old.to_voxel(grid.to_world(np.moveaxis(np.indices(shape), 0, -1))), -1, 0)
    inside = np.all([(at[n] > -1) & (at[n] < old.shape[n]) for n in range(3)], axis=0)
    at = at[:, inside]

    labels, best = np.zeros(shape, labelmap.labels.dtype), np.zeros(at.shape[1], np.float32)
    found = np.zeros(at.shape[1], labelmap.labels.dtype)
    for value in np.unique(labelmap.labels):
        weight = map_coordinates((labelmap.labels == value).astype(np.float32), at, order=1, cval=float(value == 0))
        found[weight > best] = value
        best = np.maximum(best, weight)
    labels[inside] = found
    mass = np.zeros(shape, bool)
    mass[inside] = map_coordinates(labelmap.mass.astype(np.float32), at, order=1) > 0.5
    return replace(labelmap, labels=labels, mass=mass, grid=grid)


def assert_same(one, other, *, within):
    for name, scale in SCALE.items():
        a, b = one[name].values, other[name].values
        size = np.abs(one[scale].values) if isinstance(scale, str) else scale
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b), err_msg=name)
        known = ~np.isnan(a)
        gap = (np.abs(a - b) - within * size)[known]
        assert gap.max() <= 0, f"{name}: {a} against {b}"


@pytest.fixture(scope="module")
def diseased(neck, neck_mass):
    return replace(neck, mass=neck_mass)


@pytest.fixture(scope="module")
def reference(diseased):
    return assess(diseased, scenario=SCENARIO, settings=COARSE).dataset


@pytest.mark.parametrize(("order", "flips"), STORED)
def test_axis_order_and_flips(diseased, reference, order, flips):
    stored = assess(stored_as(diseased, order, flips), scenario=SCENARIO, settings=COARSE).dataset
    assert_same(reference, stored, within=0.002)


@pytest.fixture(scope="module")
def real(shared):
    labelmap = read_labels(shared / "data/combined/BP3D-PAM50_C1-C7_labels_0p5mm.nii.gz")
    labelmap = replace(labelmap, mass=founding_case(build_spine(labelmap), side="left", seed=0))
    return labelmap, assess(labelmap, scenario=SCENARIO, settings=COARSE).dataset


@pytest.mark.slow
@pytest.mark.parametrize("degrees", [(11.0, -7.0, 15.0), (-20.0, 9.0, 5.0)])
def test_oblique_grid_of_the_real_map(real, degrees):
    labelmap, one = real
    other = assess(resampled_obliquely(labelmap, degrees), scenario=SCENARIO, settings=COARSE).dataset
    assert_same(one, other, within=0.02)
