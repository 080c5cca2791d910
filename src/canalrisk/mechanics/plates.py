"""The reference problem behind normalised stress: the same cord between flat plates at 10 % AP reduction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from canalrisk.fem import Load, Obstacle
from canalrisk.field import Grid, fit_spline
from canalrisk.mechanics.region import Region
from canalrisk.mechanics.tube import CordTube

Array = NDArray[np.float64]

REDUCTION = 0.10
# Beyond the region the plates bend away from the cord by this much over this length.
RELEASE_MM, RELEASE_LENGTH_MM = 1.5, 5.0
# The plates start this far off the cord.
START_GAP_MM = 0.05
_SPACING_MM = 1.0
_MARGIN_MM = 8.0


def plate_loads(tube: CordTube, *, region: Region, reduction: float = REDUCTION) -> tuple[Load, Load]:
    """Two plates, flat from left to right, follow the cord's front and back and close on it.

    Parameters
    ----------
    tube : CordTube
        Meshed cord.
    region : Region
        Where the plates act.
    reduction : float
        Share of the antero-posterior depth that the closed plates take.

    Returns
    -------
    tuple of two Load
        Plates ``plate-dorsal`` and ``plate-ventral`` just before they touch, and closed to `reduction`; at
        `REDUCTION` this is the reference state.
    """
    frame = tube.outlines
    rings = tube.mesh.points.reshape(tube.mesh.n_sections, -1, 3)[:, tube.mesh.ring]
    depth = np.einsum("prd,pd->pr", rings - frame.origins[:, None, :], frame.anterior)
    back, front = depth.min(axis=1), depth.max(axis=1)
    beyond = np.maximum(region.low - frame.s, frame.s - region.high)
    share = np.clip(beyond / RELEASE_LENGTH_MM, 0.0, 1.0)
    release = RELEASE_MM * share * share * (3.0 - 2.0 * share)

    # The whole cord: a spline that ends continues constant, which is no plate.
    low, high = rings.reshape(-1, 3).min(axis=0) - _MARGIN_MM, rings.reshape(-1, 3).max(axis=0) + _MARGIN_MM
    count = np.ceil((high - low) / _SPACING_MM).astype(int) + 1
    affine = np.diag([_SPACING_MM] * 3 + [1.0])
    affine[:3, 3] = low
    grid = Grid((int(count[0]), int(count[1]), int(count[2])), affine)
    points = grid.to_world(np.indices(grid.shape).reshape(3, -1).T)

    s, height = _curved_coordinates(points, tube)
    reach = 0.5 * reduction * np.interp(s, frame.s, front - back)
    away = np.interp(s, frame.s, release)
    dorsal = height - np.interp(s, frame.s, back) + away
    ventral = np.interp(s, frame.s, front) - height + away

    def obstacle(name: str, gap: Array, share: float) -> Obstacle:
        moved = gap + (1.0 - share) * START_GAP_MM - share * reach
        return Obstacle(name, fit_spline(moved.reshape(grid.shape), grid=grid))

    def load(share: float) -> Load:
        return Load(obstacles=(obstacle("plate-dorsal", dorsal, share), obstacle("plate-ventral", ventral, share)))

    return load(0.0), load(1.0)


def _curved_coordinates(points: Array, tube: CordTube) -> tuple[Array, Array]:
    """Arc length and anterior height (n,) of points in the bent frame of the section stations."""
    frame = tube.outlines
    fine = np.arange(frame.s[0], frame.s[-1] + 0.25, 0.25)
    local = frame.at(np.minimum(fine, frame.s[-1]))
    _, nearest = cKDTree(local.origins).query(points)
    offset = points - local.origins[nearest]
    s = local.s[nearest] + np.einsum("nd,nd->n", offset, local.tangent[nearest])
    height = np.einsum("nd,nd->n", offset, local.anterior[nearest])
    return s, height
