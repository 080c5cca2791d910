"""Every bad input gets three lines (what, where, what to do) and its exit code, through the command line."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from canalrisk.cli import main
from canalrisk.imaging import write_labels, write_mask

REFUSED, USAGE = 3, 2


@pytest.fixture(scope="module")
def good(neck, neck_mass, tmp_path_factory):
    """A valid pair of files that each case below breaks in one way."""
    folder = tmp_path_factory.mktemp("good")
    write_labels(neck, path=folder / "neck.nii.gz")
    write_mask(neck_mass, grid=neck.grid, path=folder / "mass.nii.gz")
    return folder


def rewritten(source: Path, target: Path, *, data=None, affine=None, dtype=None) -> Path:
    image = nib.load(source)
    values = np.asanyarray(image.dataobj) if data is None else data
    if dtype is not None:
        values = values.astype(dtype)
    nib.save(nib.Nifti1Image(values, image.affine if affine is None else affine), target)
    return target


def labels_of(folder: Path) -> np.ndarray:
    return np.asanyarray(nib.load(folder / "neck.nii.gz").dataobj).copy()


def bad_affine_singular(good, work):
    affine = nib.load(good / "neck.nii.gz").affine.copy()
    affine[:3, 2] = 0.0
    image = nib.Nifti1Image(labels_of(good), np.eye(4))
    image.header.set_sform(affine, 1)
    image.header.set_qform(None, 0)
    nib.save(image, work / "neck.nii")
    return work / "neck.nii", good / "mass.nii.gz"


def bad_affine_of_mass(good, work):
    affine = nib.load(good / "mass.nii.gz").affine.copy()
    affine[0, 3] += 5.0
    return good / "neck.nii.gz", rewritten(good / "mass.nii.gz", work / "mass.nii.gz", affine=affine)


def missing_vertebrae(good, work):
    data = labels_of(good)
    data[(data >= 1) & (data <= 8)] = 0
    return rewritten(good / "neck.nii.gz", work / "neck.nii.gz", data=data), good / "mass.nii.gz"


def duplicate_label(good, work):
    data = labels_of(good)
    data[data == 7] = 2  # C7 called C2 as well: two big pieces of one vertebra, far apart
    return rewritten(good / "neck.nii.gz", work / "neck.nii.gz", data=data), good / "mass.nii.gz"


def empty_mass(good, work):
    data = np.zeros(nib.load(good / "mass.nii.gz").shape, np.uint8)
    return good / "neck.nii.gz", rewritten(good / "mass.nii.gz", work / "mass.nii.gz", data=data)


def mass_away_from_the_spine(good, work):
    image = nib.load(good / "neck.nii.gz")
    pad = 90  # voxels of 0.8 mm: the corner is then further from bone than any paraspinal mass
    data = np.pad(labels_of(good), ((pad, 0), (0, 0), (0, 0)))
    affine = image.affine.copy()
    affine[:3, 3] -= affine[:3, 0] * pad
    mass = np.zeros(data.shape, np.uint8)
    mass[2:8, 2:8, 2:8] = 1
    nib.save(nib.Nifti1Image(mass, affine), work / "mass.nii.gz")
    return rewritten(good / "neck.nii.gz", work / "neck.nii.gz", data=data, affine=affine), work / "mass.nii.gz"


def nan_in_labels(good, work):
    data = labels_of(good).astype(np.float32)
    data[3, 3, 3] = np.nan
    return rewritten(good / "neck.nii.gz", work / "neck.nii.gz", data=data), good / "mass.nii.gz"


def four_dimensions(good, work):
    data = np.stack([labels_of(good)] * 2, axis=-1)
    return rewritten(good / "neck.nii.gz", work / "neck.nii.gz", data=data), good / "mass.nii.gz"


def float_labels(good, work):
    data = labels_of(good).astype(np.float32) * 0.5
    return rewritten(good / "neck.nii.gz", work / "neck.nii.gz", data=data), good / "mass.nii.gz"


def absurd_size(good, work):
    affine = nib.load(good / "neck.nii.gz").affine.copy()
    affine[:3, :3] *= 1000.0  # metres taken for millimetres
    return rewritten(good / "neck.nii.gz", work / "neck.nii.gz", affine=affine), good / "mass.nii.gz"


def truncated_file(good, work):
    whole = (good / "neck.nii.gz").read_bytes()
    (work / "neck.nii.gz").write_bytes(whole[: len(whole) // 2])
    return work / "neck.nii.gz", good / "mass.nii.gz"


def truncated_inside(good, work):
    whole = gzip.decompress((good / "neck.nii.gz").read_bytes())
    (work / "neck.nii").write_bytes(whole[: len(whole) // 2])
    return work / "neck.nii", good / "mass.nii.gz"


def not_an_image(good, work):
    (work / "neck.nii.gz").write_bytes(b"this is not an image at all")
    return work / "neck.nii.gz", good / "mass.nii.gz"


def absent_file(good, work):
    return work / "nobody.nii.gz", good / "mass.nii.gz"


def hostile_name(good, work):
    name = work / "a\x1b[31m<script>alert(1)</script>%s{0}\n.nii.gz".replace("/", "")
    name.write_bytes(b"x")
    return name, good / "mass.nii.gz"


BAD = [
    bad_affine_singular,
    bad_affine_of_mass,
    missing_vertebrae,
    duplicate_label,
    empty_mass,
    mass_away_from_the_spine,
    nan_in_labels,
    four_dimensions,
    float_labels,
    absurd_size,
    truncated_file,
    truncated_inside,
    not_an_image,
    absent_file,
    hostile_name,
]


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.__name__)
def test_bad_input_is_refused(case, good, tmp_path, capsys):
    segmentation, mass = case(good, tmp_path)
    out = tmp_path / "out"
    code = main(["assess", str(segmentation), "--mass", str(mass), "--labels", "canalrisk", "--out", str(out)])
    said = capsys.readouterr().err
    lines = [line for line in said.splitlines() if line.strip() and "%  " not in line]

    assert code == REFUSED
    assert len(lines) == 3, said
    assert lines[0].startswith("error: ")
    assert lines[1].startswith("  where: ")
    assert lines[1].strip() != "where:"
    assert lines[2].startswith("  do:    ")
    assert lines[2].strip() != "do:"
    assert str(tmp_path) not in said, "a folder's name may be a patient's"
    assert "\x1b" not in said
    assert not out.exists(), "nothing half-written"


USAGES = {
    "unknown flag": ["assess", "x.nii.gz", "--out", "o", "--wibble"],
    "no output": ["assess", "x.nii.gz"],
    "unknown command": ["asess"],
    "law": ["demo", "--law", "sideways", "--out", "o"],
    "negative horizon": ["demo", "--horizon-years", "-1", "--out", "o"],
    "nan doubling": ["demo", "--doubling-time-years", "nan", "--out", "o"],
    "mesh": ["demo", "--mesh", "huge", "--out", "o"],
    "materials": ["demo", "--material-set", "Z", "--out", "o"],
    "draws": ["demo", "--draws", "3", "--out", "o"],
    "too many draws": ["demo", "--draws", "100000000", "--out", "o"],
    "negative seed": ["demo", "--seed", "-1", "--out", "o"],
    "volume": ["phantom", "--mass-out", "m.nii.gz", "--mass-volume-mm3", "nan"],
    "level": ["phantom", "--mass-out", "m.nii.gz", "--mass-level", "X9", "--mass-site", "facet"],
    "folder": ["phantom", "--out", "nowhere/m.nii.gz"],
    "site": ["phantom", "--mass-out", "m.nii.gz", "--mass-site", "elbow"],
    "output name": ["phantom", "--out", "m.txt"],
}


@pytest.mark.parametrize("argv", USAGES.values(), ids=USAGES.keys())
def test_bad_usage_exits_2(argv, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(argv) == USAGE
    lines = [line for line in capsys.readouterr().err.splitlines() if line.strip() and "%  " not in line]
    assert len(lines) == 3, lines
    assert list(tmp_path.iterdir()) == []
