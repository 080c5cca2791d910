"""The label map of a neck against what the neck promised."""

from __future__ import annotations

import numpy as np
import pytest
from phantom_tools import foramen_size, nearest, section
from scipy.ndimage import label as components

from canalrisk.errors import UsageError
from canalrisk.phantom import DISCS, LEVELS, STATIONS, sample_neck, voxelise

CANAL = (60, 61, 62)


@pytest.mark.parametrize("station", ["C3", "C4", "C4/5", "C5", "C5/6", "C6", "C7"])
def test_canal_and_cord_sections_have_the_promised_size(model, labelmap, station):
    # Promise: area, AP and RL of the neck at the station, measured on a 0.1 mm plane through the labels
    # (nearest voxel, 0.6 mm): areas within 3 %, diameters within a voxel.
    i = STATIONS.index(station)
    neck = model.neck
    for values, promised in (
        (CANAL, (neck.canal_area[i], neck.canal_ap[i], neck.canal_rl[i])),
        ((60,), (neck.cord_area[i], neck.cord_ap[i], neck.cord_rl[i])),
    ):
        area, ap, rl = section(model, labelmap, station, values)
        assert abs(area / promised[0] - 1.0) < 0.03
        assert abs(ap - promised[1]) < 0.6
        assert abs(rl - promised[2]) < 0.6


def test_sac_lies_between_cord_and_canal(model, labelmap):
    # Published dural sac 135-190 mm2 (Kato F 2012; Korean 1999; PAM50), for canals of average size.
    area, _, _ = section(model, labelmap, "C5", (60, 62))
    assert section(model, labelmap, "C5", (60,))[0] < area < section(model, labelmap, "C5", CANAL)[0]
    assert 0.62 < area / model.neck.canal_area[STATIONS.index("C5")] < 0.85


def test_each_vertebra_is_one_piece_and_none_touch(labelmap):
    bone = np.where(labelmap.labels <= 8, labelmap.labels, 0)
    assert sorted(np.unique(bone))[1:] == list(range(2, 9))
    for value in range(2, 9):
        _, count = components(bone == value)
        assert count == 1, value
    for axis in range(3):
        a, b = np.moveaxis(bone, axis, 0)[:-1], np.moveaxis(bone, axis, 0)[1:]
        assert not ((a > 0) & (b > 0) & (a != b)).any()


@pytest.mark.parametrize("level", LEVELS)
def test_vertebral_ring_is_closed(model, labelmap, level):
    # In the plane of the pedicles every ray from the canal's axis meets this vertebra (topology).
    index = LEVELS.index(level)
    s = model.curve.stations[2 * index]
    at = int(np.argmin(np.abs(model.curve.s - s)))
    # Pedicles lie slightly above, laminae slightly below the canal's station: each ray may tilt by 3 mm.
    centre = np.array([0.0, *model.curve.points[at]])
    up = np.array([0.0, *model.curve.tangent[at]])
    front = np.array([0.0, up[2], -up[1]])
    r = np.arange(0.0, 16.0, 0.3)
    value = {"C2": 2, "C3": 3, "C4": 4, "C5": 5, "C6": 6, "C7": 7, "T1": 8}[level]
    for angle in np.deg2rad(np.arange(0, 360, 10)):
        way = np.sin(angle) * np.array([1.0, 0.0, 0.0]) + np.cos(angle) * front
        hit = False
        for z in np.arange(-3.0, 3.1, 0.6):
            voxels = np.rint(labelmap.grid.to_voxel(centre + z * up + r[:, None] * way)).astype(int)
            hit |= bool((labelmap.labels[tuple(voxels.T)] == value).any())
        assert hit, np.rad2deg(angle)


@pytest.mark.parametrize("name", DISCS[1:])
def test_interlaminar_gap_is_open_and_covered_by_flavum(model, labelmap, name):
    # Beside the spinous process, somewhere near the disc level, the way back from the canal meets
    # flavum first and no lamina behind it.
    at = int(np.argmin(np.abs(model.curve.s - model.curve.stations[STATIONS.index(name)])))
    centre, up = np.array([0.0, *model.curve.points[at]]), np.array([0.0, *model.curve.tangent[at]])
    back = -0.94 * np.array([0.0, up[2], -up[1]]) + 0.34 * np.array([1.0, 0.0, 0.0])
    ray = centre + np.arange(0.0, 14.0, 0.2)[:, None] * back
    found = []
    for z in np.arange(-7.0, 7.0, 0.4):
        outside = [v for v in nearest(labelmap.labels, labelmap.grid, ray + z * up) if v not in CANAL]
        found.append(outside[0] == 63 and all(v > 8 or v == 0 for v in outside))
    assert 0.4 * sum(found) > 1.5
    # And at the vertebra above the same way meets bone at once.
    assert not found[-1] or not found[0]


def test_foramina_have_the_promised_size(model, labelmap):
    # Height and width (median, middle third) drawn around Abu Ghaida, CT, n = 320: about 8 x 6 mm. Bone
    # is uneven and a row may run into a cleft towards a joint: 2 mm each, 0.7 mm for the twelve together.
    # The area also counts the clefts.
    found = np.array([foramen_size(model, labelmap, channel) for channel in model.channels])
    height, width = np.array([(c.height, c.width) for c in model.channels]).T
    for measured, promised in ((found[:, 1], height), (found[:, 2], width)):
        assert np.abs(measured - promised).max() < 2.0
        assert abs((measured - promised).mean()) < 0.7
    ratio = found[:, 0] / (np.pi / 4.0 * height * width)
    assert ratio.min() > 0.8
    assert ratio.max() < 1.7
    assert ratio.mean() < 1.4


def test_artery_runs_free_through_the_transverse_foramina(labelmap):
    for value in (70, 71):
        tube = labelmap.labels == value
        _, count = components(tube, structure=np.ones((3, 3, 3)))
        assert count == 1
        z = labelmap.grid.to_world(np.argwhere(tube))[:, 2]
        # From below C6 to the shoulder of C2: about 90 mm in an adult neck.
        assert 70.0 < np.ptp(z) < 120.0


def test_left_is_left(labelmap):
    for name, sign in (("artery:left", -1), ("artery:right", 1), ("root:C5:left", -1), ("root:C5:right", 1)):
        x = labelmap.grid.to_world(np.argwhere(labelmap.mask(name)))[:, 0]
        assert np.sign(x.mean()) == sign
        assert np.abs(x).min() > 3.0


def test_lordosis_is_the_promised_one(model):
    tilt = [np.rad2deg(frame.tilt) for frame in model.frames]
    assert tilt[LEVELS.index("C7")] - tilt[LEVELS.index("C2")] == pytest.approx(model.neck.lordosis_deg)
    assert tilt[-1] == pytest.approx(model.neck.t1_slope_deg)


def test_same_seed_same_labels_and_other_seed_other_labels():
    first, again, other = (voxelise(sample_neck(seed), spacing=1.2) for seed in (5, 5, 6))
    assert np.array_equal(first.labels, again.labels)
    assert first.labels.shape != other.labels.shape or not np.array_equal(first.labels, other.labels)


def test_map_says_what_it_is(labelmap):
    codes = {f.code for f in labelmap.findings}
    assert {"PHANTOM", "PHANTOM-ASSUMED-SPREAD", "PHANTOM-RECALLED"} <= codes
    assert labelmap.table.entries[5] == "vertebra:C5"
    assert set(np.unique(labelmap.labels)) - {0} <= set(labelmap.table.entries)


def test_spacing_outside_its_range_is_refused():
    with pytest.raises(UsageError, match="spacing"):
        voxelise(sample_neck(0), spacing=3.0)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_twenty_necks(seed):
    found = voxelise(sample_neck(seed), spacing=0.6)
    for value in range(2, 9):
        _, count = components(found.labels == value)
        assert count == 1, value
    for value in (60, 61, 62, 63, *range(102, 108), *range(213, 219), *range(223, 229)):
        assert (found.labels == value).sum() * found.grid.voxel_volume > 20.0, value
    border = found.labels.copy()
    border[1:-1, 1:-1, 1:-1] = 0
    assert not ((border > 0) & (border <= 8)).any()
