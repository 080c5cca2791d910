"""Healthy cord per vertebral level, and the cord made from it where none was segmented."""

from __future__ import annotations

import numpy as np

from canalrisk.anatomy.population import population
from canalrisk.anatomy.spine import Centreline
from canalrisk.anatomy.tube import Tube, angles

# A cord needs this much room inside its sac, mm.
_ROOM_MM = 0.5


def healthy_cord_sizes(level: str) -> tuple[float, float, float] | None:
    """Mean AP and transverse diameter, mm, and area, mm2, of healthy cords at a vertebra; None elsewhere."""
    found = [population(level, name) for name in ("cord_ap", "cord_rl", "cord_area")]
    if "/" in level or any(one is None for one in found):
        return None
    ap, rl, area = (one.mean for one in found if one is not None)
    return ap, rl, area


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
