"""SCT-shaped tables: read as scripts read SCT's own, and with the values that SCT's definitions give."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from fake_case import FakeCase, fake_case

from canalrisk.field.grid import Grid
from canalrisk.report.sct import COLUMNS, METRICS, sct_tables, slice_angles, vertebral_levels


@pytest.fixture(scope="module")
def round_case() -> FakeCase:
    """Cord and sac as straight elliptical tubes about the centreline, whose shape is known in closed form."""
    case = fake_case(cord=False, n_times=1)
    grid, line = case.spine.grid, case.spine.centreline
    points = grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1))
    s = np.clip(points[..., 2], line.s[0], line.s[-1])
    x, y = points[..., 0], points[..., 1] - np.interp(s, line.s, line.points[:, 1])

    def tube(a: float, b: float) -> np.ndarray:
        r = np.hypot(x / a, y / b)
        # Right to first order where the surface is.
        slope = np.hypot(x / a**2, y / b**2) / np.maximum(r, 1e-6)
        return ((r - 1.0) / np.maximum(slope, 1e-6)).clip(-15, 15).astype(np.float32)

    return replace(case, spine=replace(case.spine, cord=tube(7.0, 4.0), sac=tube(9.0, 7.0)))


def read(text: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(text))


def test_same_columns_and_types_as_the_toolbox(shared, round_case: FakeCase) -> None:
    for kind in ("cord", "canal"):
        theirs = pd.read_csv(next((shared / "data" / "morphometry").glob(f"verbatim_spinal_{kind}_*.csv.gz")))
        ours = read(sct_tables(round_case)[f"sct_{kind}.csv"])
        assert list(ours.columns) == list(theirs.columns)
        assert ours.dtypes.to_dict() == theirs.dtypes.to_dict()
        pd.to_datetime(ours["Timestamp"], format="%Y-%m-%d %H:%M:%S")
        # What a script does with the one does something with the other.
        for table in (theirs, ours):
            by_level = table.dropna(subset=["MEAN(area)"]).groupby("VertLevel")["MEAN(area)"].mean()
            assert (by_level > 0).all()


def test_closed_form_of_an_elliptical_tube(round_case: FakeCase) -> None:
    """Axes 14 and 8 mm; eccentricity sqrt(1 - (4/7)^2); an ellipse is convex and its long axis lies left-right."""
    table = read(sct_tables(round_case)["sct_cord.csv"]).iloc[10:-10]
    np.testing.assert_allclose(table["MEAN(diameter_RL)"], 14.0, rtol=0.02)
    np.testing.assert_allclose(table["MEAN(diameter_AP)"], 8.0, rtol=0.02)
    np.testing.assert_allclose(table["MEAN(area)"], np.pi * 7.0 * 4.0, rtol=0.02)
    np.testing.assert_allclose(table["MEAN(eccentricity)"], np.sqrt(1 - (4 / 7) ** 2), atol=0.01)
    np.testing.assert_allclose(table["MEAN(solidity)"], 1.0, atol=0.01)
    assert (table["MEAN(orientation)"] < 1.0).all()
    assert (table["STD(area)"] == 0.0).all()
    np.testing.assert_allclose(table["SUM(length)"], 0.5, rtol=1e-6)


def test_levels_sum_up_their_sections(round_case: FakeCase) -> None:
    one, level = (read(sct_tables(round_case, per_level=per)["sct_canal.csv"]) for per in (False, True))
    assert list(level["VertLevel"]) == sorted(set(one["VertLevel"]))
    for _, row in level.iterrows():
        own = one[one["VertLevel"] == row["VertLevel"]]
        first, last = map(int, row["Slice (I->S)"].split(":"))
        assert (own["Slice (I->S)"].min(), own["Slice (I->S)"].max()) == (first, last)
        for name in METRICS:
            assert row[f"MEAN({name})"] == pytest.approx(own[f"MEAN({name})"].mean(), abs=1e-9)
            assert row[f"STD({name})"] == pytest.approx(own[f"MEAN({name})"].std(ddof=0), abs=1e-9)
        assert row["SUM(length)"] == pytest.approx(own["SUM(length)"].sum())
    assert level["DistancePMJ"].isna().all()


def test_sections_without_the_structure_have_empty_cells(round_case: FakeCase) -> None:
    cord = round_case.spine.cord.copy()
    cord[..., :30] = 15.0  # no cord in the lowest 30 mm
    case = replace(round_case, spine=replace(round_case.spine, cord=cord))
    for per_level in (False, True):
        table = read(sct_tables(case, per_level=per_level)["sct_cord.csv"])
        empty = table["MEAN(area)"].isna()
        assert 0 < empty.sum() < len(table)
        assert table.loc[empty, [c for c in COLUMNS[6:]]].isna().all(axis=None)
        assert table.loc[~empty, [c for c in COLUMNS[6:]]].notna().all(axis=None)


def test_sections_between_discs_carry_the_vertebra_number(round_case: FakeCase) -> None:
    spine = round_case.spine
    number = vertebral_levels(spine)
    for name, wanted in (("C3", 3), ("C4", 4), ("C5", 5), ("C6", 6)):
        assert number[np.argmin(np.abs(spine.centreline.s - spine.landmarks[name]))] == wanted
    just_below = np.searchsorted(spine.centreline.s, spine.landmarks["C4/5"]) - 1
    assert number[just_below : just_below + 2].tolist() == [5, 4]
    assert set(number.tolist()) <= {0, 3, 4, 5, 6}


@pytest.mark.parametrize("axes", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
@pytest.mark.parametrize("flips", [(1, 1, 1), (-1, 1, -1), (-1, -1, -1)])
def test_angles_follow_the_image_axes_whatever_their_order(axes: tuple[int, ...], flips: tuple[int, ...]) -> None:
    """A line that leans 20 degrees forward and 10 to the left as it rises; the image itself is turned by 5 about RL."""
    left, forward = np.tan(np.radians(10.0)), np.tan(np.radians(20.0))
    tangent = np.array([[-left, forward, 1.0]]) / np.sqrt(1 + left**2 + forward**2)
    turn = np.radians(5.0)
    rotation = np.array([[1, 0, 0], [0, np.cos(turn), np.sin(turn)], [0, -np.sin(turn), np.cos(turn)]])
    affine = np.eye(4)
    affine[:3, :3] = (rotation * 0.7)[:, list(axes)] * np.array(flips)
    about_ap, about_rl = slice_angles(tangent, grid=Grid((4, 4, 4), affine))
    # The slice axis leans 5 degrees forward, so that 15 are left; the lean to the left is seen from the new upright.
    assert about_rl[0] == pytest.approx(15.0, abs=1e-9)
    upright = np.cos(turn) + forward * np.sin(turn)
    assert about_ap[0] == pytest.approx(np.degrees(np.arctan2(left, upright)), abs=1e-9)
