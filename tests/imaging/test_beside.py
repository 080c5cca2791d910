"""What lies beside a label map: soft segmentations, a CT, the second file of a SPINEPS pair, a mass on another grid."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from neck import AFFINE, MASKS, own_neck, paint
from scipy.spatial.transform import Rotation

from canalrisk.errors import GeometryError, InputRefused, LabelError, UsageError
from canalrisk.field.grid import Grid
from canalrisk.imaging import load_table, read_labels

SHAPE = MASKS["cord"].shape


def codes(found) -> set[str]:
    return {finding.code for finding in found.findings}


def cord_share() -> np.ndarray:
    """Share of each voxel that lies in the cylinder of radius 5.5 mm, by 8 x 8 points in the plane."""
    steps = (np.arange(8) + 0.5) / 8 - 0.5
    x, y = np.meshgrid(np.arange(60) - 30.0, np.arange(60) - 30.0, indexing="ij")
    inside = [np.hypot(x + a, y + b) < 5.5 for a in steps for b in steps]
    return np.repeat(np.mean(inside, axis=0)[:, :, None], SHAPE[2], axis=2).astype(np.float32)


SHARE = cord_share()


@pytest.mark.parametrize(
    ("stored", "tolerance", "said"),
    [
        (SHARE, 1e-6, "shares from 0 to 1"),
        (SHARE.astype(np.float64) * 100, 1e-6, "per cent"),
        (np.rint(SHARE * 100).astype(np.uint8), 0.0051, "per cent"),
        (np.rint(SHARE * 255).astype(np.uint8), 0.002, "8-bit values"),
    ],
    ids=["float", "float per cent", "integer per cent", "8 bit"],
)
def test_soft_cord_on_every_scale(stored: np.ndarray, tolerance: float, said: str, own, save) -> None:
    found = read_labels(save(own), soft={"cord": save(stored, "soft.nii.gz")})
    assert found.soft["cord"].dtype == np.float32
    np.testing.assert_allclose(found.soft["cord"], SHARE, atol=tolerance)
    finding = next(f for f in found.findings if f.code == "SOFT-SCALE")
    assert said in finding.message
    assert found.source["soft_cord_name"] == "soft.nii.gz"
    assert not {"SOFT-BINARY", "SOFT-DISAGREES"} & codes(found)


def test_uint8_with_a_slope_as_pam50_stores_it(own, save, tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.rint(SHARE * 250).astype(np.uint8), AFFINE)
    image.header.set_slope_inter(1 / 250, 0)
    image.header.set_xyzt_units("mm")
    raw = bytearray(image.to_bytes())
    head = nib.Nifti1Header(bytes(raw[:348]), check=False)
    head["scl_slope"], head["scl_inter"] = 1 / 250, 0.0
    raw[:348] = head.binaryblock
    path = tmp_path / "soft.nii"
    path.write_bytes(raw)
    np.testing.assert_allclose(read_labels(save(own), soft={"cord": path}).soft["cord"], SHARE, atol=0.0021)


def test_soft_map_in_another_axis_order_and_larger(own, save) -> None:
    stored = np.ascontiguousarray(np.transpose(np.pad(SHARE, ((3, 5), (0, 2), (4, 4))), (2, 0, 1))[:, ::-1])
    affine = AFFINE.copy()
    affine[:3, 3] -= affine[:3, :3] @ [3, 0, 4]
    affine = affine[:, [2, 0, 1, 3]]
    affine[:3, 3] += affine[:3, 1] * (stored.shape[1] - 1)
    affine[:3, 1] *= -1
    found = read_labels(save(own), soft={"cord": save(stored, "soft.nii.gz", affine=affine)})
    np.testing.assert_array_equal(found.soft["cord"], SHARE)


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (SHARE * 0.3, "no soft segmentation"),
        (SHARE * 40, "no soft segmentation"),
        (SHARE * 1000, "no soft segmentation"),
        (SHARE - 0.5, "no soft segmentation"),
        (SHARE * 0, "no soft segmentation"),
        (np.where(SHARE > 0.5, np.nan, 0.0), "NaN or infinity"),
    ],
    ids=["third", "forty", "thousand", "negative", "empty", "NaN"],
)
def test_what_is_no_soft_map_is_refused(values: np.ndarray, what: str, own, save) -> None:
    with pytest.raises(InputRefused, match=what) as caught:
        read_labels(save(own), soft={"cord": save(values.astype(np.float32), "soft.nii.gz")})
    assert len(str(caught.value).split("\n")) == 3


def test_soft_map_elsewhere_is_refused(own, save) -> None:
    moved = AFFINE.copy()
    moved[0, 3] += 0.5
    with pytest.raises(GeometryError, match=r"soft cord and segmentation are up to 0\.50 mm apart"):
        read_labels(save(own), soft={"cord": save(SHARE, "soft.nii.gz", affine=moved)})
    with pytest.raises(GeometryError, match="different grids"):
        read_labels(save(own), soft={"cord": save(SHARE[:, :, :100], "soft.nii.gz")})


def test_unknown_soft_name_is_a_usage_error(own, save) -> None:
    with pytest.raises(UsageError, match="no soft segmentation here"):
        read_labels(save(own), soft={"kidney": save(SHARE, "soft.nii.gz")})


def test_overshoot_of_interpolation_is_cut_and_said(own, save) -> None:
    rung = np.where(SHARE == 1, 1.03, SHARE - 0.02).astype(np.float32)
    found = read_labels(save(own), soft={"cord": save(rung, "soft.nii.gz")})
    assert found.soft["cord"].min() == 0
    assert found.soft["cord"].max() == 1
    assert "SOFT-CLIPPED" in codes(found)


def test_plain_mask_and_other_structure_leave_findings(own, save) -> None:
    found = read_labels(save(own), soft={"cord": save(MASKS["vertebra:C5"].astype(np.uint8), "soft.nii.gz")})
    assert {"SOFT-BINARY", "SOFT-DISAGREES"} <= codes(found)


def test_soft_canal_without_the_cord_is_filled(own, save) -> None:
    whole = np.repeat(np.mean([MASKS["cord"] | MASKS["rim"]], axis=0), 1, axis=0).astype(np.float32)
    annulus = np.clip(whole - SHARE, 0, 1)
    soft = {"cord": save(SHARE, "cord.nii.gz"), "canal": save(annulus, "canal.nii.gz")}
    found = read_labels(save(own), soft=soft)
    np.testing.assert_allclose(found.soft["canal"], whole, atol=1e-6)
    assert "CANAL-WITHOUT-CORD" in codes(found)
    assert "SOFT-DISAGREES" not in codes(found)
    both = {"cord": soft["cord"], "canal": save(whole, "canal.nii.gz")}
    assert "CANAL-WITHOUT-CORD" not in codes(read_labels(save(own), soft=both))


def test_soft_mass_alone_is_the_mass(own, save) -> None:
    share = np.zeros(SHAPE, np.float32)
    share[40:50, 8:20, 60:90] = 1.0
    share[50, 8:20, 60:90] = 0.4
    share[39, 8:20, 60:90] = 0.6
    found = read_labels(save(own), soft={"mass": save(share, "m.nii.gz")})
    np.testing.assert_array_equal(found.mass, share >= 0.5)
    assert "MASS-FROM-SOFT" in codes(found)
    assert not found.mass_is_label


# --- CT


def hounsfield(own: np.ndarray) -> np.ndarray:
    values = np.full(SHAPE, 40, np.int16)
    values[np.isin(own, range(1, 9))] = 350
    values[:3] = -1000
    return values


def test_ct_is_read_as_it_is(own, save) -> None:
    values = hounsfield(own)
    found = read_labels(save(own), ct=save(values, "ct.nii.gz"))
    assert found.image is not None
    assert found.image.dtype == np.float32
    np.testing.assert_array_equal(found.image, values)
    assert "CT-NOT-HU" not in codes(found)
    assert found.source["ct_name"] == "ct.nii.gz"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v: v + 1024, "intercept was lost"),
        (lambda v: np.interp(v, [-1000, 2000], [0, 255]), "values run from"),
        (lambda v: v * 10, "median of the vertebrae is 3500"),
        (lambda v: v * 0, "values run from 0 to 0"),
        (lambda v: v * 1000.0, "values run from"),
    ],
    ids=["shifted", "windowed", "slope lost", "empty", "absurd"],
)
def test_what_is_no_hounsfield_leaves_a_serious_finding(change, said: str, own, save) -> None:
    found = read_labels(save(own), ct=save(change(hounsfield(own)).astype(np.float32), "ct.nii.gz"))
    finding = next(f for f in found.findings if f.code == "CT-NOT-HU")
    assert finding.severity == "serious"
    assert said in finding.message


def test_ct_elsewhere_is_refused(own, save) -> None:
    moved = AFFINE.copy()
    moved[2, 3] += 1.5
    with pytest.raises(GeometryError, match=r"CT and segmentation are up to 1\.50 mm apart"):
        read_labels(save(own), ct=save(hounsfield(own), "ct.nii.gz", affine=moved))


# --- SPINEPS pair


def spineps_pair() -> tuple[np.ndarray, np.ndarray]:
    instances = paint({v: n for v, n in load_table("spineps-instances").entries.items() if v < 200})
    regions = paint({49: "part:body", 41: "part:arch", 60: "cord", 61: "canal_content", 100: "part:disc"})
    x = np.arange(60)[:, None, None] - 30
    faces = (regions == 41) & (np.abs(x) > 18)
    regions[faces & (x < 0)] = 45  # superior facet left: RAS x below zero is the patient's left
    regions[faces & (x > 0)] = 46
    return instances, regions


def test_spineps_pair(save) -> None:
    instances, regions = spineps_pair()
    found = read_labels(save(instances, "seg-vert.nii.gz"), subregions=save(regions, "seg-spine.nii.gz"))
    np.testing.assert_array_equal(found.mask("vertebra:C5"), MASKS["vertebra:C5"])
    np.testing.assert_array_equal(found.mask("cord"), MASKS["cord"] & (instances == 0))
    np.testing.assert_array_equal(found.mask("canal_content"), MASKS["rim"] & (instances == 0))
    assert "SUBREGIONS-ADDED" in codes(found)
    assert found.source["subregions_name"] == "seg-spine.nii.gz"


def test_pair_in_the_wrong_order_or_of_two_scans_is_refused(save) -> None:
    instances, regions = spineps_pair()
    vert, spine = save(instances, "v.nii.gz"), save(regions, "s.nii.gz")
    with pytest.raises(LabelError, match=r"already|not a subregion file"):
        read_labels(spine, subregions=vert)
    with pytest.raises(LabelError, match="not a subregion file"):
        read_labels(vert, subregions=vert)
    other = save(np.ascontiguousarray(np.roll(regions, 12, axis=1)), "o.nii.gz")
    with pytest.raises(LabelError, match="of the subregions' bone lies in"):
        read_labels(vert, subregions=other)
    moved = AFFINE.copy()
    moved[0, 3] += 2.5
    with pytest.raises(GeometryError, match="subregion file and segmentation"):
        read_labels(vert, subregions=save(regions, "m.nii.gz", affine=moved))


def test_flipped_subregions_are_refused(save) -> None:
    instances, regions = spineps_pair()
    swapped = regions.copy()
    swapped[regions == 45], swapped[regions == 46] = 46, 45
    with pytest.raises(LabelError, match="left and right of 'part:facet_superior'"):
        read_labels(save(instances, "v.nii.gz"), subregions=save(swapped, "s.nii.gz"))


def test_real_pair(shared: Path) -> None:
    folder = shared / "data" / "tptbox_mri"
    found = read_labels(
        folder / "sub-mri_seg-vert_label-6_msk.nii.gz", subregions=folder / "sub-mri_seg-subreg_label-6_msk.nii.gz"
    )
    regions = np.asanyarray(nib.load(folder / "sub-mri_seg-subreg_label-6_msk.nii.gz").dataobj)
    assert found.mask("cord").sum() == (regions == 60).sum()
    assert found.mask("canal_content").sum() == (regions == 61).sum()


# --- cord or sac


@pytest.mark.parametrize(("said", "name"), [("cord", "cord"), ("sac", "csf")])
def test_user_says_what_a_cord_on_ct_shows(said: str, name: str, save) -> None:
    path = save(paint(load_table("totalsegmentator-total-v2").entries))
    found = read_labels(path, cord_is=said)
    np.testing.assert_array_equal(found.mask(name), MASKS["cord"])
    assert not found.mask("cord_or_sac").any()
    with pytest.raises(UsageError, match="neither cord nor sac"):
        read_labels(path, cord_is="both")


# --- a mass on another grid

CENTRE, SEMI = np.array([12.3, -24.7, 55.1]), np.array([9.0, 6.0, 11.0])


def ellipsoid(grid: Grid) -> np.ndarray:
    index = np.stack(np.meshgrid(*map(np.arange, grid.shape), indexing="ij"), -1)
    return (((grid.to_world(index) - CENTRE) / SEMI) ** 2).sum(-1) < 1


def fine_grid(spacing: tuple[float, float, float]) -> Grid:
    turn = Rotation.from_euler("xyz", [8, -15, 30], degrees=True).as_matrix()
    affine = np.eye(4)
    affine[:3, :3] = turn * spacing
    shape = tuple(int(44 / d) for d in spacing)
    affine[:3, 3] = CENTRE - affine[:3, :3] @ (np.array(shape) / 2)
    return Grid(shape, affine)


VOLUME = 4 / 3 * np.pi * SEMI.prod()


@pytest.mark.parametrize("spacing", [(0.5, 0.5, 0.5), (0.4, 0.4, 1.5), (1.3, 1.1, 0.9)])
def test_mass_on_another_grid_is_resampled_on_request(spacing, own, save) -> None:
    grid = fine_grid(spacing)
    path = save(ellipsoid(grid).astype(np.uint8), "m.nii.gz", affine=grid.affine)
    with pytest.raises(GeometryError, match="different grids") as caught:
        read_labels(save(own), mass=path)
    assert "--resample-mass" in caught.value.fix
    found = read_labels(save(own), mass=path, resample_mass=True)
    exact = ellipsoid(found.grid)  # closed form at the label map's own voxel centres
    wrong = np.count_nonzero(found.mass ^ exact) / np.count_nonzero(exact)
    assert wrong < 0.04  # 1 mm voxels: 0.1 mm of error everywhere on the surface would be 3.5 %
    after = found.soft["mass"].sum(dtype=float) * found.grid.voxel_volume
    before = np.count_nonzero(ellipsoid(grid)) * grid.voxel_volume
    assert after == pytest.approx(before, rel=0.01)
    assert after == pytest.approx(VOLUME, rel=0.01)
    finding = next(f for f in found.findings if f.code == "MASS-RESAMPLED")
    assert finding.severity == "warning"
    assert f"{before:.0f} mm3 before" in finding.message
    assert found.source["mass_resampled"] == "signed distance"


def test_resampling_onto_the_same_lattice_changes_no_voxel(own, save) -> None:
    blob = np.zeros(SHAPE, np.uint8)
    blob[40:50, 8:20, 60:90] = 1
    low = AFFINE.copy()
    low[:3, 3] += AFFINE[:3, :3] @ [30, 0, 50]
    path = save(blob[30:, :30, 50:100], "m.nii.gz", affine=low)
    with pytest.raises(GeometryError):
        read_labels(save(own), mass=path)
    np.testing.assert_array_equal(read_labels(save(own), mass=path, resample_mass=True).mass, blob > 0)


@pytest.mark.parametrize(
    ("shift", "said"), [([400.0, 0, 0], "the mass lies outside"), ([0, -19.0, 0], "% of the mass lies outside")]
)
def test_mass_in_another_frame_is_refused_even_so(shift, said: str, own, save) -> None:
    grid = fine_grid((0.7, 0.7, 0.7))
    affine = grid.affine.copy()
    affine[:3, 3] += shift
    path = save(ellipsoid(grid).astype(np.uint8), "m.nii.gz", affine=affine)
    with pytest.raises(GeometryError, match=said) as caught:
        read_labels(save(own), mass=path, resample_mass=True)
    assert len(str(caught.value).split("\n")) == 3


def test_mass_lost_between_coarse_voxels_is_refused(save) -> None:
    coarse = AFFINE @ np.diag([2.0, 2.0, 2.0, 1])
    coarse[:3, 3] = [-60, -60, -20]
    path = save(np.repeat(own_neck()[:, :, :], 1, axis=0), affine=coarse)
    tiny = np.zeros((8, 8, 8), np.uint8)
    tiny[3:5, 3:5, 3:5] = 1
    affine = np.diag([0.2, 0.2, 0.2, 1.0])
    affine[:3, 3] = [0.3, 0.3, 0.3]
    with pytest.raises(LabelError, match="nothing is left"):
        read_labels(path, labels="canalrisk", mass=save(tiny, "m.nii.gz", affine=affine), resample_mass=True)


def test_resampling_without_a_file_is_a_usage_error(own, save) -> None:
    for mass in (None, 1):
        with pytest.raises(UsageError, match="file of its own"):
            read_labels(save(own), mass=mass, resample_mass=True)


def test_mass_on_a_larger_piece_of_the_same_voxels(own, save) -> None:
    blob = np.zeros((80, 60, 150), np.uint8)
    blob[40:50, 8:20, 60:90] = 1
    found = read_labels(save(own), mass=save(blob, "m.nii.gz"))
    np.testing.assert_array_equal(found.mass, blob[:60] > 0)
    blob[70:75, 8:20, 60:90] = 1
    with pytest.raises(GeometryError, match="different grids"):
        read_labels(save(own), mass=save(blob, "m.nii.gz"))
