"""The mass as label or file, and writing what was read."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from neck import AFFINE

from canalrisk.errors import GeometryError, LabelError, UsageError
from canalrisk.imaging import read_labels, write_field, write_labels, write_mask


@pytest.fixture
def blob(own: np.ndarray) -> np.ndarray:
    mask = np.zeros(own.shape, np.uint8)
    mask[40:50, 8:20, 60:90] = 1
    return mask


def test_mass_from_a_file(own, blob, save) -> None:
    path = save(blob, "mass.nii.gz")
    found = read_labels(save(own), mass=path)
    np.testing.assert_array_equal(found.mass, blob > 0)
    assert not found.mass_is_label
    assert found.source["mass_sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert found.source["mass_name"] == "mass.nii.gz"


def test_mass_as_the_tables_label(own, blob, save) -> None:
    own[blob > 0] = 80
    found = read_labels(save(own))
    np.testing.assert_array_equal(found.mass, blob > 0)
    assert found.mass_is_label


def test_mass_as_any_label_of_the_map(own, blob, save) -> None:
    own[blob > 0] = 255  # 3D Slicer exports whatever number is free
    found = read_labels(save(own), mass=255)
    np.testing.assert_array_equal(found.mass, blob > 0)
    assert found.mass_is_label
    assert found.table.name == "canalrisk"
    assert "LABELS-UNKNOWN" not in {f.code for f in found.findings}


def test_no_mass(own, save) -> None:
    assert read_labels(save(own)).mass is None


@pytest.mark.parametrize("label", [33, -1, 0])
def test_mass_label_that_no_voxel_has(label: int, own, save) -> None:
    with pytest.raises(LabelError, match="no voxel has the label"):
        read_labels(save(own), mass=label)


def test_moved_mass_is_refused_with_the_gap(own, blob, save) -> None:
    moved = AFFINE.copy()
    moved[:3, 3] += [3.0, 0.0, 4.0]
    with pytest.raises(GeometryError, match=r"up to 5\.00 mm apart"):
        read_labels(save(own), mass=save(blob, "mass.nii.gz", affine=moved))


def test_cropped_mass_is_refused(own, blob, save) -> None:
    with pytest.raises(GeometryError, match=r"60 x 60 x 140 and 60 x 60 x 150 voxels, centres 5\.00 mm apart"):
        read_labels(save(own), mass=save(blob[:, :, :140], "mass.nii.gz"))


def test_mass_turned_against_the_map_is_refused(own, blob, save) -> None:
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(0.1), -np.sin(0.1)], [np.sin(0.1), np.cos(0.1)]]
    with pytest.raises(GeometryError, match="apart in space"):
        read_labels(save(own), mass=save(blob, "mass.nii.gz", affine=turn @ AFFINE))


def test_mass_on_the_same_voxels_in_another_order(own, blob, save) -> None:
    stored = np.ascontiguousarray(np.transpose(blob, (2, 0, 1))[:, ::-1])
    matrix = AFFINE[:, [2, 0, 1, 3]].copy()
    matrix[:3, 3] += matrix[:3, 1] * (stored.shape[1] - 1)
    matrix[:3, 1] *= -1
    found = read_labels(save(own), mass=save(stored, "mass.nii.gz", affine=matrix))
    np.testing.assert_array_equal(found.mass, blob > 0)
    assert "MASS-REORDERED" in {f.code for f in found.findings}


def test_empty_mass_is_refused(own, blob, save) -> None:
    with pytest.raises(LabelError, match="every voxel is 0"):
        read_labels(save(own), mass=save(blob * 0, "mass.nii.gz"))


def test_mass_of_several_labels_is_refused(own, blob, save) -> None:
    blob[44:46] *= 2
    with pytest.raises(LabelError, match="holds 2 labels"):
        read_labels(save(own), mass=save(blob, "mass.nii.gz"))


def test_inverted_mass_is_refused(own, blob, save) -> None:
    with pytest.raises(LabelError, match="more than half"):
        read_labels(save(own), mass=save(1 - blob, "mass.nii.gz"))


def test_mass_given_twice_and_differently_is_refused(own, blob, save) -> None:
    own[blob > 0] = 80
    smaller = blob.copy()
    smaller[:45] = 0
    with pytest.raises(LabelError, match="does not cover"):
        read_labels(save(own), mass=save(smaller, "mass.nii.gz"))
    assert read_labels(save(own), mass=save(blob, "mass.nii.gz")).mass_is_label


def test_labels_survive_a_round_trip(own, save, tmp_path: Path) -> None:
    first = read_labels(save(own))
    path = write_labels(first, path=tmp_path / "out" / "labels.nii.gz")
    second = read_labels(path)
    np.testing.assert_array_equal(second.labels, own)
    np.testing.assert_allclose(second.grid.affine, AFFINE)
    assert second.table.name == first.table.name
    assert not {"UNIT-ASSUMED", "SFORM-QFORM"} & {f.code for f in second.findings}
    assert "5\tvertebra:C5\n" in (tmp_path / "out" / "labels.tsv").read_text()


def test_oblique_grid_survives_a_round_trip(own, save, tmp_path: Path) -> None:
    turn = np.eye(4)
    turn[1:3, 1:3] = [[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]]
    grid = read_labels(save(own, affine=turn @ AFFINE)).grid
    path = write_field(own.astype(float), grid=grid, path=tmp_path / "f.nii")
    image = nib.load(path)
    np.testing.assert_allclose(image.affine, grid.affine, atol=1e-5)
    np.testing.assert_allclose(image.get_qform(), grid.affine, atol=1e-4)


def test_written_files_name_nobody_and_repeat_bit_for_bit(own, blob, save, tmp_path: Path) -> None:
    grid = read_labels(save(own)).grid
    one = write_mask(blob > 0, grid=grid, path=tmp_path / "a.nii.gz")
    two = write_mask(blob > 0, grid=grid, path=tmp_path / "jane_doe.nii.gz")
    assert one.read_bytes() == two.read_bytes()
    assert b"jane" not in gzip.decompress(two.read_bytes()) + two.read_bytes()
    header = nib.load(one).header
    for key in ("descrip", "db_name", "aux_file", "intent_name"):
        assert header[key].item() == b""
    assert header.get_xyzt_units()[0] == "mm"
    assert sorted(p.suffix for p in tmp_path.iterdir() if p.name.startswith(".")) == []


def test_field_keeps_nan(own, save, tmp_path: Path) -> None:
    values = np.full(own.shape, np.nan)
    values[0, 0, 0] = 1.5
    grid = read_labels(save(own)).grid
    back = nib.load(write_field(values, grid=grid, path=tmp_path / "f.nii.gz")).get_fdata()
    assert back[0, 0, 0] == 1.5
    assert np.isnan(back[1:]).all()


def test_only_nifti_is_written_and_shapes_must_agree(own, blob, save, tmp_path: Path) -> None:
    grid = read_labels(save(own)).grid
    with pytest.raises(UsageError, match="NIfTI"):
        write_mask(blob > 0, grid=grid, path=tmp_path / "a.nrrd")
    with pytest.raises(UsageError, match="differ"):
        write_mask(blob[1:] > 0, grid=grid, path=tmp_path / "a.nii")
    assert list(tmp_path.glob("a.*")) == []
