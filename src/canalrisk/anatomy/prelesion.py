"""Canal, sac and cord as they were before a mass took their place: interpolated from unaffected sections."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.centreline import canal_sections
from canalrisk.anatomy.spine import Centreline, Distance
from canalrisk.anatomy.tube import STEP_MM, interpolated, measure_tube, rays, tube_distance
from canalrisk.field import redistance
from canalrisk.field.grid import Grid

# Beyond the usual wall of the canal by less than this, a mass may have taken part of it.
_NEAR_MM = 1.0
_MARGIN_MM = 1.5


def affected_sections(canal: Distance, mass: Distance, *, grid: Grid, line: Centreline) -> NDArray[np.bool_]:
    """Sections (n,) where the mass reaches the canal's usual wall.

    The usual wall is the median over all sections of the canal's radius along each ray; a margin of 1.5 mm
    along the centreline is added.
    """
    centre = np.zeros((len(line.s), 2))
    usual = np.median(measure_tube(canal, grid=grid, line=line, centre=centre).radius, axis=0)
    to_mass = measure_tube(-mass, grid=grid, line=line, centre=centre).radius
    reach = rays(line, centre).shape[2] * STEP_MM - 2 * STEP_MM
    touched = ((to_mass < usual + _NEAR_MM) & (to_mass < reach)).any(axis=1)
    margin = int(np.ceil(_MARGIN_MM / (line.s[1] - line.s[0])))
    widened: NDArray[np.bool_] = np.convolve(touched, np.ones(2 * margin + 1), mode="same") > 0
    return widened


def restored(
    field: Distance, affected: NDArray[np.bool_], *, grid: Grid, line: Centreline, only_larger: bool
) -> Distance:
    """Structure with its affected sections interpolated from the others.

    Parameters
    ----------
    field : (nx, ny, nz) ndarray of float32
        Signed distance of canal, sac or cord as segmented, mm.
    affected : (n,) ndarray of bool
        Sections not to be trusted; at least one must be False.
    grid, line
        Where.
    only_larger : bool
        True for the canal, of which a mass can only have taken; False for sac and cord, which it deforms.

    Returns
    -------
    (nx, ny, nz) ndarray of float32
        mm; unchanged further than 0.5 mm of arc length from affected sections.
    """
    _, centroid, _ = canal_sections(field, grid=grid, line=line)
    known = ~affected & np.isfinite(centroid[:, 0])
    for k in range(2):
        centroid[:, k] = np.interp(line.s, line.s[known], centroid[known, k])
    tube = interpolated(measure_tube(field, grid=grid, line=line, centre=centroid), ~known)
    model = tube_distance(tube, grid=grid)
    from canalrisk.anatomy.sections import curve_coordinates

    near = np.flatnonzero((model.ravel() < 3.0) | (field.ravel() < 3.0))
    points = grid.to_world(np.stack(np.unravel_index(near, field.shape), axis=1))
    _, _, _, nearest = curve_coordinates(line, points)
    weight = np.convolve(affected, [0.25, 0.5, 0.25], mode="same")[nearest]
    old, new = field.ravel()[near], model.ravel()[near]
    new = np.minimum(old, new) if only_larger else new
    level = field.copy()
    level.ravel()[near] = (1 - weight) * old + weight * new
    return redistance(level, grid=grid, band=15.0)
