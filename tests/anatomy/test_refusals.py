"""Inputs that cannot be used are refused in three lines."""

from dataclasses import replace

import numpy as np
import pytest
import torus

from canalrisk.anatomy import build_spine
from canalrisk.errors import GeometryError, InputRefused, LabelError
from canalrisk.field import Grid
from canalrisk.imaging.labelmap import LabelMap


@pytest.fixture(scope="module")
def coarse():
    return torus.neck(1.5)


def _only(labelmap, *codes):
    return replace(labelmap, labels=np.where(np.isin(labelmap.labels, codes), labelmap.labels, 0).astype(np.int16))


def _no_vertebra(neck):
    return _only(neck.labelmap, 60, 61, 62)


def _one_vertebra(neck):
    return _only(neck.labelmap, 5, 60, 61, 62)


def _no_canal_no_rings(neck):
    bodies = replace(neck.labelmap, labels=np.where(neck.v > 0, neck.labelmap.labels, 0).astype(np.int16))
    return _only(bodies, 3, 4, 5, 6)


def _empty_mass(neck):
    return replace(neck.labelmap, mass=np.zeros(neck.labelmap.labels.shape, bool))


def _mass_away(neck):
    grid = neck.labelmap.grid
    wide = np.pad(neck.labelmap.labels, ((0, 40), (0, 0), (0, 0)))
    mass = np.zeros(wide.shape, bool)
    mass[-4:, 20:24, 20:24] = True
    return LabelMap(wide, Grid(wide.shape, grid.affine), torus.TABLE, mass=mass)


def _twice_the_same_level(neck):
    return replace(neck.labelmap, labels=np.where(neck.labelmap.labels == 3, 6, neck.labelmap.labels).astype(np.int16))


def _out_of_order(neck):
    flipped = {3: 4, 4: 3}
    labels = neck.labelmap.labels.copy()
    for old, new in flipped.items():
        labels[neck.labelmap.labels == old] = new
    return replace(neck.labelmap, labels=labels)


def _tiny_grid(neck):
    labels = neck.labelmap.labels[:10]
    return LabelMap(labels, Grid(labels.shape, neck.labelmap.grid.affine), torus.TABLE)


def _metres(neck):
    return replace(neck.labelmap, grid=Grid(neck.labelmap.grid.shape, np.diag([1.5e-3, 1.5e-3, 1.5e-3, 1.0])))


def _coarse(neck):
    return replace(neck.labelmap, grid=Grid(neck.labelmap.grid.shape, np.diag([9.0, 9.0, 9.0, 1.0])))


def _sheared(neck):
    affine = neck.labelmap.grid.affine.copy()
    affine[0, 1] = 0.5
    return replace(neck.labelmap, grid=Grid(neck.labelmap.grid.shape, affine))


def _broken_affine(neck):
    affine = neck.labelmap.grid.affine.copy()
    affine[0, 0] = np.nan
    return replace(neck.labelmap, grid=Grid(neck.labelmap.grid.shape, affine))


@pytest.mark.parametrize(
    ("make", "kind", "says"),
    [
        (_no_vertebra, LabelError, "no cervical vertebra"),
        (_one_vertebra, LabelError, "only one vertebra"),
        (_no_canal_no_rings, GeometryError, "rings are not closed"),
        (_empty_mass, LabelError, "mass is empty"),
        (_mass_away, GeometryError, "away from the spine"),
        (_twice_the_same_level, LabelError, "pieces"),
        (_out_of_order, LabelError, "lies below"),
        (_tiny_grid, GeometryError, "wide along an axis"),
        (_metres, GeometryError, "wide along an axis"),
        (_coarse, GeometryError, "too coarse"),
        (_sheared, GeometryError, "right angles"),
        (_broken_affine, GeometryError, "affine"),
    ],
)
def test_refused_in_three_lines(coarse, make, kind, says):
    with pytest.raises(InputRefused) as caught:
        build_spine(make(coarse))
    assert type(caught.value) is kind
    assert says in str(caught.value)
    assert len(str(caught.value).splitlines()) == 3
    assert caught.value.exit_code == 3
    assert caught.value.fix
