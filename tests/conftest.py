"""Fixtures that several folders share: one small synthetic neck, made once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SHARED = Path(os.environ.get("CANALRISK_SHARED", Path(__file__).parents[2] / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of the real anatomy and the reference solutions; tests that need it skip without it."""
    if not SHARED.is_dir():
        pytest.skip("the shared data folder is not beside the repository")
    return SHARED


@pytest.fixture(scope="session")
def neck():
    """A healthy synthetic neck at 0.8 mm."""
    from canalrisk.phantom import sample_neck, voxelise

    return voxelise(sample_neck(3), spacing=0.8)


@pytest.fixture(scope="session")
def neck_mass(neck):
    """The founding case's mass on that neck."""
    from canalrisk.anatomy import build_spine
    from canalrisk.phantom import founding_case

    return founding_case(build_spine(neck), side="left", seed=0)
