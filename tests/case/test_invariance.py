"""The same neck stored another way: the same answers, to rounding for flips and axis orders, to 2 % when oblique."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from canalrisk.case import Settings, assess
from canalrisk.field import Grid
from canalrisk.growth.timeline import Scenario
from canalrisk.imaging.labelmap import LabelMap
from canalrisk.mechanics import CordSettings

COARSE = Settings(cord=CordSettings(preset="coarse"), draws=400)
SCENARIO = Scenario(n_times=2, horizon_years=1.0)

# Index: absolute floor of the tolerance, beside 2 % of the value. A ratio of small areas needs one.
INDICES = {
    "mass_volume": 0.0,
    "occupying_ratio_max": 0.01,
    "occupying_ratio_area_max": 0.01,
    "sac_min": 0.1,
    "mcc": 0.01,
    "foramen_area": 1.0,
    "strain_p95": 0.005,
    "cord_area_loss_predicted_max": 0.005,
}


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
    """Nearest-neighbour resampling on a grid turned about three axes, as a scanner's oblique slab would be."""
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
    index = old.to_voxel(grid.to_world(np.moveaxis(np.indices(shape), 0, -1)))
    at = np.moveaxis(index, -1, 0)
    labels = map_coordinates(labelmap.labels, at, order=0, mode="constant", cval=0)
    mass = map_coordinates(labelmap.mass.astype(np.uint8), at, order=0, mode="constant", cval=0) > 0
    return replace(labelmap, labels=labels, mass=mass, grid=grid)


def assert_same(one, other, *, relative):
    for name, floor in INDICES.items():
        a, b = one[name].values, other[name].values
        np.testing.assert_array_equal(np.isnan(a), np.isnan(b), err_msg=name)
        gap = np.nanmax(np.abs(a - b) - np.maximum(relative * np.abs(a), floor * (relative / 0.02)))
        assert gap <= 0, f"{name}: {a} against {b}"


@pytest.fixture(scope="module")
def diseased(neck, neck_mass):
    return replace(neck, mass=neck_mass)


@pytest.fixture(scope="module")
def reference(diseased):
    return assess(diseased, scenario=SCENARIO, settings=COARSE).dataset


@pytest.mark.parametrize(("order", "flips"), [((2, 0, 1), (0, 1)), ((1, 0, 2), (2,))])
def test_axis_order_and_flips(diseased, reference, order, flips):
    stored = assess(stored_as(diseased, order, flips), scenario=SCENARIO, settings=COARSE).dataset
    # Only sums in another order differ.
    assert_same(reference, stored, relative=2e-3)


def test_oblique_grid(diseased, reference):
    turned = assess(resampled_obliquely(diseased, (11.0, -7.0, 15.0)), scenario=SCENARIO, settings=COARSE).dataset
    assert_same(reference, turned, relative=0.02)
