"""What a sweep file may say, and the samples it makes."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cheap import SPEC

from canalrisk.errors import UsageError
from canalrisk.sweep import design_rows, parse_spec, read_spec


def changed(**parts: Any) -> dict[str, Any]:
    raw = copy.deepcopy(SPEC)
    for key, value in parts.items():
        *folders, last = key.split("__")
        section: Any = raw
        for folder in folders:
            section = section[folder]
        if value is None:
            del section[last]
        else:
            section[last] = value
    return raw


@pytest.mark.parametrize(
    ("raw", "what", "where", "fix"),
    [
        (changed(desing={}), "unknown key 'desing'", "key desing", "did you mean 'design'?"),
        (changed(design__sample=3), "unknown key 'sample'", "key design.sample", "did you mean 'samples'?"),
        (changed(parameters__bone_speed={"lo": 0.1, "high": 1.0}), "unknown key 'lo'", "bone_speed.lo", "'low'"),
        (changed(parameters__bone_sped={"values": [1.0]}), "unknown parameter", "bone_sped", "'bone_speed'"),
        (changed(fixed__materal_set="A"), "unknown parameter", "fixed.materal_set", "'material_set'"),
        (changed(parameters__n_times={"values": [3]}), "cannot vary", "n_times", "[fixed]"),
        (changed(fixed__bone_speed=0.3), "both fixed and varied", "bone_speed", "remove one"),
        (changed(parameters__material_set={"low": 0, "high": 1}), "not a real number", "material_set", "values"),
        (changed(fixed__horizon_years="one"), "'one' is not a float", "horizon_years", "float"),
        (changed(fixed__draws=2.5), "2.5 is not a int", "draws", "int"),
        (changed(fixed__wall=1), "1 is not a bool", "wall", "bool"),
        (changed(design__samples=None), "a sobol design needs it", "design", "samples"),
        (changed(design__kind="halton"), "'grid' or 'sobol'", "design.kind", "kind"),
        (changed(parameters={}), "at least 1", "parameters", ""),
        (changed(base={}), "either phantom or segmentation", "base", "phantom"),
        (changed(base={"phantom": 3, "segmentation": "a.nii"}), "either phantom or segmentation", "base", "phantom"),
        (changed(parameters__bone_speed={"low": 1.0, "high": 0.1}), "low must be less", "bone_speed", "low"),
        (changed(parameters__bone_speed={"low": 1.0}), "needs high", "bone_speed", "high"),
        (changed(parameters__bone_speed={"values": []}), "empty", "bone_speed", "values"),
        (changed(fixed__mass_level="C5"), "needs volume, level, side and site", "sweep", "mass_volume_mm3"),
    ],
)
def test_mistakes_name_the_key_and_the_nearest(raw: dict[str, Any], what: str, where: str, fix: str) -> None:
    with pytest.raises(UsageError, match=re.escape(what)) as caught:
        parse_spec(raw)
    assert where in caught.value.where
    assert fix in caught.value.fix
    assert caught.value.exit_code == 2
    assert len(str(caught.value).split("\n")) == 3


def test_file_beside_its_segmentation(tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    path.write_text(
        'base = {segmentation = "seg.nii.gz", mass = "m.nii.gz"}\n'
        'design = {kind = "grid"}\n[parameters.bone_speed]\nvalues = [0.1, 0.3]\n'
    )
    spec = read_spec(path)
    assert spec.base.segmentation == str(tmp_path / "seg.nii.gz")
    assert spec.base.mass == str(tmp_path / "m.nii.gz")


@pytest.mark.parametrize("text", [b"\xff\xfe", b"[base", b"x" * 1_100_000])
def test_unreadable_file(text: bytes, tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    path.write_bytes(text)
    with pytest.raises(UsageError):
        read_spec(path)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read") as caught:
        read_spec(tmp_path / "none.toml")
    assert str(tmp_path) not in str(caught.value)


def test_grid_is_every_combination_with_the_last_fastest() -> None:
    spec = parse_spec(
        changed(
            design={"kind": "grid"},
            parameters={
                "material_set": {"values": ["A", "B"]},
                "bone_speed": {"low": 0.1, "high": 0.3, "steps": 3},
                "doubling_time_years": {"distribution": "log-uniform", "low": 0.5, "high": 2.0, "steps": 3},
            },
        )
    )
    rows = design_rows(spec)
    assert len(rows) == 18
    assert [r["doubling_time_years"] for r in rows[:3]] == pytest.approx([0.5, 1.0, 2.0])
    assert [r["bone_speed"] for r in rows[:9:3]] == pytest.approx([0.1, 0.2, 0.3])
    assert [r["material_set"] for r in rows] == ["A"] * 9 + ["B"] * 9


def test_grid_needs_levels() -> None:
    with pytest.raises(UsageError, match="no levels"):
        design_rows(parse_spec(changed(design={"kind": "grid"})))


def test_sobol_fills_each_distribution() -> None:
    # 1024 scrambled Sobol points: every dimension is a permutation of strata, so quantiles are those of the
    # distribution within 1/1024 of probability. Expected values are the distributions' own.
    spec = parse_spec(
        changed(
            design={"kind": "sobol", "samples": 1024, "seed": 1},
            parameters={
                "bone_speed": {"low": 0.2, "high": 0.6},
                "doubling_time_years": {"distribution": "log-uniform", "low": 0.5, "high": 2.0},
                "radial_rate_mm_per_year": {"distribution": "normal", "mean": 2.0, "sd": 0.5, "low": 0.0},
                "poisson": {"distribution": "triangular", "low": 0.4, "mode": 0.45, "high": 0.5},
                "material_set": {"values": ["A", "B", "C", "A"]},
            },
        )
    )
    rows = design_rows(spec)
    column = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    assert np.mean(column["bone_speed"]) == pytest.approx(0.4, abs=5e-4)
    assert np.median(column["doubling_time_years"]) == pytest.approx(1.0, rel=3e-3)
    assert np.quantile(column["radial_rate_mm_per_year"], 0.8413) == pytest.approx(2.5, abs=0.01)
    assert np.mean(column["poisson"]) == pytest.approx(0.45, abs=5e-4)
    assert (column["material_set"] == "A").sum() == 512
    assert rows == design_rows(spec)
    assert rows != design_rows(parse_spec(changed(design={"kind": "sobol", "samples": 1024, "seed": 2})))


def test_values_that_no_run_could_use_are_refused_before_any(tmp_path: Path) -> None:
    from cheap import evaluate

    from canalrisk.sweep import run_sweep

    spec = parse_spec(changed(parameters__material_set={"values": ["A", "D"]}))
    with pytest.raises(UsageError, match="unknown material set 'D'") as caught:
        run_sweep(spec, store=tmp_path / "s.zarr", workers=0, evaluate=evaluate)
    assert caught.value.where.startswith("sample ")
    assert not (tmp_path / "s.zarr").exists()
