"""The combined real map: areas against its own table, the same whatever the axes, foramina of plausible size."""

import csv
from dataclasses import replace

import nibabel as nib
import numpy as np
import pytest
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from canalrisk.anatomy import build_spine
from canalrisk.anatomy.arteries import find_arteries
from canalrisk.anatomy.sections import offsets, plane_moments, sample_planes
from canalrisk.anatomy.transverse import find_transverse_foramina
from canalrisk.field import Grid
from canalrisk.growth.timeline import Snapshot
from canalrisk.imaging.labelmap import LabelMap, LabelTable
from canalrisk.morphometry import measure, prepare

pytestmark = pytest.mark.slow

TABLE = LabelTable(
    "canalrisk",
    "1",
    {
        **{i: f"vertebra:C{i}" for i in range(1, 8)},
        **{100 + i: f"disc:C{i}/{i + 1}" for i in range(2, 7)},
        60: "cord",
        61: "epidural",
        62: "csf",
        70: "artery:left",
        71: "artery:right",
    },
)


@pytest.fixture(scope="module")
def real(shared):
    image = nib.load(shared / "data" / "combined" / "BP3D-PAM50_C1-C7_labels_0p5mm.nii.gz")
    labels = np.asarray(image.dataobj).astype(np.int16)
    grid = Grid(labels.shape, np.asarray(image.affine, float))
    # Lobules behind and beside C4-C6 on the right, reaching canal and foramina.
    world = grid.to_world(np.moveaxis(np.indices(labels.shape), 0, -1))
    mass = np.zeros(labels.shape, bool)
    for centre, radius in (((9, 58, 1413), 9), ((7, 61, 1405), 7), ((15, 68, 1402), 7), ((16, 70, 1414), 6)):
        mass |= np.linalg.norm(world - np.array(centre), axis=-1) < radius
    return LabelMap(labels, grid, TABLE, mass=mass)


@pytest.fixture(scope="module")
def spine(real):
    return build_spine(real)


@pytest.fixture(scope="module")
def indices(spine):
    return measure(prepare(spine))


def _plane_of_row(centreline, place):
    """Square of points, 0.25 mm apart, in the plane of the centreline file's row that was printed as `place`."""
    points = np.stack([centreline[k] for k in ("x_mm", "y_mm", "z_mm")], axis=1)
    i = int(np.argmin(np.linalg.norm(points - place, axis=1)))
    along = np.array([centreline[k][i] for k in ("tx", "ty", "tz")])
    along /= np.linalg.norm(along)
    right = np.array([1.0, 0.0, 0.0]) - along[0] * along
    right /= np.linalg.norm(right)
    t = offsets(20.0, 0.25)
    return points[i] + t[:, None, None] * np.cross(along, right) + t[None, :, None] * right


def test_areas_agree_with_the_maps_own_table(spine, shared):
    # The table is rounded to 0.1 mm; its planes are rows of the centreline file beside it. It counted nearest voxels at
    # 0.25 mm: at C6 that gives the table's 67.4 mm2 of cord, at 0.1 mm 65.0, and linear samples of the label 63.7 to
    # 65.3 in the planes beside it.
    folder = shared / "data" / "combined"
    centreline = np.genfromtxt(folder / "BP3D-PAM50_canal_centreline.csv", delimiter=",", names=True)
    with (folder / "BP3D-PAM50_per_level_metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        points = _plane_of_row(centreline, np.array([float(row[k]) for k in ("x_mm", "y_mm", "z_mm")]))
        for field, column in (
            (spine.canal, "canal_area_mm2"),
            (spine.sac, "sac_area_mm2"),
            (spine.cord, "cord_CSA_mm2"),
        ):
            area = plane_moments(sample_planes(field, grid=spine.grid, points=points[None]), step=0.25)[0][0]
            assert area == pytest.approx(float(row[column]), rel=0.05), (row["level"], column)


def test_foramina_are_of_published_size(indices):
    # Healthy CT, 320 adults: heights 8.0-10.2, widths 5.7-7.3 mm (mechanics.csv rows 518-535), areas about 36-51 mm2 as
    # ellipses; skeletons: C4/5 < C5/6 (Knapik 2018). One man is not the mean, hence the wide bounds.
    area = indices["foramen_area_prelesion"]
    assert (area.values[1:] > 20).all()
    assert (area.values[1:] < 65).all()
    assert (area.sel(foramen="C4/5").values < area.sel(foramen="C5/6").values).all()
    assert (area.sel(foramen="C2/3").values == area.values.max(axis=0)).all()
    ratio = area.sel(side="left").values / area.sel(side="right").values
    assert np.abs(ratio - 1).max() < 0.12
    assert ((indices["foramen_height"].values > 7) & (indices["foramen_height"].values < 12)).all()


def _permuted(labelmap, axes, flips):
    labels, mass = (np.ascontiguousarray(np.flip(a.transpose(axes), flips)) for a in (labelmap.labels, labelmap.mass))
    affine = np.zeros((4, 4))
    affine[3, 3] = 1
    for new, old in enumerate(axes):
        sign = -1 if new in flips else 1
        affine[:3, new] = sign * labelmap.grid.affine[:3, old]
    start = np.zeros(3)
    for new, old in enumerate(axes):
        start[old] = labels.shape[new] - 1 if new in flips else 0
    affine[:3, 3] = labelmap.grid.to_world(start)
    return LabelMap(labels, Grid(labels.shape, affine), TABLE, mass=mass)


def _oblique(labelmap):
    turn = Rotation.from_euler("xyz", [12, -9, 17], degrees=True).as_matrix() * 0.5
    shape = (230, 230, 310)
    affine = np.eye(4)
    affine[:3, :3] = turn
    middle = labelmap.grid.to_world((np.array(labelmap.labels.shape) - 1) / 2)
    affine[:3, 3] = middle - turn @ ((np.array(shape) - 1) / 2)
    there = labelmap.grid.inverse @ affine

    def moved(values):
        return ndimage.affine_transform(values, there[:3, :3], there[:3, 3], output_shape=shape, order=0)

    return LabelMap(moved(labelmap.labels), Grid(shape, affine), TABLE, mass=moved(labelmap.mass.astype(np.uint8)) > 0)


SCALARS = ("mcc", "occupying_ratio_max", "occupying_ratio_area_max", "sac_min", "mass_volume", "mass_volume_in_canal")


@pytest.mark.parametrize(("axes", "flips"), [((2, 0, 1), (0, 2)), ((1, 0, 2), (1,)), ((0, 1, 2), (0, 1, 2))])
def test_the_same_whatever_the_axes(real, indices, axes, flips):
    other = measure(prepare(build_spine(_permuted(real, axes, flips))))
    for name in SCALARS:
        assert other[name].item() == pytest.approx(indices[name].item(), rel=2e-3), name
    for name in ("canal_area", "cord_area_prelesion", "foramen_area", "foramen_height", "foramen_width"):
        assert np.allclose(other[name], indices[name], rtol=2e-3), name


def test_the_same_obliquely_resampled(real, spine, indices):
    turned = build_spine(_oblique(real))
    other = measure(prepare(turned))
    for name in ("sac_min", "mass_volume"):
        assert other[name].item() == pytest.approx(indices[name].item(), rel=0.02), name
    # The nearest voxel puts each wall up to half a voxel (0.25 mm) off, 0.14 mm in the mean square: a diameter of 16 mm
    # then has a standard deviation of 1.3 %, MCC with the two it is compared with 1.6 %. Two of these are allowed; 2 %
    # is not met (MCC was seen to move by 0.028). By largest linear weight it is: tests/case/test_invariance.py.
    for name in ("mcc", "occupying_ratio_max", "occupying_ratio_area_max"):
        assert other[name].item() == pytest.approx(indices[name].item(), abs=0.032), name
    for level in ("C3", "C4", "C5", "C6"):
        for name in ("canal_area", "sac_area", "cord_area_prelesion"):
            here = np.interp(spine.landmarks[level], indices["s_mm"], indices[name])
            there = np.interp(turned.landmarks[level], other["s_mm"], other[name])
            assert there == pytest.approx(here, rel=0.02), (level, name)
    # Nearest neighbours move every surface by up to half a voxel at random: more than 2 %. The narrow C4/5, whose facet
    # joint is almost as wide as itself, was seen to move by 3.5 %, the others by less than 3 %.
    gap = np.abs(other["foramen_area_prelesion"] / indices["foramen_area_prelesion"] - 1)
    assert float(gap.max()) < 0.05


def test_a_mass_far_away_changes_nothing(spine):
    world = spine.grid.to_world(np.moveaxis(np.indices(spine.grid.shape), 0, -1))
    far = np.clip(np.linalg.norm(world - np.array([38.0, 25.0, 1400.0]), axis=-1) - 4.0, -15, 15).astype(np.float32)
    prepared = prepare(spine)
    with_mass = measure(prepared, Snapshot(0.0, far, spine.bone, 0.0, 0.0))
    without = measure(prepared, Snapshot(0.0, None, spine.bone, 0.0, 0.0))
    assert (with_mass["foramen_area"].values == without["foramen_area"].values).all()
    assert with_mass["occupying_ratio_max"].item() == 0
    assert with_mass["mcc"].item() == 0


def test_both_vertebral_arteries_are_measured(spine, indices):
    vessels = indices[["artery_diameter", "artery_entry", "artery_flag", "artery_source"]].sel(side=["left", "right"])
    assert list(vessels["artery_source"].values) == ["label", "label"]
    # Adults: 1.5 to 5.0 mm; means 3.1 to 3.8 mm (evidence va.diameter). This man's meshes are at the narrow end.
    assert ((vessels["artery_diameter"] > 1.5) & (vessels["artery_diameter"] < 5.0)).all()
    wide = vessels["artery_diameter"].values
    assert indices["artery_larger"].item() == ("left" if wide[0] > wide[1] else "right")
    assert indices["artery_asymmetry"].item() == pytest.approx(1 - wide.min() / wide.max())
    assert not set(vessels["artery_flag"].values) & {"single", "absent", "unknown"}
    # The meshes begin at the disc C5/6, in C5's foramen: the entry is not seen.
    assert list(vessels["artery_entry"].values) == ["C5", "C5"]
    assert [f.where for f in prepare(spine).findings if f.code == "ARTERY-ENTRY-UNSEEN"] == [
        "artery left",
        "artery right",
    ]


def test_transverse_foramina_are_of_published_size_and_hold_the_arteries(spine, indices):
    area = indices["transverse_foramen_area"]
    assert np.isfinite(area).all()
    # 71 dry typical vertebrae: 2.54 to 7.79 mm (Anat Res Int 2015:391823).
    diameter = 2 * np.sqrt(area.sel(vertebra=["C3", "C4", "C5", "C6"]).values / np.pi)
    assert ((diameter > 2.54) & (diameter < 7.79)).all()
    labelled = {artery.side: artery for artery in find_arteries(spine, ())[0]}
    holes = find_transverse_foramina(spine)
    for hole in holes:
        if hole.level in ("C3", "C4", "C5"):
            off = cKDTree(labelled[hole.side].path).query(hole.centre)[0]
            assert off < np.sqrt(hole.area / np.pi), (hole.level, hole.side)
    # Without labels the course goes through the same holes; the meshes themselves are not seen below C5.
    bare = replace(spine, soft={k: v for k, v in spine.soft.items() if not k.startswith("artery")})
    inferred, findings = find_arteries(bare, holes)
    assert {f.code for f in findings} == {"ARTERY-INFERRED"}
    for artery in inferred:
        part = (artery.s > spine.landmarks["C5"]) & (artery.s < spine.landmarks["C3"])
        gap = cKDTree(labelled[artery.side].path).query(artery.path[part])[0]
        assert gap.max() < 0.5 * np.sqrt(4 / np.pi * area.sel(vertebra="C5", side=artery.side).item())


def test_a_mass_on_the_right_is_measured_there(real, indices):
    assert indices["mass_side"].item() == "right"
    assert (indices["mass_level_top"].item(), indices["mass_level_bottom"].item()) == ("C4", "C6")
    assert indices["artery_clearance"].sel(side="right").item() < indices["artery_clearance"].sel(side="left").item()
    touched = indices["mass_contact_area"].values > 0
    assert list(indices["vertebra"].values[touched]) == ["C4", "C5", "C6"]
    # Voxels of the drawn mass that are labelled bone; boundaries are smoothed by less than half a voxel.
    common = (real.mass & (real.labels >= 1) & (real.labels <= 7)).sum() * real.grid.voxel_volume
    assert indices["mass_bone_replaced"].values.sum() == pytest.approx(common, rel=0.02)
    assert (indices["bone_lysed_mirror"].values == 0).all()
