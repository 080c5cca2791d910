"""The finite-element examples run, are short, and meet the closed forms they print."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
# Differences allowed: moduli over 3 K, 48 flat faces around the tube, a block that yields a little.
BOUNDS = {
    "fe_contact.py": 2e-3,
    "fe_fibres.py": 2e-3,
    "fe_membrane_tube.py": 2e-3,
    "fe_mesh_from_file.py": 1e-3,
    "fe_truss.py": 1e-3,
}


def test_every_example_is_run() -> None:
    assert {path.name for path in EXAMPLES.glob("fe_*.py")} == set(BOUNDS)


@pytest.mark.parametrize("name", BOUNDS)
def test_example_meets_its_closed_form(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = EXAMPLES / name
    assert len(path.read_text().splitlines()) <= 60
    got, expected = runpy.run_path(str(path))["main"]()
    assert "closed form" in capsys.readouterr().out
    assert got == pytest.approx(expected, rel=BOUNDS[name])
