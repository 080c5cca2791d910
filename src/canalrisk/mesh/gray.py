"""Gray matter of the cord as a parametric butterfly in the unit disc."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canalrisk.mesh.hexmesh import Array

# Half of the butterfly as line segments (right, anterior) in the unit disc with relative half-thickness:
# commissure, ventral horn, dorsal horn. Shape drawn after the PAM50 template; only its area is quantitative.
_SEGMENTS = (
    ((0.00, -0.02), (0.22, 0.00), 0.55),
    ((0.22, 0.00), (0.36, 0.36), 1.00),
    ((0.22, 0.00), (0.44, -0.62), 0.60),
)


def _thickness_needed(disc: Array) -> Array:
    """Smallest relative thickness of the butterfly's limbs that covers each point."""
    x, y = np.abs(disc[..., 0]), disc[..., 1]
    best = np.full(x.shape, np.inf)
    for (x0, y0), (x1, y1), weight in _SEGMENTS:
        dx, dy = x1 - x0, y1 - y0
        along = np.clip(((x - x0) * dx + (y - y0) * dy) / (dx * dx + dy * dy), 0.0, 1.0)
        best = np.minimum(best, np.hypot(x - x0 - along * dx, y - y0 - along * dy) / weight)
    return best


@lru_cache(maxsize=64)
def _thickness(fraction: float) -> float:
    line = (np.arange(400) + 0.5) / 200.0 - 1.0
    x, y = np.meshgrid(line, line, indexing="ij")
    inside = x * x + y * y <= 1.0
    return float(np.quantile(_thickness_needed(np.stack((x, y), axis=-1)[inside]), fraction))


def gray_matter(disc: ArrayLike, *, fraction: float = 0.2) -> NDArray[np.bool_]:
    """Whether points of the unit disc lie in gray matter.

    Parameters
    ----------
    disc : (..., 2) array_like
        Positions in the unit disc: right, anterior.
    fraction : float
        Gray area over cord area. 0.17-0.21 from C2 to T1 in the PAM50 template (evidence/MECHANICS.md,
        section 3, "Gray / cord area").

    Returns
    -------
    (...,) ndarray of bool
        The limbs' thickness is chosen so that the disc's gray area is `fraction`.
    """
    return _thickness_needed(np.asarray(disc, float)) <= _thickness(round(float(fraction), 4))
