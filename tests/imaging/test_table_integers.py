"""Every integer of every table, written down a second time as its tool documents it: ranges and where they start.

Sources are those named in the tables themselves (upstream files of 2026-05 and 2026-08).
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from canalrisk.imaging import list_tables, load_table

C = [f"C{i}" for i in range(1, 8)]
T = [f"T{i}" for i in range(1, 13)]
L = [f"L{i}" for i in range(1, 6)]
SPINE = C + T + L  # 24 vertebrae, cranial to caudal


def names(first: int, levels: list[str], *, kind: str = "vertebra", step: int = 1) -> dict[int, str]:
    """Consecutive integers from `first` for `levels`."""
    return {first + step * i: f"{kind}:{level}" for i, level in enumerate(levels)}


def gaps(levels: list[str]) -> list[str]:
    """Disc names between consecutive levels."""
    return [f"{a}/{b[1:] if a[0] == b[0] else b}" for a, b in pairwise(levels)]


def filled(first: int, last: int, name: str) -> dict[int, str]:
    return dict.fromkeys(range(first, last + 1), name)


TSS_DISCS = (
    names(63, gaps(C[1:]), kind="disc")  # 63-67
    | {71: "disc:C7/T1"}
    | names(72, gaps(T), kind="disc")  # 72-82
    | {91: "disc:T12/L1"}
    | names(92, gaps(L), kind="disc")  # 92-95
    | {100: "disc:L5/S1"}
)
POINTS = {1: "point:C1"} | names(2, [*gaps(SPINE), "L5/S1"], kind="point")
TOTAL = {25: "sacrum", 26: "sacrum", 79: "cord_or_sac"} | names(27, SPINE[::-1])  # L5 is 27, C1 is 50
INSTANCES = (
    names(1, SPINE)
    | {25: "vertebra:L6", 26: "sacrum", 27: "coccyx", 28: "vertebra:T13"}
    | filled(29, 33, "sacrum")
    | names(101, [*gaps(SPINE), "L5/S1", "L6/S1"], kind="disc")
    | {128: "disc:T13/L1"}
    | filled(201, 228, "part:endplate")
)

EXPECTED: dict[str, dict[int, str]] = {
    "totalspineseg-step2": {1: "cord", 2: "canal_content", 46: "vertebra:L6", 47: "vertebra:L7", 50: "sacrum"}
    | names(11, C)
    | names(21, T)
    | names(41, L)
    | TSS_DISCS,
    "totalspineseg-step1": {1: "cord", 2: "canal_content", 50: "part:vertebra"} | TSS_DISCS,
    "totalspineseg-levels": POINTS,
    "sct-discs": POINTS,
    "sct-levels": names(1, SPINE, kind="level") | filled(25, 29, "sacrum"),
    "sct-compression": {1: "point:compression"},
    "totalsegmentator-total-v2": TOTAL,
    "totalsegmentator-total-v3": TOTAL | {26: "vertebra:L6"},
    "totalsegmentator-total-v1": names(18, SPINE[::-1]) | {92: "sacrum"},  # L5 is 18, C1 is 41
    "totalsegmentator-total-mr": {18: "sacrum", 19: "part:vertebra", 20: "part:disc", 21: "cord_or_sac"},
    "totalsegmentator-vertebrae-mr": {1: "sacrum"} | names(2, SPINE[::-1]),
    "totalsegmentator-vertebrae-body": {1: "part:body", 2: "part:disc"},
    "totalsegmentator-vertebrae-pp": names(1, SPINE),
    "spineps-instances": INSTANCES,
    "spineps-subregions": {
        26: "sacrum",
        40: "part:vertebra",
        41: "part:arch",
        42: "part:spinous_process",
        43: "part:costal_process:left",
        44: "part:costal_process:right",
        45: "part:facet_superior:left",
        46: "part:facet_superior:right",
        47: "part:facet_inferior:left",
        48: "part:facet_inferior:right",
        49: "part:body",
        50: "part:body",
        51: "part:dens",
        52: "part:endplate",
        53: "part:endplate",
        60: "cord",
        61: "canal_content",
        62: "part:endplate",
        100: "part:disc",
    },
    "mrspineseg": {1: "sacrum", 11: "disc:L5/S1", 16: "disc:T12/L1"}
    | names(2, [*L[::-1], *T[:7:-1]])  # L5 2 ... T9 10
    | names(12, gaps(L)[::-1], kind="disc")
    | names(17, gaps(T[8:])[::-1], kind="disc"),
    "canalrisk": names(1, SPINE[:10])
    | {60: "cord", 61: "epidural", 62: "csf", 63: "flavum", 70: "artery:left", 71: "artery:right", 80: "mass"}
    | names(102, gaps(SPINE[1:9]), kind="disc")
    | {210 + n: f"root:C{n}:left" for n in range(3, 9)}
    | {220 + n: f"root:C{n}:right" for n in range(3, 9)},
}


def test_every_table_is_written_down_here() -> None:
    assert sorted(EXPECTED) == sorted(table.name for table in list_tables())


@pytest.mark.parametrize("name", EXPECTED)
def test_integers(name: str) -> None:
    named = {value: entry for value, entry in load_table(name).entries.items() if entry != "ignore"}
    assert named == EXPECTED[name]


@pytest.mark.parametrize("name", EXPECTED)
def test_source_is_named(name: str) -> None:
    table = load_table(name)
    assert table.version
    assert "(20" in table.source  # the month it was read
    if name != "canalrisk":
        assert any(word in table.source for word in (".py", ".json", "README", "page", "documentation"))
