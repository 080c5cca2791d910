"""One row per sample, whatever happens: failures, damage, kills; and the same bits after all of them."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import cheap
import numba
import numpy as np
import pytest
import xarray as xr
import zarr
from cheap import SPEC, evaluate

from canalrisk.errors import NumericalFailure, UsageError
from canalrisk.sweep import parse_spec, run_sweep, status_counts, summary_table

HERE = Path(__file__).parent


def files(store: Path) -> dict[str, bytes]:
    return {str(p.relative_to(store)): p.read_bytes() for p in sorted(store.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    store = tmp_path_factory.mktemp("sweep") / "plain.zarr"
    run_sweep(parse_spec(SPEC), store=store, workers=0, evaluate=evaluate)
    return store


def test_rows_units_and_reasons(undisturbed: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        data = xr.open_zarr(undisturbed).load()
    assert data.sizes == {"sample": 16, "time": 3, "side": 2}
    assert "canal_area" not in data  # section-resolved variables are stored on request only
    failed = data["bone_speed"].values > 0.9
    assert failed.any()
    np.testing.assert_array_equal(data["status"].values, np.where(failed, 3, 0))
    assert set(data["reason"].values[failed]) == {"no equilibrium above 0.9 (bone_speed)"}
    assert np.isnan(data["occupying_ratio_max"].values[failed]).all()
    assert data["foramen_area"].attrs["units"] == "mm2"
    assert data["doubling_time_years"].attrs["units"] == "year"
    assert list(data["side"].values) == ["left", "right"]
    assert all("units" in v.attrs and "long_name" in v.attrs for v in data.data_vars.values())
    row = int(np.flatnonzero(~failed)[3])
    values = {name: data[name].values[row].item() for name in ("doubling_time_years", "bone_speed")}
    again = evaluate(None, {**values, "material_set": str(data["material_set"].values[row]), "n_times": 3})
    np.testing.assert_array_equal(data["occupying_ratio_max"].values[row], again["occupying_ratio_max"].values)
    np.testing.assert_array_equal(data["time_years"].values[row], [0.0, 0.5, 1.0])


def test_counts_and_table(undisturbed: Path) -> None:
    from rich.console import Console

    data = run_sweep(parse_spec(SPEC), store=undisturbed, workers=0, evaluate=evaluate)
    counts = status_counts(data)
    assert sum(counts.values()) == 16
    assert set(counts) == {"ok", "failed"}
    console = Console(width=120, file=io.StringIO())
    console.print(summary_table(data))
    text = console.file.getvalue()
    assert "occupying ratio" in text
    by_model = data["occupying_ratio_max"].expand_dims(model=["cord area loss", "sac"], axis=-1)
    console.print(summary_table(data.assign(risk_myelopathy_prevalent=by_model)))
    assert "occupying ratio, sac" in console.file.getvalue()
    assert f"{counts['ok']} ok, {counts['failed']} failed" in text


def test_finished_store_runs_nothing(undisturbed: Path) -> None:
    def never(case: Any, values: Any) -> xr.Dataset:
        raise AssertionError("ran again")

    never.__module__, never.__qualname__ = evaluate.__module__, evaluate.__qualname__
    before = files(undisturbed)
    run_sweep(parse_spec(SPEC), store=undisturbed, workers=0, evaluate=never)
    assert files(undisturbed) == before


def test_another_sweep_is_not_mixed_in(undisturbed: Path) -> None:
    other = parse_spec({**SPEC, "fixed": {"n_times": 4}})
    with pytest.raises(UsageError, match="holds another sweep"):
        run_sweep(other, store=undisturbed, workers=0, evaluate=evaluate)


def test_overwrite_removes_sweeps_only(tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("x")
    with pytest.raises(UsageError, match="not the store of a sweep"):
        run_sweep(parse_spec(SPEC), store=precious, workers=0, evaluate=evaluate, overwrite=True)
    assert (precious / "thesis.txt").exists()


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("after", [0, 1, 7])
def test_interrupted_run_ends_with_the_same_bits(batch: int, after: int, tmp_path: Path, undisturbed: Path) -> None:
    spec = parse_spec({**SPEC, "design": {**SPEC["design"], "batch": batch}})
    calls = 0

    def stopping(case: Any, values: Any) -> xr.Dataset:
        nonlocal calls
        calls += 1
        if calls > after:
            raise KeyboardInterrupt
        return evaluate(case, values)

    stopping.__module__, stopping.__qualname__ = evaluate.__module__, evaluate.__qualname__
    with pytest.raises(KeyboardInterrupt):
        run_sweep(spec, store=tmp_path / "a.zarr", workers=0, evaluate=stopping)
    again = run_sweep(spec, store=tmp_path / "a.zarr", workers=0, evaluate=evaluate)
    reference = xr.open_zarr(undisturbed).load()
    for name in reference.variables:
        np.testing.assert_array_equal(again[name].values, reference[name].values, err_msg=str(name))


def test_damaged_rows_are_run_again(tmp_path: Path, undisturbed: Path) -> None:
    store = tmp_path / "a.zarr"
    run_sweep(parse_spec(SPEC), store=store, workers=0, evaluate=evaluate)
    before = files(store)
    group = zarr.open_group(str(store), mode="r+")
    group["trace"][2] = 1e9  # a value nobody computed
    chunk = store / "occupying_ratio_max" / "c" / "4" / "0"
    chunk.write_bytes(chunk.read_bytes()[:7])  # a chunk cut short
    (store / "status" / "c" / "5").unlink()  # a task killed before its status
    assert files(store) != before
    run_sweep(parse_spec(SPEC), store=store, workers=0, evaluate=evaluate)
    assert files(store) == before == files(undisturbed)


def test_rows_of_negative_nan_are_done_and_not_run_again(tmp_path: Path) -> None:
    calls = []

    def undefined(case: Any, values: Any) -> xr.Dataset:
        calls.append(values)
        data = evaluate(case, {**values, "bone_speed": 0.5})
        return data.assign(
            mcc=("time", np.full(3, -np.nan)), trace=((), -np.nan), word=((), "C5"), area=("time", [0.0, -np.nan, -0.0])
        )

    assert np.signbit(-np.nan)  # inf - inf gives this one on x86
    undefined.__module__, undefined.__qualname__ = evaluate.__module__, evaluate.__qualname__
    for _ in range(2):
        run_sweep(parse_spec(SPEC), store=tmp_path / "a.zarr", workers=0, evaluate=undefined)
    assert len(calls) == 16


def test_failures_before_the_first_success_are_kept(tmp_path: Path) -> None:
    raw = {
        **SPEC,
        "design": {"kind": "grid"},
        "parameters": {
            "bone_speed": {"values": [0.95, 1.0, 0.5]},
            "doubling_time_years": {"values": [1.0]},
            "material_set": {"values": ["A"]},
        },
    }
    data = run_sweep(parse_spec(raw), store=tmp_path / "a.zarr", workers=0, evaluate=evaluate)
    assert list(data["status"].values) == [3, 3, 0]
    raw["parameters"]["bone_speed"] = {"values": [0.95, 1.0]}
    data = run_sweep(parse_spec(raw), store=tmp_path / "b.zarr", workers=0, evaluate=evaluate)
    assert list(data["status"].values) == [3, 3]


def test_unexpected_errors_are_rows_without_paths(tmp_path: Path) -> None:
    def broken(case: Any, values: Any) -> xr.Dataset:
        if values["bone_speed"] < 0.5:
            raise FileNotFoundError(2, "No such file", "/home/jane doe/scan.nii")
        return evaluate(case, values)

    data = run_sweep(parse_spec(SPEC), store=tmp_path / "a.zarr", workers=0, evaluate=broken)
    bad = data["bone_speed"].values < 0.5
    assert set(data["status"].values[bad]) == {4}
    assert all("FileNotFoundError" in r and "jane" not in r for r in data["reason"].values[bad])


def test_partial_mechanics_is_a_status_of_its_own(tmp_path: Path) -> None:
    def partly(case: Any, values: Any) -> xr.Dataset:
        return evaluate(case, {**values, "bone_speed": 0.5}).assign(
            mechanics_status=("time", np.array([0, 0, 1], np.int8), {"units": "1"}),
            mechanics_reason=("time", np.array(["", "", "step halved 8 times"])),
        )

    data = run_sweep(parse_spec(SPEC), store=tmp_path / "a.zarr", workers=0, evaluate=partly)
    assert set(data["status"].values) == {1}
    assert data["reason"].values[0] == "1 of 3 times without mechanics: step halved 8 times"
    assert data["mechanics_status"].values[0].tolist() == [0, 0, 1]


def test_named_outputs(tmp_path: Path) -> None:
    spec = parse_spec({**SPEC, "outputs": {"variables": ["canal_area"]}})
    data = run_sweep(spec, store=tmp_path / "a.zarr", workers=0, evaluate=evaluate)
    assert set(data.data_vars) == {"canal_area", "time_years", "status", "reason", "row_sha256"}
    wrong = parse_spec({**SPEC, "outputs": {"variables": ["canal_aera"]}})
    with pytest.raises(UsageError, match="no output is called 'canal_aera'"):
        run_sweep(wrong, store=tmp_path / "b.zarr", workers=0, evaluate=evaluate)


def test_sample_of_another_shape_is_an_error_row(tmp_path: Path) -> None:
    def growing(case: Any, values: Any) -> xr.Dataset:
        data = evaluate(case, {**values, "bone_speed": 0.5})
        return data if values["material_set"] == "A" else data.isel(time=slice(0, 2))

    data = run_sweep(parse_spec(SPEC), store=tmp_path / "a.zarr", workers=0, evaluate=growing)
    counts = status_counts(data)
    assert counts["ok"] > 0
    assert counts["error"] > 0


def test_sample_of_other_coordinates_is_an_error_row(tmp_path: Path) -> None:
    def turned(case: Any, values: Any) -> xr.Dataset:
        data = evaluate(case, {**values, "bone_speed": 0.5})
        return data if values["material_set"] == "A" else data.isel(side=[1, 0])

    data = run_sweep(parse_spec(SPEC), store=tmp_path / "a.zarr", workers=0, evaluate=turned)
    straight = data["material_set"].values == "A"
    odd = straight != straight[0]  # the first sample lays out the store
    assert set(data["status"].values[odd]) == {4}
    assert set(data["reason"].values[odd]) == {"coordinate 'side' differs from that of the store"}


def test_unreachable_scheduler_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no Dask scheduler"):
        run_sweep(parse_spec(SPEC), store=tmp_path / "a", scheduler="nonsense://x", evaluate=evaluate)


def test_running_here_leaves_the_threads_of_the_caller(tmp_path: Path) -> None:
    seen = []

    def looking(case: Any, values: Any) -> xr.Dataset:
        seen.append(numba.get_num_threads())
        return evaluate(case, values)

    before = numba.get_num_threads()
    run_sweep(parse_spec(SPEC), store=tmp_path / "a", workers=0, evaluate=looking)
    assert set(seen) == {1}
    assert numba.get_num_threads() == before


def test_progress_goes_from_0_to_1(tmp_path: Path) -> None:
    said: list[tuple[float, str]] = []
    run_sweep(
        parse_spec(SPEC), store=tmp_path / "a", workers=0, evaluate=evaluate, progress=lambda f, m: said.append((f, m))
    )
    fractions = [f for f, _ in said]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert any("not ok" in m for _, m in said)


def test_killed_dask_sweep_ends_with_the_bits_of_an_undisturbed_serial_one(tmp_path: Path, undisturbed: Path) -> None:
    store = tmp_path / "killed.zarr"
    command = [sys.executable, str(HERE / "cheap.py"), str(store), "2"]
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    status = store / "status" / "c"
    deadline = time.monotonic() + 60
    while not (status.exists() and len(list(status.iterdir())) >= 4) and time.monotonic() < deadline:
        time.sleep(0.005)
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    done = len(list(status.iterdir()))
    assert 4 <= done < 16
    data = run_sweep(parse_spec(SPEC), store=store, workers=2, evaluate=cheap.evaluate)
    assert "pending" not in status_counts(data)
    assert files(store) == files(undisturbed)


@pytest.mark.slow
def test_worker_that_dies_is_recorded_and_tried_again(tmp_path: Path) -> None:
    raw = {**SPEC, "design": {"kind": "grid"}, "parameters": {"bone_speed": {"values": [0.3, 0.4, 0.5]}}}
    raw["fixed"] = {"n_times": 3, "doubling_time_years": 1.0, "material_set": "A"}
    os.environ["CHEAP_DIES_AT"] = "0.4"
    try:
        data = run_sweep(parse_spec(raw), store=tmp_path / "a.zarr", workers=1, evaluate=cheap.mortal)
    finally:
        del os.environ["CHEAP_DIES_AT"]
    assert list(data["status"].values) == [0, 5, 0]
    assert "worker died" in data["reason"].values[1]
    data = run_sweep(parse_spec(raw), store=tmp_path / "a.zarr", workers=0, evaluate=cheap.mortal)
    assert list(data["status"].values) == [0, 0, 0]


def test_numerical_failure_is_what_the_store_calls_failed() -> None:
    with pytest.raises(NumericalFailure):
        evaluate(None, {"bone_speed": 0.95})
