"""Clinical facts: what is accepted, and what each wrong line says."""

from __future__ import annotations

from pathlib import Path

import pytest

import canalrisk
from canalrisk.clinical import Clinical, VertebralArteries, clinical_from, read_clinical
from canalrisk.errors import InputRefused
from canalrisk.risk import CLINICAL_KEYS

FOUNDING = """
mjoa = 16
t2_signal = true
radicular_signs = ["C6 left", "C7 left"]
duration_years = 0.75
sex = "F"
disease = "CREST"

[vertebral_artery]
left = "single"
right = "absent"
"""


def test_the_founding_case(tmp_path: Path) -> None:
    path = tmp_path / "clinical.toml"
    path.write_text(FOUNDING)
    found = read_clinical(path)
    assert found.vertebral_artery == VertebralArteries(left="single", right="absent")
    assert found.facts() == {
        "mjoa": 16.0,
        "t2_signal": True,
        "radicular_signs": ("C6 left", "C7 left"),
        "duration_years": 0.75,
        "sex": "F",
        "disease": "crest",
        "vertebral_artery": {"left": "single", "right": "absent"},
    }


def test_it_is_read_from_the_package(tmp_path: Path) -> None:
    path = tmp_path / "clinical.toml"
    path.write_text("mjoa = 16")
    assert canalrisk.read_clinical(path).mjoa == 16


def test_nothing_known_is_nothing_said() -> None:
    assert clinical_from({}) == Clinical()
    assert Clinical().facts() == {}


def test_its_keys_are_those_that_risk_takes() -> None:
    assert tuple(Clinical.__dataclass_fields__) == CLINICAL_KEYS


@pytest.mark.parametrize(
    ("text", "what", "where", "fix"),
    [
        ("mJOA = 15", "unknown clinical key 'mJOA'", "key mJOA", "did you mean 'mjoa'?"),
        ("t2_signl = true", "unknown clinical key", "key t2_signl", "did you mean 't2_signal'?"),
        ("name = 'Jane Doe'", "unknown clinical key 'name'", "key name", ""),
        ("mjoa = 19", "less than or equal to 18", "key mjoa", ""),
        ("mjoa = nan", "finite", "key mjoa", ""),
        ("mjoa = true", "valid number", "key mjoa", ""),
        ("mjoa = '15'", "valid number", "key mjoa", ""),
        ("t2_signal = 1", "valid boolean", "key t2_signal", ""),
        ("radicular_signs = ['C6 lft']", "did you mean 'C6 left'?", "key radicular_signs", ""),
        ("duration_years = -1", "greater than or equal to 0", "key duration_years", ""),
        ("sex = 'female'", "'F' or 'M'", "key sex", ""),
        ("disease = 'Jane Doe'", "'tumoral_calcinosis'", "key disease", ""),
        ("[vertebral_artery]\nlft = 'single'", "unknown clinical key 'lft'", "vertebral_artery.lft", "'left'"),
        ("[vertebral_artery]\nleft = 'singel'", "'normal'", "vertebral_artery.left", ""),
        ("[vertebral_artery]\nleft = 'single'\nright = 'normal'", "absent or hypoplastic", "vertebral_artery", ""),
        ("[vertebral_artery]\nleft = 'dominant'\nright = 'dominant'", "both", "vertebral_artery", ""),
        ("mjoa =", "cannot be read", "clinical.toml", ""),
        ("\x00", "cannot be read", "clinical.toml", ""),
    ],
)
def test_bad_lines_are_refused_in_three_lines(text: str, what: str, where: str, fix: str, tmp_path: Path) -> None:
    path = tmp_path / "clinical.toml"
    path.write_text(text)
    with pytest.raises(InputRefused) as caught:
        read_clinical(path)
    error = caught.value
    assert what in error.what
    assert where in error.where
    assert fix in error.fix
    assert error.fix
    assert len(str(error).split("\n")) == 3
    assert str(tmp_path) not in str(error)
    assert "Jane" not in str(error)


def test_missing_and_huge_files_are_refused(tmp_path: Path) -> None:
    huge = tmp_path / "clinical.toml"
    huge.write_bytes(b"#" * 200_000)
    for path in (tmp_path / "none.toml", tmp_path, huge, "a\0.toml"):
        with pytest.raises(InputRefused) as caught:
            read_clinical(path)
        assert len(str(caught.value).split("\n")) == 3
