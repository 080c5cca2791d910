"""Pictures tell the truth: sides, depths and outlines against closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from fake_case import FakeCase, fake_case

from canalrisk.field.grid import Grid
from canalrisk.report._kernels import vote_labels
from canalrisk.report.figures.anatomy import Frame, cut_outline, mass_side
from canalrisk.report.figures.cord import touched_faces
from canalrisk.report.figures.planes import check_planes, segmentation_planes
from canalrisk.report.figures.scene import Solid, camera, render, sample

RIGHT, FRONT = np.array([1.0, 0, 0]), np.array([0, 1.0, 0])


def ball(grid: Grid, centre: tuple[float, float, float], radius: float) -> np.ndarray:
    points = grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1))
    return (np.linalg.norm(points - centre, axis=-1) - radius).astype(np.float32)


@pytest.fixture(params=["plain", "flipped and permuted"])
def grid(request: pytest.FixtureRequest) -> Grid:
    affine = np.eye(4)
    if request.param != "plain":
        affine = np.array([[0, -1.0, 0, 0], [0, 0, 1.0, 0], [-1.0, 0, 0, 0], [0, 0, 0, 1]])
    centre = affine[:3, :3] @ np.full(3, 19.5)
    affine[:3, 3] = -centre
    return Grid((40, 40, 40), affine)


def test_ball_covers_its_disc_whatever_the_axis_order(grid: Grid) -> None:
    # Expected area: pi r^2, r = 8 mm, at 4 px per mm.
    view = camera(centre=np.zeros(3), right=RIGHT, anterior=FRONT, azimuth=30, elevation=20, half=(15, 15))
    rgba = render([Solid(ball(grid, (0, 0, 0), 8.0), (1.0, 0.5, 0.2))], grid=grid, view=view, px_per_mm=4)
    assert (rgba[..., 3] / 255).sum() / 16 == pytest.approx(np.pi * 64, rel=0.02)


def test_patients_right_is_on_the_right_from_behind_and_on_the_left_from_the_front(grid: Grid) -> None:
    solid = [Solid(ball(grid, (8, 0, 5), 4.0), (1.0, 0.5, 0.2))]
    for azimuth, side in ((0, 1), (180, -1)):
        view = camera(centre=np.zeros(3), right=RIGHT, anterior=FRONT, azimuth=azimuth, elevation=0, half=(15, 15))
        rows, columns = np.nonzero(render(solid, grid=grid, view=view, px_per_mm=2)[..., 3])
        assert np.sign(columns.mean() - 29.5) == side
        assert rows.mean() < 29.5, "cranial is up"


def test_nearer_solid_hides_the_other(grid: Grid) -> None:
    near, far = ball(grid, (0, -8, 0), 4.0), ball(grid, (0, 8, 0), 4.0)
    view = camera(centre=np.zeros(3), right=RIGHT, anterior=FRONT, azimuth=0, elevation=0, half=(15, 15))
    solids = [Solid(far, (0.0, 0.0, 1.0)), Solid(near, (1.0, 0.0, 0.0))]
    middle = render(solids, grid=grid, view=view, px_per_mm=2)[30, 30]
    assert middle[0] > 2 * middle[2]


def test_sampling_is_exact_for_a_linear_field(grid: Grid) -> None:
    points = np.random.default_rng(0).uniform(-15, 15, (50, 3))
    world = grid.to_world(np.moveaxis(np.indices(grid.shape), 0, -1))
    values = (2 * world[..., 0] - world[..., 1] + 0.5 * world[..., 2]).astype(np.float32)
    expected = 2 * points[:, 0] - points[:, 1] + 0.5 * points[:, 2]
    np.testing.assert_allclose(sample(values, grid, points), expected, atol=1e-4)


def test_label_votes_equal_the_voxels_at_their_centres() -> None:
    labels = np.random.default_rng(1).integers(0, 4, (6, 5, 4)).astype(np.int32)
    index = np.indices(labels.shape).reshape(3, -1).T.astype(float)
    out = np.empty(len(index), np.int32)
    vote_labels(labels, np.eye(4), index, out)
    np.testing.assert_array_equal(out, labels.ravel())
    vote_labels(labels, np.eye(4), index + 100.0, out)
    assert (out == 0).all(), "outside the grid there is no label"


def test_outline_of_a_tube_is_its_ellipse(case: FakeCase) -> None:
    # Origin: semi-axes 6.5 and 3.7 mm of the synthetic cord.
    frame = Frame(np.array([0.0, 4.0, 38.2]), RIGHT, FRONT, np.array([0, 0, 1.0]))
    outlines = cut_outline(case.cord.mesh.points, case.cord.mesh.surface, frame)
    assert len(outlines) == 1
    assert np.ptp(outlines[0][:, 0]) == pytest.approx(13.0, abs=0.1)
    assert np.ptp(outlines[0][:, 1]) == pytest.approx(7.4, abs=0.1)
    np.testing.assert_array_equal(outlines[0][0], outlines[0][-1])


def test_side_of_the_mass(case: FakeCase) -> None:
    assert mass_side(case) == 1.0, "the synthetic mass lies at x > 0, the patient's right"
    assert mass_side(fake_case(mass=False, cord=False, n_times=1)) == 1.0


def test_planes_are_radiological_and_meet_the_mass(case: FakeCase) -> None:
    axial, sagittal, coronal = check_planes(case)
    for plane in (axial, coronal):
        assert plane.right @ RIGHT < -0.99, "the picture's right is the patient's left"
        assert plane.letters[:2] == ("R", "L")
    assert sagittal.right @ FRONT < -0.9
    assert sagittal.letters[:2] == ("A", "P")
    deepest = sample(case.spine.mass, case.spine.grid, coronal.origin[None])[0]
    assert deepest < 1.0, "the planes pass through the mass in the canal"


def test_legend_names_what_is_drawn(case: FakeCase) -> None:
    pictures, legend = segmentation_planes(case)
    assert len(pictures) == 3
    assert {"mass", "spinal cord", "discs", "vertebrae (alternating)"} <= set(dict(legend))


def test_touched_faces_come_from_the_solver(case: FakeCase) -> None:
    touched = touched_faces(case, 1)
    assert touched.shape == (len(case.cord.mesh.surface),)
    assert 0 < touched.sum() < touched.size
    case.cord.states[0].contacts.pop("mass")
    assert not touched_faces(case, 0).any()
