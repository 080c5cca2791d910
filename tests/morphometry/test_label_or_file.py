"""A mass gives the same answer whether it came as its own file or as a label that replaced what lay under it.

The expected values are those of the mass as a file over the intact map.
"""

from dataclasses import replace
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torus

from canalrisk.anatomy import build_spine
from canalrisk.field import Grid
from canalrisk.imaging.labelmap import LabelMap
from canalrisk.imaging.tables import load_table
from canalrisk.morphometry import measure, prepare


def _both(labelmap, mass):
    filed = build_spine(replace(labelmap, mass=mass))
    labels = np.where(mass, 80, labelmap.labels).astype(np.int16)
    drawn = build_spine(replace(labelmap, labels=labels, mass=mass, mass_is_label=True))
    return [(spine, measure(prepare(spine))) for spine in (filed, drawn)]


def _same(filed, drawn, *, foramina, area_ratio):
    (_, expected), (spine, found) = filed, drawn
    assert abs(found.sizes["section"] - expected.sizes["section"]) <= 2
    assert found["worst_level"].item() == expected["worst_level"].item()
    for name in ("mass_volume_in_canal", "sac_min"):
        assert found[name].item() == pytest.approx(expected[name].item(), rel=0.10), name
    assert found["occupying_ratio_area_max"].item() == pytest.approx(
        expected["occupying_ratio_area_max"].item(), rel=area_ratio
    )
    before, after = expected["foramen_area_prelesion"].values, found["foramen_area_prelesion"].values
    assert np.allclose(after, before, rtol=foramina)
    assert not [f for f in spine.findings if f.code in ("LEVEL-OUTSIDE-CANAL", "MASS-OUTSIDE-CANAL")]


def test_on_the_analytic_neck():
    neck = torus.neck(0.8)
    # One lobe fills more than half the canal, so that the old line ended there; one stands in the foramen's wall.
    mass = np.linalg.norm(neck.world - torus.world_of(torus.middle("C5"), -3.0, -8.0), axis=-1) < 8.5
    mass |= np.linalg.norm(neck.world - torus.world_of(torus.middle("C5") + 5.0, -14.0, 0.0), axis=-1) < 6.0
    filed, drawn = _both(neck.labelmap, mass)
    _same(filed, drawn, foramina=0.10, area_ratio=0.10)
    assert "BONE-RECONSTRUCTED" in {f.code for f in drawn[0].findings}


def test_a_wall_replaced_on_both_sides_is_not_guessed():
    neck = torus.neck(1.0)
    mass = (np.abs(neck.s - torus.middle("C5") - 5.0) < 6.0) & (np.abs(neck.u) < 20.0) & (np.abs(neck.v) < 12.0)
    mass &= (np.abs(neck.u) > 9.0)  # fmt: skip
    labels = np.where(mass, 80, neck.labelmap.labels).astype(np.int16)
    spine = build_spine(replace(neck.labelmap, labels=labels, mass=mass, mass_is_label=True))
    lost = {f.where for f in spine.findings if f.code == "FORAMEN-WALL-REPLACED"}
    assert {"C4/5 left", "C4/5 right"} <= lost
    area = measure(prepare(spine))["foramen_area_prelesion"]
    assert np.isnan(area.sel(foramen="C4/5").values).all()
    assert np.isfinite(area.sel(foramen="C3/4").values).all()


@pytest.mark.slow
def test_on_the_real_map(shared):
    path = Path(shared) / "data" / "combined" / "BP3D-PAM50_C1-C7_labels_0p5mm.nii.gz"
    image = nib.load(path)
    labels = np.asarray(image.dataobj).astype(np.int16)
    labelmap = LabelMap(labels, Grid(labels.shape, np.asarray(image.affine, float)), load_table("canalrisk"))
    # Lobules behind and beside C4-C6 on the right, reaching canal and foramina.
    world = labelmap.grid.to_world(np.moveaxis(np.indices(labels.shape), 0, -1))
    mass = np.zeros(labels.shape, bool)
    for centre, radius in (((9, 58, 1413), 9), ((7, 61, 1405), 7), ((15, 68, 1402), 7), ((16, 70, 1414), 6)):
        mass |= np.linalg.norm(world - np.array(centre), axis=-1) < radius
    filed, drawn = _both(labelmap, mass)
    # The canal behind a drawn mass is the other side's mirror image, narrower here: 0.23 for 0.19, a stated limit.
    _same(filed, drawn, foramina=0.10, area_ratio=0.20)
