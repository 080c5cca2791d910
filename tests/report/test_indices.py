"""The table of indices and its sidecar."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from fake_case import FakeCase, fake_case

from canalrisk.report.indices import indices, worst_of

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


def test_level_rows_hold_the_worst_section(table: pd.DataFrame, case: FakeCase) -> None:
    ds = case.dataset
    at = (ds["level"] == "C4/5").values
    row = table[(table["level"] == "C4/5") & table["side"].isna() & (table["time_years"] == 0.5)].iloc[0]
    assert row["residual_canal_area"] == pytest.approx(float(ds["residual_canal_area"][2, at].min()), rel=1e-5)
    assert row["occupying_ratio"] == pytest.approx(float(ds["occupying_ratio"][2, at].max()), rel=1e-5)


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


def test_worst_section_of_large_and_of_small_is_bad() -> None:
    values = np.array([np.nan, 1.0, 3.0])
    assert worst_of("canal_area", values) == 1.0
    assert worst_of("mass_area_in_canal", values) == 3.0
    assert worst_of("cord_compression_ratio", values) == 1.0, "a flat cord is the worse one"
    assert np.isnan(worst_of("canal_area", np.array([np.nan])))


def test_hostile_names_cannot_break_the_table() -> None:
    header, rows, _ = indices(fake_case(name='a\tb\nc"d', n_times=2))
    assert {len(row) for row in rows} == {len(header)}
    assert rows[0][0] == "a b c'd"


def test_without_mass_and_mechanics_the_table_still_stands() -> None:
    header, rows, sidecar = indices(fake_case(mass=False, cord=False, n_times=2))
    assert "strain_p95" not in header
    assert set(header) == set(sidecar)
    assert {len(row) for row in rows} == {len(header)}
