"""Where a mass of a given level, side and site sits in any spine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

from canalrisk.anatomy.spine import Spine
from canalrisk.errors import UsageError

Array = NDArray[np.float64]
Side = Literal["left", "right", "midline"]
Site = Literal["facet", "lamina", "interlaminar", "foramen", "ventral-epidural", "paraspinal"]

SIGN = {"left": -1.0, "right": 1.0, "midline": 0.0}


@dataclass(frozen=True)
class SiteRule:
    """How a site is found and how a mass there behaves.

    `ray` (lateral, anterior) points from the canal's axis to the site; the mass is anchored `beyond` mm
    past the canal's wall. It may reach `reach` mm inside the wall by default. `stretch` lengthens it
    along (lateral, anterior, cranial).
    """

    ray: tuple[float, float]
    beyond: float
    reach: float
    stretch: tuple[float, float, float]


SITES: dict[str, SiteRule] = {
    "facet": SiteRule((0.97, -0.22), 6.0, 0.5, (1.0, 1.0, 1.0)),
    "lamina": SiteRule((0.62, -0.78), 2.5, 1.5, (1.2, 0.8, 1.0)),
    "interlaminar": SiteRule((0.38, -0.92), 1.0, 3.0, (1.0, 0.9, 0.8)),
    "foramen": SiteRule((0.74, 0.67), 3.5, 0.5, (1.0, 1.0, 0.8)),
    "ventral-epidural": SiteRule((0.22, 0.97), -0.5, 4.0, (1.2, 0.6, 1.4)),
    "paraspinal": SiteRule((0.76, -0.65), 15.0, -2.0, (0.8, 0.9, 1.5)),
}

# Calcinosis comes into a foramen from the facet joint, behind the root.
_BEHIND_ROOT_MM = 2.0


def axes_at(spine: Spine, level: str) -> tuple[Array, Array]:
    """Return the canal's axis point (3,) at a level and its frame (3, 3): right, anterior, tangent.

    Raises
    ------
    UsageError
        If the spine has no such level.
    """
    if level not in spine.landmarks:
        known = ", ".join(spine.landmarks)
        raise UsageError(f"level {level!r} is not in this spine", where="mass level", fix=f"Use one of {known}.")
    line = spine.centreline
    at = int(np.argmin(np.abs(line.s - spine.landmarks[level])))
    return line.points[at], np.array([line.right[at], line.anterior[at], line.tangent[at]])


def anchor(spine: Spine, *, level: str, side: str, site: str, depth: float = 0.0) -> tuple[Array, Array, Array]:
    """Return the axis point (3,) of a level, where a mass is anchored (3,), mm, and the level's frame (3, 3).

    `depth` mm moves the anchor from the site towards the canal's axis.

    Raises
    ------
    UsageError
        If level, side or site is unknown, or the site has no midline.
    """
    if site not in SITES:
        raise UsageError(f"site {site!r} is unknown", where="mass site", fix=f"Use one of {', '.join(SITES)}.")
    if side not in SIGN:
        raise UsageError(f"side {side!r} is unknown", where="mass side", fix="Use left, right or midline.")
    if side == "midline" and site in ("facet", "foramen"):
        raise UsageError(f"a {site} has no midline", where="mass side", fix="Use left or right.")
    origin, frame = axes_at(spine, level)
    if site == "foramen":
        found = [f for f in spine.foramina if f.side == side and level in (f.name, _below(f.name))]
        if found:
            path = found[0].path
            outside = np.flatnonzero(sample(spine, spine.canal, path) > SITES[site].beyond)
            at = path[outside[0] if len(outside) else len(path) // 2]
            return origin, at - _BEHIND_ROOT_MM * frame[1], frame
    rule = SITES[site]
    lateral = SIGN[side] * rule.ray[0]
    ray = lateral * frame[0] + rule.ray[1] * frame[1]
    ray = ray / np.linalg.norm(ray)
    return origin, origin + (wall_distance(spine, origin, ray) + rule.beyond - depth) * ray, frame


def _below(foramen: str) -> str:
    """Return the vertebra below a foramen: C5 for C4/5, T1 for C7/T1."""
    lower = foramen.split("/")[-1]
    return lower if lower.startswith("T") else f"C{lower}"


def wall_distance(spine: Spine, origin: Array, ray: Array) -> float:
    """Return how far from the axis a ray meets the canal's wall, mm."""
    t = np.arange(0.0, 25.0, 0.1)
    values = sample(spine, spine.canal, origin + t[:, None] * ray)
    outside = np.flatnonzero(values > 0.0)
    return float(t[outside[0]]) if len(outside) else float(t[-1])


def sample(spine: Spine, field: NDArray[np.float32], points: Array) -> Array:
    """Sample a field of the spine's grid at world points (n, 3), trilinear, edge values outside."""
    voxels = spine.grid.to_voxel(points)
    return np.asarray(map_coordinates(field, voxels.T, order=1, mode="nearest"), dtype=np.float64)
