"""Names of segments, as people, terminologies and tools write them."""

from __future__ import annotations

import pytest

from canalrisk.imaging import list_tables
from canalrisk.imaging.spoken import structure_of

KNOWN = {
    # SNOMED CT through 3D Slicer and DICOM
    "C5 vertebra": "vertebra:C5",
    "T12 vertebra": "vertebra:T12",
    "Atlas": "vertebra:C1",
    "C2 vertebra (axis)": "vertebra:C2",
    "Spinal cord": "cord",
    "Vertebral canal": "canal",
    "Vertebral artery Left": "artery:left",
    "Mass": "mass",
    "Calcification": "mass",
    # TotalSegmentator and TotalSpineSeg
    "vertebrae_C5": "vertebra:C5",
    "vertebrae_S1": "sacrum",
    "disc_C5_C6": "disc:C5/6",
    "disc_C7_T1": "disc:C7/T1",
    "disc_L5_S": "disc:L5/S1",
    "spinal_cord": "cord",
    "spinal_canal": "canal",
    # by hand
    "c5": "vertebra:C5",
    "C05": "vertebra:C5",
    "Th1": "vertebra:T1",
    "C5/6 disc": "disc:C5/6",
    "intervertebral disc C5-C6": "disc:C5/6",
    "VA left": "artery:left",
    "right vertebral artery": "artery:right",
    "left C6 nerve root": "root:C6:left",
    "C8 root R": "root:C8:right",
    "dural sac": "csf",
    "ligamentum flavum": "flavum",
    "epidural fat": "epidural",
    "tumoral calcinosis": "mass",
    "Calcified mass 2": "mass",
    "OPLL": "mass",
    "cord or sac": "cord_or_sac",
}
UNKNOWN = [
    "C5 vertebral body",  # a part
    "C5 lamina",
    "vertebra",
    "vertebrae",
    "C5 C6",  # two vertebrae, or their disc
    "disc C5 C7",  # no neighbours
    "disc C6 C5",
    "cord lesion",
    "central canal",
    "vertebral artery",  # no side
    "artery left",  # which
    "left right vertebral artery",
    "C8 vertebra",
    "C9",
    "T13 disc",
    "Segment_1",
    "mass effect",
    "left",
    "",
    "   ",
    "ignore",
    "tissue",
    "soft tissue",
    "Jane Doe",
]


@pytest.mark.parametrize("text", KNOWN)
def test_known(text: str) -> None:
    assert structure_of(text) == KNOWN[text]
    assert structure_of(f"  {text.upper()} ") == KNOWN[text]


@pytest.mark.parametrize("text", UNKNOWN)
def test_left_alone(text: str) -> None:
    assert structure_of(text) is None


def test_our_own_words_mean_themselves() -> None:
    for table in list_tables():
        for name in table.entries.values():
            assert structure_of(name) == (None if name == "ignore" else name)
