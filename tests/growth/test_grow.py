"""Growing masses against closed forms, and what must hold for any mass."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from bodies import centred_grid, clipped, spine_of, world

from canalrisk.errors import GeometryError, NumericalFailure
from canalrisk.field import fit_spline, signed_distance, volume
from canalrisk.growth import Scenario, grow, law_volume

REAL = Path(__file__).resolve().parents[3] / "shared/data/combined/BP3D-PAM50_C1-C7_labels_0p5mm.nii.gz"


def _ball(points, radius, centre=(0.0, 0.0, 0.0)):
    return np.linalg.norm(points - np.asarray(centre), axis=-1) - radius


def _lumpy(points):
    return np.minimum(_ball(points, 4.0, (-2, 0, 0)), _ball(points, 3.0, (3.5, 1.0, -2.0)))


def _far(points):
    return np.full(points.shape[:-1], 15.0)


def test_a_ball_in_soft_tissue_stays_a_ball():
    grid = centred_grid()
    points = world(grid)
    scenario = Scenario(law="linear-radius", radial_rate_mm_per_year=3.0, n_times=3)
    timeline = grow(spine_of(grid, bone=_far(points), mass=_ball(points, 5.0)), scenario=scenario)
    for snapshot in timeline.snapshots:
        radius = 5.0 + 3.0 * snapshot.time_years
        assert snapshot.mass_volume_mm3 == pytest.approx(4 / 3 * math.pi * radius**3, rel=5e-3)
        gap = np.abs(snapshot.mass - clipped(_ball(points, radius)))
        assert gap[np.abs(snapshot.mass) < 2.0].max() < 0.1
        assert snapshot.bone_eroded_mm3 == 0.0


def test_today_is_reproduced_exactly():
    grid = centred_grid()
    points = world(grid)
    spine = spine_of(grid, bone=points[..., 2] + 3.0, mass=_lumpy(points))
    first = grow(spine, scenario=Scenario(n_times=2)).snapshots[0]
    np.testing.assert_array_equal(first.mass, spine.mass)
    np.testing.assert_array_equal(first.bone, spine.bone)
    assert first.time_years == 0.0
    assert first.mass_volume_mm3 == volume(spine.mass, grid=grid)
    assert first.bone_eroded_mm3 == 0.0


@pytest.mark.parametrize("law", ["exponential", "linear-radius"])
@pytest.mark.parametrize("bone_speed", [0.1, 1.0])
def test_volume_follows_the_law_and_nothing_shrinks(law, bone_speed):
    grid = centred_grid()
    points = world(grid)
    spine = spine_of(grid, bone=2.0 - points[..., 0], mass=_lumpy(points + 1.0))
    scenario = Scenario(law=law, doubling_time_years=0.6, n_times=4, bone_speed=bone_speed)
    snapshots = grow(spine, scenario=scenario).snapshots
    v0 = snapshots[0].mass_volume_mm3
    for before, after in itertools.pairwise(snapshots):
        assert after.mass_volume_mm3 == pytest.approx(law_volume(scenario, v0=v0, t=after.time_years), rel=0.01)
        assert (after.mass <= before.mass).all()
        assert (after.bone >= before.bone).all()
        assert after.bone_eroded_mm3 >= before.bone_eroded_mm3
        # Bone and mass never overlap: bone reached by the front is gone.
        assert not ((after.bone < -0.01) & (after.mass < -0.01) & (spine.mass > 0)).any()


def test_eroded_bone_is_the_cap_of_the_ball():
    """Bone as soft as tissue: the ball grows through it, and what it takes is a spherical cap."""
    grid = centred_grid()
    points = world(grid)
    wall, radius, final = 5.5, 5.0, 8.0
    scenario = Scenario(law="linear-radius", radial_rate_mm_per_year=final - radius, n_times=2, bone_speed=1.0)
    last = grow(spine_of(grid, bone=wall - points[..., 0], mass=_ball(points, radius)), scenario=scenario).snapshots[-1]
    height = final - wall
    assert last.bone_eroded_mm3 == pytest.approx(math.pi * height**2 * (3 * final - height) / 3, rel=0.02)
    assert last.mass_volume_mm3 == pytest.approx(4 / 3 * math.pi * final**3, rel=5e-3)


def test_depth_in_bone_is_the_speed_times_the_excess():
    """On the axis towards a flat bone the front has spent the gap at speed 1 and the rest at `bone_speed`."""
    grid = centred_grid()
    points = world(grid)
    wall, radius, ratio = 6.0, 5.0, 0.4
    spine = spine_of(grid, bone=wall - points[..., 0], mass=_ball(points, radius))
    last = grow(spine, scenario=Scenario(doubling_time_years=0.5, n_times=2, bone_speed=ratio)).snapshots[-1]
    spline = fit_spline(last.mass, grid=grid)

    def reach(direction):
        line = np.linspace(3.0, 14.0, 2201)
        return line[np.argmax(spline.value(line[:, None] * np.asarray(direction)) > 0)]

    tau = reach((-1.0, 0.0, 0.0)) - radius
    assert tau > 2.0
    assert reach((1.0, 0.0, 0.0)) == pytest.approx(wall + ratio * (tau - (wall - radius)), abs=0.1)


def test_flipped_axes_give_the_same_growth():
    results = []
    for sign in ((1, 1, 1), (-1, 1, -1)):
        grid = centred_grid(sign=sign)
        points = world(grid)
        spine = spine_of(grid, bone=3.0 - points[..., 1], mass=_lumpy(points))
        results.append(grow(spine, scenario=Scenario(n_times=2)).snapshots[-1])
    a, b = results
    assert a.mass_volume_mm3 == pytest.approx(b.mass_volume_mm3, rel=2e-3)
    assert a.bone_eroded_mm3 == pytest.approx(b.bone_eroded_mm3, rel=1e-2)


def test_a_law_without_growth_changes_nothing():
    grid = centred_grid(40)
    points = world(grid)
    spine = spine_of(grid, bone=_far(points), mass=_ball(points, 3.0))
    for snapshot in grow(spine, scenario=Scenario(law="none", n_times=3)).snapshots:
        np.testing.assert_array_equal(snapshot.mass, spine.mass)


def test_without_a_mass_every_time_is_today():
    grid = centred_grid(20)
    points = world(grid)
    spine = spine_of(grid, bone=points[..., 0], mass=None)
    timeline = grow(spine, scenario=Scenario(n_times=3))
    assert [s.time_years for s in timeline.snapshots] == [0.0, 0.5, 1.0]
    assert all(s.mass is None and s.mass_volume_mm3 == 0.0 and s.bone is spine.bone for s in timeline.snapshots)
    assert timeline.findings == ()


def test_bone_under_todays_mass_is_not_eroded_again():
    grid = centred_grid(48)
    points = world(grid)
    spine = spine_of(grid, bone=_ball(points, 3.0), mass=_ball(points, 5.0))
    assert grow(spine, scenario=Scenario(n_times=2)).snapshots[-1].bone_eroded_mm3 == pytest.approx(0.0, abs=1e-6)


def test_assumptions_and_edge_are_findings():
    grid = centred_grid(48)
    points = world(grid)
    inside = spine_of(grid, bone=_far(points), mass=_ball(points, 4.0))
    (said,) = grow(inside, scenario=Scenario(n_times=2)).findings
    assert said.code == "GROWTH-ASSUMED"
    assert all(
        word in said.message for word in ("soft tissue", "disc", "dura", "place of the cord", "0.3", "(assumed)")
    )
    (said,) = grow(inside, scenario=Scenario(n_times=2, law="linear-radius", bone_speed=0.5)).findings
    assert "sphere of equal volume +1 mm per year" in said.message
    assert "(chosen for this scenario)" in said.message
    near_edge = spine_of(grid, bone=_far(points), mass=_ball(points, 4.0, (7.5, 0, 0)))
    codes = [f.code for f in grow(near_edge, scenario=Scenario(n_times=3, doubling_time_years=0.4)).findings]
    assert codes == ["GROWTH-ASSUMED", "MASS-LEAVES-IMAGE"]


def test_too_small_an_image_and_an_empty_mass_are_said():
    grid = centred_grid(24)
    points = world(grid)
    with pytest.raises(NumericalFailure):
        grow(spine_of(grid, bone=_far(points), mass=_ball(points, 4.0)), scenario=Scenario(doubling_time_years=0.1))
    with pytest.raises(GeometryError):
        grow(spine_of(grid, bone=_far(points), mass=_far(points)))


def test_progress_is_told():
    grid = centred_grid(40)
    points = world(grid)
    told = []
    spine = spine_of(grid, bone=_far(points), mass=_ball(points, 3.0))
    grow(spine, scenario=Scenario(n_times=3), progress=lambda fraction, message: told.append(fraction))
    assert told == sorted(told)
    assert 0.0 <= told[0] <= told[-1] <= 1.0


@pytest.mark.slow
@pytest.mark.skipif(not REAL.exists(), reason="real anatomy is not beside the repository")
def test_real_neck_in_time():
    """About 4000 mm3 behind C5 on the 0.5 mm map, one doubling in a year at five times."""
    import nibabel

    image = nibabel.load(REAL)
    labels = np.asarray(image.dataobj)
    grid = type(centred_grid(2))(labels.shape, image.affine)
    bone = signed_distance((labels >= 1) & (labels <= 7), grid=grid)
    behind = grid.to_world(np.argwhere(labels == 5))
    centre = np.array([12.0, behind[:, 1].min() + 14.0, behind[:, 2].mean()])
    points, rng = world(grid), np.random.default_rng(0)
    mask = np.zeros(labels.shape, bool)
    for _ in range(7):
        mask |= _ball(points, rng.uniform(4, 7), centre + rng.normal(size=3) * [4, 4, 7]) < 0
    mask &= ~np.isin(labels, (60, 61, 62))
    spine = spine_of(grid, bone=bone, mass=signed_distance(mask, grid=grid))
    scenario = Scenario()
    start = perf_counter()
    snapshots = grow(spine, scenario=scenario).snapshots
    elapsed = perf_counter() - start
    v0 = snapshots[0].mass_volume_mm3
    assert v0 == pytest.approx(mask.sum() * grid.voxel_volume, rel=0.01)
    for snapshot in snapshots:
        assert snapshot.mass_volume_mm3 == pytest.approx(law_volume(scenario, v0=v0, t=snapshot.time_years), rel=0.01)
    assert snapshots[-1].bone_eroded_mm3 > 50.0
    assert elapsed < 15.0  # 3 s on an idle pair of cores; the margin is for a busy machine
