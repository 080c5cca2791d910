"""Bad NRRD and DICOM files: each refused with exit code 3 and three lines without a path; never another file opened."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from neck import AFFINE, MASKS, own_neck
from slicer import segment_fields, write_nrrd
from test_bad_files import assert_three_lines

from canalrisk.errors import CanalriskError, GeometryError, InputRefused, LabelError, UnitError
from canalrisk.imaging import read_labels

OWN = own_neck().astype(np.uint8)


def nrrd_bytes(folder: Path, array: np.ndarray = OWN, affine: np.ndarray = AFFINE, **extra: object) -> bytes:
    return write_nrrd(folder / "source.nrrd", array, affine, extra=extra).read_bytes()


def edited(folder: Path, old: str, new: str, array: np.ndarray = OWN, **extra: object) -> bytes:
    raw = nrrd_bytes(folder, array, **extra)
    head, data = raw.split(b"\n\n", 1)
    assert old.encode() in head
    return head.replace(old.encode(), new.encode()) + b"\n\n" + data


def segmented(folder: Path, array: np.ndarray = OWN, **change: object) -> bytes:
    about = [{"name": "C1", "value": 1, "layer": 0}, {"name": "C2", "value": 2, "layer": 0}]
    about[1] |= change
    return write_nrrd(folder / "source.nrrd", array, AFFINE, extra=segment_fields(about)).read_bytes()


def bomb(folder: Path) -> bytes:
    head = nrrd_bytes(folder).split(b"\n\n", 1)[0]
    return head + b"\n\n" + gzip.compress(bytes(OWN.size + (8 << 20)))


def unpacked(folder: Path, array: np.ndarray) -> bytes:
    raw = nrrd_bytes(folder, array)
    head = raw.split(b"\n\n", 1)[0].replace(b"encoding: gzip", b"encoding: raw")
    return head + b"\n\n" + array.tobytes(order="F")


def fraction(folder: Path) -> bytes:
    array = OWN.astype(np.float32)
    array[3, 4, 5] = 2.5
    return nrrd_bytes(folder, array)


def nan(folder: Path) -> bytes:
    array = OWN.astype(np.float64)
    array[3, 4, 5] = np.nan
    return nrrd_bytes(folder, array)


SIZES = "sizes: 60 60 150"
DIRECTIONS = "space directions: (-1,0,0) (0,-1,0) (0,0,1)"

BAD: dict[str, tuple[Callable[[Path], bytes], type[CanalriskError], str]] = {
    "magic alone": (lambda f: b"NRRD0004\n", InputRefused, "no end"),
    "nonsense header": (lambda f: b"NRRD0004\nhello\n\n", InputRefused, "header makes no sense"),
    "field twice": (
        lambda f: edited(f, "type:", "kinds: domain domain domain\ntype:"),
        InputRefused,
        "header makes no sense",
    ),
    "newer version": (lambda f: b"NRRD0009\ntype: uint8\n\n", InputRefused, "header makes no sense"),
    "truncated": (lambda f: nrrd_bytes(f)[:-200], InputRefused, "cannot be unpacked"),
    "truncated raw": (lambda f: unpacked(f, OWN)[:-9], InputRefused, "promises"),
    "wrong checksum": (lambda f: nrrd_bytes(f)[:-8] + b"\0" * 8, InputRefused, "cannot be unpacked"),
    "data bomb": (bomb, InputRefused, "far more data"),
    "another file": (lambda f: edited(f, "type:", "data file: ../secret.raw\ntype:"), InputRefused, "not in this file"),
    "absolute file": (lambda f: edited(f, "type:", "datafile: /etc/passwd\ntype:"), InputRefused, "not in this file"),
    "list of files": (lambda f: edited(f, "type:", "data file: LIST\ntype:"), InputRefused, "not in this file"),
    "skipped bytes": (lambda f: edited(f, "type:", "byte skip: -1\ntype:"), InputRefused, "not in this file"),
    "text encoding": (lambda f: edited(f, "encoding: gzip", "encoding: ascii"), InputRefused, "encoding is not read"),
    "unknown type": (lambda f: edited(f, "type: uint8", "type: block"), LabelError, "not numbers"),
    "no byte order": (lambda f: edited(f, "type: uint8", "type: int16"), InputRefused, "byte order"),
    "sizes missing": (lambda f: edited(f, SIZES + "\n", ""), InputRefused, "size makes no sense"),
    "negative size": (lambda f: edited(f, SIZES, "sizes: -60 60 150"), InputRefused, "size makes no sense"),
    "absurd size": (lambda f: edited(f, SIZES, "sizes: 60000 60000 150"), GeometryError, "more than"),
    "wrong dimension": (lambda f: edited(f, "dimension: 3", "dimension: 4"), InputRefused, "size makes no sense"),
    "two dimensions": (
        lambda f: edited(f, "dimension: 3", "dimension: 2", array=OWN).replace(SIZES.encode(), b"sizes: 60 9000"),
        GeometryError,
        "2-D",
    ),
    "one slice": (lambda f: nrrd_bytes(f, OWN[:, :, 70:71]), GeometryError, "only 1 voxels"),
    "time series": (lambda f: nrrd_bytes(f, np.stack([OWN, OWN])), GeometryError, "4-D"),
    "layers without list axis": (
        lambda f: (
            write_nrrd(f / "s.nrrd", np.stack([OWN, OWN]), AFFINE, extra=segment_fields([{"name": "C1", "value": 1}]))
            .read_bytes()
            .replace(b"space directions: none", b"space directions: (1,1,1)")
        ),
        GeometryError,
        "4-D",
    ),
    "no space": (
        lambda f: edited(f, "space: left-posterior-superior\n", "space dimension: 3\n"),
        GeometryError,
        "how the patient lies",
    ),
    "scanner space": (
        lambda f: edited(f, "space: left-posterior-superior", "space: scanner-xyz"),
        GeometryError,
        "how the patient lies",
    ),
    "no directions": (lambda f: edited(f, DIRECTIONS + "\n", ""), GeometryError, "how the patient lies"),
    "two directions": (
        lambda f: edited(f, DIRECTIONS, "space directions: (-1,0,0) (0,-1,0)"),
        GeometryError,
        "how the patient lies",
    ),
    "singular": (lambda f: edited(f, "(0,-1,0)", "(-1,0,0)"), GeometryError, "singular"),
    "NaN direction": (lambda f: edited(f, "(0,-1,0)", "(0,nan,0)"), GeometryError, "NaN|how the patient lies"),
    "sheared": (lambda f: edited(f, "(0,-1,0)", "(0.2,-1,0)"), GeometryError, "sheared by 11 degrees"),
    "far origin": (lambda f: nrrd_bytes(f, affine=AFFINE + np.eye(4, k=3) * 1e9), GeometryError, "from its origin"),
    "metres": (lambda f: nrrd_bytes(f, **{"space units": ["m", "m", "m"]}), UnitError, "not in mm"),
    "micron-sized": (
        lambda f: edited(f, DIRECTIONS, "space directions: (-0.001,0,0) (0,-0.001,0) (0,0,0.001)"),
        UnitError,
        "cannot show a spine",
    ),
    "fraction": (fraction, LabelError, "whole numbers; found 2.5"),
    "NaN": (nan, LabelError, "NaN"),
    "no label": (lambda f: nrrd_bytes(f, OWN * 0), LabelError, "every voxel is 0"),
    "no segment has a voxel": (lambda f: segmented(f, OWN * 0), LabelError, "no segment has a voxel"),
    "layer that is not there": (lambda f: segmented(f, layer=3), LabelError, "does not have"),
    "integer twice": (lambda f: segmented(f, value=1), LabelError, "share the integer 1"),
    "structure twice": (lambda f: segmented(f, name="C1 vertebra"), LabelError, "both called vertebra:C1"),
    "empty mass": (lambda f: segmented(f, name="mass", value=99), LabelError, "segment of the mass is empty"),
    "nothing but the mass": (
        lambda f: segmented(f, (MASKS["cord"] * 2).astype(np.uint8), name="mass"),
        LabelError,
        "nothing but the mass",
    ),
    "DICOM of nothing": (lambda f: bytes(128) + b"DICM" + bytes(500), InputRefused, "header makes no sense|no segment"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_file_is_refused(case: str, tmp_path: Path) -> None:
    make, kind, text = BAD[case]
    (tmp_path / "secret.raw").write_bytes(OWN.tobytes(order="F"))
    path = tmp_path / "inner" / "a.seg.nrrd"
    path.parent.mkdir()
    path.write_bytes(make(tmp_path))
    if case.startswith("DICOM"):
        pytest.importorskip("highdicom")
    with pytest.raises(kind, match=text) as caught:
        read_labels(path)
    assert_three_lines(caught.value, tmp_path)


def test_header_of_many_segments_is_refused(tmp_path: Path) -> None:
    about = [{"name": f"s{n}", "value": 1} for n in range(1500)]
    path = write_nrrd(tmp_path / "a.seg.nrrd", OWN, AFFINE, extra=segment_fields(about))
    with pytest.raises(LabelError, match="1500 segments"):
        read_labels(path)


@pytest.mark.parametrize(
    "name", ["line\nbreak", "\x1b[31mC5\x07", "%s%n{0}", "<script>", "../../etc", "C5" * 5000, "Ünï 人", "", "C" * 10]
)
def test_hostile_segment_names_are_never_shown(name: str, tmp_path: Path) -> None:
    about = [{"name": f"C{v}", "value": v} for v in range(1, 8)]
    about.append({"name": "NAME", "value": 60})
    path = write_nrrd(tmp_path / "a.seg.nrrd", OWN, AFFINE, extra=segment_fields(about))
    path.write_bytes(path.read_bytes().replace(b"NAME", name.replace("\n", "\\n").encode()))  # pynrrd writes ASCII only
    found = read_labels(path)
    finding = next(f for f in found.findings if f.code == "LABELS-UNKNOWN")
    assert finding.message.endswith(": 8.")
    assert all(entry.startswith("vertebra:C") for entry in found.table.entries.values())


@pytest.mark.parametrize("kind", [np.uint8, np.int8, np.int16, np.uint16, np.int32, np.uint64, np.float32, np.float64])
@pytest.mark.parametrize("encoding", ["gzip", "raw"])
def test_whole_numbers_of_any_type_are_read(kind: type, encoding: str, tmp_path: Path) -> None:
    array = np.where(OWN > 100, 0, OWN).astype(kind)
    found = read_labels(write_nrrd(tmp_path / "a.nrrd", array, AFFINE, extra={"encoding": encoding}))
    np.testing.assert_array_equal(found.labels, array)
    assert found.labels.dtype == np.int16


def test_big_endian_is_read(tmp_path: Path) -> None:
    path = write_nrrd(tmp_path / "a.nrrd", OWN.astype(">i2"), AFFINE, extra={"endian": "big"})
    np.testing.assert_array_equal(read_labels(path).labels, OWN)


@pytest.mark.parametrize("seed", range(20))
def test_header_full_of_errors_is_read_or_refused(seed: int, tmp_path: Path) -> None:
    """Bytes changed, cut out and repeated at random: an answer or three lines, never another exception."""
    rng = np.random.default_rng(seed)
    raw = segmented(tmp_path)
    end = raw.index(b"\n\n")
    for _ in range(6):
        broken = bytearray(raw)
        for _ in range(4):
            at, there, length = rng.integers(end, size=2).tolist() + rng.integers(1, 40, size=1).tolist()
            kind = rng.integers(3)
            if kind == 0:
                broken[at] = rng.integers(256)
            elif kind == 1:
                del broken[at : at + length]
            else:
                broken[at:at] = broken[there : there + length]
        path = tmp_path / "a.seg.nrrd"
        path.write_bytes(broken)
        try:
            read_labels(path)
        except InputRefused as error:
            said = str(error)
        else:
            continue
        assert len(said.split("\n")) == 3
        assert str(tmp_path) not in said
