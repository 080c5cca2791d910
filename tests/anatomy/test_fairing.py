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
        # Fairing acts where steps are long and leaves the rest alone: less than this gained over the whole surface.
        assert after.std() < before.std()
        assert np.abs(after.mean()) < 0.02
        # Front and back: the error of the AP diameter, where the surface runs nearly along a voxel plane.
        raw_chord, chord = (np.abs(values[:, 45] + values[:, 135]).max() for values in (before, after))
        assert chord < 0.1 < raw_chord


def test_fairing_keeps_the_waists_of_a_canal(analytic_neck, analytic_spine):
    # The AP radius of 7 mm swings by 0.6 mm with a period of 15 mm, as beside C7 of a real canal; smoothing alone along
    # 3 mm would take 30 % of it (the kernel's answer at that period), 0.36 mm of the diameter.
    grid, period = analytic_spine.grid, 15.0
    neck = analytic_neck
    half = torus.CANAL[1] + 0.6 * np.cos(2 * np.pi * neck.s / period)
    mask = ((neck.u / torus.CANAL[0]) ** 2 + (neck.v / half) ** 2 < 1) & (np.abs(neck.s) < 38.0)
    smooth = faired(signed_distance(mask, grid=grid), grid=grid, line=analytic_spine.centreline)
    error = []
    for s in np.arange(-30.0, 30.1, 0.5):
        out = torus.CANAL[1] + 0.6 * np.cos(2 * np.pi * s / period)
        ends = np.stack([torus.world_of(s, 0.0, v) for v in (out, -out)])
        error.append(float(sample_planes(smooth, grid=grid, points=ends).sum()))
    assert np.sqrt(np.mean(np.square(error))) < 0.15
    assert np.abs(error).max() < 0.25  # half a voxel


def test_fairing_moves_a_surface_by_half_a_voxel_at_most(analytic_neck, analytic_spine):
    # A step of 3 mm in the cord is anatomy, not voxels: fairing may round it by 0.25 mm, not remove it.
    grid = analytic_spine.grid
    cord = analytic_neck.labelmap.labels == 60
    notched = cord & ~((np.abs(analytic_neck.s) < 4.0) & (analytic_neck.v < -0.8))
    raw = signed_distance(notched, grid=grid)
    smooth = faired(raw, grid=grid, line=analytic_spine.centreline)
    at_surface = np.abs(raw) < 0.1
    assert np.abs(smooth[at_surface]).max() < 0.25 + 0.1 + 0.1
