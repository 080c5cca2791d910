"""Every bad input that reading must refuse, each with exit code 3 and three lines that show no path."""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from neck import AFFINE, own_neck

from canalrisk.errors import CanalriskError, GeometryError, InputRefused, LabelError, UnitError
from canalrisk.imaging import read_labels, safe_name

OWN = own_neck()


def changed(index: tuple[int, int, int], value: float) -> np.ndarray:
    array = OWN.astype(np.float32)
    array[index] = value
    return array


def affine(**parts: object) -> np.ndarray:
    matrix = AFFINE.copy()
    for key, value in parts.items():
        if key == "scale":
            matrix[:3, :3] *= value
        elif key == "shear":
            matrix[0, 1] = value
    return matrix


def packed(data: bytes, *, cut: int = 0, flip: int | None = None) -> bytes:
    raw = bytearray(gzip.compress(data))
    if flip is not None:
        raw[flip] ^= 0xFF
    return bytes(raw[: len(raw) - cut])


def nifti(array: np.ndarray = OWN, matrix: np.ndarray = AFFINE) -> bytes:
    return nib.Nifti1Image(array, matrix).to_bytes()


def patched(**header: object) -> bytes:
    """A valid file whose header is overwritten afterwards, as damage or malice would."""
    raw = bytearray(nifti())
    head = nib.Nifti1Header(bytes(raw[:348]), check=False)
    for key, value in header.items():
        head[key] = value
    raw[:348] = head.binaryblock
    return bytes(raw)


BAD: dict[str, tuple[str, Callable[[], bytes], type[CanalriskError], str]] = {
    "empty file": ("a.nii", lambda: b"", InputRefused, "not a NIfTI"),
    "text": ("a.nii.gz", lambda: b"label,volume\n1,2\n" * 50, InputRefused, "not a NIfTI"),
    "gzip of text": ("a.nii.gz", lambda: gzip.compress(b"hello " * 200), InputRefused, "not a NIfTI"),
    "Analyze pair": ("a.nii", lambda: patched(magic=b"ni1\0"), InputRefused, "not a NIfTI"),
    "truncated": ("a.nii", lambda: nifti()[:-1000], InputRefused, "truncated or damaged"),
    "truncated gzip": ("a.nii.gz", lambda: packed(nifti(), cut=2000), InputRefused, "truncated or damaged"),
    "gzip without its last byte": ("a.nii.gz", lambda: packed(nifti(), cut=1), InputRefused, "truncated or damaged"),
    "wrong checksum": ("a.nii.gz", lambda: packed(nifti(), flip=-6), InputRefused, "truncated or damaged"),
    "bit rot": ("a.nii.gz", lambda: packed(nifti(), flip=3000), InputRefused, "truncated or damaged"),
    "data bomb": ("a.nii.gz", lambda: gzip.compress(nifti() + bytes(8 << 20)), InputRefused, "far more data"),
    "unknown type code": ("a.nii", lambda: patched(datatype=9999), InputRefused, "makes no sense"),
    "negative offset": ("a.nii", lambda: patched(vox_offset=-5000.0), InputRefused, "makes no sense|damaged"),
    "absurd offset": ("a.nii", lambda: patched(vox_offset=1e12), InputRefused, "makes no sense|damaged"),
    "NaN offset": ("a.nii", lambda: patched(vox_offset=np.nan), InputRefused, "makes no sense|damaged"),
    "absurd shape": ("a.nii", lambda: patched(dim=[3, 32000, 32000, 32000, 1, 1, 1, 1]), GeometryError, "more than"),
    "negative shape": (
        "a.nii",
        lambda: patched(dim=[3, -60, 60, 150, 1, 1, 1, 1]),
        InputRefused,
        "size makes no sense",
    ),
    "two dimensions": ("a.nii", lambda: nifti(OWN[:, :, 70]), GeometryError, "2-D"),
    "one slice": ("a.nii", lambda: nifti(OWN[:, :, 70:71]), GeometryError, "1 voxels along one axis"),
    "time series": ("a.nii", lambda: nifti(np.stack([OWN, OWN], -1)), GeometryError, "4-D"),
    "NaN": ("a.nii", lambda: nifti(changed((3, 4, 5), np.nan)), LabelError, "NaN"),
    "infinity": ("a.nii", lambda: nifti(changed((3, 4, 5), np.inf)), LabelError, "whole numbers; found inf"),
    "fraction": ("a.nii", lambda: nifti(changed((3, 4, 5), 2.5)), LabelError, "whole numbers; found 2.5"),
    "scaled by a slope": ("a.nii", lambda: patched(scl_slope=0.3, scl_inter=0.0), LabelError, "whole numbers"),
    "negative label": ("a.nii", lambda: nifti(changed((3, 4, 5), -3)), LabelError, "negative"),
    "huge label": ("a.nii", lambda: nifti(changed((3, 4, 5), 2.0**40)), LabelError, "too large"),
    "no label": ("a.nii", lambda: nifti(np.zeros_like(OWN)), LabelError, "every voxel is 0"),
    "complex": ("a.nii", lambda: nifti(OWN.astype(np.complex64)), LabelError, "complex64"),
    "image": (
        "a.nii",
        lambda: nifti(np.random.default_rng(0).integers(0, 2000, OWN.shape).astype(np.int16)),
        LabelError,
        "looks like an image",
    ),
    "no orientation": ("a.nii", lambda: patched(sform_code=0, qform_code=0), GeometryError, "how the patient lies"),
    "singular": ("a.nii", lambda: patched(srow_z=[0, 1.0, 0, 0]), GeometryError, "singular"),
    "zero voxel": ("a.nii", lambda: patched(srow_z=[0, 0, 0, 0]), GeometryError, "singular"),
    "NaN affine": ("a.nii", lambda: patched(srow_z=[0, 0, np.nan, 0], sform_code=1), GeometryError, "NaN"),
    "sheared": ("a.nii", lambda: nifti(matrix=affine(shear=0.2)), GeometryError, "sheared by 11 degrees"),
    "bad quaternion": (
        "a.nii",
        lambda: patched(quatern_b=3.0, qform_code=1),
        GeometryError,
        "orientation",
    ),
    "metres": ("a.nii", lambda: patched(xyzt_units=1), UnitError, "in meter"),
    "microns": ("a.nii", lambda: patched(xyzt_units=3), UnitError, "in micron"),
    "metre-sized voxels": ("a.nii", lambda: nifti(matrix=affine(scale=0.001)), UnitError, "cannot show a spine"),
    "micron-sized voxels": ("a.nii", lambda: nifti(matrix=affine(scale=1000.0)), UnitError, "cannot show a spine"),
    "longer than two metres": (
        "a.nii",
        lambda: nifti(np.zeros((4, 4, 300), np.int16), affine(scale=9.0)),
        GeometryError,
        "2.7 m long",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_file_is_refused(case: str, tmp_path: Path) -> None:
    name, make, kind, text = BAD[case]
    path = tmp_path / name
    path.write_bytes(make())
    with pytest.raises(kind, match=text) as caught:
        read_labels(path)
    assert_three_lines(caught.value, tmp_path)


def assert_three_lines(error: CanalriskError, folder: Path) -> None:
    lines = str(error).split("\n")
    assert len(lines) == 3
    assert all((lines[0], error.where, error.fix))
    assert error.exit_code == 3
    assert str(folder) not in str(error)


def test_missing_folder_pipe_and_forbidden_names(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.nii"
    os.mkfifo(pipe)
    for path in (tmp_path / "none.nii", tmp_path, pipe, "a\0b.nii", tmp_path / ("x" * 5000)):
        with pytest.raises(InputRefused) as caught:
            read_labels(path)
        assert_three_lines(caught.value, tmp_path)


@pytest.mark.parametrize("kind", [np.uint8, np.int32, np.int64, np.uint64, np.float32, np.float64])
def test_whole_numbers_of_any_type_are_read(kind: type, save) -> None:
    found = read_labels(save(OWN.astype(kind)))
    np.testing.assert_array_equal(found.labels, OWN)
    assert found.labels.dtype == np.int16


def test_trailing_axis_of_one_is_read(save) -> None:
    assert read_labels(save(OWN[..., None, None])).labels.shape == OWN.shape


def test_big_endian_and_nifti2_are_read(tmp_path: Path) -> None:
    for image in (nib.Nifti2Image(OWN, AFFINE), nib.Nifti1Image(OWN, AFFINE, nib.Nifti1Header(endianness=">"))):
        path = tmp_path / "a.nii.gz"
        image.to_filename(path)
        np.testing.assert_array_equal(read_labels(path).labels, OWN)


def test_array_is_never_reoriented_and_world_is_kept(save) -> None:
    flipped = np.ascontiguousarray(np.transpose(OWN, (1, 2, 0))[:, ::-1])
    matrix = AFFINE[:, [1, 2, 0, 3]].copy()
    matrix[:3, 3] += matrix[:3, 1] * (flipped.shape[1] - 1)
    matrix[:3, 1] *= -1
    found = read_labels(save(flipped, affine=matrix))
    np.testing.assert_array_equal(found.labels, flipped)
    centre = found.grid.to_world(np.argwhere(found.labels == 5).mean(axis=0))
    plain = read_labels(save(OWN))
    np.testing.assert_allclose(centre, plain.grid.to_world(np.argwhere(OWN == 5).mean(axis=0)), atol=1e-4)


def test_disagreeing_sform_and_qform_leave_a_finding(tmp_path: Path) -> None:
    image = nib.Nifti1Image(OWN, AFFINE)
    moved = AFFINE.copy()
    moved[0, 3] += 4
    image.set_sform(AFFINE, code=1)
    image.set_qform(moved, code=1)
    path = tmp_path / "a.nii.gz"
    image.to_filename(path)
    found = read_labels(path)
    finding = next(f for f in found.findings if f.code == "SFORM-QFORM")
    assert finding.severity == "serious"
    assert "4.0 mm" in finding.message
    np.testing.assert_allclose(found.grid.affine, AFFINE)


def test_qform_alone_is_used(tmp_path: Path) -> None:
    image = nib.Nifti1Image(OWN, None)
    image.set_qform(AFFINE, code=1)
    image.set_sform(None, code=0)
    path = tmp_path / "a.nii.gz"
    image.to_filename(path)
    np.testing.assert_allclose(read_labels(path).grid.affine, AFFINE, atol=1e-5)


def test_unknown_unit_and_thick_slices_leave_findings(save) -> None:
    coarse = AFFINE @ np.diag([2.0, 1, 1, 1])
    codes = {f.code for f in read_labels(save(OWN, affine=coarse, units="unknown")).findings}
    assert {"UNIT-ASSUMED", "VOXELS-COARSE"} <= codes


@pytest.mark.parametrize(
    "name",
    [
        "line\nbreak.nii.gz",
        "\x1b[31mred\x07.nii.gz",
        "%s%n{0.__class__}.nii.gz",
        "<script>alert(1)<;script>.nii.gz",
        "[bold]rich[;bold].nii.gz",
        "\u202egpj.nii.gz",
        "$(rm -rf ~)`x`.nii.gz",
        "y" * 200 + ".nii.gz",
        "Ünïcode 人.nii.gz",
    ],
)
def test_hostile_names_are_read_and_shown_harmless(name: str, save, tmp_path: Path) -> None:
    found = read_labels(save(OWN, name))
    shown = found.source["labels_name"]
    assert shown.isprintable()
    assert not set(shown) & set("<>[]{}%$`\"'&|;/\\\x1b\n")
    assert len(shown) <= 80
    assert shown.endswith(".nii.gz")
    assert all(str(tmp_path) not in value for value in found.source.values())


def test_safe_name_shows_no_folder() -> None:
    assert safe_name("../../Jane Doe/seg.nii.gz") == "seg.nii.gz"
    assert safe_name("C:\\Jane Doe\\seg.nii.gz") == "seg.nii.gz"
    assert safe_name("") == safe_name("/") == "unnamed"
