"""Boundaries from partial volume, on bodies of known volume; shares by supersampling, 512 points a voxel."""

from __future__ import annotations

import numpy as np
import pytest
from closed_forms import SPACINGS, cube_grid, rotation, slab, sphere, tube, tube_wall, within_voxel, world
from scipy import ndimage

from canalrisk.errors import GeometryError, LabelError
from canalrisk.field import fit_spline, from_fraction, signed_distance, softness, volume

OBLIQUE = (0.35, -0.5, 0.8)


def shares(level, grid):
    """Share of each voxel where a function of world points is negative."""
    index = np.moveaxis(np.indices(grid.shape), 0, -1)
    return np.mean([level(grid.to_world(index + shift)) < 0 for shift in within_voxel()], axis=0, dtype=np.float32)


@pytest.mark.parametrize("name", ["0.5", "0.8", "slices"])
def test_a_tube_is_nearer_to_the_truth_than_its_label(name):
    grid = cube_grid(SPACINGS[name], turn=rotation(2), half=7.0)
    share = shares(lambda p: tube(p, 2.0, OBLIQUE, half=3.0), grid)
    soft = from_fraction(share, grid=grid, band=4.0)
    plain = signed_distance(tube(world(grid), 2.0, OBLIQUE, half=3.0) < 0, grid=grid, band=4.0)
    wall = tube_wall(2.0, OBLIQUE, half=3.0)
    off, before = (fit_spline(field, grid=grid).value(wall) for field in (soft, plain))
    assert softness(share) == "partial"
    # A tube of 4 mm is two to three slices thick: there the plane in a voxel is a coarse picture of its wall.
    most = {"0.5": 0.02, "0.8": 0.04, "slices": 0.1}[name]
    assert np.abs(off).max() < most
    assert off.std() < 0.5 * before.std()
    closed = 6.0 * np.pi * 2.0**2 + 4 / 3 * np.pi * 2.0**3
    assert volume(soft, grid=grid) == pytest.approx(closed, rel=0.01)


@pytest.mark.parametrize("thickness", [1.6, 2.4])
def test_a_plate_of_two_or_three_voxels_keeps_its_thickness(thickness):
    # Thinner ones have both faces in one voxel, and the plane in it cannot be both. A distance has a crease in the
    # middle of a plate, which samples 0.8 mm apart round off: those of the exact one give 2.29 to 2.39 for 2.4 mm.
    grid = cube_grid(SPACINGS["0.8"], half=10.0)
    normal = np.array([0.2, 0.3, 1.0]) / np.linalg.norm([0.2, 0.3, 1.0])
    soft = from_fraction(shares(lambda p: slab(p, thickness, normal), grid), grid=grid, band=3.0)
    through = 0.05 + np.linspace(-4, 4, 801)[:, None] * normal
    got = 0.01 * np.count_nonzero(fit_spline(soft, grid=grid).value(through) < 0)
    assert got == pytest.approx(thickness, abs=0.2)


def test_eight_bits_are_enough():
    grid = cube_grid(SPACINGS["0.8"], half=6.0)
    share = np.round(255 * shares(lambda p: sphere(p, 3.5), grid)) / 255
    assert volume(from_fraction(share, grid=grid, band=3.0), grid=grid) == pytest.approx(
        4 / 3 * np.pi * 3.5**3, rel=2e-3
    )


def test_a_mask_is_a_label():
    grid = cube_grid(SPACINGS["0.8"], half=6.0)
    mask = sphere(world(grid), 3.5) < 0
    assert softness(mask) == "plain"
    np.testing.assert_array_equal(
        from_fraction(mask.astype(float), grid=grid, band=3.0), signed_distance(mask, grid=grid, band=3.0)
    )


def test_a_blurred_map_ends_where_it_is_half_full():
    grid = cube_grid(SPACINGS["0.5"], half=8.0)
    share = ndimage.gaussian_filter(shares(lambda p: sphere(p, 4.0), grid), 1.0)
    assert softness(share) == "blurred"
    got = volume(from_fraction(share, grid=grid, band=3.0), grid=grid)
    # Half full lies sigma^2 / R inside a sphere (second-order expansion of the blurred ball); sigma here is 0.5 mm and
    # the voxel's own sqrt(1/12) of it.
    radius = 4.0 - 0.25 * (1 + 1 / 12) / 4.0
    assert (3 * got / (4 * np.pi)) ** (1 / 3) == pytest.approx(radius, abs=0.01)


def test_empty_full_and_what_is_no_share():
    grid = cube_grid((1.0, 1.0, 1.0), half=5.0)
    assert (from_fraction(np.zeros(grid.shape), grid=grid, band=4.0) == 4.0).all()
    assert (from_fraction(np.ones(grid.shape), grid=grid, band=4.0) == -4.0).all()
    with pytest.raises(GeometryError):
        from_fraction(np.zeros((3, 3, 3)), grid=grid)
    for bad in (np.nan, 1.5, -0.2):
        with pytest.raises(LabelError):
            from_fraction(np.full(grid.shape, bad), grid=grid)
