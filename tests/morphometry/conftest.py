"""The analytic neck of tests/anatomy, prepared once."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "anatomy"))


@pytest.fixture(scope="session")
def analytic_neck():
    import torus

    return torus.neck()


@pytest.fixture(scope="session")
def analytic_prepared(analytic_neck):
    from canalrisk.anatomy import build_spine
    from canalrisk.morphometry import prepare

    return prepare(build_spine(analytic_neck.labelmap))
