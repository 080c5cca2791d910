"""Arrival times: order of convergence, two media, barriers, both signs (closed forms)."""

from __future__ import annotations

import numpy as np
import pytest
from closed_forms import cube_grid, rotation, sphere, world

from canalrisk.errors import UsageError
from canalrisk.field import arrival_time


def _sphere_error(spacing):
    grid = cube_grid(spacing, half=9.0, turn=rotation(4))
    exact = sphere(world(grid), 4.0)
    time = arrival_time(exact, np.full(grid.shape, 2.0), grid=grid)
    error = np.abs(time - exact / 2.0)[exact > -2.5]
    return error.mean(), error.max()


@pytest.mark.parametrize("ratio", [(1.0, 1.0, 1.0), (1.0, 0.7, 1.3)])
def test_second_order_for_a_sphere(ratio):
    coarse, _ = _sphere_error(np.array(ratio))
    fine, worst = _sphere_error(0.5 * np.array(ratio))
    assert np.log2(coarse / fine) > 1.6
    assert worst < 0.03


def test_both_signs_of_a_slab():
    grid = cube_grid((0.5, 0.5, 0.5), half=6.0)
    x = world(grid)[..., 0]
    time = arrival_time(np.abs(x) - 2.2, np.full(grid.shape, 0.5), grid=grid)
    np.testing.assert_allclose(time, (np.abs(x) - 2.2) / 0.5, atol=0.11)
    np.testing.assert_array_equal(time < 0, np.abs(x) < 2.2)


def _two_speed_time(points, radius, wall, slow):
    """Fermat: sphere at the origin, speed 1 up to x = wall, `slow` beyond; the best crossing point, by dense search."""
    x, rho = points[:, 0], np.linalg.norm(points[:, 1:], axis=1)
    cross = np.linspace(0, 1, 4001)[None, :] * rho[:, None]
    beyond = np.hypot(wall, cross) + np.hypot(x[:, None] - wall, rho[:, None] - cross) / slow
    return np.where(x <= wall, np.linalg.norm(points, axis=1), beyond.min(axis=1)) - radius


@pytest.mark.parametrize("slow", [0.3, 0.6])
def test_refraction_into_a_slower_half_space(slow):
    errors = []
    for h in (0.5, 0.25):
        grid = cube_grid((h, h, h), half=7.0)
        points = world(grid)
        wall = 4.3
        share = np.clip(0.5 - (points[..., 0] - wall) / h, 0.0, 1.0)
        speed = 1.0 / (share + (1.0 - share) / slow)
        time = arrival_time(np.linalg.norm(points, axis=-1) - 2.5, speed, grid=grid)
        picked = (points[..., 0] > wall) & (np.linalg.norm(points[..., 1:], axis=-1) < 5.0)
        exact = _two_speed_time(points[picked][::37], 2.5, wall, slow)
        errors.append(np.abs(time[picked][::37] - exact).mean() / exact.mean())
    assert errors[1] < 0.01
    assert errors[1] < 0.65 * errors[0]


def test_barrier_is_walked_around():
    """A wall of speed 0 with one opening: behind it the way leads through the opening's edge."""
    grid = cube_grid((0.25, 0.25, 0.5), half=6.0)
    points = world(grid)
    speed = np.ones(grid.shape)
    speed[(np.abs(points[..., 0]) < 0.3) & (points[..., 1] > -2.0)] = 0.0
    start = points[..., 0] + 3.0
    time = arrival_time(start, speed, grid=grid)
    assert np.isinf(time[(speed == 0.0)]).all()
    behind = np.argmin(np.abs(points - [3.0, 2.0, 0.0]).sum(axis=-1))
    where = points.reshape(-1, 3)[behind]
    # From x = -3 straight to the near edge of the opening, then along the wall, then on.
    edge_in, edge_out = np.array([-0.375, -2.05]), np.array([0.375, -2.05])
    exact = (edge_in[0] + 3.0) + np.linalg.norm(edge_out - edge_in) + np.linalg.norm(where[:2] - edge_out)
    assert time.ravel()[behind] == pytest.approx(exact, rel=0.04)


def test_limit_leaves_the_rest_infinite():
    grid = cube_grid((0.5, 0.5, 0.5), half=6.0)
    phi = sphere(world(grid), 3.0)
    free = arrival_time(phi, np.ones(grid.shape), grid=grid)
    cut = arrival_time(phi, np.ones(grid.shape), grid=grid, limit=1.0)
    np.testing.assert_array_equal(cut[np.abs(free) <= 1.0], free[np.abs(free) <= 1.0])
    assert np.isinf(cut[free > 1.01]).all()


@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf])
def test_bad_speed_is_refused(bad):
    grid = cube_grid((1.0, 1.0, 1.0), half=4.0)
    speed = np.ones(grid.shape)
    speed[2, 2, 2] = bad
    with pytest.raises(UsageError):
        arrival_time(sphere(world(grid), 2.0), speed, grid=grid)
