"""The results folder: complete, readable by others, never half-written, never over someone else's files."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import meshio
import nibabel as nib
import numpy as np
import pytest
import xarray as xr
from fake_case import FakeCase, fake_case

from canalrisk.errors import UsageError
from canalrisk.report import check_out, page, write_results

EXPECTED = {
    "summary.json", "indices.tsv", "indices.json", "results.zarr", "fields", "report.html", "provenance.json",
}  # fmt: skip


def test_folder_holds_what_the_design_names_and_nothing_else(written: Path) -> None:
    assert {entry.name for entry in written.iterdir()} == EXPECTED
    assert [p.name for p in written.parent.iterdir()] == [written.name], "no temporary folder is left"


def test_json_files_are_strict_json(written: Path) -> None:
    def refuse(text: str) -> None:
        raise AssertionError(f"{text} is not JSON")

    for name in ("summary.json", "indices.json", "provenance.json", "fields/fields.json"):
        json.loads((written / name).read_text(encoding="utf-8"), parse_constant=refuse)


def test_summary_says_what_the_dataset_says(written: Path, case: FakeCase) -> None:
    said = json.loads((written / "summary.json").read_text(encoding="utf-8"))
    ds = case.dataset
    assert [t["time_years"] for t in said["times"]] == ds["time"].values.tolist()
    assert said["times"][0]["sac_min"] == float(ds["sac_min"][0])
    assert said["times"][4]["mechanics"] == "failed"
    assert said["times"][4]["strain_p95"] is None, "a failed time has no number"
    assert said["times"][4]["mechanics_reason"].startswith("contact step halved")
    row = next(f for f in said["times"][2]["foramina"] if f["foramen"] == "C4/5" and f["side"] == "right")
    assert row["area_loss"] == float(ds["foramen_area_loss"].sel(foramen="C4/5", side="right")[2])
    assert "not a diagnosis" in said["research_use"]
    assert said["calibration"] == "not calibrated for tumoral calcinosis"
    assert [f["severity"] for f in said["findings"]] == ["serious", "warning", "info"]


def test_store_opens_with_xarray_and_every_variable_is_described(written: Path, case: FakeCase) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ds = xr.open_zarr(written / "results.zarr").load()
    assert set(ds.data_vars) == set(case.dataset.data_vars)
    for name, variable in ds.variables.items():
        missing = {key for key in ("units", "long_name", "definition") if not variable.attrs.get(key)}
        assert not missing, f"{name} lacks {missing}"
    np.testing.assert_array_equal(ds["residual_canal_area"], case.dataset["residual_canal_area"])
    assert ds["worst_level"].values.tolist() == case.dataset["worst_level"].values.tolist()


def test_fields_lie_on_the_input_grid_and_in_its_frame(written: Path, case: FakeCase) -> None:
    mass = nib.load(written / "fields" / "mass_t02.nii.gz")
    np.testing.assert_allclose(mass.affine, case.spine.grid.affine)
    np.testing.assert_array_equal(np.asarray(mass.dataobj) > 0, case.timeline.snapshots[2].mass < 0)
    strain = nib.load(written / "fields" / "cord_strain_t01.nii.gz")
    assert strain.shape == case.spine.grid.shape
    top = float(np.asarray(strain.dataobj).max())
    largest = float(case.cord.cell_fields["strain_max_principal"][1].max())
    assert 0.8 * largest < top <= largest + 1e-6, "voxel means cannot exceed the largest cell"
    vtu = meshio.read(written / "fields" / "cord_t01.vtu")
    np.testing.assert_allclose(vtu.points - vtu.point_data["displacement"], case.cord.mesh.points, atol=1e-12)
    assert set(vtu.cell_data) >= {"strain_max_principal", "von_mises", "pressure"}


def test_cord_on_the_grid_has_the_volume_of_the_mesh(written: Path, case: FakeCase) -> None:
    # Origin of the expected value: area of the ellipse 6.5 x 3.7 mm times the tube's length of 63.75 mm.
    mask = np.asarray(nib.load(written / "fields" / "cord_t00.nii.gz").dataobj) > 0
    volume = mask.sum() * case.spine.grid.voxel_volume
    assert volume == pytest.approx(np.pi * 6.5 * 3.7 * 63.75, rel=0.06)


def test_failed_time_has_no_cord_files_but_has_its_mass(written: Path) -> None:
    names = {p.name for p in (written / "fields").iterdir()}
    assert "mass_t04.nii.gz" in names
    assert not {n for n in names if n.startswith("cord") and "t04" in n}
    index = json.loads((written / "fields" / "fields.json").read_text())
    assert set(index) == names - {"fields.json"}, "every file is explained"


def test_crash_in_the_middle_leaves_nothing(tmp_path: Path, case: FakeCase, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(page, "render", fail)
    with pytest.raises(KeyboardInterrupt):
        write_results(case, out=tmp_path / "case")
    assert list(tmp_path.iterdir()) == []


def test_crash_leaves_the_earlier_results_whole(
    tmp_path: Path, case: FakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "render", lambda _: "first")
    out = write_results(case, out=tmp_path / "case")
    before = {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    monkeypatch.setattr(page, "render", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_results(case, out=out, overwrite=True)
    assert {p.relative_to(out): p.read_bytes() for p in out.rglob("*") if p.is_file()} == before


def test_own_folder_is_replaced_and_leaves_no_stale_file(
    tmp_path: Path, case: FakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "render", lambda _: "page")
    out = write_results(case, out=tmp_path / "case")
    write_results(fake_case(cord=False, n_times=2), out=out, overwrite=True)
    assert {entry.name for entry in out.iterdir()} == EXPECTED
    assert not list((out / "fields").glob("cord*")), "files of the earlier case are gone"


def test_foreign_folder_is_refused_without_overwrite(tmp_path: Path, case: FakeCase) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UsageError) as refused:
        check_out(tmp_path)
    assert refused.value.exit_code == 2
    assert str(refused.value).count("\n") == 2
    assert "--out" in refused.value.where
    assert "--overwrite" in refused.value.fix
    assert str(tmp_path) not in str(refused.value), "paths carry names"
    with pytest.raises(UsageError):
        write_results(case, out=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_overwrite_keeps_files_that_are_not_ours(
    tmp_path: Path, case: FakeCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "render", lambda _: "page")
    (tmp_path / "thesis.tex").write_text("mine")
    write_results(case, out=tmp_path, overwrite=True)
    assert {entry.name for entry in tmp_path.iterdir()} == EXPECTED | {"thesis.tex"}
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_file_as_output_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(UsageError, match="a file, not a folder"):
        check_out(tmp_path / "out", overwrite=True)


def test_earlier_results_are_replaced_only_on_request(written: Path) -> None:
    with pytest.raises(UsageError) as refused:
        check_out(written)
    assert refused.value.exit_code == 2
    assert "--overwrite" in refused.value.fix
    check_out(written, overwrite=True)
    assert {entry.name for entry in written.iterdir()} == EXPECTED, "asking changes nothing"


def test_incomplete_folder_of_ours_may_be_completed(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"schema": "canalrisk.summary/1"}')
    check_out(tmp_path)
    (tmp_path / "fields").mkdir()
    check_out(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError):
        check_out(tmp_path)


def test_folder_that_only_sounds_like_ours_is_refused(tmp_path: Path) -> None:
    (tmp_path / "fields").mkdir()
    with pytest.raises(UsageError, match="did not write"):
        check_out(tmp_path)


@pytest.mark.parametrize(
    "unwritable", ["file/results", "file/deeper/results", "n" * 300, "/proc/foo", "/proc/foo/results"]
)
def test_what_cannot_be_written_is_found_out_before_the_work(tmp_path: Path, unwritable: str) -> None:
    if unwritable.startswith("/proc") and not Path("/proc/self").exists():
        pytest.skip("no /proc here")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as refused:
        check_out(tmp_path / unwritable)
    assert refused.value.exit_code == 2
    assert refused.value.where == f"--out {Path(unwritable).name}"
    assert str(tmp_path) not in str(refused.value), "paths carry names"
    assert "/proc" not in str(refused.value)


def test_asking_makes_parents_and_not_the_folder(tmp_path: Path) -> None:
    check_out(tmp_path / "a" / "b" / "case")
    assert (tmp_path / "a" / "b").is_dir()
    assert not list((tmp_path / "a" / "b").iterdir())
