"""Re-distancing and sub-voxel volume against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from closed_forms import cube_grid, ellipsoid_level, rotation, sphere, world

from canalrisk.field import redistance, volume


@pytest.mark.parametrize("spacing", [(0.5, 0.5, 0.5), (0.4, 0.6, 1.0)])
def test_redistance_of_a_quadratic_is_the_distance(spacing):
    grid = cube_grid(spacing, turn=rotation(1), flip=(1, -1, 1))
    exact = sphere(world(grid), 5.0)
    got = redistance((exact + 5.0) ** 2 - 25.0, grid=grid, band=6.0)
    near = np.abs(exact) < 2 * max(spacing)
    assert np.abs(got - exact)[near].max() < 1e-3
    # Beyond three voxels the foot points are as dense as the voxels: flat-surface error t^2/(2 R), t half a voxel.
    assert np.abs(got - np.clip(exact, -6, 6)).max() < 0.1 * max(spacing)


def test_redistance_keeps_the_zero_level():
    grid = cube_grid((0.5, 0.5, 0.5))
    level = ellipsoid_level(world(grid), (4.0, 6.0, 9.0), rotation(7))
    first = redistance(level, grid=grid, band=4.0)
    again = redistance(first, grid=grid, band=4.0)
    np.testing.assert_array_equal(first < 0, level < 0)
    assert np.abs(again - first)[np.abs(first) < 1.0].max() < 2e-3


def test_no_boundary_gives_the_band():
    grid = cube_grid((1.0, 1.0, 1.0), half=4.0)
    assert (redistance(np.ones(grid.shape), grid=grid, band=3.0) == 3.0).all()
    assert (redistance(-np.ones(grid.shape), grid=grid, band=3.0) == -3.0).all()


@pytest.mark.parametrize("spacing", [(0.3, 0.3, 0.3), (0.8, 0.8, 0.8), (0.4, 0.4, 1.5)])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_volume_of_a_sphere(spacing, level):
    grid = cube_grid(spacing, half=7.0)
    got = volume(sphere(world(grid), 4.0), grid=grid, level=level)
    assert got == pytest.approx(4 / 3 * np.pi * (4.0 + level) ** 3, rel=1.5e-3)


def test_volume_of_a_half_space_is_exact():
    """A plane through a box of 11 x 9 x 7 voxels: the share below it is linear in its position."""
    grid = cube_grid((0.5, 0.7, 1.0), half=4.0)
    points = world(grid)
    x = points[..., 0] - points[0, 0, 0, 0]
    width = grid.shape[0] * 0.5
    # Between the first and last voxel centres, where no plane is cut by the image's edge.
    for at in (1.0, 2.13, 3.33):
        assert volume(x - at, grid=grid) == pytest.approx((at + 0.25) / width * np.prod(grid.shape) * 0.35, rel=2e-4)
