"""DICOM SEG: written through highdicom, read through ours, compared in the world; nothing of the patient survives."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import traceback
import warnings
from pathlib import Path

import numpy as np
import pytest
from neck import AFFINE, DISCS, LEVELS, MASKS, own_neck
from scipy.spatial.transform import Rotation

pytest.importorskip("highdicom")

from dicomseg import IDENTITY, series, write_seg
from pydicom.sr.coding import Code

from canalrisk.errors import GeometryError, InputRefused, LabelError
from canalrisk.imaging import read_labels
from canalrisk.provenance import record

OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = Rotation.from_euler("xyz", [14, -9, 21], degrees=True).as_matrix() @ np.diag([1.0, 1.0, 1.2])
OBLIQUE[:3, 3] = [12.5, -31.0, 104.0]
MASS = np.zeros(MASKS["cord"].shape, bool)
MASS[38:48, 8:22, 60:90] = True


def segments() -> list[tuple[str, np.ndarray]]:
    found = [(f"{level} vertebra", MASKS[f"vertebra:{level}"]) for level in LEVELS]
    found += [(f"disc_{disc.replace('/', '_')}", MASKS[f"disc:{disc}"]) for disc in DISCS]
    return [*found, ("Spinal cord", MASKS["cord"]), ("Spinal canal", MASKS["cord"] | MASKS["rim"])]


@pytest.fixture(scope="module")
def neck_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Oblique, frames shuffled, empty ones left out, the mass over bone."""
    path = tmp_path_factory.mktemp("seg") / "seg.dcm"
    return write_seg(path, [*segments(), ("Calcification", MASS)], OBLIQUE, shuffle=5)


def world(mask: np.ndarray, affine: np.ndarray) -> np.ndarray:
    points = np.argwhere(mask) @ affine[:3, :3].T + affine[:3, 3]
    return points[np.lexsort(points.round(3).T)]


def test_world_positions_of_every_voxel(neck_file: Path) -> None:
    found = read_labels(neck_file)
    assert found.table.name == "segment-names"
    for name in ("vertebra:C1", "vertebra:C5", "disc:C5/6", "cord"):
        own = world(found.mask(name), found.grid.affine)
        np.testing.assert_allclose(own, world(MASKS[name], OBLIQUE), atol=2e-3)  # positions are decimal strings
    np.testing.assert_allclose(world(found.mask("canal"), found.grid.affine), world(MASKS["rim"], OBLIQUE), atol=2e-3)
    np.testing.assert_allclose(found.grid.spacing, [1.2, 1.0, 1.0], atol=1e-6)


def test_overlapping_mass_has_not_replaced(neck_file: Path) -> None:
    found = read_labels(neck_file)
    assert found.mass is not None
    np.testing.assert_allclose(world(found.mass, found.grid.affine), world(MASS, OBLIQUE), atol=2e-3)
    assert not found.mass_is_label
    assert (found.mask("vertebra:C4") & found.mass).any()


def test_label_map_segmentation(tmp_path: Path) -> None:
    alone = [(name, mask & ~MASS) for name, mask in segments()[:8]]
    path = write_seg(tmp_path / "a.dcm", [*alone, ("mass", MASS)], OBLIQUE, kind="LABELMAP")
    found = read_labels(path)
    assert found.mass_is_label
    own = world(found.mask("vertebra:C5"), found.grid.affine)
    np.testing.assert_allclose(own, world(MASKS["vertebra:C5"] & ~MASS, OBLIQUE), atol=2e-3)


def test_coded_type_tells_what_an_unnamed_segment_is(tmp_path: Path) -> None:
    named = segments()[:8]
    named[4] = ("Segment_5", named[4][1])
    code = Code("36978003", "SCT", "C5 vertebra")
    found = read_labels(write_seg(tmp_path / "a.dcm", named, AFFINE, types={"Segment_5": code}))
    np.testing.assert_allclose(
        world(found.mask("vertebra:C5"), found.grid.affine), world(MASKS["vertebra:C5"], AFFINE), atol=2e-3
    )


def test_mass_file_beside_a_label_map(tmp_path: Path, save) -> None:
    # A SEG holds only slices that are not empty, and its axes are slices, rows, columns.
    path = write_seg(tmp_path / "mass.dcm", [("whatever", MASS)], AFFINE)
    found = read_labels(save(own_neck()), mass=path)
    np.testing.assert_array_equal(found.mass, MASS)
    assert {"MASS-REORDERED", "MASS-PART-OF-GRID"} <= {f.code for f in found.findings}


@pytest.mark.parametrize("slices", [1, 2, 3])
def test_mass_on_few_slices(slices: int, tmp_path: Path, save) -> None:
    thin = np.zeros_like(MASS)
    thin[38:48, 8:22, 70 : 70 + slices] = True
    found = read_labels(save(own_neck()), mass=write_seg(tmp_path / "mass.dcm", [("mass", thin)], AFFINE))
    np.testing.assert_array_equal(found.mass, thin)


def test_folder_with_images_beside_the_segmentation(neck_file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "DOE_JANE"
    folder.mkdir()
    for ds in series((60, 60, 2), OBLIQUE):
        ds.save_as(folder / f"{ds.InstanceNumber}.dcm", enforce_file_format=True)
    (folder / "notes.txt").write_text("JANE DOE")
    with pytest.raises(InputRefused, match="holds 0 DICOM segmentations in 2 DICOM files") as caught:
        read_labels(folder)
    assert "JANE" not in str(caught.value)
    (folder / "9.dcm").write_bytes(neck_file.read_bytes())
    found = read_labels(folder)
    assert found.source["labels_name"] == "DICOM SEG"
    assert "JANE" not in repr(found.source) + repr(found.findings)
    (folder / "8.dcm").write_bytes(neck_file.read_bytes())
    with pytest.raises(InputRefused, match="holds 2 DICOM segmentations"):
        read_labels(folder)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputRefused, match="holds no DICOM file"):
        read_labels(tmp_path / "empty")


def test_nothing_of_the_patient_survives(neck_file: Path, tmp_path: Path) -> None:
    blob = np.zeros_like(MASS)
    blob[1:5, 1:5, 1:5] = True
    path = write_seg(tmp_path / "x.dcm", [*segments()[:8], ("JANE DOE tumour 1956", blob)], OBLIQUE)
    raw = path.read_bytes()
    assert all(word.encode() in raw for word in IDENTITY[:6])  # the file itself does hold them
    found = read_labels(path)
    provenance = json.dumps(record(source=found.source, scenario=found.table, settings=found.table, seed=0))
    said = provenance + repr(found.findings) + repr(found.table) + repr(found.source)
    assert not [word for word in IDENTITY if word in said]
    assert "1956" not in said


def refusal(path: Path) -> InputRefused | None:
    try:
        read_labels(path)
    except InputRefused as error:
        return error
    return None


@pytest.mark.parametrize("place", range(12))
def test_damaged_files_say_nothing_of_the_patient(place: int, neck_file: Path, tmp_path: Path, caplog, capfd) -> None:
    raw = bytearray(neck_file.read_bytes())
    rng = np.random.default_rng(place)
    if place < 6:
        raw = raw[: [200, 600, 3000, len(raw) // 2, len(raw) - 500, 130][place]]
    else:
        for at in rng.integers(132, 6000, 60):
            raw[at] = rng.integers(256)
    path = tmp_path / "a.dcm"
    path.write_bytes(raw)
    with warnings.catch_warnings(record=True) as warned, caplog.at_level(logging.DEBUG):
        warnings.simplefilter("always")
        error = refusal(path)
    said = ""
    if error is not None:
        said = "".join(traceback.format_exception(error))  # causes and contexts too, as Python would print them
        assert error.exit_code == 3
        assert len(str(error).split("\n")) == 3
    said += "".join(str(w.message) for w in warned) + caplog.text + "".join(capfd.readouterr())
    assert not [word for word in IDENTITY if word in said]


def test_other_dicom_objects_are_named_and_refused(tmp_path: Path) -> None:
    path = tmp_path / "ct.dcm"
    series((60, 60, 1), AFFINE)[0].save_as(path, enforce_file_format=True)
    with pytest.raises(InputRefused, match=r"no segmentation \(CT Image Storage\)"):
        read_labels(path)


def test_probabilities_are_refused(tmp_path: Path) -> None:
    path = write_seg(tmp_path / "a.dcm", segments()[:2], AFFINE, kind="FRACTIONAL")
    with pytest.raises(LabelError, match="probabilities"):
        read_labels(path)


def test_uneven_slices_are_refused(neck_file: Path, tmp_path: Path) -> None:
    import pydicom

    ds = pydicom.dcmread(neck_file)
    for group in ds.PerFrameFunctionalGroupsSequence[::3]:
        position = group.PlanePositionSequence[0].ImagePositionPatient
        position[2] = float(position[2]) + 0.4
    path = tmp_path / "a.dcm"
    ds.save_as(path)
    with pytest.raises(GeometryError, match="no regular volume"):
        read_labels(path)


def test_deflated_files_are_refused(neck_file: Path, tmp_path: Path) -> None:
    import pydicom

    ds = pydicom.dcmread(neck_file)
    ds.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    ds.save_as(tmp_path / "a.dcm")
    with pytest.raises(InputRefused, match="deflated"):
        read_labels(tmp_path / "a.dcm")


def test_without_the_extra_it_is_named(neck_file: Path) -> None:
    script = (
        "import sys; sys.modules['highdicom'] = None\n"
        "from canalrisk.imaging import read_labels\n"
        "try:\n    read_labels(sys.argv[1])\n"
        "except Exception as error:\n    print(error.exit_code, error)"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, str(neck_file)], capture_output=True, text=True, check=True
    ).stdout
    assert said.startswith("5 ")
    assert 'pip install "canalrisk[dicom]"' in said
