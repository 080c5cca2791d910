"""One synthetic case, written once, for all tests of the report."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from fake_case import FakeCase, fake_case

from canalrisk.report import write_results
from canalrisk.report.figures import growth, planes


@pytest.fixture
def coarse(monkeypatch: pytest.MonkeyPatch) -> None:
    """Coarse pictures, for tests of words."""
    draw = growth.render
    monkeypatch.setattr(growth, "render", lambda solids, **k: draw(solids, **k | {"px_per_mm": 0.5, "fine": 1}))
    monkeypatch.setattr(planes, "_STEP", 1.5)


@pytest.fixture(scope="session")
def case() -> FakeCase:
    return fake_case(failed=(4,))


@pytest.fixture(scope="session")
def written(case: FakeCase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_results(case, out=tmp_path_factory.mktemp("results") / "case")
