"""C2, the axis: dens, shoulders for the atlas, broad bifid spinous process."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from canalrisk.phantom.neck import Neck
from canalrisk.phantom.parts import body, cone, ellipsoid, lamina, pillar, turned
from canalrisk.phantom.vertebrae import (
    FACET_ANGLE_DEG,
    PILLAR_HALF_DEPTH_MM,
    PILLAR_HALF_WIDTH_MM,
    Landmarks,
    landmarks,
)

Array = NDArray[np.float64]

DENS_Y_MM = 1.2


def axis_vertebra(neck: Neck) -> list[Array]:
    """Return the parts of C2, in the order in which they are joined."""
    mark = landmarks(neck, 0)
    half_h = 0.5 * float(neck.body_height[0])
    return [
        *_body_and_dens(neck, half_h),
        *_shoulders_and_arch(neck, mark, half_h),
        *_spinous(neck, mark),
        *_transverse(neck, mark),
    ]


def _body_and_dens(neck: Neck, half_h: float) -> list[Array]:
    half_w, half_d = 0.5 * float(neck.body_width[0]), 0.5 * float(neck.body_depth[0])
    r = 0.5 * neck.dens_width
    tip = half_h + neck.dens_height
    return [
        body(
            half_width=half_w,
            half_depth=half_d,
            half_height=half_h,
            lower_ratio=1.0,
            waist=0.10,
            hollow_upper=0.0,
            hollow_lower=1.6,
            wedge=0.0,
        ),
        # The anterior lip hangs over the disc below.
        ellipsoid((0.0, half_d - 2.2, -half_h + 0.2), (6.0, 2.0, 2.0), mirror=False),
        cone(
            (0.0, DENS_Y_MM, half_h - 4.0), (0.0, DENS_Y_MM, half_h + 4.0), 1.15 * r, 0.90 * r, blend=3.0, mirror=False
        ),
        cone((0.0, DENS_Y_MM, half_h + 4.0), (0.0, DENS_Y_MM - 0.6, tip - 0.95 * r), 0.90 * r, 1.0 * r, mirror=False),
        cone((0.0, DENS_Y_MM - 0.6, tip - r), (0.0, DENS_Y_MM - 0.9, tip - 0.45 * r), 0.85 * r, 0.45 * r, mirror=False),
    ]


def _shoulders_and_arch(neck: Neck, mark: Landmarks, half_h: float) -> list[Array]:
    """Superior facets beside the dens, pars, inferior articular pillars, laminae."""
    half = 0.5 * mark.facet_half
    tilt = np.deg2rad(FACET_ANGLE_DEG["C2"])
    # Only the lower half of a pillar: its lower facet stays where a whole pillar would have it.
    rise = -(mark.facet_half - half) * np.array([0.0, -np.sin(tilt), np.cos(tilt)])
    low = np.array(mark.pillar) + rise
    return [
        ellipsoid(
            (12.6, -0.3, half_h - 1.2),
            (7.9, 8.6, 4.6),
            axes=turned(about="y", degrees=22.0),
            blend=4.0,
        ),
        cone((11.0, -1.5, half_h - 4.0), (8.0, 0.0, -2.0), 5.4, 4.0, blend=4.0),
        cone((13.8, -4.5, half_h - 5.0), low + np.array([-0.4, 1.5, 1.5]), 4.6, 4.6, flat=1.15, blend=3.5),
        pillar(
            low,
            half_width=PILLAR_HALF_WIDTH_MM,
            half_depth=PILLAR_HALF_DEPTH_MM,
            half_thickness=half,
            angle_deg=FACET_ANGLE_DEG["C2"],
            blend=3.0,
        ),
        lamina(
            canal_y=mark.canal_y,
            z=-1.6,
            thickness=1.3 * neck.lamina_thickness,
            half_height=0.62 * neck.lamina_height,
            lean=1.4,
            front=-0.05 * mark.half_ap,
        ),
    ]


def _spinous(neck: Neck, mark: Landmarks) -> list[Array]:
    length = float(neck.spinous_length[0])
    back = mark.canal_y - mark.half_ap
    root = np.array([0.0, back - 2.8, -2.0])
    tip = np.array([0.0, back - length + 1.0, -5.0])
    fork = root + 0.45 * (tip - root)
    return [
        cone(root, fork, 3.2, 3.0, flat=1.9, blend=3.5, mirror=False),
        cone(fork, tip + np.array([4.2, 0.0, -1.5]), 3.0, 2.4, flat=1.4, blend=2.0),
        cone(
            tip + np.array([0.0, -2.5, -7.0]),
            fork + np.array([0.0, -0.5, -5.5]),
            3.2,
            1.6,
            flat=1.2,
            blend=1.5,
            mirror=False,
            cut=True,
        ),
    ]


def _transverse(neck: Neck, mark: Landmarks) -> list[Array]:
    x, y, z = mark.transverse_foramen
    r = 0.5 * neck.transverse_foramen
    tip = (x + 7.5, y - 2.5, z - 2.5)
    return [
        cone((x - 3.0, y + r + 1.2, z + 1.5), tip, 2.0, 1.6, flat=1.3),
        cone((x - 1.0, y - r - 2.0, z + 0.5), tip, 2.6, 1.8, flat=1.3),
        ellipsoid(tip, (2.0, 2.2, 2.4)),
        # The artery enters from below and leaves laterally, under the shoulder.
        cone((x, y, z - 12.0), (x, y, z), r, r, blend=0.8, cut=True),
        cone((x, y, z), (x + 7.0, y - 0.8, z + 7.0), r, r, blend=0.8, cut=True),
        cone((x + 7.0, y - 0.8, z + 7.0), (x + 8.5, y - 0.8, z + 16.0), r, r, blend=0.8, cut=True),
    ]
