"""The cord's gray matter in mechanics is that of morphometry: the butterfly, or the map where one is given."""

from dataclasses import replace

import numpy as np
import pytest
from synthetic import neck, timeline

from canalrisk import evidence
from canalrisk.fem.reference import quadrature_points
from canalrisk.mechanics import CordSettings
from canalrisk.mechanics.model import build_model


def _gray(spine):
    model = build_model(spine, timeline(spine, [None]), settings=CordSettings())
    mesh = model.tube.mesh
    return quadrature_points(mesh.points, mesh.cells), model.observer.gray


def test_a_map_decides_the_tissue_of_every_point():
    spine = neck()
    world = spine.grid.to_world(np.stack(np.indices(spine.grid.shape), axis=-1))
    # All of the cord's left half, and nothing else.
    points, gray = _gray(replace(spine, gray=(world[..., 0] < 0.0).astype(np.float32)))
    clear = np.abs(points[..., 0]) > 0.5
    assert (gray == (points[..., 0] < 0.0))[clear].all()
    _, none = _gray(replace(spine, gray=np.zeros(spine.grid.shape, np.float32)))
    assert not none.any()


def test_without_a_map_it_is_the_butterfly_of_the_published_share():
    _, gray = _gray(neck())
    shares = [row.value for row in evidence.rows("mechanics", prefix="gray_fraction_of_cord_area/gray matter/")]
    # Quadrature points of the coarse mesh stand for about equal areas of an ellipse.
    assert float(gray.mean()) == pytest.approx(np.mean(shares), abs=0.04)
