"""Healthy cord per vertebral level, and the cord and sac made from it where none was segmented."""

from __future__ import annotations

import numpy as np

from canalrisk import evidence
from canalrisk.anatomy.population import population
from canalrisk.anatomy.sections import curve_coordinates
from canalrisk.anatomy.spine import BAND_MM, Centreline, Distance
from canalrisk.anatomy.tube import Tube, angles
from canalrisk.field import redistance
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding

# Thickness, mm, of what lies between flavum or bone and dural sac: no measured value in our evidence, RECALLED.
DURA_MM = 0.35
ANTERIOR_MM = 0.65
LATERAL_MM = 0.65
# A cord needs this much room inside its sac, mm.
_ROOM_MM = 0.5
_FLAVUM = "thickness/ligamentum flavum/C6/7"


def healthy_cord_sizes(level: str) -> tuple[float, float, float] | None:
    """Mean AP and transverse diameter, mm, and area, mm2, of healthy cords at a vertebra; None elsewhere."""
    found = [population(level, name) for name in ("cord_ap", "cord_rl", "cord_area")]
    if "/" in level or any(one is None for one in found):
        return None
    ap, rl, area = (one.mean for one in found if one is not None)
    return ap, rl, area


def flavum_mm() -> float:
    """Thickness of the ligamentum flavum, mm: the evidence's one value, of 87 controls at C6/7."""
    return evidence.value("mechanics", _FLAVUM).value


def flavum_finding() -> Finding:
    """Say that one level's flavum stands for all, wherever it lines the canal."""
    row = evidence.value("mechanics", _FLAVUM)
    message = f"The ligamentum flavum is {row.value:g} mm thick at every level; it was measured at {row.level} only."
    return Finding("FLAVUM-ONE-LEVEL", "info", "canal", message)


def sac_finding() -> Finding:
    """Say that the dural sac was made from the canal."""
    message = (
        f"No dural sac was labelled: it is the canal less flavum ({flavum_mm():g} mm), ligament, fat and dura; only "
        "the flavum's thickness is a verified number."
    )
    return Finding("SAC-INFERRED", "warning", "sac", message)


def healthy_cord(line: Centreline, landmarks: dict[str, float], sac: Tube) -> tuple[Tube, float]:
    """Cord of mean healthy size, an ellipse on the sac's centre, interpolated between levels.

    Parameters
    ----------
    line : Centreline
        The centreline.
    landmarks : dict of str to float
        Arc length of the vertebral levels, mm.
    sac : Tube
        The dural sac.

    Returns
    -------
    cord : Tube
    scale : float
        Smallest factor by which the cord had to shrink to fit the sac; 1 where it did not.
    """
    sizes = {s: size for level, s in landmarks.items() if (size := healthy_cord_sizes(level)) is not None}
    at = np.array(sorted(sizes))
    ap, rl, area = (np.interp(line.s, at, [sizes[s][k] for s in at.tolist()]) for k in range(3))
    # The table's mean area is not quite that of the ellipse of mean diameters: keep area and aspect.
    fit = np.sqrt(area / (np.pi / 4 * ap * rl))
    half_rl, half_ap = 0.5 * fit * rl, 0.5 * fit * ap
    phi = angles()
    radius = 1.0 / np.hypot(np.cos(phi) / half_rl[:, None], np.sin(phi) / half_ap[:, None])
    scale = np.minimum(1.0, np.min((sac.radius - _ROOM_MM) / radius, axis=1))
    scale = np.clip(scale, 0.3, 1.0)
    return Tube(line, sac.centre, radius * scale[:, None]), float(scale.min())


def sac_in_canal(canal: Distance, *, grid: Grid, line: Centreline) -> Distance:
    """Dural sac as the bony canal less flavum, ligament, fat and dura.

    Parameters
    ----------
    canal : (nx, ny, nz) ndarray of float32
        Signed distance of the bony canal, mm.
    grid : Grid
        Its grid.
    line : Centreline
        Says where posterior is.

    Returns
    -------
    (nx, ny, nz) ndarray of float32
        mm, negative inside.
    """
    near = np.flatnonzero(canal.ravel() < 4.0)
    points = grid.to_world(np.stack(np.unravel_index(near, canal.shape), axis=1))
    _, right, anterior, _ = curve_coordinates(line, points)
    angle = np.arctan2(anterior, right)
    behind = np.clip(0.5 - 1.5 * np.sin(angle), 0.0, 1.0)
    front = np.clip(2.0 * np.sin(angle) - 0.7, 0.0, 1.0)
    layer = flavum_mm() * behind + ANTERIOR_MM * front + LATERAL_MM * np.clip(1 - behind - front, 0, 1)
    level = np.full(canal.shape, BAND_MM, np.float32)
    level.ravel()[near] = canal.ravel()[near] + layer + DURA_MM
    return redistance(level, grid=grid, band=BAND_MM)
