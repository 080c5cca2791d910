"""Cord of the PAM50 template: area per level against the count of voxels in axial slices."""

import csv

import nibabel as nib
import numpy as np
import pytest

from canalrisk.anatomy.centreline import canal_sections, first_curve, refine
from canalrisk.anatomy.sections import curve_coordinates
from canalrisk.field import Grid, signed_distance


@pytest.fixture(scope="module")
def template(shared):
    folder = shared / "data" / "pam50"
    cord, levels = (nib.load(folder / f"PAM50_{name}_C1-T2.nii.gz") for name in ("cord", "levels"))
    with (folder / "PAM50_per_level.csv").open() as file:
        rows = {row["level"]: float(row["cord_CSA_mm2"]) for row in csv.DictReader(file)}
    mask = np.asarray(cord.dataobj) > 0
    return mask, np.asarray(levels.dataobj), Grid(mask.shape, np.asarray(cord.affine, float)), rows


def test_area_per_level(template):
    mask, levels, grid, rows = template
    line = refine(
        first_curve(mask, grid=grid, cranial=np.array([0.0, 0.0, 1.0])),
        signed_distance(mask, grid=grid),
        grid=grid,
        anterior=np.array([0.0, 1.0, 0.0]),
    )
    field = signed_distance(mask, grid=grid, smooth=True)
    area = canal_sections(field, grid=grid, line=line)[0]
    # The table counts voxels in axial slices; a section across the cord is smaller by the cosine of its tilt.
    axial = area / line.tangent[:, 2]
    # Level of each axial slice, and where the slice's cord lies along the line.
    which = levels.max(axis=(0, 1))
    middle = [np.argwhere(mask[:, :, k]).mean(axis=0) if mask[:, :, k].any() else (0, 0) for k in range(mask.shape[2])]
    points = grid.to_world(np.column_stack([middle, np.arange(mask.shape[2])]))
    s = curve_coordinates(line, points)[0]
    names = [f"C{i}" for i in range(1, 8)] + ["T1", "T2"]
    for number, name in enumerate(names, start=1):
        # The crop's own ends are no place for a section.
        here = (which == number) & (s > line.s[0]) & (s < line.s[-1])
        assert here.sum() > 20
        assert np.interp(s[here], line.s, axial).mean() == pytest.approx(rows[name], rel=0.02), name
