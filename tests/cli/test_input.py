"""Every input through the command line: read, named in the results without folders, refused in three lines."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from canalrisk import case
from canalrisk.cli import main
from canalrisk.cli import morphometry as command
from canalrisk.cli._options import command_line
from canalrisk.clinical import read_clinical
from canalrisk.field import signed_distance
from canalrisk.imaging import write_field, write_labels, write_mask

CLINICAL = 'mjoa = 15\nt2_signal = true\n[vertebral_artery]\nleft = "single"\nright = "absent"\n'


@pytest.fixture(scope="module")
def folder(neck, neck_mass, tmp_path_factory) -> Path:
    """The neck, its mass on its own and on a coarser grid, soft cord, a CT, clinical facts."""
    place = tmp_path_factory.mktemp("DOE_JANE")
    write_labels(neck, path=place / "neck.nii.gz")
    write_mask(neck_mass, grid=neck.grid, path=place / "mass.nii.gz")
    coarse = neck.grid.crop([0, 0, 0], np.array(neck.grid.shape) // 2)
    affine = coarse.affine.copy()
    affine[:3, :3] *= 2
    half = tuple(slice(0, 2 * (n // 2), 2) for n in neck.grid.shape)
    write_mask(neck_mass[half], grid=replace(coarse, affine=affine), path=place / "coarse.nii.gz")
    cord = np.clip(0.5 - signed_distance(neck.mask("cord"), grid=neck.grid) / neck.grid.spacing.max(), 0, 1)
    write_field(cord, grid=neck.grid, path=place / "soft.nii.gz")
    bone = np.char.startswith([neck.table.entries.get(v, "") for v in range(int(neck.labels.max()) + 1)], "vertebra:")
    write_field(np.where(bone[neck.labels], 350.0, 40.0), grid=neck.grid, path=place / "ct.nii.gz")
    (place / "clinical.toml").write_text(CLINICAL)
    return place


def test_all_of_it_at_once(folder: Path, tmp_path: Path, monkeypatch) -> None:
    words = ["morphometry", str(folder / "neck.nii.gz"), "--labels", "canalrisk", "--out", str(tmp_path / "out")]
    words += ["--mass", str(folder / "coarse.nii.gz"), "--resample-mass", "--soft", f"cord={folder / 'soft.nii.gz'}"]
    words += ["--ct", str(folder / "ct.nii.gz"), "--clinical", str(folder / "clinical.toml"), "--quiet"]
    monkeypatch.setattr(sys, "argv", ["canalrisk", *words])
    seen = {}
    measure = command.measure_subject

    def spy(labelmap, **k):
        seen.update(labelmap=labelmap, **k)
        return measure(labelmap, **k)

    monkeypatch.setattr(command, "measure_subject", spy)
    assert main(words) == 0
    read = seen["labelmap"]
    assert set(read.soft) == {"cord", "mass"}
    assert read.image is not None
    assert seen["clinical"].vertebral_artery.left == "single"
    text = (tmp_path / "out" / "provenance.json").read_text("utf-8")
    assert "DOE_JANE" not in text
    said = json.loads(text)
    assert said["clinical"]["vertebral_artery"] == {"left": "single", "right": "absent"}
    assert {"labels_sha256", "mass_sha256", "soft_cord_sha256", "ct_sha256"} <= set(said["inputs"])
    assert "--soft cord=soft.nii.gz" in said["command"]
    codes = {finding["code"] for finding in json.loads((tmp_path / "out" / "summary.json").read_text())["findings"]}
    assert {"MASS-RESAMPLED", "SOFT-SCALE"} <= codes
    assert "CT-NOT-HU" not in codes


class Read(Exception):
    """Carries what was read out of a command, before it is measured."""


def stop(labelmap, **k):
    raise Read(labelmap)


def test_slicer_segmentation_is_the_same_neck(folder: Path, neck, neck_mass, tmp_path: Path, monkeypatch) -> None:
    """The neck drawn in 3D Slicer, its mass in a layer of its own, against NIfTI and a mass file."""
    import nrrd

    grid, names = neck.grid, neck.table.entries
    layers = np.stack([neck.labels, np.where(neck_mass, 1, 0)]).astype(np.uint8)
    turn = np.diag([-1.0, -1, 1])
    header = {
        "space": "left-posterior-superior",
        "kinds": ["list", "domain", "domain", "domain"],
        "space directions": np.vstack([np.full(3, np.nan), (turn @ grid.affine[:3, :3]).T]),
        "space origin": turn @ grid.affine[:3, 3],
    }
    present = [int(v) for v in np.unique(neck.labels) if names.get(int(v), "ignore") != "ignore"]
    for n, value in enumerate(present):
        header |= {f"Segment{n}_Name": names[value], f"Segment{n}_LabelValue": str(value), f"Segment{n}_Layer": "0"}
    n = len(present)
    header |= {f"Segment{n}_Name": "Calcification", f"Segment{n}_LabelValue": "1", f"Segment{n}_Layer": "1"}
    nrrd.write(str(tmp_path / "drawn.seg.nrrd"), layers, header, index_order="F")
    monkeypatch.setattr(command, "measure_subject", stop)
    found = []
    for words in (
        [str(tmp_path / "drawn.seg.nrrd")],
        [str(folder / "neck.nii.gz"), "--labels", "canalrisk", "--mass", str(folder / "mass.nii.gz")],
    ):
        with pytest.raises(Read) as caught:
            main(["morphometry", *words, "--out", str(tmp_path / "out"), "--quiet"])
        found.append(caught.value.args[0])
    drawn, stored = found
    assert drawn.grid.matches(stored.grid)
    assert drawn.mass_is_label == stored.mass_is_label
    np.testing.assert_array_equal(drawn.mass, stored.mass)
    for name in set(drawn.table.entries.values()):
        np.testing.assert_array_equal(drawn.mask(name), stored.mask(name), err_msg=name)


def test_clinical_facts_reach_the_risk(neck, folder: Path, monkeypatch) -> None:
    """Only the way there: what risk makes of them is tested there, and nothing before it is computed here."""
    nothing = SimpleNamespace(findings=(), snapshots=())
    facts = read_clinical(folder / "clinical.toml")
    subject = case.Subject(labelmap=neck, spine=nothing, prepared=nothing, clinical=facts)
    monkeypatch.setattr(case, "grow", lambda *a, **k: nothing)
    monkeypatch.setattr(case, "_measure_all", lambda *a, **k: xr.Dataset())

    def risk(dataset, *, clinical, **k):
        raise Read(clinical)

    monkeypatch.setattr(case, "assess_risk", risk)
    with pytest.raises(Read) as caught:
        case.assess(subject, settings=case.Settings(mechanics=False))
    arteries = {"left": "single", "right": "absent"}
    assert caught.value.args[0] == {"mjoa": 15.0, "t2_signal": True, "vertebral_artery": arteries}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mass", "{f}/coarse.nii.gz"], "--resample-mass"),
        (["--soft", "cord={f}/none.nii.gz"], "check path"),
        (["--ct", "{f}/coarse.nii.gz"], "grid of the segmentation"),
        (["--subregions", "{f}/mass.nii.gz"], "alone"),
        (["--clinical", "{f}/soft.nii.gz"], "mjoa"),
        (["--clinical", "{f}/none.toml"], "mjoa"),
    ],
)
def test_refused_in_three_lines(words, said: str, folder: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(command, "measure_subject", stop)
    words = [word.replace("{f}", str(folder)) for word in words]
    code = main(["morphometry", str(folder / "neck.nii.gz"), *words, "--out", str(tmp_path / "o"), "--quiet"])
    lines = capsys.readouterr().err.splitlines()
    assert code == 3
    assert len(lines) == 3
    assert said in lines[2]
    assert "DOE_JANE" not in "".join(lines)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--soft", "cord"], "write --soft cord=FILE"),
        (["--soft", "liver=x.nii.gz"], "use cord, canal, mass"),
        (["--soft", "cord=x.nii.gz", "--soft", "cord=y.nii.gz"], "give one"),
        (["--cord-is", "both"], "use cord or sac"),
        (["--resample-mass"], "leave it out"),
    ],
)
def test_usage(words, said: str, folder: Path, tmp_path: Path, capsys) -> None:
    code = main(["morphometry", str(folder / "neck.nii.gz"), *words, "--out", str(tmp_path / "o"), "--quiet"])
    lines = capsys.readouterr().err.splitlines()
    assert (code, len(lines)) == (2, 3)
    assert said in lines[2]


def test_the_command_is_kept_without_folders(folder: Path, tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "DOE_JOHN").mkdir()
    monkeypatch.chdir(tmp_path)
    words = ["assess", "DOE_JOHN", "--soft", f"cord={folder}/soft.nii.gz", f"--ct={folder}/ct.nii.gz", "--out", "x/out"]
    monkeypatch.setattr(sys, "argv", ["canalrisk", *words])
    assert command_line() == "canalrisk assess FOLDER --soft cord=soft.nii.gz --ct=ct.nii.gz --out out"
