from __future__ import annotations

import pytest

from canalrisk.anatomy.spine import Spine
from canalrisk.imaging.labelmap import LabelMap
from canalrisk.phantom import Model, build_model, known_spine, sample_neck
from canalrisk.phantom.voxelise import label

SPACING = 0.6


@pytest.fixture(scope="session")
def model() -> Model:
    return build_model(sample_neck(3), spacing=SPACING)


@pytest.fixture(scope="session")
def labelmap(model: Model) -> LabelMap:
    return label(model)


@pytest.fixture(scope="session")
def spine(model: Model) -> Spine:
    return known_spine(model)
