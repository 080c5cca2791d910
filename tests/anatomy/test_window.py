"""A large scan is cropped to what is measured, and nothing that is measured changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from canalrisk.anatomy.window import MARGIN_MM, to_spine
from canalrisk.field.grid import Grid
from canalrisk.subject import measure_subject


def padded(neck, mass, before, after):
    """The same neck in the middle of a larger scan, in the same world frame."""
    pads = list(zip(before, after, strict=True))
    affine = neck.grid.affine.copy()
    affine[:3, 3] = neck.grid.to_world(-np.array(before))
    labels = np.pad(neck.labels, pads)
    return replace(neck, labels=labels, grid=Grid(labels.shape, affine), mass=np.pad(mass, pads))


def test_small_map_is_left_alone(neck, neck_mass):
    whole = replace(neck, mass=neck_mass)
    assert to_spine(whole) is whole


def test_large_map_keeps_its_margin_and_its_world_frame(neck, neck_mass):
    large = padded(neck, neck_mass, (60, 90, 70), (80, 60, 90))
    part = to_spine(large)
    assert np.prod(part.grid.shape) < 0.6 * np.prod(large.grid.shape)
    assert (part.labels > 0).sum() == (large.labels > 0).sum() or part.labels.shape != large.labels.shape
    for mask in (neck_mass, np.isin(neck.labels, [v for v, n in neck.table.entries.items() if n == "vertebra:C5"])):
        here = neck.grid.to_world(np.argwhere(mask))
        voxel = np.round(part.grid.to_voxel(here)).astype(int)
        assert (voxel >= MARGIN_MM / part.grid.spacing - 1).all()
        assert (voxel < np.array(part.grid.shape) - MARGIN_MM / part.grid.spacing + 1).all()
    at = tuple(np.round(part.grid.to_voxel(neck.grid.to_world(np.argwhere(neck_mass)))).astype(int).T)
    assert part.mass[at].all()


@pytest.mark.slow
def test_no_number_depends_on_what_was_cut_off(neck, neck_mass):
    """Measured on the small map, and on one of nine times the volume, which is cropped first."""
    small = measure_subject(replace(neck, mass=neck_mass), intervals=False)
    large = measure_subject(padded(neck, neck_mass, (60, 90, 70), (80, 60, 90)), intervals=False)
    assert [f.code for f in small.findings] == [f.code for f in large.findings]
    for name, variable in small.dataset.data_vars.items():
        other = large.dataset[name].values
        if variable.dtype.kind == "f":
            np.testing.assert_allclose(other, variable.values, rtol=1e-6, atol=1e-5, err_msg=str(name))
        else:
            assert (other == variable.values).all(), name
