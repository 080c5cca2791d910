"""Soft segmentations of canal, cord and mass on the analytic neck: nearer to the closed forms than its labels."""

from dataclasses import replace

import numpy as np
import pytest
import torus
from scipy import ndimage

from canalrisk.anatomy import build_spine
from canalrisk.anatomy.sections import STEP_MM, plane_moments, plane_points, sample_planes
from canalrisk.errors import GeometryError, LabelError
from canalrisk.field import volume

RADIUS = 4.0


# 128 points a voxel, no two on one plane along the axes: Kronecker sequence of the root of x^4 = x + 1.
WITHIN = (0.5 + np.arange(128)[:, None] * 1.2207440846057596 ** -np.arange(1.0, 4.0)) % 1.0 - 0.5


def _shares(grid):
    """Share of each voxel that canal, cord and a ball on the canal's wall fill."""
    index = np.moveaxis(np.indices(grid.shape), 0, -1)
    total = {name: np.zeros(grid.shape, np.float32) for name in ("canal", "cord", "mass")}
    s, u, v = torus.coordinates(grid.to_world(index))
    near = (np.abs(u) < 14.0) & (v > -15.0) & (v < 10.0)
    for shift in WITHIN:
        points = grid.to_world(index[near] + shift)
        s, u, v = torus.coordinates(points)
        for name, axes in (("canal", torus.CANAL), ("cord", torus.CORD)):
            total[name][near] += ((u / axes[0]) ** 2 + (v / axes[1]) ** 2 < 1) & (np.abs(s) < 38.0)
        total["mass"][near] += np.linalg.norm(points - torus.world_of(0.0, 0.0, -9.0), axis=-1) < RADIUS
    return {name: share / len(WITHIN) for name, share in total.items()}


@pytest.fixture(scope="module")
def labelled():
    neck = torus.neck(1.0)
    mass = np.linalg.norm(neck.world - torus.world_of(0.0, 0.0, -9.0), axis=-1) < RADIUS
    return replace(neck.labelmap, mass=mass)


@pytest.fixture(scope="module")
def shares(labelled):
    return _shares(labelled.grid)


@pytest.fixture(scope="module")
def soft_spine(labelled, shares):
    return build_spine(replace(labelled, soft=shares))


def _errors(spine, name, axes):
    planes = plane_points(spine.centreline, slice(8, -8))
    area = plane_moments(sample_planes(getattr(spine, name), grid=spine.grid, points=planes), step=STEP_MM)[0]
    return np.abs(area / (np.pi * axes[0] * axes[1]) - 1)


def test_areas_and_volume_are_better_than_the_labels(labelled, soft_spine):
    plain = build_spine(labelled)
    for name, axes in (("canal", torus.CANAL), ("cord", torus.CORD)):
        soft, binary = _errors(soft_spine, name, axes), _errors(plain, name, axes)
        assert soft.max() < 0.01, name
        assert soft.max() < 0.5 * binary.max(), name
    closed = 4 / 3 * np.pi * RADIUS**3
    assert volume(soft_spine.mass, grid=soft_spine.grid) == pytest.approx(closed, rel=0.005)
    assert [f.where for f in soft_spine.findings if f.code == "SOFT-USED"] == ["canal", "cord", "mass"]
    assert not [f for f in plain.findings if f.code == "SOFT-USED"]


def test_what_only_a_soft_map_names_is_taken_from_it(labelled, shares, soft_spine):
    labels = np.where(labelled.labels >= 60, 0, labelled.labels).astype(np.int16)
    spine = build_spine(replace(labelled, labels=labels, mass=None, soft=shares))
    codes = {finding.code for finding in spine.findings}
    assert {"CANAL-FROM-SOFT", "CORD-FROM-SOFT", "MASS-FROM-SOFT"} <= codes
    assert not {"CANAL-FROM-RINGS", "CORD-FROM-MORPHOMETRY"} & codes
    assert _errors(spine, "cord", torus.CORD).max() < 0.01
    np.testing.assert_allclose(spine.mass, soft_spine.mass, atol=1e-6)


def test_a_soft_map_of_something_else_is_refused(labelled, shares):
    moved = {"cord": np.roll(shares["cord"], 5, axis=0)}
    with pytest.raises(LabelError, match="contradict"):
        build_spine(replace(labelled, soft=moved))
    with pytest.raises(GeometryError):
        build_spine(replace(labelled, soft={"cord": shares["cord"][1:]}))


def test_plain_and_blurred_maps_are_told_apart(labelled, shares):
    plain = build_spine(replace(labelled, soft={"cord": (shares["cord"] >= 0.5).astype(np.float32)}))
    assert not [f for f in plain.findings if f.code.startswith("SOFT")]
    blurred = build_spine(replace(labelled, soft={"cord": ndimage.gaussian_filter(shares["cord"], 0.8)}))
    assert [(f.severity, f.where) for f in blurred.findings if f.code == "SOFT-BLURRED"] == [("warning", "cord")]


def test_a_soft_canal_beside_a_mass_drawn_as_a_label_is_not_used(labelled, shares):
    labels = np.where(labelled.mass, 80, labelled.labels).astype(np.int16)
    drawn = replace(labelled, labels=labels, mass_is_label=True, soft={"canal": shares["canal"] * ~labelled.mass})
    spine = build_spine(drawn)
    assert "SOFT-CANAL-NOT-USED" in {finding.code for finding in spine.findings}
    assert _errors(spine, "canal", torus.CANAL)[60:90].max() < 0.05
