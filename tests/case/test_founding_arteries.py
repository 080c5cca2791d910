"""The founding case: one vertebral artery, on the side of the mass."""

import json

import pytest

from canalrisk.anatomy import build_spine
from canalrisk.cli import main
from canalrisk.errors import UsageError
from canalrisk.morphometry import measure, measure_findings, prepare
from canalrisk.phantom import demo_labelmap, sample_neck, voxelise


def test_the_demo_has_one_artery_and_it_is_on_the_side_of_the_mass():
    demo = demo_labelmap(spacing=1.0)
    assert demo.mask("artery:left").any()
    assert not demo.mask("artery:right").any()
    measured = measure(prepare(build_spine(demo)))
    found = [f for f in measure_findings(measured) if f.code.startswith("ARTERY")]
    assert found[0].code == "ARTERY-SOLE-SUPPLY"
    assert (found[0].severity, found[0].where) == ("serious", "artery left")
    assert list(measured["artery_flag"].values) == ["single", "not labelled"]
    assert measured["mass_side"].item() == "left"


def test_unknown_arteries_are_refused():
    with pytest.raises(UsageError, match="middle") as caught:
        voxelise(sample_neck(3), spacing=1.5, arteries="middle")
    assert "left-only" in caught.value.fix


@pytest.mark.slow
def test_the_command_says_so(tmp_path):
    out = tmp_path / "demo"
    assert main(["demo", "--no-mechanics", "--times", "2", "--quiet", "--out", str(out)]) == 0
    said = json.loads((out / "summary.json").read_text("utf-8"))
    first = said["findings"][0]
    assert (first["code"], first["severity"]) == ("ARTERY-SOLE-SUPPLY", "serious")
    page = (out / "report.html").read_text("utf-8")
    assert page.index(first["message"].split(";")[0]) < page.index('id="check"')
