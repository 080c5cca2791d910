"""Areas of sections against closed forms."""

import numpy as np
import pytest

from canalrisk.anatomy.sections import STEP_MM, offsets, plane_moments, sample_planes
from canalrisk.field import Grid

# Linear marching on nodes 0.5 mm apart would take 2 pi / 12 * 0.25 = 0.13 mm2 from any convex outline.
LOST_MM2 = 0.04


@pytest.mark.parametrize("axes", [(11.0, 7.0), (6.2, 3.8), (2.6, 4.0)])
def test_area_and_centroid_of_ellipses(axes):
    t = offsets(20.0, STEP_MM)
    levels, centres = [], []
    for seed in range(10):
        a, b, turn = np.random.default_rng(seed).random(3)
        x, y = t[None, :] - a, t[:, None] - b
        u, v = np.cos(3 * turn) * x + np.sin(3 * turn) * y, -np.sin(3 * turn) * x + np.cos(3 * turn) * y
        level = np.hypot(u / axes[0], v / axes[1])
        # Distance to first order.
        levels.append((level - 1) * level / np.maximum(np.hypot(u / axes[0] ** 2, v / axes[1] ** 2), 1e-9))
        centres.append((a, b))
    area, centroid = plane_moments(np.array(levels), step=STEP_MM)
    np.testing.assert_allclose(area, np.pi * axes[0] * axes[1], atol=LOST_MM2)
    np.testing.assert_allclose(centroid, centres, atol=1e-3)
    mirrored, _ = plane_moments(np.array(levels)[:, :, ::-1], step=STEP_MM)
    np.testing.assert_allclose(mirrored, area, rtol=1e-12)


@pytest.mark.parametrize("spacing", [0.5, 1.0])
def test_samples_of_a_distance_lie_on_it(spacing):
    # Trilinear samples lie up to spacing^2 / 4 / radius above the distance to a tube; cubic ones a hundredth of that.
    grid = Grid((60, 60, 8), np.diag([spacing, spacing, spacing, 1.0]))
    middle = 29.3 * spacing
    world = grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1))
    radius = 6.0
    distance = (np.hypot(world[..., 0] - middle, world[..., 1] - middle) - radius).astype(np.float32)
    angle = np.linspace(0, 2 * np.pi, 500)
    wall = np.stack([middle + radius * np.cos(angle), middle + radius * np.sin(angle), np.full(500, 3.4)], axis=1)
    off = sample_planes(distance, grid=grid, points=wall)
    assert np.abs(off).max() < 0.03 * spacing**2 / 4 / radius + 1e-5
