"""B-spline and trilinear sampling against SciPy and finite differences."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from canalrisk.errors import GeometryError
from canalrisk.field import Grid, fit_spline, linear_sample


@pytest.fixture
def sampled():
    rng = np.random.default_rng(0)
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    affine = np.eye(4)
    affine[:3, :3] = rotation * np.array([0.4, -0.5, 1.2])
    affine[:3, 3] = [3.0, 4.0, 5.0]
    grid = Grid((14, 15, 16), affine)
    points = grid.to_world(rng.uniform(0.0, 13.0, size=(300, 3)))
    return grid, rng.normal(size=grid.shape), points


def test_value_equals_scipy(sampled):
    grid, values, points = sampled
    expected = ndimage.map_coordinates(values, grid.to_voxel(points).T, order=3, mode="mirror")
    np.testing.assert_allclose(fit_spline(values, grid=grid).value(points), expected, atol=1e-12)


def test_gradient_and_hessian_are_world_derivatives(sampled):
    grid, values, points = sampled
    spline = fit_spline(values, grid=grid)
    _, gradient, hessian = spline.evaluate(points)
    step = 1e-5
    for axis in range(3):
        move = np.zeros(3)
        move[axis] = step
        above, below = spline.evaluate(points + move), spline.evaluate(points - move)
        np.testing.assert_allclose((above[0] - below[0]) / (2 * step), gradient[:, axis], atol=1e-7)
        np.testing.assert_allclose((above[1] - below[1]) / (2 * step), hessian[:, :, axis], atol=1e-4)


def test_outside_is_constant_and_not_finite_is_nan(sampled):
    grid, values, _ = sampled
    spline = fit_spline(values, grid=grid)
    corner, beyond = grid.to_world([[0, 0, 0]]), grid.to_world([[-9.0, -3.0, -4.0]])
    value, gradient, hessian = spline.evaluate(beyond)
    np.testing.assert_allclose(value, spline.value(corner), atol=1e-12)
    assert not gradient.any()
    assert not hessian.any()
    assert np.isnan(spline.value([[np.nan, 0.0, 0.0]])).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16, bool])
def test_linear_sample_equals_scipy(sampled, dtype):
    grid, values, points = sampled
    array = np.asfortranarray((values * 10 if dtype is np.int16 else values).astype(dtype))
    expected = ndimage.map_coordinates(array.astype(float), grid.to_voxel(points).T, order=1)
    got = linear_sample(array, grid=grid, points=points.reshape(30, 10, 3))
    assert got.shape == (30, 10)
    np.testing.assert_allclose(got.ravel(), expected, atol=2e-5)


def test_linear_sample_fill(sampled):
    grid, values, _ = sampled
    points = grid.to_world([[-0.4, 3, 3], [-0.6, 3, 3], [13.6, 3, 3], [np.nan, 3, 3]])
    got = linear_sample(values, grid=grid, points=points, fill=7.0)
    assert got[0] == pytest.approx(values[0, 3, 3], abs=1e-6)
    assert got[1:].tolist() == [7.0, 7.0, 7.0]


def test_shape_must_match(sampled):
    grid, values, points = sampled
    with pytest.raises(GeometryError):
        fit_spline(values[1:], grid=grid)
    with pytest.raises(GeometryError):
        linear_sample(values[1:], grid=grid, points=points)
