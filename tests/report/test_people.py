"""Numbers and words for people, provenance without paths, the console table."""

from __future__ import annotations

import json
import math

import pytest
from fake_case import fake_case
from rich.console import Console

from canalrisk.report import console_table
from canalrisk.report.people import (
    coverage,
    crossing,
    interval,
    percent,
    quantity,
    risk_range,
    spread,
    unbroken,
    volume,
    years,
)
from canalrisk.report.provenance import provenance, scrub
from canalrisk.report.summary import summary


@pytest.mark.parametrize(
    ("fraction", "words"),
    [
        (0.384, "38 %"), (0.0, "0 %"), (0.004, "0.4 %"), (0.0001, "<0.1 %"), (0.9988, ">99 %"), (1.0, "100 %"),
        (math.nan, "n/a"), (None, "n/a"), (-0.0001, "0.0 %"),
    ],
)  # fmt: skip
def test_percent(fraction: float | None, words: str) -> None:
    assert percent(fraction) == words


def test_intervals_and_units() -> None:
    assert interval(0.18, 0.07, 0.41) == "18 % (7 to 41)"
    assert interval(0.18, None, 0.41) == "18 %"
    assert interval(math.nan, 0.1, 0.2) == "n/a"
    assert interval(0.00001, 0.00001, 0.00002) == "<0.1 %"
    assert quantity(5.23, "mm") == "5.2 mm"
    assert volume(4210.0) == "4.2 ml"
    assert volume(4.2) == "4 mm³"
    assert spread([0.02, None, 0.38]) == "2 to 38 %"
    assert spread([None]) == "n/a"


def test_times() -> None:
    assert [years(t) for t in (0, 0.25, 1.0, 1.5, 2.0)] == ["today", "3 months", "1 year", "18 months", "2 years"]
    assert years(1 / 12) == "1 month"


def test_numbers_keep_their_units() -> None:
    assert unbroken("leaves 8.9 mm; loss 1.2 % now") == "leaves 8.9\u00a0mm; loss 1.2\u00a0% now"


def test_coverage_of_an_interval() -> None:
    assert coverage("5 to 95 % of the draws") == "90 %"
    assert coverage("2.5 to 97.5 %") == "95 %"
    assert coverage("") == ""


def test_crossing_says_beyond_where_draws_do_not_cross() -> None:
    assert crossing(None, None, None, 1.0, 1.0) == "beyond 1 year"
    assert crossing(0.0, 0.25, None, 0.2, 1.0) == "3 months (today to beyond 1 year)"
    assert crossing(0.5, None, None, 0.6, 1.0) == "beyond 1 year in 60 % of draws, earliest 6 months"
    assert crossing(0.0, 0.0, 0.0, 0.0, 1.0) == "today"
    assert crossing(None, None, None, None, 1.0) == "n/a", "a failed time hides it"


def test_scrub_keeps_no_folder() -> None:
    dirty = {
        "command": "/opt/env/bin/canalrisk assess ../smith_john/neck.nii.gz --out=/home/dr/smith --level C4/5",
        "note": "read from /home/dr/smith/neck.nii.gz in mm/year",
        "file": "/data/smith john/neck.nii.gz",
        "windows": "C:\\Users\\Smith\\neck.nii.gz",
        "doi": "10.1162/imag_a_00075",
        "score": math.nan,
    }
    clean = scrub(dirty)
    assert clean["command"] == "canalrisk assess neck.nii.gz --out=smith --level C4/5"
    assert clean["note"] == "read from neck.nii.gz in mm/year"
    assert clean["file"] == "neck.nii.gz"
    assert clean["windows"] == "neck.nii.gz"
    assert clean["doi"] == dirty["doi"]
    assert clean["score"] is None


def test_provenance_has_what_a_rerun_needs() -> None:
    record = provenance(fake_case(n_times=2))
    assert record["inputs"]["neck.nii.gz"]["sha256"] == "0" * 64
    for key in ("configuration", "versions", "seed", "threads", "command", "label_table", "frame", "blas"):
        assert key in record
    assert {"numpy", "numba", "canalrisk"} <= set(record["versions"])
    json.dumps(record, allow_nan=False)


def test_headline_is_the_range_over_the_models() -> None:
    # Fake case, today: medians 0.13, 0.10 and 0.19, each from half to 1.9 times itself; 0.19 has the widest interval.
    across = summary(fake_case(n_times=2))["times"][0]["risk_myelopathy_prevalent_range"]
    assert across == pytest.approx(
        {
            "lowest": 0.10, "highest": 0.19, "widest_low": 0.095, "widest_high": 0.361, "models": 3,
            "models_without": 0,
        }
    )  # fmt: skip
    words = ("10 to 19 %", "depending on the model; widest 90 % interval 10 to 36 %")
    assert risk_range(across | {"widest_low": 0.1}, "90 %") == words


def test_model_without_a_number_is_said_and_not_passed_over() -> None:
    case = fake_case(n_times=3)
    risk = case.dataset["risk_myelopathy_prevalent"].copy()
    risk[2, 0] = math.nan
    case.dataset["risk_myelopathy_prevalent"] = risk
    across = summary(case)["times"][2]["risk_myelopathy_prevalent_range"]
    assert across["models"] == 2
    assert "1 model without a number" in risk_range(across)[1]


def test_range_of_one_of_equal_and_of_no_models() -> None:
    across = {"lowest": 0.02, "highest": 0.02, "widest_low": 0.01, "widest_high": 0.04, "models": 1,
              "models_without": 0}  # fmt: skip
    assert risk_range(across, "90 %") == ("2 %", "90 % interval 1 to 4 %")
    assert risk_range(across | {"models": 3}) == ("2 %", "the same by every model; widest interval 1 to 4 %")
    assert risk_range(across | {"lowest": None, "highest": None, "models": 0}) == ("n/a", "")


def test_console_table_reads_at_80_columns() -> None:
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115 - closed with the process
    console.print(console_table(fake_case(failed=(4,), name="[red]x[/red]")))
    text = console.export_text()
    assert "[red]x[/red]" in text, "markup in names is shown, not obeyed"
    assert "…" not in text, "nothing is cut"
    assert "not a diagnosis" in text
    assert "failed" in text
    flat = " ".join(text.split())
    for words in ("13 % (6 to 25)", "10 % (5 to 19)", "19 % (10 to 36)", "10 to 19 %, depending on the model; widest"):
        assert words in flat, "every model with its interval, and the range"
    assert "eroded" in text
    assert "150 mm³" in text, "eroded in a year"
    assert "C4/5 right, C5" in text
    assert "The mass reaches the cord at C4/5 today." in text


def test_console_table_without_bone_eroded() -> None:
    case = fake_case(n_times=2)
    object.__setattr__(case, "dataset", case.dataset.drop_vars("bone_eroded"))
    console = Console(width=80, record=True, file=open("/dev/null", "w"))  # noqa: SIM115 - closed with the process
    console.print(console_table(case))
    text = console.export_text()
    assert "eroded" not in text
    assert "4.2 ml" in text
