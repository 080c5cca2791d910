"""Vertebrae that moved by known rigid motions, voxelised anew on a turned grid: the motions are found again.

The bound (0.1 mm at the vertebra's middle, 0.3 degrees) is the one asked for at 0.5 mm voxels; the quick tests hold it
at 0.8 mm.
"""

import sys
from dataclasses import replace

import moved_neck
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from canalrisk.anatomy import build_spine, register_scans
from canalrisk.errors import GeometryError
from canalrisk.field import RigidMotion

WHOLE = RigidMotion((0.15, -0.2, 0.3), (0.0, 0.0, 0.0), (12.0, -7.0, 20.0))
TURN = Rotation.from_euler("xyz", [15, -9, 21], degrees=True).as_matrix()
THREE = ("C4", "C5", "C6")


@pytest.fixture(scope="module")
def drawn():
    return moved_neck.Drawn(levels=THREE, fine=0.6)


@pytest.fixture(scope="module")
def first(drawn):
    return build_spine(drawn.scan(moved_neck.still(drawn), spacing=0.8))


@pytest.fixture(scope="module")
def motions(drawn):
    return moved_neck.bent(drawn, whole=WHOLE)


def errors(registration, motions, drawn):
    return np.array(
        [moved_neck.apart(registration.motions[k], motions[k], at=drawn.origin[k]) for k in registration.motions]
    )


def test_each_vertebras_motion_is_found(first, motions, drawn):
    second = build_spine(drawn.scan(motions, spacing=0.8, turn=TURN))
    registration = register_scans(first, second)
    assert tuple(registration.motions) == THREE
    mm, degrees = errors(registration, motions, drawn).T
    assert mm.max() < 0.1
    assert degrees.max() < 0.3
    # Neighbours moved against each other by 3.4 degrees: one motion for all would not do.
    assert moved_neck.apart(motions["C4"], motions["C6"], at=drawn.origin["C5"])[1] > 6
    assert not registration.findings
    for level in THREE:
        assert registration.residual_mm[level] < 0.25
        assert registration.share[level] > 0.9


def test_lost_bone_and_a_mass_do_not_pull(first, motions, drawn):
    # C5 has lost what lies within 12 mm of its left lamina, and a ball covers its left pillar.
    hole = drawn.origin["C5"] + np.array([-9.0, -22.0, -2.0])
    ball = drawn.origin["C5"] + np.array([-20.0, -9.0, 2.0])

    def gone(x):
        return np.linalg.norm(x - hole, axis=1) - 12.0

    def mass(x):
        return np.linalg.norm(x - ball, axis=1) - 8.0

    scan = drawn.scan(motions, spacing=0.8, turn=TURN, gone=("C5", gone), mass=("C5", mass))
    lost = 1.0 - (scan.mask("vertebra:C5") & ~scan.mass).sum() * scan.grid.voxel_volume / (
        (first.vertebra_of == 2).sum() * first.grid.voxel_volume
    )
    assert lost > 0.2
    second = build_spine(replace(scan, labels=np.where(scan.mass, 0, scan.labels)))
    registration = register_scans(first, second)
    mm, degrees = errors(registration, motions, drawn).T
    assert mm.max() < 0.1
    assert degrees.max() < 0.3
    assert registration.share["C5"] < registration.share["C4"]


def test_a_scan_of_itself_has_not_moved(first):
    registration = register_scans(first, first)
    for level, motion in registration.motions.items():
        mm, degrees = moved_neck.apart(motion, RigidMotion(), at=motion.centre)
        assert mm < 1e-3, level
        assert degrees < 1e-2, level


def test_missing_and_wrong_levels_are_said(first):
    shorter = replace(first, levels=("C4", "C5"), vertebra_of=np.where(first.vertebra_of == 3, 0, first.vertebra_of))
    registration = register_scans(first, shorter)
    assert "C6" not in registration.motions
    assert [(f.code, f.where) for f in registration.findings] == [("REGISTRATION-LEVEL-MISSING", "C6")]
    other = replace(first, levels=("C1", "C2", "C3"))
    with pytest.raises(GeometryError):
        register_scans(first, other)


@pytest.mark.slow
def test_the_whole_neck_at_half_a_millimetre():
    drawn = moved_neck.Drawn(fine=0.4)
    motions = moved_neck.bent(drawn, degrees=(2.0, 0.8, 0.6), whole=WHOLE)
    first, second = (
        build_spine(drawn.scan(m, spacing=0.5, turn=t)) for m, t in ((moved_neck.still(drawn), None), (motions, TURN))
    )
    mm, degrees = errors(register_scans(first, second), motions, drawn).T
    sys.stdout.write(f"largest error {mm.max():.3f} mm, {degrees.max():.3f} degrees\n")
    assert mm.max() < 0.1
    assert degrees.max() < 0.3
