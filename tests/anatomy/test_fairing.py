"""Fairing removes the voxels' steps and nothing else."""

import numpy as np
import torus

from canalrisk.anatomy.fairing import faired
from canalrisk.anatomy.sections import sample_planes
from canalrisk.field import signed_distance


def _surface(axes):
    s, t = np.meshgrid(np.linspace(-30, 30, 121), np.linspace(0, 2 * np.pi, 180, endpoint=False), indexing="ij")
    rho = torus.ARC_MM + axes[1] * np.sin(t)
    angle = s / torus.ARC_MM
    return np.stack([axes[0] * np.cos(t), rho * np.cos(angle) - torus.ARC_MM, rho * np.sin(angle)], axis=-1)


def test_fairing_brings_the_surface_nearer_to_the_true_one(analytic_neck, analytic_spine):
    grid = analytic_spine.grid
    for codes, axes in (((60, 61, 62), torus.CANAL), ((60,), torus.CORD)):
        raw = signed_distance(np.isin(analytic_neck.labelmap.labels, codes), grid=grid)
        smooth = faired(raw, grid=grid, line=analytic_spine.centreline)
        before, after = (sample_planes(field, grid=grid, points=_surface(axes)) for field in (raw, smooth))
        assert after.std() < 0.8 * before.std()
        assert np.abs(after.mean()) < 0.02
        chord = after[:, 45] + after[:, 135]  # front and back: the error of the AP diameter
        assert np.abs(chord).max() < 0.1


def test_fairing_moves_a_surface_by_half_a_voxel_at_most(analytic_neck, analytic_spine):
    # A step of 3 mm in the cord is anatomy, not voxels: fairing may round it by 0.25 mm, not remove it.
    grid = analytic_spine.grid
    cord = analytic_neck.labelmap.labels == 60
    notched = cord & ~((np.abs(analytic_neck.s) < 4.0) & (analytic_neck.v < -0.8))
    raw = signed_distance(notched, grid=grid)
    smooth = faired(raw, grid=grid, line=analytic_spine.centreline)
    at_surface = np.abs(raw) < 0.1
    assert np.abs(smooth[at_surface]).max() < 0.25 + 0.1 + 0.1
