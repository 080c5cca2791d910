"""Recognising the table of a file: every tool's integers on one neck, and files nobody can tell."""

from pathlib import Path

import numpy as np
import pytest
from neck import AFFINE, DISCS, LEVELS, MASKS, paint

from canalrisk.errors import LabelError
from canalrisk.imaging import list_tables, load_table, read_labels

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


POINTS = ("sct-compression", "sct-discs", "totalspineseg-levels")
LUMBAR = ("mrspineseg",)
NECKS = [table.name for table in list_tables() if table.name not in POINTS + LUMBAR]


@pytest.mark.parametrize("name", NECKS)
def test_each_tool_is_recognised_by_meaning(name: str, save) -> None:
    labels = paint(load_table(name).entries)
    found = read_labels(save(labels))
    present = np.unique(labels)[1:]
    expected = {int(v): load_table(name).entries[int(v)] for v in present}
    assert {int(v): found.table.entries[int(v)] for v in present} == expected


@pytest.mark.parametrize("name", POINTS)
def test_points_are_no_segmentation(name: str, save) -> None:
    path = save(paint(load_table(name).entries))
    with pytest.raises(LabelError, match=r"these are points|cannot be told"):
        read_labels(path)
    with pytest.raises(LabelError, match=rf"these are points \(label table '{name}'\)"):
        read_labels(path, labels=name)


def test_lumbar_table_on_a_lumbar_spine(save) -> None:
    # The neck at twice its size, 34 mm from level to level, with its levels called T11 to sacrum.
    names = {f"vertebra:{a}": b for a, b in zip(LEVELS, ("T11", "T12", "L1", "L2", "L3", "L4", "L5", "S"), strict=True)}
    discs = ("T12/L1", "L1/2", "L2/3", "L3/4", "L4/5", "L5/S1")
    here = {("sacrum" if b == "S" else f"vertebra:{b}"): a for a, b in names.items()}
    here |= {f"disc:{b}": f"disc:{a}" for a, b in zip(DISCS, discs, strict=True)}
    entries = load_table("mrspineseg").entries
    labels = paint({value: here[name] for value, name in entries.items() if name in here})
    found = read_labels(save(labels, affine=AFFINE @ np.diag([2.0, 2.0, 2.0, 1.0])))
    assert found.table.name == "mrspineseg"


def test_choice_runner_up_and_gap_are_reported(own, save) -> None:
    found = read_labels(save(own))
    assert found.source["label_table"] == "canalrisk"
    assert found.source["runner_up"]
    text = next(f.message for f in found.findings if f.code == "LABELS-AUTO")
    gap = float(found.source["label_table_score"]) - float(found.source["runner_up_score"])
    assert f"gap {gap:.2f}" in text


def test_integers_that_fit_two_tools_are_refused(save) -> None:
    # 14 and 15 are C4, C5 (TotalSpineSeg) or T7, T8 (SPINEPS); at 20.3 mm apart they are as far from the one spacing
    # (16.5 mm) as from the other (24.6 mm) on a logarithmic scale.
    labels = paint({14: "vertebra:C4", 15: "vertebra:C5"})
    path = save(labels, affine=AFFINE @ np.diag([1, 1, 20.3 / 17, 1]))
    with pytest.raises(LabelError, match=r"candidates: .*totalspineseg") as caught:
        read_labels(path)
    assert "--labels" in caught.value.fix
    assert read_labels(path, labels="totalspineseg-step2").table.entries[14] == "vertebra:C4"


def test_meaningless_integers_are_refused(save) -> None:
    labels = np.zeros((40, 40, 40), np.int16)
    labels[5:30, 5:30, 5:30] = 999
    with pytest.raises(LabelError, match="cannot be told"):
        read_labels(save(labels))


def test_upside_down_levels_are_refused_under_a_named_table(own, save) -> None:
    with pytest.raises(LabelError, match="caudal to cranial"):
        read_labels(save(np.ascontiguousarray(own[:, :, ::-1])), labels="canalrisk")


def test_table_that_knows_no_integer_is_refused(own, save) -> None:
    with pytest.raises(LabelError, match="knows none"):
        read_labels(save(np.where(own == 1, 900, 0).astype(np.int16)), labels="canalrisk")


def test_swapped_sides_are_refused(own, save) -> None:
    with pytest.raises(LabelError, match="left and right of 'artery'"):
        read_labels(save(np.ascontiguousarray(own[::-1])))


def test_unknown_integers_leave_a_finding(own, save) -> None:
    own[1:4, 1:4, 1:4] = 250
    finding = next(f for f in read_labels(save(own)).findings if f.code == "LABELS-UNKNOWN")
    assert "250" in finding.message


def test_user_table_on_a_file(save, tmp_path: Path) -> None:
    entries = {900 + i: f"vertebra:{level}" for i, level in enumerate(LEVELS)}
    lines = "".join(f'{k} = "{v}"\n' for k, v in entries.items())
    table = tmp_path / "mine.toml"
    table.write_text(f"[entries]\n{lines}")
    found = read_labels(save(paint(entries)), labels=table)
    np.testing.assert_array_equal(found.mask("vertebra:C5"), MASKS["vertebra:C5"])


def test_recognition_does_not_depend_on_axis_order_flips_or_tilt(own, save) -> None:
    angle = np.radians(20)
    tilt = np.eye(4)
    tilt[1:3, 1:3] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    permuted = np.ascontiguousarray(np.transpose(own, (2, 0, 1))[::-1])
    affine = tilt @ AFFINE[:, [2, 0, 1, 3]]
    affine[:3, 3] += affine[:3, 0] * (permuted.shape[0] - 1)
    affine[:3, 0] *= -1
    found = read_labels(save(permuted, affine=affine))
    assert found.table.name == "canalrisk"
    assert float(found.source["label_table_score"]) > 0.95


@pytest.mark.skipif(not SHARED.exists(), reason="shared data not present")
@pytest.mark.parametrize(
    ("file", "table"),
    [
        ("combined/BP3D-PAM50_C1-C7_labels_0p5mm.nii.gz", "canalrisk"),
        ("tptbox_mri/sub-mri_seg-subreg_label-6_msk.nii.gz", "spineps-subregions"),
        ("tptbox_mri/sub-mri_seg-vert_label-6_msk.nii.gz", "spineps-instances"),
        ("pam50/PAM50_levels_C1-T2.nii.gz", "sct-levels"),
    ],
)
def test_real_files(file: str, table: str) -> None:
    assert read_labels(SHARED / file).table.name == table


@pytest.mark.skipif(not SHARED.exists(), reason="shared data not present")
@pytest.mark.parametrize("name", ["totalspineseg-step2", "totalsegmentator-total-v2", "totalsegmentator-vertebrae-mr"])
def test_real_neck_in_another_tools_integers(name: str, save) -> None:
    real = read_labels(SHARED / "combined" / "BP3D-PAM50_C1-C7_labels_0p5mm.nii.gz")
    labels = np.zeros(real.labels.shape, np.int16)
    renamed = {"canal_content": ("csf", "epidural"), "cord_or_sac": ("cord",)}
    for value, entry in load_table(name).entries.items():
        if entry != "ignore":
            labels[real.mask(*renamed.get(entry, (entry,)))] = value
    found = read_labels(save(labels, affine=real.grid.affine))
    assert found.mask("vertebra:C5").sum() == real.mask("vertebra:C5").sum()
    assert found.table.name.rpartition("-v")[0] == name.rpartition("-v")[0]


@pytest.mark.parametrize("slab", [slice(20, 150), slice(60, 130), slice(70, 110)])
@pytest.mark.parametrize("name", NECKS)
def test_a_cropped_neck_is_read_rightly_or_refused(name: str, slab: slice, save) -> None:
    entries = load_table(name).entries
    labels = np.ascontiguousarray(paint(entries)[:, :, slab])
    path = save(labels)
    try:
        meaning = read_labels(path).table.entries
    except LabelError:
        with pytest.raises(LabelError, match="cannot be told"):
            read_labels(path)
    else:
        assert all(meaning[int(v)] == entries[int(v)] for v in np.unique(labels)[1:])
