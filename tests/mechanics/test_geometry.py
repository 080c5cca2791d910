"""Cord outline, mesh, sections, levels and painting against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import CORD, neck, sphere, timeline

from canalrisk.anatomy.gray import gray_fraction
from canalrisk.errors import GeometryError
from canalrisk.field import fit_spline, linear_sample
from canalrisk.field.grid import Grid
from canalrisk.mechanics.free_space import box_frame, free_distance, look_around
from canalrisk.mechanics.grid_map import paint
from canalrisk.mechanics.obstacle_fields import FieldBox, mass_fields, wall_field
from canalrisk.mechanics.outline import sample_outlines
from canalrisk.mechanics.region import level_slabs, touched_region
from canalrisk.mechanics.section_cut import compression_ratio, cut_sections, polygon_area
from canalrisk.mechanics.settings import PRESETS
from canalrisk.mechanics.statistics import weighted_quantile
from canalrisk.mechanics.tube import mesh_cord, stations
from canalrisk.mesh import elliptic_cylinder, scaled_jacobian

ELLIPSE = np.pi * CORD[0] * CORD[1]


@pytest.fixture(scope="module")
def straight():
    return neck()


@pytest.mark.parametrize("radius", [np.inf, 70.0])
def test_outline_has_the_area_of_the_ellipse(radius):
    outlines = sample_outlines(neck(radius=radius))
    assert polygon_area(outlines.outline) == pytest.approx(ELLIPSE, rel=0.01)
    assert outlines.s[-1] - outlines.s[0] > 75


def test_outline_is_the_same_on_a_flipped_and_permuted_grid(straight):
    shape, affine = straight.grid.shape, straight.grid.affine
    turn = np.zeros((4, 4))
    turn[0, 2], turn[1, 0], turn[2, 1], turn[3, 3] = 1, 1, 1, 1
    turned = affine @ turn
    turned[:3, 3] += turned[:3, 0] * (shape[1] - 1)
    turned[:3, 0] *= -1
    other = neck(affine=Grid((shape[1], shape[2], shape[0]), turned))
    a, b = sample_outlines(straight), sample_outlines(other)
    assert np.abs(a.outline - b.outline).max() < 1e-3


def test_no_cord_is_refused(straight):
    from dataclasses import replace

    with pytest.raises(GeometryError):
        sample_outlines(replace(straight, cord=np.full_like(straight.cord, 15.0)))


def test_stations_are_fine_near_the_mass_and_graded_away():
    preset = PRESETS["coarse"]
    s = stations(start=2.0, end=88.0, low=40.0, high=50.0, preset=preset)
    step = np.diff(s)
    assert s[0] == pytest.approx(2.0)
    assert s[-1] == pytest.approx(88.0)
    inside = (s[:-1] >= 40) & (s[1:] <= 50)
    assert step[inside].max() <= 1.05 * preset.near_mm
    assert step.max() <= 1.01 * preset.far_mm
    assert (step[1:] / step[:-1]).max() < 1.45


@pytest.mark.parametrize("preset", ["coarse", "standard"])
def test_mesh_rings_keep_the_sampled_area(straight, preset):
    outlines = sample_outlines(straight)
    s = stations(start=5.0, end=80.0, low=40.0, high=45.0, preset=PRESETS[preset])
    tube = mesh_cord(outlines, s=s, preset=PRESETS[preset])
    planes = outlines.at(np.arange(10.0, 75.0, 3.0))
    polygons = cut_sections(
        tube.mesh, tube.mesh.points, origins=planes.origins, right=planes.right, anterior=planes.anterior
    )
    assert polygon_area(polygons) == pytest.approx(polygon_area(planes.outline), rel=1e-3)
    assert compression_ratio(polygons) == pytest.approx(CORD[1] / CORD[0], rel=0.01)
    assert scaled_jacobian(tube.mesh).min() > 0.2


def test_cut_of_a_tilted_cylinder_is_larger_by_the_secant():
    mesh = elliptic_cylinder((8, 4, 40))
    tilt = 0.4
    origin, right = np.array([[0.0, 0.0, 20.0]]), np.array([[1.0, 0.0, 0.0]])
    anterior = np.array([[0.0, np.cos(tilt), np.sin(tilt)]])
    polygon = cut_sections(mesh, mesh.points, origins=origin, right=right, anterior=anterior)
    flat = 16 * 6.5 * 4.0 * np.sin(2 * np.pi / 32)  # area of the inscribed 32-gon
    assert polygon_area(polygon)[0] == pytest.approx(flat / np.cos(tilt), rel=1e-9)


def test_planes_beyond_the_mesh_give_nan():
    mesh = elliptic_cylinder((4, 2, 4))
    axes = np.eye(3)
    polygon = cut_sections(mesh, mesh.points, origins=np.array([[0, 0, 50.0]]), right=axes[:1], anterior=axes[1:2])
    assert np.isnan(polygon).all()


def test_levels_run_from_disc_to_disc_and_regions_take_whole_levels(straight):
    slabs = level_slabs(straight)
    assert slabs["C5"] == pytest.approx((38.5, 55.5))
    region = touched_region(straight, low=36.0, high=42.0, start=2.0, end=88.0)
    assert region.names == ("C5", "C6")
    assert (region.low, region.high) == pytest.approx((21.5, 55.5))


def test_gray_fraction_interpolates_between_levels(straight):
    value = gray_fraction(straight, s=np.array([47.0, 38.5]), by_level={"C5": 0.20, "C6": 0.22})
    assert value == pytest.approx([0.20, 0.21])


def test_weighted_quantile_of_a_weighted_line():
    # Density proportional to x on [0, 1]: the q-quantile is sqrt(q).
    x = (np.arange(20000) + 0.5) / 20000
    assert weighted_quantile(x, weights=x, share=0.95) == pytest.approx(np.sqrt(0.95), abs=1e-4)


def test_painting_reproduces_a_linear_field_and_the_volume():
    mesh = elliptic_cylinder((6, 3, 10))
    grid = Grid((40, 30, 90), np.array([[0.5, 0, 0, -9], [0, 0.5, 0, -7], [0, 0, 0.5, -2.25], [0, 0, 0, 1.0]]))
    painted = paint(mesh, mesh.points, grid=grid, fields=mesh.points @ np.array([[0.1], [0.2], [0.3]]))
    covered = np.isfinite(painted[..., 0])
    exact = grid.to_world(np.argwhere(covered)) @ (0.1, 0.2, 0.3)
    # Voxels on the rim average over the covered half only.
    assert np.abs(painted[covered, 0] - exact).max() < 0.15 * 0.6
    assert np.median(np.abs(painted[covered, 0] - exact)) < 0.02
    assert covered.sum() * 0.125 == pytest.approx(12 * 6.5 * 4 * 40 * np.sin(2 * np.pi / 24), rel=0.03)


def test_insertion_starts_free_and_ends_on_the_mass(straight):
    mass = sphere(straight, centre=(0, -8.0, 45), radius=6.0)  # 1.75 mm into the cord
    box = FieldBox(straight, points=np.array([[-8, -8, 10], [8, 8, 80.0]]))
    frames = sample_outlines(straight)
    surface = frames.world.reshape(-1, 3)
    fields = mass_fields(straight, timeline(straight, [mass]), box=box, surface=surface, frames=frames)
    assert fields.carved.value(surface).min() > 0.0
    assert fields.snapshots[0].value(surface).min() == pytest.approx(-1.75, abs=0.05)
    blend = 0.5 * (fields.carved.value([[0, -2.9, 45]]) + fields.snapshots[0].value([[0, -2.9, 45]]))
    assert abs(blend[0]) < 0.15  # half-way between cord surface (-3.75) and the mass's tip (-2.0)


def test_a_mass_away_from_the_cord_needs_no_insertion(straight):
    mass = sphere(straight, centre=(0, -12.0, 45), radius=6.0)
    box = FieldBox(straight, points=np.array([[-8, -8, 10], [8, 8, 80.0]]))
    frames = sample_outlines(straight)
    line = timeline(straight, [mass, None])
    assert mass_fields(straight, line, box=box, surface=frames.world.reshape(-1, 3), frames=frames).carved is None


def test_a_tight_wall_moves_out_to_the_cord_with_a_finding():
    tight = neck(canal=(9.5, 5.0))  # 1.25 mm behind the cord, where flavum and dura need 1.76 mm
    surface = sample_outlines(tight).world.reshape(-1, 3)
    box = FieldBox(tight, points=surface)
    wall, findings = wall_field(tight, box=box, surface=surface, flavum_mm=1.41, dura_mm=0.35)
    assert findings[0].code == "CORD-TOUCHES-WALL"
    assert wall.value(surface).max() < 0.0
    # In front only the dura lines the bone.
    assert wall.value([[0, 4.65, 45]])[0] == pytest.approx(0.0, abs=0.05)


def test_a_segmented_flavum_is_not_lined_twice(straight):
    from dataclasses import replace

    surface = sample_outlines(straight).world.reshape(-1, 3)
    box = FieldBox(straight, points=surface)
    lined, _ = wall_field(straight, box=box, surface=surface, flavum_mm=1.41, dura_mm=0.35)
    labelled = replace(straight, soft={"flavum": np.zeros(straight.grid.shape, bool)})
    bare, _ = wall_field(labelled, box=box, surface=surface, flavum_mm=1.41, dura_mm=0.35)
    behind, front = [[0, -7.5 + 0.35, 45]], [[0, 7.5 - 0.35, 45]]
    assert bare.value(behind)[0] == pytest.approx(0.0, abs=0.05)
    assert lined.value(behind)[0] == pytest.approx(1.41, abs=0.05)
    assert lined.value(front)[0] == pytest.approx(0.0, abs=0.05)


def test_free_space_of_a_ball_is_the_ball_and_its_shadow(straight):
    frames = sample_outlines(straight)
    ball = sphere(straight, centre=(0, -9.0, 45), radius=5.0)
    grid = straight.grid.crop((8, 8, 60), (50, 50, 120))
    cut = straight.cord[8:50, 8:50, 60:120].astype(float)
    space = look_around(ball, spine=straight, frames=frames)
    field = fit_spline(free_distance(space, box=box_frame(frames, grid=grid), cord=cut), grid=grid)
    # The front is where it was, the far side of the ball is mass too.
    assert field.value([[0, -2.0, 45]])[0] == pytest.approx(2.0, abs=0.1)
    slanted = np.array([[0, -9.0 + 5.5 * np.cos(0.5), 45 + 5.5 * np.sin(0.5)]])
    assert field.value(slanted)[0] == pytest.approx(0.5, abs=0.15)
    assert field.value([[0, -10.0, 45]])[0] < -4.0


def test_hollow_of_a_hook_is_closed(straight):
    # A rod in front of the cord's left half and a ball behind it: seen from the free right, both are one front.
    frames = sample_outlines(straight)
    x = straight.grid.to_world(np.stack(np.indices(straight.grid.shape), axis=-1))
    rod = np.hypot(x[..., 1] - 1.0, x[..., 2] - 45.0) - 1.0
    rod = np.maximum(rod, x[..., 0] + 1.0).astype(np.float32)  # from the left to x = -1, through the cord
    space = look_around(rod, spine=straight, frames=frames)
    row = int(np.abs(frames.s - 45).argmin())
    assert space.pole[row, 0] > -1.0 or abs(space.pole[row, 1] - 1.0) > 1.0
    assert linear_sample(rod, grid=straight.grid, points=_pole(space, row), fill=9)[0] > 0.5


def _pole(space, row):
    frames = space.frames
    return (frames.origins[row] + space.pole[row, 0] * frames.right[row] + space.pole[row, 1] * frames.anterior[row])[
        None
    ]
