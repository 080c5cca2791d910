"""`canalrisk morphometry` on a small phantom: files, tables, refusals."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.figure import Figure
from rich.console import Console

from canalrisk.cli import main
from canalrisk.imaging import write_labels, write_mask
from canalrisk.report import measured_summary, measured_table
from canalrisk.report.figures.measured_sections import CHORD, FREE, _lines, shown_sections
from canalrisk.report.figures.style import MASS
from canalrisk.report.indices import indices
from canalrisk.subject import measure_subject

FILES = {"summary.json", "indices.tsv", "indices.json", "results.zarr", "qc.html", "provenance.json"}


@pytest.fixture(scope="module")
def files(neck, neck_mass, tmp_path_factory):
    folder = tmp_path_factory.mktemp("in")
    write_labels(neck, path=folder / "neck.nii.gz")
    write_mask(neck_mass, grid=neck.grid, path=folder / "mass.nii.gz")
    return folder


@pytest.fixture(scope="module")
def command(files):
    return ["morphometry", str(files / "neck.nii.gz"), "--mass", str(files / "mass.nii.gz"), "--labels", "canalrisk"]


@pytest.fixture(scope="module")
def run(command, tmp_path_factory):
    """The command once, all of it: its folder, and what the library returned to it."""
    out = tmp_path_factory.mktemp("measured") / "out"
    results = []

    def kept(*a, **k):
        results.append(measure_subject(*a, **k))
        return results[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("canalrisk.cli.morphometry.measure_subject", kept)
        assert main([*command, "--no-intervals", "--out", str(out), "--quiet"]) == 0
    return out, results[0]


@pytest.fixture(scope="module")
def written(run):
    return run[0]


@pytest.fixture(scope="module")
def measured(run):
    return run[1]


@pytest.fixture
def quick(measured, monkeypatch):
    """The command without the seconds of measuring: for what it does before and after."""
    monkeypatch.setattr("canalrisk.cli.morphometry.measure_subject", lambda labelmap, **k: measured)
    monkeypatch.setattr("canalrisk.report.qc.render_qc", lambda result, said: "page")


def test_writes_what_it_says_and_nothing_else(written):
    assert {path.name for path in written.iterdir()} == FILES
    assert [path.name for path in written.parent.iterdir()] == ["out"], "no stage is left"


def test_numbers_are_those_of_the_library(written, measured):
    said = json.loads((written / "summary.json").read_text("utf-8"))
    ds = measured.dataset.isel(time=0)
    assert said["values"]["sac_min"] == pytest.approx(float(ds["sac_min"]), abs=1e-9)
    for row in said["foramina"]:
        got = float(ds["foramen_area"].sel(foramen=row["foramen"], side=row["side"]))
        assert row["foramen_area"] == pytest.approx(got, abs=1e-9)
    stored = xr.open_zarr(written / "results.zarr").load()
    np.testing.assert_array_equal(stored["canal_area"], measured.dataset["canal_area"])


def test_every_variable_is_in_summary_and_table(written, measured):
    said = json.loads((written / "summary.json").read_text("utf-8"))
    found = {*said["values"], *said["levels"][0], *said["foramina"][0]}
    assert {str(name) for name in measured.dataset.data_vars} <= found
    table = pd.read_csv(written / "indices.tsv", sep="\t", na_values=["n/a"], keep_default_na=False)
    known = {name for name in measured.dataset.data_vars if measured.dataset[name].dtype.kind != "f"}
    assert {str(name) for name in measured.dataset.data_vars} - set(table.columns) - known == set()


def test_variables_that_do_not_exist_yet_show_up(measured):
    """Another index, with its interval, per level or per side, needs no change of summary and table."""
    about = {"units": "1", "long_name": "x", "definition": "x"}
    more = measured.dataset.assign_coords(lamina=["C3", "C4"]).assign(
        mcc_low=("time", [0.1], about),
        mcc_high=("time", [0.4], about),
        contact=(("time", "lamina", "side"), [[[1.0, 2.0], [3.0, np.nan]]], about),
        artery=(("time", "side"), [[5.0, 6.0]], about),
    )
    result = replace(measured, dataset=more)
    said = measured_summary(result)
    assert said["values"]["mcc_low"] == 0.1
    assert said["values"]["artery"] == {"left": 5.0, "right": 6.0}
    assert next(row for row in said["levels"] if row["level"] == "C4")["contact"] == {"left": 3.0, "right": None}
    header, rows, sidecar = indices(result)
    cells = {(row[3], row[4]): dict(zip(header, row, strict=True)) for row in rows}
    assert cells["all", "n/a"]["mcc_low"] == "0.1"
    assert cells["all", "right"]["artery"] == "6"
    assert cells["C3", "right"]["contact"] == "2"
    assert cells["C4", "right"]["contact"] == "n/a"
    assert list(sidecar) == header
    assert f"{said['values']['mcc']:.0%} (10 to 40 %)".replace("%", " %", 1) in printed(said)


def printed(said):
    console = Console(width=80)
    with console.capture() as capture:
        console.print(measured_table(said))
    return capture.get()


def test_table_names_levels_foramina_and_findings(written):
    said = json.loads((written / "summary.json").read_text("utf-8"))
    text = printed(said)
    for word in ("occupying ratio", "SAC", "MCC", "C4/5, C5", "C7/T1, C8", "Research use"):
        assert word in text, word
    assert max(map(len, text.splitlines())) <= 80


def test_json_is_the_summary(quick, command, written, tmp_path, capsys):
    assert main([*command, "--out", str(tmp_path / "out"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((written / "summary.json").read_text("utf-8"))


def test_page_shows_every_level_and_foramen_offline(written, measured):
    page = (written / "qc.html").read_text("utf-8")
    assert "<script" not in page
    assert not re.search(r"(src|href)=\"(?!data:|#)", page)
    assert "left is on the viewer's right" in page.replace("<b>", "").replace("</b>", "")
    shown = shown_sections(measured)
    words = [word for section in shown for word in section.why]
    assert {"worst", "smallest SAC", *map(str, np.unique(measured.dataset["level"]))} <= set(words)
    assert [section.index for section in shown] == sorted((section.index for section in shown), reverse=True)
    pictures = 1 + len(shown) + sum(len(stations.place) > 0 for stations in measured.prepared.stations)
    assert page.count("<svg") == pictures
    for section in shown:
        assert f"{section.number}  {', '.join(section.why)}" in page
    for foramen in measured.spine.foramina:
        assert f"{foramen.name} {foramen.side}, root {foramen.root}" in page


def test_lines_on_a_section_are_as_long_as_the_numbers_say(measured):
    """Drawn again from the fields; the numbers come from `measure`. Ends agree within a tenth of a millimetre."""
    ds = measured.dataset.isel(time=0)
    k = int(np.argmin(np.abs(ds["s_mm"].values - float(ds["worst_s"]))))
    figure = Figure()
    ax = figure.add_subplot()
    _lines(measured, k, ax)
    lengths = {}
    for drawn in ax.lines:
        lengths.setdefault(drawn.get_color(), []).append(float(np.hypot(*np.diff(drawn.get_xydata(), axis=0)[0])))
    assert lengths[FREE] == pytest.approx([float(ds["sac_width"][k])], abs=0.1)
    assert sum(lengths[MASS]) == pytest.approx(float(ds["occupying_ratio"][k] * ds["canal_ap_on_ray"][k]), abs=0.1)
    assert lengths[CHORD] == pytest.approx([float(ds["canal_rl"][k]), float(ds["canal_ap"][k])], abs=0.15)
    # The founding mass of this phantom is on the left and behind: on the picture right of the middle and low.
    taken = next(drawn for drawn in ax.lines if drawn.get_color() == MASS)
    assert taken.get_ydata().mean() < 0
    mass = measured.spine.grid.to_world(np.argwhere(measured.spine.mass < 0)).mean(axis=0)
    assert (mass - measured.spine.centreline.points[k]) @ measured.spine.centreline.right[k] < 0


def test_without_a_mass_nothing_is_taken(files, tmp_path, capsys):
    out = tmp_path / "out"
    argv = ["morphometry", str(files / "neck.nii.gz"), "--labels", "canalrisk", "--no-intervals", "--out", str(out)]
    assert main(argv) == 0
    assert "SAC" not in (out / "qc.html").read_text("utf-8").partition("Sections across the canal")[2][:900]
    said = json.loads((out / "summary.json").read_text("utf-8"))
    assert said["values"]["occupying_ratio_max"] == 0.0
    assert said["values"]["mass_volume"] == 0.0
    assert {row["foramen_area_loss"] for row in said["foramina"]} <= {0.0, None}
    assert "no section is reached by a mass" in capsys.readouterr().out


def test_results_of_two_commands_are_never_mixed(quick, command, tmp_path):
    """A folder with a report of `assess` holds, after --overwrite, what was measured and nothing older."""
    out = tmp_path / "out"
    assert main([*command, "--out", str(out), "--quiet"]) == 0
    (out / "report.html").write_text("of an earlier run")
    (out / "mine.txt").write_text("not ours")
    assert main([*command, "--out", str(out), "--quiet"]) == 2
    assert (out / "report.html").exists()
    assert main([*command, "--out", str(out), "--quiet", "--overwrite"]) == 0
    assert {path.name for path in out.iterdir()} == FILES | {"mine.txt"}


def test_a_hostile_name_stays_a_name(quick, neck, tmp_path, capsys):
    segmentation = tmp_path / "a<script>alert(1)<b>[red].nii.gz"
    write_labels(neck, path=segmentation)
    out = tmp_path / "out[bold]"
    assert main(["morphometry", str(segmentation), "--labels", "canalrisk", "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "out[bold]" in said.err.replace("\n", "")
    for name in FILES - {"results.zarr"}:
        assert str(tmp_path) not in (out / name).read_text("utf-8"), name


@pytest.mark.parametrize("what", ["absent", "not an image", "file as folder"])
def test_refusals_are_three_lines(what, command, tmp_path, capsys):
    argv, code = list(command), 3
    out = tmp_path / "out"
    if what == "absent":
        argv[1] = str(tmp_path / "nobody.nii.gz")
    elif what == "not an image":
        argv[1] = str(tmp_path / "x.nii.gz")
        (tmp_path / "x.nii.gz").write_bytes(b"nothing")
    else:
        out, code = tmp_path / "file", 2
        out.write_text("x")
    assert main([*argv, "--out", str(out)]) == code
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip() and "%  " not in line]
    assert [line.split(":")[0].strip() for line in lines] == ["error", "where", "do"]
    assert not (tmp_path / "out").exists()


def test_intervals_come_unless_they_are_not_wanted(measured, command, tmp_path, monkeypatch):
    seen = []

    def told(labelmap, **k):
        seen.append(k["intervals"])
        return measured

    monkeypatch.setattr("canalrisk.cli.morphometry.measure_subject", told)
    for number, flags in enumerate(([], ["--no-intervals"])):
        assert main([*command, *flags, "--no-qc", "--quiet", "--out", str(tmp_path / str(number))]) == 0
        assert {path.name for path in (tmp_path / str(number)).iterdir()} == FILES - {"qc.html"}
    assert seen == [True, False]


def test_sct_tables_are_asked_for_and_bare_of_folders(quick, command, tmp_path, capsys):
    out = tmp_path / "out"
    assert main([*command, "--out", str(out), "--quiet", "--sct-csv", "--per-level"]) == 0
    assert {path.name for path in out.iterdir()} == FILES | {"sct_cord.csv", "sct_canal.csv"}
    table = pd.read_csv(out / "sct_cord.csv")
    assert set(table["Filename"]) == {"neck.nii.gz"}
    assert list(table["VertLevel"]) == sorted(table["VertLevel"])
    assert main([*command, "--out", str(tmp_path / "other"), "--per-level"]) == 2
    assert "--sct-csv" in capsys.readouterr().err
