"""The analytic neck and its spine, made once."""

import pytest
import torus


@pytest.fixture(scope="session")
def analytic_neck():
    return torus.neck()


@pytest.fixture(scope="session")
def analytic_spine(analytic_neck):
    from canalrisk.anatomy import build_spine

    return build_spine(analytic_neck.labelmap)
