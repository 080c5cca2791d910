"""Twelve ways to confuse one tool's integers with another's, and what a user sees who falls into each.

Each test reads a file as that user would, through `read_labels`; what the bare tables say is in test_table_integers.
"""

from __future__ import annotations

import numpy as np
import pytest
from neck import AFFINE, LEVELS, MASKS, paint

from canalrisk.errors import LabelError
from canalrisk.imaging import load_table, read_labels
from canalrisk.imaging.vocabulary import axial_rank


def entries(name: str) -> dict[int, str]:
    return load_table(name).entries


def from_below(*values: int) -> np.ndarray:
    """Vertebrae of the neck under other integers, the first for the lowest: to be read at twice the size."""
    labels = np.zeros(MASKS["cord"].shape, np.int16)
    for value, level in zip(values, reversed(LEVELS), strict=False):
        labels[MASKS[f"vertebra:{level}"]] = value
    return labels


TWICE = AFFINE @ np.diag([2.1, 2.1, 2.1, 1.0])


def meaning(found, value: int) -> str | None:
    return found.table.entries.get(value)


def test_trap_1_label_26_is_s1_l6_sacrum_or_t6(save) -> None:
    # Lumbar spines with 26 lowest: the two TotalSegmentator versions differ in nothing else, so that both fit.
    path = save(from_below(26, 27, 28, 29, 30, 31), affine=TWICE)
    with pytest.raises(LabelError, match=r"cannot be told.*totalsegmentator-total-v[23].*totalsegmentator-total-v[23]"):
        read_labels(path)
    assert meaning(read_labels(path, labels="totalsegmentator-total-v2"), 26) == "sacrum"
    assert meaning(read_labels(path, labels="totalsegmentator-total-v3"), 26) == "vertebra:L6"
    # In a thorax of TotalSpineSeg it is T6, and there is no doubt.
    thorax = from_below(28, 27, 26, 25, 24, 23, 22, 21)
    found = read_labels(save(thorax, affine=AFFINE @ np.diag([1.3, 1.3, 1.3, 1.0])))
    assert meaning(found, 26) == "vertebra:T6"


def test_trap_2_label_50_is_c1_sacrum_or_any_vertebra(save) -> None:
    # The same neck: C1 as one bone under 50, and all vertebrae under 50.
    one = read_labels(save(paint(entries("totalsegmentator-total-v2"))))
    assert meaning(one, 50) == "vertebra:C1"
    every = read_labels(save(paint(entries("totalspineseg-step1"))))
    assert meaning(every, 50) == "part:vertebra"
    np.testing.assert_array_equal(one.mask("vertebra:C1"), MASKS["vertebra:C1"])
    assert every.mask("part:vertebra").sum() > 5 * one.mask("vertebra:C1").sum()
    # Under the wrong table the user is told: step 2 has its sacrum there, which cannot lie beside C2/3.
    step1 = save(paint(entries("totalspineseg-step1")), "step1.nii.gz")
    found = read_labels(step1, labels="totalspineseg-step2")
    assert float(found.source["label_table_score"]) < float(every.source["label_table_score"]) - 0.2


def test_trap_3_label_100_and_60(save) -> None:
    found = read_labels(save(paint(entries("spineps-subregions"))))
    assert meaning(found, 100) == "part:disc"
    assert meaning(found, 60) == "cord"
    np.testing.assert_array_equal(found.mask("cord"), MASKS["cord"])
    # A neck of TotalSpineSeg has no 100 and no 60; SCT's 60 is one voxel, the conus.
    assert entries("totalspineseg-step2")[100] == "disc:L5/S1"
    assert entries("sct-levels")[60] == "ignore"


def test_trap_4_label_1_is_cord_c1_or_sacrum(save) -> None:
    for table, structure in (("totalspineseg-step2", "cord"), ("totalsegmentator-vertebrae-pp", "vertebra:C1")):
        found = read_labels(save(paint(entries(table))))
        assert meaning(found, 1) == structure
        np.testing.assert_array_equal(found.labels == 1, MASKS[structure])
    level = read_labels(save(paint(entries("sct-levels"))))
    assert meaning(level, 1) == "level:C1"
    spine = save(from_below(*range(1, 9)), affine=TWICE)  # 1 lowest
    assert meaning(read_labels(spine), 1) == "sacrum"


def test_trap_5_one_file_name_two_dictionaries(save) -> None:
    for step in ("totalspineseg-step1", "totalspineseg-step2"):
        found = read_labels(save(paint(entries(step)), "sub-01_totalspineseg_all.nii.gz"))
        assert found.table.name == step


def test_trap_6_discs_count_above_or_below(save) -> None:
    spineps = read_labels(save(paint(entries("spineps-instances"))))
    np.testing.assert_array_equal(spineps.mask("disc:C5/6"), spineps.labels == 105)  # below C5
    centre = {name: np.argwhere(spineps.mask(name)).mean(axis=0)[2] for name in ("vertebra:C5", "disc:C5/6")}
    assert centre["disc:C5/6"] < centre["vertebra:C5"]
    # SCT's disc point 5 lies above C5 (C4/5). It is a voxel, no disc, and is refused as such.
    assert entries("sct-discs")[5] == "point:C4/5"
    with pytest.raises(LabelError, match="these are points"):
        read_labels(save(paint(entries("sct-discs"))))


def test_trap_7_canal_with_and_without_the_cord(save) -> None:
    for table in ("totalspineseg-step2", "spineps-subregions"):
        found = read_labels(save(paint(entries(table))))
        assert not (found.mask("canal_content") & MASKS["cord"]).any()
        np.testing.assert_array_equal(found.mask("cord", "canal_content"), MASKS["cord"] | MASKS["rim"])
    # A soft canal that leaves out its cord is filled, and says so; SCT's holds the cord and is left alone.
    path = save(paint(entries("totalspineseg-step2")))
    annulus, whole = MASKS["rim"].astype(np.float32), (MASKS["cord"] | MASKS["rim"]).astype(np.float32)
    for stored, filled in ((annulus, True), (whole, False)):
        found = read_labels(path, soft={"canal": save(stored, "canal.nii.gz")})
        np.testing.assert_array_equal(found.soft["canal"], whole)
        assert ("CANAL-WITHOUT-CORD" in {f.code for f in found.findings}) == filled


def test_trap_8_sct_and_verse_part_after_24(save) -> None:
    # The same integers 18 to 25 as vertebrae and as pieces of cord: told apart by form, and 25 is L6 or S1.
    vertebrae = np.zeros(MASKS["cord"].shape, np.int16)
    cord = np.zeros_like(vertebrae)
    for value, level in zip(range(18, 26), LEVELS, strict=True):
        vertebrae[MASKS[f"vertebra:{level}"]] = value
        cord[MASKS[f"level:{level}"]] = value
    assert meaning(read_labels(save(vertebrae, affine=TWICE), labels="spineps-instances"), 25) == "vertebra:L6"
    assert meaning(read_labels(save(cord, affine=TWICE), labels="sct-levels"), 25) == "sacrum"
    # In the neck both read alike in level, and differ in what they are.
    for table, kind in (("sct-levels", "level"), ("totalsegmentator-vertebrae-pp", "vertebra")):
        found = read_labels(save(paint(entries(table))))
        assert meaning(found, 5) == f"{kind}:C5"


def test_trap_9_spinal_cord_of_a_ct(save) -> None:
    path = save(paint(entries("totalsegmentator-total-v2")))
    found = read_labels(path)
    assert meaning(found, 79) == "cord_or_sac"
    finding = next(f for f in found.findings if f.code == "CORD-OR-SAC")
    assert finding.severity == "warning"
    assert "--cord-is" in finding.message
    said = read_labels(path, cord_is="sac")
    np.testing.assert_array_equal(said.mask("csf"), MASKS["cord"])
    assert "CORD-OR-SAC" not in {f.code for f in said.findings}


def test_trap_10_left_and_right_are_checked_in_space(save) -> None:
    labels = paint(entries("spineps-subregions"))
    x = np.arange(60)[:, None, None] - 30
    facets = (labels == 41) & (np.abs(x) > 18)
    labels[facets & (x < 0)] = 47  # RAS: the patient's left has the smaller x
    labels[facets & (x > 0)] = 48
    found = read_labels(save(labels))
    assert meaning(found, 47) == "part:facet_inferior:left"
    with pytest.raises(LabelError, match="left and right of 'part:facet_inferior' are swapped"):
        read_labels(save(np.ascontiguousarray(labels[::-1])))
    # Flipped with its affine it is the same patient.
    mirrored = AFFINE.copy()
    mirrored[:3, 3] += AFFINE[:3, 0] * 59
    mirrored[:3, 0] *= -1
    again = read_labels(save(np.ascontiguousarray(labels[::-1]), affine=mirrored))
    np.testing.assert_array_equal(again.mask("part:facet_inferior:left")[::-1], labels == 47)


def test_trap_11_transitional_vertebrae_keep_their_place(save) -> None:
    # T12, T13, L1 of SPINEPS (19, 28, 20) and L4, L5, L6 (23, 24, 25), from below.
    for values in ((20, 28, 19, 18, 17), (25, 24, 23, 22, 21)):
        found = read_labels(save(from_below(*values), affine=TWICE), labels="spineps-instances")
        order = [axial_rank(str(meaning(found, value))) for value in values]
        assert order == sorted(order, reverse=True)  # type: ignore[type-var]
        assert "LABELS-UNKNOWN" not in {f.code for f in found.findings}
    # TotalSpineSeg has no T13: its integers stay what they are, and a 28 is T8.
    assert entries("totalspineseg-step2")[28] == "vertebra:T8"
    assert "vertebra:T13" not in entries("totalspineseg-step2").values()


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.uint64])
def test_trap_12_labels_stored_as_floats(kind: type, save) -> None:
    labels = paint(entries("totalspineseg-step2"))
    np.testing.assert_array_equal(read_labels(save(labels.astype(kind))).labels, labels)
    if np.dtype(kind).kind == "f":
        broken = labels.astype(kind)
        broken[3, 4, 5] = 12.5
        with pytest.raises(LabelError, match=r"whole numbers; found 12\.5") as caught:
            read_labels(save(broken))
        assert "voxel (3, 4, 5)" in caught.value.where
