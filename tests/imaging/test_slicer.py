"""3D Slicer's files: written through pynrrd, read through ours, compared voxel by voxel in the world."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from neck import AFFINE, DISCS, LEVELS, MASKS, own_neck
from scipy.spatial.transform import Rotation
from slicer import segment_fields, write_nrrd

from canalrisk.errors import LabelError
from canalrisk.imaging import load_table, read_labels

OBLIQUE = np.eye(4)
OBLIQUE[:3, :3] = Rotation.from_euler("xyz", [14, -9, 21], degrees=True).as_matrix() @ AFFINE[:3, :3]
OBLIQUE[:3, 3] = [12.5, -31.0, 104.0]


def terminology(meaning: str, side: str = "") -> str:
    entry = f"category~SCT^123037004^Anatomical Structure~SCT^1^{meaning}~SCT^2^{side}~Anatomic codes~^^~^^"
    return f"Segmentation.Status:inprogress|TerminologyEntry:{entry}|"


def neck_segments() -> list[tuple[str, np.ndarray]]:
    """Names as people and tools write them, each with its mask."""
    names = ("C1 vertebra", "vertebrae_C2", "C3", "Vertebra C4", "C5 vertebra", "vertebra:C6", "C7 Vertebrae", "T1")
    found = [(name, MASKS[f"vertebra:{level}"]) for name, level in zip(names, LEVELS, strict=True)]
    discs = ("disc_C2_C3", "C3/4 disc", "Intervertebral disc C4-C5", "disc:C5/6", "IVD C6-C7", "C7-T1 disk")
    found += [(name, MASKS[f"disc:{disc}"]) for name, disc in zip(discs, DISCS, strict=True)]
    return [*found, ("Spinal cord", MASKS["cord"])]


def single_layer(extra: list[tuple[str, np.ndarray]] = []) -> tuple[np.ndarray, list[dict[str, object]]]:  # noqa: B006
    array = np.zeros(MASKS["cord"].shape, np.uint8)
    about: list[dict[str, object]] = []
    for value, (name, mask) in enumerate([*neck_segments(), *extra], start=1):
        array[mask] = value
        about.append({"name": name, "value": value})
    return array, about


MASS = np.zeros(MASKS["cord"].shape, bool)
MASS[38:48, 8:22, 60:90] = True  # over the left arches of C3 to C5, on the side that RAS calls right: no matter


@pytest.mark.parametrize("space", ["left-posterior-superior", "right-anterior-superior", "left-anterior-superior"])
@pytest.mark.parametrize("affine", [AFFINE, OBLIQUE], ids=["straight", "oblique"])
def test_single_layer_by_names(space: str, affine: np.ndarray, tmp_path: Path) -> None:
    array, about = single_layer()
    found = read_labels(write_nrrd(tmp_path / "a.seg.nrrd", array, affine, extra=segment_fields(about), space=space))
    assert found.table.name == "segment-names"
    np.testing.assert_array_equal(found.labels, array)
    np.testing.assert_allclose(found.grid.affine, affine, atol=1e-6)
    expected = [f"vertebra:{level}" for level in LEVELS] + [f"disc:{disc}" for disc in DISCS] + ["cord"]
    assert [found.table.entries[v] for v in range(1, 16)] == expected
    index = np.argwhere(array == 5)
    world = index @ affine[:3, :3].T + affine[:3, 3]  # where the writer put C5
    own = found.grid.to_world(np.argwhere(found.mask("vertebra:C5")))
    np.testing.assert_allclose(own, world, atol=1e-6)


def test_nothing_is_reoriented(tmp_path: Path) -> None:
    array, about = single_layer()
    turned = np.ascontiguousarray(np.transpose(array, (2, 0, 1))[::-1])
    affine = OBLIQUE[:, [2, 0, 1, 3]].copy()
    affine[:3, 3] += affine[:3, 0] * (turned.shape[0] - 1)
    affine[:3, 0] *= -1
    found = read_labels(write_nrrd(tmp_path / "a.seg.nrrd", turned, affine, extra=segment_fields(about)))
    np.testing.assert_array_equal(found.labels, turned)
    centre = found.grid.to_world(np.argwhere(found.mask("vertebra:C5")).mean(axis=0))
    here = np.argwhere(MASKS["vertebra:C5"]).mean(axis=0)
    np.testing.assert_allclose(centre, OBLIQUE[:3, :3] @ here + OBLIQUE[:3, 3], atol=1e-6)


def test_mass_in_the_same_layer_has_replaced(tmp_path: Path) -> None:
    array, about = single_layer([("Calcification", MASS)])
    found = read_labels(write_nrrd(tmp_path / "a.seg.nrrd", array, OBLIQUE, extra=segment_fields(about)))
    assert found.mass is not None
    np.testing.assert_array_equal(found.mass, MASS)
    assert found.mass_is_label
    assert not (found.mask("vertebra:C4") & MASS).any()


def test_mass_in_its_own_layer_has_not_replaced(tmp_path: Path) -> None:
    array, about = single_layer()
    about.append({"name": "tumoral calcinosis", "value": 1, "layer": 1})  # integers repeat from layer to layer
    layers = np.stack([array, MASS.astype(np.uint8)])
    found = read_labels(write_nrrd(tmp_path / "a.seg.nrrd", layers, OBLIQUE, extra=segment_fields(about)))
    assert found.mass is not None
    np.testing.assert_array_equal(found.mass, MASS)
    assert not found.mass_is_label
    np.testing.assert_array_equal(found.mask("vertebra:C4"), MASKS["vertebra:C4"])
    np.testing.assert_allclose(found.grid.affine, OBLIQUE, atol=1e-6)
    assert (MASKS["vertebra:C4"] & MASS).any()


def test_canal_over_the_cord_in_another_layer(tmp_path: Path) -> None:
    array, about = single_layer()
    about.append({"name": "Spinal canal", "value": 7, "layer": 1})
    layers = np.stack([array, np.where(MASKS["cord"] | MASKS["rim"], 7, 0).astype(np.uint8)])
    found = read_labels(write_nrrd(tmp_path / "a.seg.nrrd", layers, AFFINE, extra=segment_fields(about)))
    np.testing.assert_array_equal(found.mask("cord"), MASKS["cord"])
    np.testing.assert_array_equal(found.mask("canal"), MASKS["rim"])
    assert "SEGMENTS-OVERLAP" not in {f.code for f in found.findings}  # a canal holds its cord


def test_overlapping_bones_leave_a_finding(tmp_path: Path) -> None:
    array, about = single_layer()
    about.append({"name": "Left vertebral artery", "value": 1, "layer": 1})
    artery = np.zeros_like(array)
    artery[5:9, 30:34, 40:80] = 1
    found = read_labels(
        write_nrrd(tmp_path / "a.seg.nrrd", np.stack([array, artery]), AFFINE, extra=segment_fields(about))
    )
    overlap = np.count_nonzero((artery > 0) & (array > 0))
    assert overlap > 5
    finding = next(f for f in found.findings if f.code == "SEGMENTS-OVERLAP")
    assert f"{overlap} mm3" in finding.message


def test_unknown_names_are_left_out_by_number_and_never_shown(tmp_path: Path) -> None:
    blob = np.zeros(MASKS["cord"].shape, bool)
    blob[1:5, 1:5, 1:5] = True
    array, about = single_layer([("Jane Doe 1956-03-01", blob)])
    found = read_labels(write_nrrd(tmp_path / "a.seg.nrrd", array, AFFINE, extra=segment_fields(about)))
    finding = next(f for f in found.findings if f.code == "LABELS-UNKNOWN")
    assert finding.message.endswith(": 16.")
    assert "Jane" not in repr(found)
    assert not found.labels[blob].any()


def test_terminology_tells_what_an_unnamed_segment_is(tmp_path: Path) -> None:
    array, about = single_layer([("Segment_16", MASKS["artery:left"] & ~np.isin(own_neck(), range(1, 9)))])
    about[4] |= {"name": "Segment_5", "tags": terminology("C5 vertebra")}
    about[15]["tags"] = terminology("Vertebral artery", "Left")
    found = read_labels(write_nrrd(tmp_path / "a.seg.nrrd", array, AFFINE, extra=segment_fields(about)))
    assert found.table.entries[5] == "vertebra:C5"
    assert found.table.entries[16] == "artery:left"


def test_integers_count_where_no_name_is_known(tmp_path: Path) -> None:
    array = own_neck().astype(np.uint8)
    about = [{"name": f"Segment_{v}", "value": int(v)} for v in np.unique(array)[1:]]
    found = read_labels(write_nrrd(tmp_path / "a.seg.nrrd", array, AFFINE, extra=segment_fields(about)))
    assert found.table.name == "canalrisk"
    np.testing.assert_array_equal(found.labels, array)


def test_a_named_table_wins_over_names(tmp_path: Path) -> None:
    array = own_neck().astype(np.uint8)
    about = [{"name": "C1 vertebra" if v == 7 else "x", "value": int(v)} for v in np.unique(array)[1:]]
    path = write_nrrd(tmp_path / "a.seg.nrrd", array, AFFINE, extra=segment_fields(about))
    assert read_labels(path, labels="canalrisk").table.entries[7] == "vertebra:C7"


def test_old_files_with_one_layer_per_segment(tmp_path: Path) -> None:
    layers = np.stack([mask.astype(np.uint8) for _, mask in neck_segments()])
    fields = {f"Segment{n}_Name": name for n, (name, _) in enumerate(neck_segments())}
    found = read_labels(write_nrrd(tmp_path / "a.seg.nrrd", layers, OBLIQUE, extra=fields))
    np.testing.assert_array_equal(found.mask("vertebra:C5"), MASKS["vertebra:C5"])
    np.testing.assert_array_equal(found.mask("disc:C7/T1"), MASKS["disc:C7/T1"])


def test_plain_label_map_and_separate_mass(tmp_path: Path) -> None:
    array = own_neck().astype(np.int16)
    path = write_nrrd(tmp_path / "a.nrrd", array, OBLIQUE)
    mass = write_nrrd(tmp_path / "m.nrrd", MASS.astype(np.uint8), OBLIQUE)
    found = read_labels(path, mass=mass)
    assert found.table.name == "canalrisk"
    np.testing.assert_array_equal(found.labels, array)
    assert found.mass is not None
    np.testing.assert_array_equal(found.mass, MASS)


def test_mass_segmentation_cropped_to_what_it_holds(tmp_path: Path, save) -> None:
    low = np.array([30, 5, 55])
    affine = AFFINE.copy()
    affine[:3, 3] = AFFINE[:3, :3] @ low + AFFINE[:3, 3]
    box = MASS[30:50, 5:25, 55:95].astype(np.uint8)
    fields = segment_fields([{"name": "whatever", "value": 1}])
    mass = write_nrrd(tmp_path / "m.seg.nrrd", box, affine, extra=fields)
    found = read_labels(save(own_neck()), mass=mass)
    assert found.mass is not None
    np.testing.assert_array_equal(found.mass, MASS)
    assert "MASS-PART-OF-GRID" in {f.code for f in found.findings}


@pytest.mark.parametrize("value", [9, 40])
def test_mass_by_the_integer_of_its_segment(value: int, tmp_path: Path) -> None:
    array, about = single_layer()
    about.append({"name": "stuff", "value": value, "layer": 1})
    layers = np.stack([array, np.where(MASS, value, 0).astype(np.uint8)])
    path = write_nrrd(tmp_path / "a.seg.nrrd", layers, AFFINE, extra=segment_fields(about))
    # 9 is taken in the first layer, so that places count: the mass is the sixteenth segment.
    found = read_labels(path, mass=16 if value == 9 else value)
    assert found.mass is not None
    np.testing.assert_array_equal(found.mass, MASS)
    assert not found.mass_is_label


def test_one_structure_drawn_twice_is_refused(tmp_path: Path) -> None:
    array, about = single_layer()
    about[5]["name"] = "C5"
    with pytest.raises(LabelError, match="segments 5 and 6 are both called vertebra:C5"):
        read_labels(write_nrrd(tmp_path / "a.seg.nrrd", array, AFFINE, extra=segment_fields(about)))


def test_names_upside_down_are_refused(tmp_path: Path) -> None:
    array, about = single_layer()
    for place, level in enumerate(reversed(LEVELS)):
        about[place]["name"] = level
    with pytest.raises(LabelError, match="caudal to cranial"):
        read_labels(write_nrrd(tmp_path / "a.seg.nrrd", array, AFFINE, extra=segment_fields(about[:8])))


def test_table_in_other_words_is_the_same_neck(tmp_path: Path, save) -> None:
    array, about = single_layer()
    by_name = read_labels(write_nrrd(tmp_path / "a.seg.nrrd", array, AFFINE, extra=segment_fields(about)))
    by_table = read_labels(save(own_neck()))
    for name in ("vertebra:C5", "disc:C5/6", "cord"):
        np.testing.assert_array_equal(by_name.mask(name), by_table.mask(name))
    assert load_table("canalrisk").entries[60] == "cord"


def test_the_mass_that_the_user_names_is_the_only_one(tmp_path: Path) -> None:
    blob = np.zeros(MASKS["cord"].shape, bool)
    blob[1:5, 1:5, 1:5] = True
    array, about = single_layer([("mass", blob), ("stuff", MASS)])
    path = write_nrrd(tmp_path / "a.seg.nrrd", array, AFFINE, extra=segment_fields(about))
    np.testing.assert_array_equal(read_labels(path).mass, blob)
    np.testing.assert_array_equal(read_labels(path, mass=17).mass, MASS)
    with pytest.raises(LabelError, match="no segment has the integer 99"):
        read_labels(path, mass=99)


def test_a_bone_is_not_taken_for_the_mass(tmp_path: Path, save) -> None:
    fields = segment_fields([{"name": "C5 vertebra", "value": 1}])
    path = write_nrrd(tmp_path / "m.seg.nrrd", MASKS["vertebra:C5"].astype(np.uint8), AFFINE, extra=fields)
    with pytest.raises(LabelError, match="shows vertebra:C5 and no mass"):
        read_labels(save(own_neck()), mass=path)
