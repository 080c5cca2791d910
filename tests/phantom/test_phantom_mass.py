"""Masses: volume, place, side, and what they must leave alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import label as components

from canalrisk.errors import UsageError
from canalrisk.field.grid import Grid
from canalrisk.phantom import SITES, MassSpec, demo_labelmap, founding_case, founding_case_specs, place_mass
from canalrisk.phantom.founding import DEMO_SEED
from canalrisk.phantom.mass import rounded
from canalrisk.phantom.sites import axes_at, sample

ONE_SIDED = [site for site in SITES if site != "ventral-epidural"]


def centroid(mask, spine, level):
    """Right, anterior, cranial mm from the canal's axis at a level."""
    origin, frame = axes_at(spine, level)
    return frame @ (spine.grid.to_world(np.argwhere(mask)).mean(axis=0) - origin)


@pytest.mark.parametrize("site", sorted(SITES))
@pytest.mark.parametrize("volume", [150.0, 1500.0])
def test_volume_is_hit_and_the_mass_is_one_piece(spine, site, volume):
    mask = place_mass(spine, [MassSpec("C5/6", "right", site, volume, seed=1)])
    assert abs(mask.sum() * spine.grid.voxel_volume / volume - 1.0) < 0.02
    assert components(mask)[1] == 1


@pytest.mark.parametrize("site", ONE_SIDED)
@pytest.mark.parametrize(("side", "sign"), [("left", -1), ("right", 1)])
def test_mass_is_on_its_side_at_its_level(spine, site, side, sign):
    # right = +x in RAS; patient's left is negative.
    right, _, cranial = centroid(place_mass(spine, [MassSpec("C5/6", side, site, 400.0)]), spine, "C5/6")
    assert np.sign(right) == sign
    assert abs(right) > 2.0
    assert abs(cranial) < 6.0


def test_each_site_is_where_its_name_says(spine):
    at = {s: centroid(place_mass(spine, [MassSpec("C4/5", "right", s, 300.0)]), spine, "C4/5") for s in SITES}
    assert at["ventral-epidural"][1] > 3.0
    assert at["foramen"][1] > 0.0
    assert at["foramen"][0] > 7.0
    assert at["interlaminar"][1] < -4.0
    assert at["lamina"][1] < -4.0
    assert at["facet"][0] > 11.0
    assert np.hypot(*at["paraspinal"][:2]) > 17.0
    assert at["paraspinal"][1] < at["facet"][1]


def test_foramen_mass_lies_in_the_named_foramen(spine):
    mask = place_mass(spine, [MassSpec("C5/6", "left", "foramen", 150.0)])
    foramen = next(f for f in spine.foramina if f.name == "C5/6" and f.side == "left")
    assert (sample(spine, mask.astype(np.float32), foramen.path) > 0.5).any()
    # A vertebra names the foramen above it.
    again = place_mass(spine, [MassSpec("C6", "left", "foramen", 150.0)])
    assert (sample(spine, again.astype(np.float32), foramen.path) > 0.5).any()


def test_facet_mass_erodes_bone_and_keeps_out_of_the_cord(spine):
    mask = place_mass(spine, [MassSpec("C5", "left", "facet", 2500.0)])
    assert (mask & (spine.bone < 0.0)).sum() * spine.grid.voxel_volume > 300.0
    assert spine.cord[mask].min() >= 0.5


@pytest.mark.parametrize("indent", [0.0, 1.0])
def test_cord_is_indented_only_as_far_as_asked(spine, indent):
    spec = MassSpec("C5", "midline", "ventral-epidural", 900.0, reach_canal_mm=8.0, indent_cord_mm=indent)
    mask = place_mass(spine, [spec])
    depth = -float(spine.cord[mask].min())
    if indent == 0.0:
        assert depth <= -0.5
    else:
        assert 0.0 < depth <= indent


def test_arteries_stay_open(spine, labelmap):
    vessel = labelmap.mask("artery:left")
    with_artery = replace(spine, soft={"artery:left": vessel})
    spec = MassSpec("C5", "left", "foramen", 3000.0)
    assert (place_mass(spine, [spec]) & vessel).any()
    assert not (place_mass(with_artery, [spec]) & vessel).any()


def test_seed_decides_the_shape(spine):
    spec = MassSpec("C5", "left", "paraspinal", 800.0, seed=1)
    first, again = place_mass(spine, [spec]), place_mass(spine, [spec])
    other = place_mass(spine, [replace(spec, seed=2)])
    assert np.array_equal(first, again)
    assert (first ^ other).sum() > 0.1 * first.sum()


def test_placing_follows_the_world_and_not_the_array(spine):
    # The same spine with its array axes permuted and one flipped: same mass in the world, to a voxel.
    def turn(field):
        return np.ascontiguousarray(np.transpose(field, (2, 0, 1))[::-1])

    grid = spine.grid
    n = grid.shape[2]
    affine = np.eye(4)
    affine[:3, 0] = -grid.affine[:3, 2]
    affine[:3, 1], affine[:3, 2] = grid.affine[:3, 0], grid.affine[:3, 1]
    affine[:3, 3] = grid.to_world((0, 0, n - 1))
    turned = replace(
        spine,
        grid=Grid((n, grid.shape[0], grid.shape[1]), affine),
        **{name: turn(getattr(spine, name)) for name in ("bone", "vertebra_of", "canal", "sac", "cord")},
    )
    here, there = founding_case(spine), founding_case(turned)
    assert (turn(here) ^ there).sum() < 0.01 * here.sum()


@pytest.mark.parametrize("side", ["left", "right"])
def test_founding_case(spine, side):
    mask = founding_case(spine, side=side, seed=2)
    volume = mask.sum() * spine.grid.voxel_volume
    assert 4000.0 < volume < 8000.0
    assert volume == pytest.approx(sum(s.volume_mm3 for s in founding_case_specs(spine, side=side)), rel=0.02)
    assert components(mask)[1] == 1
    assert np.sign(centroid(mask, spine, "C5")[0]) == {"left": -1, "right": 1}[side]
    # Bone of C4, C5 and C6 is eroded; canal and two foramina are entered.
    for level in ("C4", "C5", "C6"):
        index = 1 + spine.levels.index(level)
        assert (mask & (spine.vertebra_of == index)).sum() * spine.grid.voxel_volume > 20.0, level
    for name in ("C4/5", "C5/6"):
        foramen = next(f for f in spine.foramina if f.name == name and f.side == side)
        assert (sample(spine, mask.astype(np.float32), foramen.path) > 0.5).any()
    # It takes a quarter to a third of the canal and touches the undisplaced cord, by 0.5 mm at most.
    assert 0.20 < occupying_ratio(spine, mask) < 0.36
    assert -0.5 < -float(spine.cord[mask].min()) <= 0.5


def test_rounding_keeps_volume_and_removes_crumbs(spine):
    mask = place_mass(spine, [MassSpec("C5", "left", "facet", 900.0)])
    rough = mask.copy()
    corner = np.argwhere(mask).max(axis=0) + 6
    rough[tuple(corner)] = True
    smooth = rounded(spine, rough, radius_mm=1.0)
    assert smooth.sum() == rough.sum()
    assert components(smooth)[1] == 1
    assert not smooth[tuple(corner)]

    def surface(one):
        return sum(int((np.diff(one, axis=axis)).sum()) for axis in range(3))

    assert surface(smooth) < surface(rough)
    assert not rounded(spine, np.zeros_like(mask), radius_mm=1.0).any()


def occupying_ratio(spine, mask):
    """Thickness of the mass over the canal's diameter along rays within 30 degrees of the sagittal plane."""
    best = 0.0
    field = mask.astype(np.float32)
    line = spine.centreline
    t = np.arange(-14.0, 14.0, 0.1)
    for i in range(0, len(line.s), 4):
        for angle in np.deg2rad(np.arange(-30, 31, 10)):
            points = line.points[i] + t[:, None] * (np.sin(angle) * line.right[i] - np.cos(angle) * line.anterior[i])
            inside = sample(spine, spine.canal, points) < 0.0
            best = max(best, float((inside & (sample(spine, field, points) > 0.5)).sum() / max(inside.sum(), 1)))
    return best


@pytest.mark.parametrize(
    ("spec", "what"),
    [
        (MassSpec("C9", "left", "facet", 100.0), "level"),
        (MassSpec("C5", "port", "facet", 100.0), "side"),
        (MassSpec("C5", "left", "disc", 100.0), "site"),
        (MassSpec("C5", "midline", "foramen", 100.0), "midline"),
        (MassSpec("C5", "left", "facet", -1.0), "positive"),
        (MassSpec("C5", "left", "facet", float("nan")), "positive"),
        (MassSpec("C5", "left", "facet", 9.0e5), "fit"),
    ],
)
def test_nonsense_is_refused(spine, spec, what):
    with pytest.raises(UsageError, match=what):
        place_mass(spine, [spec])


def test_demo_is_the_founding_case_on_one_fixed_neck():
    demo = demo_labelmap(spacing=1.0)
    assert demo.source["phantom"] == f"seed {DEMO_SEED}"
    assert demo.mass is not None
    assert not demo.mass_is_label
    assert 80 not in np.unique(demo.labels)
    assert 4000.0 < demo.mass.sum() * demo.grid.voxel_volume < 8000.0
    assert demo.grid.to_world(np.argwhere(demo.mass)).mean(axis=0)[0] < -5.0
    again = demo_labelmap(spacing=1.0)
    assert np.array_equal(demo.labels, again.labels)
    assert np.array_equal(demo.mass, again.mass)
