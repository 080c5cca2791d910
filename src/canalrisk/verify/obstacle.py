"""Analytic fields as the sampled splines that contact reads."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from canalrisk.field import Grid, Spline, fit_spline
from canalrisk.verify.core import Array


def sampled(function: Callable[[Array, Array, Array], Array], *, half: float, spacing: float) -> Spline:
    """Spline of an analytic function of x, y, z on a cube of half edge `half` mm about the origin."""
    count = round(2.0 * half / spacing) + 1
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = -half
    grid = Grid((count, count, count), affine)
    points = grid.to_world(np.stack(np.meshgrid(*[np.arange(count)] * 3, indexing="ij"), axis=-1))
    return fit_spline(function(*np.moveaxis(points, -1, 0)), grid=grid)
