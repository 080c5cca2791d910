"""Label tables: their form, the number of their entries, and a user's own."""

from pathlib import Path

import numpy as np
import pytest

from canalrisk.errors import LabelError, UsageError
from canalrisk.imaging import list_tables, load_table, read_labels, write_labels
from canalrisk.imaging.vocabulary import is_structure

NAMES = [table.name for table in list_tables()]


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


def test_bids_table_in_anybodys_words(tmp_path: Path) -> None:
    path = tmp_path / "dseg.tsv"
    path.write_text(
        "index\tname\tcolor\n0\tbackground\t#000000\n7\tC5 vertebra\t#ff0000\n9\tcalcification\t\n8\tliver\t\n"
    )
    table = load_table(path)
    assert table.entries == {7: "vertebra:C5", 8: "ignore", 9: "mass"}


def test_bids_table_beside_a_written_label_map(own, save, tmp_path: Path) -> None:
    first = read_labels(save(own))
    path = write_labels(first, path=tmp_path / "out" / "a.nii.gz")
    again = read_labels(path, labels=path.with_name("a.tsv"))
    for name in ("vertebra:C5", "disc:C5/6", "cord", "artery:left"):
        np.testing.assert_array_equal(again.mask(name), first.mask(name))


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("index,name\n1,C1\n", "lacks the columns"),
        ("", "lacks the columns"),
        ("index\tname\nC1\t1\n", "no whole number"),
        ("index\tname\n1\tC1\n1\tC2\n", "occurs twice"),
        ("index\tname\n1\tliver\n", "no name of the label table"),
        ("index\tname\n\x00\tC1\n", "no whole number"),
        ("index\tname\n1\n", "no name of the label table"),
    ],
)
def test_bad_bids_table(tmp_path: Path, text: str, what: str) -> None:
    path = tmp_path / "dseg.tsv"
    path.write_text(text)
    with pytest.raises(LabelError, match=what) as caught:
        load_table(path)
    assert len(str(caught.value).split("\n")) == 3
    assert str(tmp_path) not in str(caught.value)


def test_nearest_structure_is_suggested(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[entries]\n5 = "vertebra C5"\n')
    with pytest.raises(LabelError) as caught:
        load_table(path)
    assert caught.value.fix == "did you mean 'vertebra:C5'?"
