"""The table of indices and its sidecar."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_case import FakeCase, fake_case

from canalrisk.report.indices import indices
from canalrisk.report.worst import worst_sections

IDENTITY = ["scenario", "posture", "time_years", "level", "side"]


@pytest.fixture(scope="module")
def table(written: Path) -> pd.DataFrame:
    return pd.read_csv(written / "indices.tsv", sep="\t", na_values=["n/a"], keep_default_na=False)


def test_identity_columns_come_first_and_name_each_row_once(table: pd.DataFrame) -> None:
    assert list(table.columns[:5]) == IDENTITY
    assert not table.duplicated(IDENTITY).any()


def test_sidecar_explains_every_column(written: Path, table: pd.DataFrame) -> None:
    sidecar = json.loads((written / "indices.json").read_text(encoding="utf-8"))
    assert list(sidecar) == list(table.columns)
    for name, entry in sidecar.items():
        assert entry["Units"], name
        assert entry["LongName"], name
        assert entry["Description"], name


def test_whole_neck_rows_hold_the_scalars(table: pd.DataFrame, case: FakeCase) -> None:
    whole = table[table["level"] == "all"].set_index("time_years")
    np.testing.assert_allclose(whole["sac_min"], case.dataset["sac_min"], rtol=1e-5)
    assert whole["residual_canal_area"].isna().all(), "a section's variable does not apply to the whole neck"


def test_level_row_is_one_section_in_all_columns(table: pd.DataFrame, case: FakeCase) -> None:
    ds = case.dataset
    at = np.flatnonzero((ds["level"] == "C4/5").values)
    k = at[ds["occupying_ratio"][2, at].values.argmax()]
    row = table[(table["level"] == "C4/5") & table["side"].isna() & (table["time_years"] == 0.5)].iloc[0]
    for name in ("occupying_ratio", "residual_canal_area", "canal_area", "mass_area_in_canal", "cord_area_prelesion"):
        assert row[name] == pytest.approx(float(ds[name][2, k]), rel=1e-5), name
    assert row["worst_section_s"] == pytest.approx(float(ds["s_mm"][k]), rel=1e-5)
    near = np.abs(ds["cord_s_mm"].values - float(ds["s_mm"][k])).argmin()
    assert row["cord_area_loss_predicted"] == pytest.approx(float(ds["cord_area_loss_predicted"][2, near]), rel=1e-5)


def test_worst_section_is_the_most_occupied_one_though_another_is_narrower() -> None:
    ds = fake_case(cord=False, n_times=2).dataset
    at = np.flatnonzero((ds["level"] == "C5").values)
    ratio, space, area = (ds[name].values.copy() for name in ("occupying_ratio", "residual_canal_ap", "canal_area"))
    ratio[:, at], space[:, at] = 0.1, 12.0
    ratio[1, at[3]], space[1, at[5]], area[1, at[7]] = 0.4, 6.0, 9.0
    ds = ds.assign({n: (("time", "section"), v) for n, v in zip(
        ("occupying_ratio", "residual_canal_ap", "canal_area"), (ratio, space, area), strict=True)})  # fmt: skip
    assert worst_sections(ds)[1, "C5"] == at[3]


@pytest.mark.parametrize("ratio", [0.0, np.nan])
def test_without_mass_the_worst_section_is_the_narrowest(ratio: float) -> None:
    ds = fake_case(cord=False, n_times=2).dataset
    at = np.flatnonzero((ds["level"] == "C5").values)
    space = np.full(ds["residual_canal_ap"].shape, 12.0)
    space[0, at[0]] = np.nan
    space[0, at[4]] = 9.0
    ds["residual_canal_ap"] = ds["residual_canal_ap"].copy(data=space)
    ds["occupying_ratio"] = ds["occupying_ratio"] * 0 + ratio
    assert worst_sections(ds)[0, "C5"] == at[4]
    bare = ds.drop_vars(["residual_canal_ap", "occupying_ratio"])
    assert worst_sections(bare)[0, "C5"] == at[at.size // 2]


def test_sidecar_says_which_section_a_row_is(written: Path) -> None:
    sidecar = json.loads((written / "indices.json").read_text(encoding="utf-8"))
    for name in ("residual_canal_area", "canal_area", "worst_section_s"):
        assert "largest occupying ratio; smallest residual canal AP" in sidecar[name]["Aggregation"]
    assert "nearest" in sidecar["cord_area_loss_predicted"]["Aggregation"]
    assert "Aggregation" not in sidecar["sac_min"]


def test_foramen_rows_have_sides_and_missing_areas_are_na(table: pd.DataFrame, case: FakeCase) -> None:
    now = table[table["time_years"] == 0].set_index(["level", "side"])
    right = float(case.dataset["foramen_area"].sel(foramen="C4/5", side="right")[0])
    assert now.loc[("C4/5", "right"), "foramen_area"] == pytest.approx(right, rel=1e-5)
    assert np.isnan(now.loc[("C3/4", "left"), "foramen_area"])


def test_models_become_columns(table: pd.DataFrame, case: FakeCase) -> None:
    column = table[table["level"] == "all"]["risk_myelopathy_prevalent__occupying_ratio"]
    np.testing.assert_allclose(
        column, case.dataset["risk_myelopathy_prevalent"].sel(model="occupying ratio"), rtol=1e-5
    )


def test_levels_run_from_cranial_to_caudal(table: pd.DataFrame) -> None:
    now = table[(table["time_years"] == 0) & table["side"].isna()]
    assert now["level"].tolist() == ["all", "C3", "C3/4", "C4", "C4/5", "C5", "C5/6", "C6"]


def test_hostile_names_cannot_break_the_table() -> None:
    header, rows, _ = indices(fake_case(name='a\tb\nc"d', n_times=2))
    assert {len(row) for row in rows} == {len(header)}
    assert rows[0][0] == "a b c'd"


def test_without_mass_and_mechanics_the_table_still_stands() -> None:
    header, rows, sidecar = indices(fake_case(mass=False, cord=False, n_times=2))
    assert "strain_p95" not in header
    assert set(header) == set(sidecar)
    assert {len(row) for row in rows} == {len(header)}
