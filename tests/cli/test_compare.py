"""`canalrisk compare` on a phantom that moved while its mass grew: files, numbers, refusals."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.image import imread

from canalrisk.cli import main
from canalrisk.imaging import write_labels, write_mask

sys.path.insert(0, str(Path(__file__).parents[1] / "anatomy"))
import moved_neck

FILES = {"summary.json", "changes.tsv", "changes.json", "outlines.png", "results.zarr", "provenance.json"}
RADII = {"first": 6.5, "second": 8.5}
USAGE, REFUSED = 2, 3


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scans")
    drawn = moved_neck.Drawn(levels=("C4", "C5", "C6"), fine=0.8)
    centre = drawn.origin["C5"] + np.array([-21.0, -10.0, 0.0])
    places = {"first": moved_neck.still(drawn), "second": moved_neck.bent(drawn)}
    for name, radius in RADII.items():
        mass = ("C5", lambda x, r=radius: np.linalg.norm(x - centre, axis=1) - r)
        scan = drawn.scan(places[name], spacing=1.0, mass=mass)
        write_labels(scan, path=folder / f"{name}.nii.gz")
        write_mask(scan.mass, grid=scan.grid, path=folder / f"{name}-mass.nii.gz")
    return folder


def command(files, *more):
    names = [str(files / f"{name}.nii.gz") for name in RADII]
    masses = [word for name in RADII for word in (f"--mass-{name}", str(files / f"{name}-mass.nii.gz"))]
    return ["compare", *names, *masses, "--labels", "canalrisk", *more]


@pytest.fixture(scope="module")
def written(files, tmp_path_factory):
    out = tmp_path_factory.mktemp("compared") / "out"
    assert main(command(files, "--years", "0.5", "--out", str(out), "--quiet")) == 0
    return out


def test_writes_what_it_says_and_nothing_else(written):
    assert {path.name for path in written.iterdir()} == FILES
    assert [path.name for path in written.parent.iterdir()] == ["out"], "no stage is left"


def test_the_balls_growth_is_told(written):
    said = json.loads((written / "summary.json").read_text("utf-8"))
    rows = {row["index"]: row for row in said["changes"]}
    first, second = (4 / 3 * np.pi * radius**3 for radius in RADII.values())
    volume = rows["mass_volume"]
    # A ball of this size on 1 mm voxels: 2 %.
    assert volume["first"] == pytest.approx(first, rel=0.02)
    assert volume["change"] == pytest.approx(second - first, rel=0.04)
    assert volume["beyond_mdc"] is (volume["change"] > volume["mdc95"])
    assert volume["p_increase"] > 0.95
    assert said["mass"]["front_advance_mean"] == pytest.approx(2.0, abs=0.2)
    assert said["mass"]["front_advance_rate"] == pytest.approx(4.0, abs=0.4)
    gained = {row["vertebra"]: row["mass_volume_gained"] for row in said["vertebrae"]}
    assert sum(sides["left"] for sides in gained.values()) == pytest.approx(second - first, rel=0.05)
    assert sum(sides["right"] for sides in gained.values()) == 0
    assert all(row["registration_residual"] < 0.5 for row in said["vertebrae"])
    assert said["vertebrae"][0]["turned_degrees"] > 6, "C4 turned by two joints of 3.4 degrees"


def test_table_store_and_picture_hold_the_same(written):
    said = json.loads((written / "summary.json").read_text("utf-8"))
    table = pd.read_csv(written / "changes.tsv", sep="\t", na_values=["n/a"], keep_default_na=False)
    about = json.loads((written / "changes.json").read_text("utf-8"))
    assert list(table.columns) == list(about["columns"])
    assert set(table["index"]) == set(about["indices"])
    stored = xr.open_zarr(written / "results.zarr").load()
    row = table[table["index"] == "mass_volume"].iloc[0]
    assert row["change"] == pytest.approx(stored["mass_volume"].item(), rel=1e-5)
    assert row["mdc95"] == pytest.approx(stored["mass_volume_mdc95"].item(), rel=1e-5)
    whole = {one["index"]: one["change"] for one in said["changes"]}
    assert whole["mass_volume"] == pytest.approx(row["change"], rel=1e-5)
    assert all(variable.attrs["definition"] for variable in stored.data_vars.values())
    picture = imread(written / "outlines.png")
    assert min(picture.shape[:2]) > 500
    # Both outlines are there: the colours of the earlier and the later mass.
    for colour in ("2f7fc1", "d1495b"):
        rgb = np.array([int(colour[k : k + 2], 16) for k in (0, 2, 4)]) / 255
        assert (np.abs(picture[..., :3] - rgb).max(axis=2) < 0.02).sum() > 100


def test_no_path_is_written(written, files):
    for name in ("summary.json", "changes.tsv", "provenance.json"):
        assert str(files) not in (written / name).read_text("utf-8"), name
    record = json.loads((written / "provenance.json").read_text("utf-8"))
    assert record["settings"] == {"years": 0.5, "edge_mm": None, "draws": 0}
    assert record["inputs"]["first_labels_name"] == "first.nii.gz"
    assert len({record["inputs"][f"{scan}_labels_sha256"] for scan in RADII}) == 2


@pytest.mark.parametrize(
    "more", [("--years", "0"), ("--years", "nan"), ("--edge-mm", "-1"), ("--draws", "1"), ("--seed", "-2")]
)
def test_bad_usage_exits_2(files, more, tmp_path, capsys):
    assert main(command(files, *more, "--out", str(tmp_path / "out"))) == USAGE
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3, lines
    assert list(tmp_path.iterdir()) == []


def test_another_necks_levels_are_refused(files, tmp_path, capsys):
    """A second scan that shares no level with the first cannot be registered."""
    image = nib.load(files / "second.nii.gz")
    labels = np.asarray(image.dataobj).copy()
    for old, new in ((4, 1), (5, 2), (6, 3)):
        labels[labels == old] = new
    nib.save(nib.Nifti1Image(labels, image.affine), tmp_path / "second.nii.gz")
    argv = command(files, "--out", str(tmp_path / "out"))
    argv[2] = str(tmp_path / "second.nii.gz")
    assert main(argv) == REFUSED
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip() and "%  " not in line]
    assert len(lines) == 3, lines
    assert not (tmp_path / "out").exists()
