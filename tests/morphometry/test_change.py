"""A neck that moved, a mass that grew by a known distance, bone that went: each found in its own vertebra's frame."""

import sys

import moved_neck
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from canalrisk.anatomy import build_spine, register_scans
from canalrisk.errors import UsageError
from canalrisk.field import RigidMotion
from canalrisk.morphometry import compare_scans
from canalrisk.morphometry.change import mass_and_bone

THREE, SPACING = ("C4", "C5", "C6"), 0.8
WHOLE = RigidMotion((0.1, -0.15, 0.2), (0.0, 0.0, 0.0), (9.0, -5.0, 14.0))
TURN = Rotation.from_euler("xyz", [8, -6, 11], degrees=True).as_matrix()
RADIUS, GROWN, YEARS = 7.0, 1.2, 0.5
NOTHING = {"bone": 0.0, "canal": 0.0, "sac": 0.0, "cord": 0.0}


def ball(drawn, radius):
    """A ball beside C5's left pillar, in the first scan's frame."""
    centre = drawn.origin["C5"] + np.array([-21.0, -10.0, 0.0])
    return lambda x: np.linalg.norm(x - centre, axis=1) - radius


def crater(drawn):
    centre = drawn.origin["C6"] + np.array([8.0, -24.0, -2.0])
    return lambda x: np.linalg.norm(x - centre, axis=1) - 6.0


def scans(drawn, spacing):
    first = drawn.scan(moved_neck.still(drawn), spacing=spacing, mass=("C5", ball(drawn, RADIUS)))
    motions = moved_neck.bent(drawn, whole=WHOLE)
    second = drawn.scan(
        motions, spacing=spacing, turn=TURN, mass=("C5", ball(drawn, RADIUS + GROWN)), gone=("C6", crater(drawn))
    )
    return build_spine(first), build_spine(second)


@pytest.fixture(scope="module")
def drawn():
    return moved_neck.Drawn(levels=THREE, fine=0.6)


@pytest.fixture(scope="module")
def pair(drawn):
    return scans(drawn, SPACING)


@pytest.fixture(scope="module")
def found(pair):
    return compare_scans(*pair, years=YEARS, edge_mm=NOTHING)


def volume(radius):
    return 4 / 3 * np.pi * radius**3


def test_growth_is_found_within_half_a_voxel_although_the_neck_moved(found, pair, drawn):
    motions = moved_neck.bent(drawn, whole=WHOLE)
    moved = np.linalg.norm(motions["C5"].apply(drawn.origin["C5"]) - drawn.origin["C5"])
    assert moved > 10
    change = found.change
    assert change["front_advance_mean"].item() == pytest.approx(GROWN, abs=0.1)
    for name in ("front_advance_max", "front_advance_p95"):
        assert change[name].item() == pytest.approx(GROWN, abs=0.5 * SPACING)
    known = np.isfinite(found.front.advance)
    assert known.mean() > 0.95
    assert np.abs(found.front.advance[known] - GROWN).max() < 0.5 * SPACING
    assert change["front_advance_rate"].item() == pytest.approx(change["front_advance_mean"].item() / YEARS)
    # Mean advance by vertebra: the ball lies beside C5, its rims nearest to the neighbours.
    known = change["front_advance"].values
    assert np.abs(known[np.isfinite(known)] - GROWN).max() < 0.2


def test_gained_volume_is_the_shells_and_on_its_side(found):
    change, shell = found.change, volume(RADIUS + GROWN) - volume(RADIUS)
    gained, lost = change["mass_volume_gained"], change["mass_volume_lost"]
    assert gained.sum().item() == pytest.approx(shell, rel=0.03)
    assert lost.sum().item() < 0.01 * shell
    assert gained.sel(side="right").sum().item() == 0
    assert gained.sel(vertebra="C5").sum().item() > 0.4 * shell
    assert change["mass_volume"].item() == pytest.approx(shell, rel=0.03)
    assert gained.sum().item() - lost.sum().item() == pytest.approx(change["mass_volume"].item(), rel=0.02)
    assert change["mass_volume_rate"].item() == pytest.approx(change["mass_volume"].item() / YEARS)


def test_growth_beyond_its_mdc_is_sure_and_the_rest_of_the_neck_has_not_changed(found):
    change = found.change
    # The edge of the mass is half a voxel uncertain in both scans: 1.96 SD of 4 pi R^2 times 0.4 mm, twice.
    expected = 0.4 * 4 * np.pi * np.hypot(RADIUS**2, (RADIUS + GROWN) ** 2)
    assert change["mass_volume_mdc95"].item() == pytest.approx(expected, rel=0.05)
    shell = volume(RADIUS + GROWN) - volume(RADIUS)
    assert change["mass_volume_p_increase"].item() > 0.95
    assert (change["mass_volume"].item() > change["mass_volume_mdc95"].item()) == (shell > expected)
    # Nothing reaches the canal.
    assert change["mcc"].item() == 0
    assert change["mcc_p_increase"].item() == 0.5


def test_the_crater_and_no_other_bone_is_lysed(found, pair, drawn):
    first = pair[0]
    points = first.grid.to_world(np.argwhere(first.vertebra_of == 1 + first.levels.index("C6")))
    expected = (crater(drawn)(points) < 0).sum() * first.grid.voxel_volume
    assert expected > 100
    lysed = found.change["bone_newly_lysed"]
    assert lysed.sel(vertebra="C6", side="right").item() == pytest.approx(expected, rel=0.15)
    assert lysed.sel(vertebra=["C4", "C5"]).sum().item() == 0
    assert [f.where for f in found.findings if f.code == "BONE-LYSIS-NEW"] == ["C6"]


def test_bone_that_the_mass_grew_into_is_told_apart(found, pair, drawn):
    first = pair[0]
    points = first.grid.to_world(np.argwhere(first.vertebra_of == 1 + first.levels.index("C5")))
    shell = (ball(drawn, RADIUS + GROWN)(points) < 0) & (ball(drawn, RADIUS)(points) > 0)
    replaced = found.change["bone_newly_replaced"]
    # Voxels counted on two grids: the shell's two faces are each known to a tenth of its 1.2 mm.
    expected = shell.sum() * first.grid.voxel_volume
    assert replaced.sel(vertebra="C5", side="left").item() == pytest.approx(expected, rel=0.15)
    assert replaced.sel(side="right").sum().item() == 0


def test_what_bears_the_mass_is_said(found):
    assert found.change["registration_residual"].max().item() < 0.3
    assert all(variable.attrs.get("definition") for variable in found.change.data_vars.values())
    codes = {f.code for f in found.findings}
    assert "MASS-NEW-PIECE" not in codes
    assert "REGISTRATION-POOR" not in codes


def test_without_change_nothing_has_changed(pair):
    first = pair[0]
    places, front, findings = mass_and_bone(first, first, register_scans(first, first), years=None, growth=0.0)
    assert abs(places["front_advance_mean"].item()) < 0.02
    assert np.abs(front.advance).max() < 0.1
    for name in ("mass_volume_gained", "mass_volume_lost", "bone_newly_lysed", "bone_newly_replaced"):
        assert places[name].sum().item() < 2.0, name
    assert "mass_volume_rate" not in places
    assert not [f for f in findings if f.severity != "info"]


@pytest.mark.parametrize("years", [0.0, -1.0, float("nan")])
def test_a_time_that_makes_no_sense_is_refused(pair, years):
    with pytest.raises(UsageError):
        compare_scans(*pair, years=years)


@pytest.mark.slow
def test_growth_at_half_a_millimetre():
    drawn = moved_neck.Drawn(levels=THREE, fine=0.4)
    found = compare_scans(*scans(drawn, 0.5), years=YEARS)
    gap = np.abs(found.front.advance - GROWN)
    gap = gap[np.isfinite(gap)]
    sys.stdout.write(f"advance off by {gap.mean():.3f} mm in the mean, {gap.max():.3f} mm at most\n")
    assert gap.max() < 0.25
