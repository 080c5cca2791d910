"""C3 to T1 written as rounded parts, in the frame of each body."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.phantom.neck import LEVELS, Neck
from canalrisk.phantom.parts import body, box, cone, ellipsoid, lamina, pillar, turned
from canalrisk.phantom.posture import canal_centre_y
from canalrisk.phantom.published import published

Array = NDArray[np.float64]

FACET_ANGLE_DEG = {"C2": 47.0, "C3": 45.0, "C4": 45.0, "C5": 46.0, "C6": 48.0, "C7": 52.0, "T1": 58.0}
"""Facets against the transverse plane: about 45 degrees, steeper caudally (PMC2219934, levels' trend)."""

PILLAR_HALF_WIDTH_MM, PILLAR_HALF_DEPTH_MM = 5.4, 5.4
_PEDICLE_Z_MM = 0.8
_LAMINA_Z_MM = -2.2
# Length of the transverse process beyond the foramen's centre, as a share of C5's.
_TRANSVERSE_REACH = {"C2": 0.7, "C3": 0.85, "C4": 0.92, "C5": 1.0, "C6": 1.1, "C7": 1.0, "T1": 1.0}
_SPINOUS_DROP = {"C3": 0.30, "C4": 0.34, "C5": 0.38, "C6": 0.40, "C7": 0.42, "T1": 0.55}


@dataclass(frozen=True)
class Landmarks:
    """Where the parts of one vertebra sit, local mm; right side (x > 0)."""

    level: str
    canal_y: float
    half_rl: float
    half_ap: float
    pedicle: tuple[float, float, float]
    pillar: tuple[float, float, float]
    transverse_foramen: tuple[float, float, float]
    facet_half: float
    """Half the pillar's thickness along the facets' normal, without joint gap."""


def landmarks(neck: Neck, index: int) -> Landmarks:
    """Place pedicle, pillar and transverse foramen of vertebra `index` around its canal."""
    level = LEVELS[index]
    canal_y = canal_centre_y(neck, index)
    a, b = 0.5 * neck.canal_rl[2 * index], 0.5 * neck.canal_ap[2 * index]
    angle = np.deg2rad(neck.pedicle_angle_deg)
    # The pedicle's medial wall touches the canal where the canal's normal is across the pedicle.
    nx, ny = np.cos(angle), np.sin(angle)
    reach = np.hypot(a * nx, b * ny)
    off = 0.5 * neck.pedicle_width + 0.1
    pedicle = (a * a * nx / reach + off * nx, canal_y + b * b * ny / reach + off * ny, _PEDICLE_Z_MM)
    spacing = _spacing(neck, index)
    tilt = np.deg2rad(FACET_ANGLE_DEG[level])
    widest = 0.5 * neck.body_width[index]
    # The superior articular process bounds the foramen above this vertebra from behind: a wider foramen
    # has it further back. The offset was fitted to the sizes measured on labels.
    wanted = float(neck.foramen_width[max(index - 1, 0)])
    forward = float(np.clip(1.2 + 1.3 * (6.2 - wanted), -1.0, 2.5))
    foramen_x = max(a + 4.2, widest + 0.5 * neck.transverse_foramen + 0.3)
    return Landmarks(
        level=level,
        canal_y=canal_y,
        half_rl=a,
        half_ap=b,
        pedicle=pedicle,
        pillar=(a + PILLAR_HALF_WIDTH_MM - 0.3, canal_y - 2.2 + forward, -1.0),
        transverse_foramen=(foramen_x, -0.1 * neck.body_depth[index], -0.5),
        facet_half=0.5 * spacing * float(np.cos(tilt)) + 0.3,
    )


def typical_vertebra(neck: Neck, index: int) -> list[Array]:
    """Return the parts of C3-C7 or T1, in the order in which they are joined."""
    mark = landmarks(neck, index)
    level = mark.level
    rows = [*_column(neck, index), *_arch(neck, index, mark), *_spinous(neck, index, mark)]
    rows += _thoracic_transverse(mark) if level == "T1" else _transverse(neck, mark)
    return rows


def _spacing(neck: Neck, index: int) -> float:
    """Return the mean distance to the neighbouring vertebrae, mm."""
    step = 0.5 * (neck.body_height[:-1] + neck.body_height[1:]) + neck.disc_height - 0.9
    return float(np.mean(step[max(index - 1, 0) : index + 1]))


def _column(neck: Neck, index: int) -> list[Array]:
    """Body and uncinate processes."""
    level = LEVELS[index]
    half_w, half_d, half_h = (0.5 * q[index] for q in (neck.body_width, neck.body_depth, neck.body_height))
    lower = published("width_ratio_inferior").mean if level != "T1" else 0.97
    core = body(
        half_width=half_w * 0.93,
        half_depth=half_d,
        half_height=half_h,
        lower_ratio=lower,
        waist=0.09,
        hollow_upper=0.9,
        hollow_lower=1.3,
        wedge=0.035,
    )
    # The wall towards the canal follows the canal (which is cut out last), without a gap.
    wall = box((0.0, -half_d + 1.0, -0.2), (0.58 * half_w, 3.0, 0.97 * half_h), rounding=1.2, blend=1.5, mirror=False)
    lip = ellipsoid((0.0, half_d - 1.9, 0.8 - half_h), (0.55 * half_w, 1.9, 1.6), blend=2.0, mirror=False)
    if level == "T1":
        return [core, wall]
    rise = {"C3": 1.0, "C4": 1.1, "C5": 1.1, "C6": 1.0, "C7": 0.8}[level]
    uncinate = ellipsoid(
        (half_w - 1.7, -0.16 * half_d, half_h + 0.3 * rise),
        (1.8, 0.82 * half_d, 3.2 * rise),
        axes=turned(about="y", degrees=14.0),
        blend=2.0,
    )
    return [core, wall, lip, uncinate]


def _arch(neck: Neck, index: int, mark: Landmarks) -> list[Array]:
    """Pedicles, articular pillars and laminae."""
    level = mark.level
    angle = neck.pedicle_angle_deg
    pedicle = box(
        mark.pedicle,
        (0.5 * neck.pedicle_width, 6.5, 0.5 * neck.pedicle_height),
        rounding=0.42 * neck.pedicle_width,
        axes=turned(about="z", degrees=angle),
        blend=2.0,
    )
    column = pillar(
        mark.pillar,
        half_width=PILLAR_HALF_WIDTH_MM,
        half_depth=PILLAR_HALF_DEPTH_MM,
        half_thickness=mark.facet_half,
        angle_deg=FACET_ANGLE_DEG[level],
        waist=0.14,
    )
    plates = lamina(
        canal_y=mark.canal_y,
        z=_LAMINA_Z_MM,
        thickness=neck.lamina_thickness,
        half_height=0.5 * neck.lamina_height * (1.15 if level in ("C7", "T1") else 1.0),
        lean=1.0,
        front=-0.10 * mark.half_ap,
    )
    return [pedicle, column, plates]


def _spinous(neck: Neck, index: int, mark: Landmarks) -> list[Array]:
    """Spinous process, bifid from C3 to C6."""
    level, length = mark.level, float(neck.spinous_length[index])
    back = mark.canal_y - mark.half_ap
    drop = _SPINOUS_DROP[level]
    root = np.array([0.0, back - 2.2, _LAMINA_Z_MM - 0.8])
    tip = np.array([0.0, back - length + 1.5, _LAMINA_Z_MM - 0.8 - drop * length])
    if level in ("C7", "T1"):
        knob = ellipsoid(tip, (3.0, 3.0, 3.6), blend=2.0, mirror=False)
        return [cone(root, tip, 2.4, 2.0, flat=1.9, blend=3.0, mirror=False), knob]
    fork = root + 0.55 * (tip - root)
    prong = tip + np.array([3.0, 0.3, -0.5])
    return [
        cone(root, fork, 2.3, 2.1, flat=1.8, blend=3.0, mirror=False),
        cone(fork, prong, 2.0, 1.7, flat=1.3, blend=1.8),
        cone(
            tip + np.array([0.0, -2.0, -4.0]),
            fork + np.array([0.0, 0.5, -3.0]),
            2.0,
            0.8,
            flat=1.2,
            blend=1.0,
            mirror=False,
            cut=True,
        ),
    ]


def _transverse(neck: Neck, mark: Landmarks) -> list[Array]:
    """Anterior and posterior bars around the transverse foramen, with a gutter for the root on top."""
    x, y, z = mark.transverse_foramen
    r = 0.5 * neck.transverse_foramen
    reach = _TRANSVERSE_REACH[mark.level]
    front, back, side = y + r + 1.2, y - r - 1.4, x + r + 1.1
    tip_front = (side + 1.4 * reach, front + 0.6, z - 1.4)
    tip_back = (side + 4.2 * reach, back + 1.2, z - 3.0)
    hole = r if mark.level != "C7" else 0.55 * r
    rows = [
        cone((x - r - 3.5, front - 0.6, z + 0.6), tip_front, 1.9, 1.7, flat=1.5, blend=2.0),
        ellipsoid(tip_front, (2.0, 1.9, 2.8 if mark.level != "C6" else 3.8), blend=1.8),
        cone((mark.pedicle[0] + 0.5, back - 1.0, z + 0.4), tip_back, 2.1, 1.9, flat=1.45, blend=2.0),
        ellipsoid(tip_back, (2.4, 2.1, 2.9), blend=1.8),
        cone((side + 0.9, front - 0.5, z - 1.4), (side + 1.9, back + 0.5, z - 2.2), 1.8, 1.8, flat=1.1, blend=2.0),
        # Between the foramen and the body lies the root of the pedicle.
        cone((x - r - 1.6, front - 0.5, z + 0.4), (x - r - 1.2, back, z + 0.4), 1.9, 2.0, flat=1.4, blend=2.0),
        cone((x, y, z - 12.0), (x, y, z + 12.0), hole, hole, blend=0.8, cut=True),
    ]
    if mark.level == "C7":
        rows[2] = cone(
            (mark.pedicle[0] + 0.5, back - 1.0, z + 0.6), (x + 14.0, back - 1.0, z - 0.5), 3.0, 2.2, flat=1.3
        )
        rows[3] = ellipsoid((x + 14.0, back - 1.0, z - 0.5), (2.6, 2.4, 3.0), blend=1.5)
    return rows


def _thoracic_transverse(mark: Landmarks) -> list[Array]:
    """T1's thick transverse process, out and back from the pillar."""
    start = np.array([mark.pillar[0] - 1.0, mark.pillar[1] + 1.0, 1.0])
    end = start + np.array([15.0, -8.0, 2.5])
    return [cone(start, end, 4.0, 3.2, flat=1.2, blend=3.0), ellipsoid(end, (3.6, 3.4, 4.2), blend=2.0)]
