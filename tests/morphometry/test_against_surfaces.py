"""The real 0.5 mm map against the surfaces it was made from: the same planes and definitions, by rays and cuts."""

from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
import surfaces
from test_real_anatomy import TABLE

from canalrisk import evidence
from canalrisk.anatomy import build_spine
from canalrisk.field import Grid
from canalrisk.imaging.labelmap import LabelMap
from canalrisk.morphometry import measure, prepare
from canalrisk.morphometry.stations import least, over_thickness

pytestmark = pytest.mark.slow

AREA, LENGTH_MM = 0.05, 0.4
SIDES = ("left", "right")


@pytest.fixture(scope="module")
def labelmap(shared):
    image = nib.load(shared / "data" / "combined" / "BP3D-PAM50_C1-C7_labels_0p5mm.nii.gz")
    labels = np.asarray(image.dataobj).astype(np.int16)
    return LabelMap(labels, Grid(labels.shape, np.asarray(image.affine, float)), TABLE)


@pytest.fixture(scope="module")
def bones(shared):
    files = sorted((shared / "data" / "bodyparts3d").glob("C*.stl"))
    assert len(files) == 7
    return [surfaces.read_stl(path) for path in files]


@pytest.fixture(scope="module")
def with_discs(labelmap):
    return prepare(build_spine(labelmap))


@pytest.fixture(scope="module")
def bone_alone(labelmap):
    discs = np.isin(labelmap.labels, range(102, 107))
    bare = replace(labelmap, labels=np.where(discs, 0, labelmap.labels).astype(np.int16))
    return prepare(build_spine(bare))


def _compared(prepared, meshes):
    """Rows (name, side, ours, theirs): area, height, width at the narrowest station of each."""
    rows = []
    for foramen, stations in zip(prepared.spine.foramina, prepared.stations, strict=True):
        middle = stations.points.shape[1] // 2
        centres = stations.points[:, middle, middle]
        ups, acrosses = (
            stations.points[:, middle + 4, middle] - centres,
            stations.points[:, middle, middle + 4] - centres,
        )
        cut = surfaces.Foramen(meshes, centres=centres, ups=ups, acrosses=acrosses).sections()
        both = np.array([section is not None for section in cut])
        ours = np.stack((stations.area, stations.height, stations.width), axis=1)[both]
        theirs = np.array([(section.area, section.height, section.width) for section in cut if section is not None])
        place = stations.place[both]
        # Nearly all sections are closed in both; a cleft as wide as the foramen itself may go either way.
        assert both.mean() > 0.6, (foramen.name, foramen.side)
        k, own = least(over_thickness(ours[:, 0], place))
        _, other = least(over_thickness(theirs[:, 0], place))
        rows.append((foramen.name, foramen.side, (own, *ours[k, 1:]), (other, *theirs[k, 1:])))
    return rows


def _check(rows):
    assert len(rows) == 10
    for name, side, ours, theirs in rows:
        assert ours[0] == pytest.approx(theirs[0], rel=AREA), (name, side)
        assert ours[1:] == pytest.approx(theirs[1:], abs=LENGTH_MM), (name, side)


def test_foramina_between_bone_and_discs(with_discs, bones, labelmap):
    # The surfaces have no discs: theirs are the labelled voxels themselves, faces and all.
    discs = surfaces.voxel_faces(np.isin(labelmap.labels, range(102, 107)), grid=labelmap.grid)
    _check(_compared(with_discs, [*bones, discs]))


def test_foramina_between_bones_alone(bone_alone, bones):
    _check(_compared(bone_alone, bones))


def test_canal_diameters_where_bone_bounds_the_labelled_canal(with_discs, bones, labelmap):
    # Elsewhere the labelled canal was interpolated between rings, and no surface says where it ends.
    line, grid = with_discs.spine.centreline, labelmap.grid
    reach = np.arange(0.0, 20.0, 0.05)
    gaps = []
    below_c2 = line.s < with_discs.spine.landmarks["C2/3"]
    for i in np.flatnonzero(below_c2)[::3]:
        walled = True
        for way in (line.anterior[i], -line.anterior[i]):
            voxel = np.rint(grid.to_voxel(line.points[i] + reach[:, None] * way)).astype(int)
            values = labelmap.labels[tuple(voxel.T)]
            walled &= values[np.argmax(~np.isin(values, (60, 61, 62)))] in range(1, 8)
        if walled:
            ap = surfaces.chord(bones, start=line.points[i], direction=line.anterior[i])
            gaps.append((line.s[i], float(with_discs.fixed["canal_ap"][i]) - ap))
    error = np.abs([gap for _, gap in gaps])
    assert len(error) >= 20
    assert np.sqrt(np.mean(error**2)) < 0.2
    # One section of 26, at C5, misses 0.4 mm, where the voxels alone are 0.44 mm off the surface.
    assert (error > LENGTH_MM).sum() <= 1, gaps
    assert error.max() < 0.5, gaps


def test_foramina_are_in_published_ranges(with_discs):
    # 320 adults' mean heights and widths on CT, without a standard deviation. One man may differ: 40 % is the bound.
    measured = measure(with_discs)
    for name in measured["foramen"].values:
        for size in ("height", "width"):
            mean = evidence.value("mechanics", f"foraminal_{size}/intervertebral foramen/{name}").value
            for side in SIDES:
                ours = float(measured[f"foramen_{size}_prelesion"].sel(foramen=name, side=side))
                assert ours == pytest.approx(mean, rel=0.4), (name, side, size)
    # 100 skeletons with a silicone disc (Knapik 2018): C4/5 < C5/6.
    area = measured["foramen_area_prelesion"].mean("side")
    assert float(area.sel(foramen="C4/5")) < float(area.sel(foramen="C5/6"))
