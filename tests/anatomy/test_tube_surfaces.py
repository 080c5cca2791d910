"""Surfaces of canal and cord lie where the analytic neck has them, and keep their waists and steps."""

import numpy as np
import torus

from canalrisk.anatomy.sections import sample_planes
from canalrisk.field import signed_distance


def _surface(axes):
    s, t = np.meshgrid(np.linspace(-30, 30, 121), np.linspace(0, 2 * np.pi, 180, endpoint=False), indexing="ij")
    rho = torus.ARC_MM + axes[1] * np.sin(t)
    angle = s / torus.ARC_MM
    return np.stack([axes[0] * np.cos(t), rho * np.cos(angle) - torus.ARC_MM, rho * np.sin(angle)], axis=-1)


def test_diameters_have_no_steps_of_voxels(analytic_neck):
    # Voxels of 0.5 mm; a surface that runs along a voxel plane has terraces many voxels long.
    grid = analytic_neck.labelmap.grid
    for codes, axes in (((60, 61, 62), torus.CANAL), ((60,), torus.CORD)):
        field = signed_distance(np.isin(analytic_neck.labelmap.labels, codes), grid=grid, smooth=True)
        error = sample_planes(field, grid=grid, points=_surface(axes))
        assert np.abs(error.mean()) < 0.01
        assert error.std() < 0.025
        for one, other in ((45, 135), (0, 90)):  # front and back, right and left
            assert np.abs(error[:, one] + error[:, other]).max() < 0.1


def test_a_canal_keeps_its_waists(analytic_neck):
    # The AP radius of 7 mm swings by 0.6 mm with a period of 15 mm, as beside C7 of a real canal.
    grid, period = analytic_neck.labelmap.grid, 15.0
    neck = analytic_neck
    half = torus.CANAL[1] + 0.6 * np.cos(2 * np.pi * neck.s / period)
    mask = ((neck.u / torus.CANAL[0]) ** 2 + (neck.v / half) ** 2 < 1) & (np.abs(neck.s) < 38.0)
    field = signed_distance(mask, grid=grid, smooth=True)
    error = []
    for s in np.arange(-30.0, 30.1, 0.5):
        out = torus.CANAL[1] + 0.6 * np.cos(2 * np.pi * s / period)
        ends = np.stack([torus.world_of(s, 0.0, v) for v in (out, -out)])
        error.append(float(sample_planes(field, grid=grid, points=ends).sum()))
    assert np.abs(error).max() < 0.1


def test_a_step_in_the_cord_stays(analytic_neck):
    # 3 mm of the cord's back are missing over 8 mm: its floor and its walls are anatomy.
    grid = analytic_neck.labelmap.grid
    cord = analytic_neck.labelmap.labels == 60
    notched = cord & ~((np.abs(analytic_neck.s) < 4.0) & (analytic_neck.v < -0.8))
    field = signed_distance(notched, grid=grid, smooth=True)
    middle = [torus.world_of(s, u, -0.8) for s in (-1.5, 0.0, 1.5) for u in (-2.0, 0.0, 2.0)]
    assert np.abs(sample_planes(field, grid=grid, points=np.array(middle))).max() < 0.25
    away = [torus.world_of(s, 0.0, -torus.CORD[1]) for s in (-8.0, 8.0)]
    assert np.abs(sample_planes(field, grid=grid, points=np.array(away))).max() < 0.15
