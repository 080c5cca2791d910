"""Intervals of the analytic neck against closed forms: edges moved by a known distance, references by their own AP."""

import numpy as np
import pytest
import torus

from canalrisk.errors import UsageError
from canalrisk.field import Grid, volume
from canalrisk.growth.timeline import Snapshot
from canalrisk.morphometry import edge_from_dice, edge_from_surface_distance, measure_with_intervals
from canalrisk.morphometry.edge import half_voxel
from canalrisk.morphometry.interval import has_interval, reference_choices
from canalrisk.morphometry.variables import VARIABLES

EDGE, RADIUS = 0.3, 3.0


@pytest.fixture(scope="module")
def ball(analytic_neck):
    """Signed distance of a ball on the canal's posterior wall at mid C5."""
    centre = torus.world_of(torus.middle("C5"), 0.0, -7.0)
    distance = np.linalg.norm(analytic_neck.world - centre, axis=-1) - RADIUS
    return np.clip(distance, -15, 15).astype(np.float32)


@pytest.fixture(scope="module")
def found(analytic_prepared, ball):
    return measure_with_intervals(
        analytic_prepared, Snapshot(0.0, ball, analytic_prepared.spine.bone, 0.0, 0.0), edge_mm=EDGE
    )


def offset_ellipse(a, b, d):
    """Area of an ellipse whose edge moves by d along its normal: A + P d + pi d^2 (Steiner); P by quadrature."""
    t = np.linspace(0, 2 * np.pi, 4001)
    perimeter = np.trapezoid(np.hypot(a * np.sin(t), b * np.cos(t)), t)
    return np.pi * a * b + perimeter * d + np.pi * d * d


@pytest.mark.parametrize(
    ("name", "axes"),
    [("canal_area", torus.CANAL), ("sac_area", torus.SAC), ("cord_area_prelesion", torus.CORD)],
)
def test_areas_move_as_steiners_formula_says(found, name, axes):
    for end, d in (("low", -EDGE), ("high", EDGE)):
        error = found[f"{name}_{end}"].values[6:-6] / offset_ellipse(*axes, d) - 1
        assert np.abs(error).max() < 0.01, end


def test_a_diameter_moves_by_twice_the_edge_and_a_volume_as_a_balls(found):
    for end, d in (("low", -EDGE), ("high", EDGE)):
        assert np.abs(found[f"canal_ap_{end}"].values[6:-6] - (14.0 + 2 * d)).max() < 0.1
        assert found[f"mass_volume_{end}"].item() == pytest.approx(4 / 3 * np.pi * (RADIUS + d) ** 3, rel=0.01)


def test_room_and_mass_combine_as_independent_errors(found):
    # At mid C5 the mass reaches 3 mm into a chord of 14 mm. The room's edges move both of its ends, the mass's one.
    worst = int(np.argmin(np.abs(found["s_mm"].values - found["worst_s"].item())))
    apart = np.hypot(EDGE, EDGE)
    # With the canal smaller only the far wall moves: the near one lies inside the mass.
    assert found["residual_canal_ap"].values[worst] == pytest.approx(14.0 - RADIUS, abs=0.1)
    assert found["residual_canal_ap_low"].values[worst] == pytest.approx(14.0 - RADIUS - apart, abs=0.1)
    assert found["residual_canal_ap_high"].values[worst] == pytest.approx(14.0 - RADIUS + apart, abs=0.1)
    # Clearance of mass and cord: each edge moves it by EDGE.
    value, low = found["mass_cord_clearance"].item(), found["mass_cord_clearance_low"].item()
    assert value - low == pytest.approx(apart, abs=0.05)


def test_every_float_index_has_an_interval_around_it_and_nothing_else_has(found):
    for name in VARIABLES.keys() & set(found.data_vars):
        number = np.issubdtype(found[name].dtype, np.floating)
        assert (f"{name}_low" in found) == has_interval(found, name)
        if f"{name}_low" not in found:
            # Places, words, and what an edge moved as a whole says nothing about.
            silent = ("c2_c7", "artery_", "transverse_", "lysed", "components", "solidity", "eccentricity", "ratio")
            silent += ("mass_share", "mass_reach", "cc_sct")
            place = name == "occupying_ray" or name.endswith(("_s", "_above", "_below"))
            assert not number or place or any(word in name for word in silent), name
            continue
        assert number
        low, value, high = (found[n].values for n in (f"{name}_low", name, f"{name}_high"))
        known = np.isfinite(value)
        assert (np.isfinite(low) == known).all()
        assert (low[known] <= value[known]).all(), name
        assert (value[known] <= high[known]).all(), name
        for end in ("low", "high"):
            attrs = found[f"{name}_{end}"].attrs
            assert attrs["units"] == found[name].attrs["units"]
            assert attrs["definition"]
            assert attrs["edge_mm"] == f"{EDGE:g}"


def test_references_are_said_and_their_choice_is_in_the_interval(found, analytic_prepared):
    assert found["reference_kind"].item() == "two-sided"
    above, below = map(int, found["reference_sections"].item().split(","))
    assert found["s_mm"].values[above] == found["s_above"].item()
    assert found["s_mm"].values[below] == found["s_below"].item()
    # By hand: a canal that widens by 0.1 mm per mm caudally has references that differ.
    s = found["s_mm"].values
    other = found.copy()
    free = 14.0 + 0.1 * (s[-1] - s)
    worst = int(np.argmin(np.abs(s - found["worst_s"].item())))
    free[worst] = 8.0
    other["residual_canal_ap"] = found["residual_canal_ap"].copy(data=free)
    choices = reference_choices(other, "mcc", pitch=torus.SPACING_MM)
    up, down = free[above], free[below]
    assert choices["nearest"] == pytest.approx(1 - 8.0 / (0.5 * (up + down)))
    assert choices["above only"] == pytest.approx(1 - 8.0 / up)
    assert choices["below only"] == pytest.approx(1 - 8.0 / down)
    if s[above] + torus.SPACING_MM <= s[-1]:
        assert choices["above one level further"] == pytest.approx(1 - 8.0 / (0.5 * (up - 1.8 + down)), abs=0.005)
    assert found["mcc_low"].attrs["reference_low"] in choices


def test_no_mass_has_intervals_of_the_room_alone(analytic_prepared):
    healthy = measure_with_intervals(
        analytic_prepared,
        Snapshot(0.0, None, analytic_prepared.spine.bone, 0.0, 0.0),
        edge_mm={"canal": EDGE, "bone": 0},
    )
    assert healthy["reference_kind"].item() == "none"
    for name in ("mcc", "mass_volume", "occupying_ratio_max"):
        assert healthy[f"{name}_low"].item() == healthy[f"{name}_high"].item() == 0
    assert np.abs(healthy["canal_ap_low"].values[6:-6] - (14.0 - 2 * EDGE)).max() < 0.1
    # Nothing is stated for the cord: half a voxel.
    assert np.abs(healthy["cord_ap_prelesion_low"].values[6:-6] - (7.6 - 0.5)).max() < 0.1
    # Bone stands still. The stations start where the root's path leaves the canal, and shift a little with its edge.
    assert healthy["foramen_area_low"].values == pytest.approx(healthy["foramen_area"].values, rel=2e-3)


def test_edge_from_dice_is_that_of_a_grown_ball():
    # A ball of radius r against one of radius r + e: Dice is 2 r^3 / (r^3 + (r + e)^3), to first order
    # 1 - 3 e / (2 r), and the mean surface distance is e.
    grid = Grid((60, 60, 60), np.diag([0.5, 0.5, 0.5, 1.0]))
    world = grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1))
    r = 10.0
    ball = (np.linalg.norm(world - 14.7, axis=-1) - r).astype(np.float32)
    for e in (0.2, 0.5):
        dice = 2 * r**3 / (r**3 + (r + e) ** 3)
        assert edge_from_dice(dice, ball, grid=grid) == pytest.approx(edge_from_surface_distance(e), rel=0.05)
        assert volume(ball, grid=grid, level=e) == pytest.approx(4 / 3 * np.pi * (r + e) ** 3, rel=1e-3)
    # 95 % of normal errors whose mean size is 1 lie within this.
    drawn = np.abs(np.random.default_rng(0).standard_normal(200_000))
    assert np.quantile(drawn / drawn.mean(), 0.95) == pytest.approx(edge_from_surface_distance(1.0), rel=0.01)


def test_half_a_voxel_lies_along_the_normal():
    grid = Grid((40, 40, 20), np.diag([0.4, 0.4, 1.5, 1.0]))
    world = grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1))
    for normal in (np.array([1.0, 0, 0]), np.array([0, 0, 1.0]), np.array([0.6, 0, 0.8])):
        plane = np.clip((world - world.mean(axis=(0, 1, 2))) @ normal, -3, 3).astype(np.float32)
        half = half_voxel(plane, grid=grid)
        expected = 0.5 * np.sqrt(((normal * grid.spacing) ** 2).sum())
        assert half[np.abs(plane) < 1] == pytest.approx(expected, rel=1e-4)
    assert half_voxel(plane, grid=Grid(grid.shape, np.diag([0.5, 0.5, 0.5, 1.0]))) == 0.25


@pytest.mark.parametrize("edge", [-0.1, float("nan"), 9.0, {"spleen": 0.3}, {"mass": -1.0}])
def test_an_edge_error_that_makes_no_sense_is_refused(analytic_prepared, edge):
    with pytest.raises(UsageError):
        measure_with_intervals(analytic_prepared, edge_mm=edge)


def test_a_dice_that_is_none_is_refused():
    grid = Grid((8, 8, 8), np.eye(4))
    for dice in (0.0, 1.1, float("nan")):
        with pytest.raises(UsageError):
            edge_from_dice(dice, np.full(grid.shape, -1, np.float32), grid=grid)
    with pytest.raises(UsageError):
        edge_from_dice(0.9, np.full(grid.shape, 15, np.float32), grid=grid)
