"""Label tables: upstream integers, the twelve traps between them, and a user's own."""

from pathlib import Path

import pytest

from canalrisk.errors import LabelError, UsageError
from canalrisk.imaging import list_tables, load_table
from canalrisk.imaging.vocabulary import axial_rank, is_structure

NAMES = [table.name for table in list_tables()]


def meaning(table: str, value: int) -> str | None:
    return load_table(table).entries.get(value)


@pytest.mark.parametrize("name", NAMES)
def test_every_table_is_well_formed(name: str) -> None:
    table = load_table(name)
    assert table.version
    assert "(20" in table.source  # the month it was read
    assert all(is_structure(entry) for entry in table.entries.values())
    named = [entry for entry in table.entries.values() if entry.startswith(("vertebra:", "level:", "disc:", "root:"))]
    assert len(named) == len(set(named))


def test_number_of_vertebrae_is_that_of_the_tool() -> None:
    # Counts of the upstream lists: 24 + L6, L7 (TotalSpineSeg); 24 (TotalSegmentator); 24 + L6, T13 (TPTBox).
    counts = {name: sum(e.startswith("vertebra:") for e in load_table(name).entries.values()) for name in NAMES}
    assert counts["totalspineseg-step2"] == 26
    assert counts["totalsegmentator-total-v1"] == counts["totalsegmentator-total-v2"] == 24
    assert counts["totalsegmentator-vertebrae-mr"] == counts["totalsegmentator-vertebrae-pp"] == 24
    assert counts["spineps-instances"] == 26


def test_number_of_classes_is_that_of_the_tool() -> None:
    # TotalSegmentator prints 104, 117 and 50 classes.
    sizes = {name: len(load_table(name).entries) for name in NAMES}
    assert sizes["totalsegmentator-total-v1"] == 104
    assert sizes["totalsegmentator-total-v2"] == sizes["totalsegmentator-total-v3"] == 117
    assert sizes["totalsegmentator-total-mr"] == 50


def test_trap_1_label_26() -> None:
    assert meaning("totalsegmentator-total-v2", 26) == "sacrum"
    assert meaning("totalsegmentator-total-v3", 26) == "vertebra:L6"
    assert meaning("spineps-instances", 26) == "sacrum"
    assert meaning("sct-levels", 26) == "sacrum"
    assert meaning("totalspineseg-step2", 26) == "vertebra:T6"


def test_trap_2_label_50() -> None:
    assert meaning("totalsegmentator-total-v2", 50) == "vertebra:C1"
    assert meaning("totalspineseg-step2", 50) == "sacrum"
    assert meaning("totalspineseg-step1", 50) == "part:vertebra"
    assert meaning("spineps-subregions", 50) == "part:body"


def test_trap_3_labels_100_and_60() -> None:
    assert meaning("totalspineseg-step2", 100) == "disc:L5/S1"
    assert meaning("spineps-subregions", 100) == "part:disc"
    assert meaning("spineps-subregions", 60) == "cord"
    assert meaning("sct-levels", 60) == "ignore"


def test_trap_4_label_1() -> None:
    assert meaning("totalspineseg-step2", 1) == "cord"
    assert meaning("spineps-instances", 1) == meaning("totalsegmentator-vertebrae-pp", 1) == "vertebra:C1"
    assert meaning("sct-levels", 1) == "level:C1"
    assert meaning("totalsegmentator-vertebrae-mr", 1) == "sacrum"


def test_trap_6_discs_lie_below_their_number() -> None:
    assert meaning("spineps-instances", 119) == "disc:T12/L1"
    assert meaning("spineps-instances", 105) == meaning("canalrisk", 105) == "disc:C5/6"
    assert meaning("totalspineseg-step2", 65) == "disc:C4/5"
    assert meaning("totalspineseg-step2", 71) == "disc:C7/T1"


def test_trap_7_canal_without_the_cord() -> None:
    assert meaning("totalspineseg-step2", 2) == meaning("spineps-subregions", 61) == "canal_content"


def test_trap_8_verse_and_sct_part_after_24() -> None:
    for value in range(1, 25):
        level = meaning("spineps-instances", value)
        assert level is not None
        assert meaning("sct-levels", value) == level.replace("vertebra", "level")
    assert meaning("spineps-instances", 25) == "vertebra:L6"
    assert meaning("sct-levels", 25) == "sacrum"


def test_trap_9_cord_on_ct() -> None:
    assert meaning("totalsegmentator-total-v2", 79) == "cord_or_sac"


def test_trap_11_transitional_vertebrae() -> None:
    assert meaning("spineps-instances", 28) == "vertebra:T13"
    assert meaning("totalspineseg-step2", 46) == "vertebra:L6"
    ranks = [axial_rank(f"vertebra:{level}") for level in ("T12", "T13", "L1", "L5", "L6", "L7")]
    assert ranks == sorted(ranks)  # type: ignore[type-var]


def test_unknown_table_suggests_the_nearest() -> None:
    with pytest.raises(UsageError, match="no label table") as caught:
        load_table("totalspinesegstep2")
    assert "did you mean 'totalspineseg-step2'" in caught.value.fix


def test_user_table(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\nversion = "3"\n[entries]\n7 = "vertebra:C5"\n9 = "mass"\n')
    table = load_table(path)
    assert (table.name, table.version) == ("mine", "3")
    assert table.entries == {7: "vertebra:C5", 9: "mass"}


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("[entries\n", "cannot be read", "mine.toml"),
        ('[entries]\n1 = "vertebra:C5"\n[entri]\n', "unknown key", "entri"),
        ('name = "x"\n', "no entries", "mine.toml"),
        ('[entries]\nC5 = "vertebra:C5"\n', "positive integer", "entries.C5"),
        ('[entries]\n5 = "vertebra C5"\n', "not a structure", "entries.5"),
        ("[entries]\n5 = 5\n", "not a structure", "entries.5"),
    ],
)
def test_bad_user_table(tmp_path: Path, text: str, what: str, where: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(LabelError, match=what) as caught:
        load_table(path)
    assert where in caught.value.where
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.exit_code == 3


def test_nearest_structure_is_suggested(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[entries]\n5 = "vertebra C5"\n')
    with pytest.raises(LabelError) as caught:
        load_table(path)
    assert caught.value.fix == "did you mean 'vertebra:C5'?"
