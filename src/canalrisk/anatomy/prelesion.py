"""Canal, sac and cord as they were before a mass took their place: interpolated from unaffected sections."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.centreline import canal_sections
from canalrisk.anatomy.sections import curve_coordinates, plane_points, sample_planes
from canalrisk.anatomy.spine import BAND_MM, Array, Centreline, Distance
from canalrisk.anatomy.tube import N_ANGLES, STEP_MM, Tube, angles, interpolated, measure_tube, rays, tube_distance
from canalrisk.field import redistance
from canalrisk.field.grid import Grid

# Beyond the usual wall of the canal by less than this, a mass may have taken part of it.
_NEAR_MM = 1.0
_MARGIN_MM = 1.5
# What a mass does to a cord ends within about the cord's own AP diameter (6 to 8 mm); of this, contact's neighbourhood.
_BESIDE_MM = 5.0
# A ray whose wall lies this near to the mass ends at the mass, with its neighbours of 6 degrees.
_AT_MASS_MM = 0.75
_NEIGHBOURS = 2


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
    return _widened(touched, _MARGIN_MM, line)


def touched_sections(field: Distance, mass: Distance, *, grid: Grid, line: Centreline) -> NDArray[np.bool_]:
    """Sections (n,) where a mass comes within 1 mm of a structure's surface, and 1.5 mm of the centreline beyond."""
    planes = plane_points(line, slice(None))
    values = sample_planes(field, grid=grid, points=planes)
    to_mass = np.where(values < 0.5, sample_planes(mass, grid=grid, points=planes), np.inf)
    touched = to_mass.min(axis=(1, 2)) < _NEAR_MM
    return _widened(touched, _MARGIN_MM, line)


def restored_canal(
    canal: Distance, affected: NDArray[np.bool_], replaced_by: Distance, *, grid: Grid, line: Centreline
) -> Distance:
    """Canal of which a mass has taken what lies under it and left the rest.

    Parameters
    ----------
    canal : (nx, ny, nz) ndarray of float32
        Signed distance of the canal beside the mass, mm.
    affected : (n,) ndarray of bool
        Sections not to be trusted; at least one must be False.
    replaced_by : (nx, ny, nz) ndarray of float32
        Signed distance of the mass, or of the part of it about which nothing else is known, mm.
    grid, line
        Where.

    Returns
    -------
    (nx, ny, nz) ndarray of float32
        mm; unchanged further than 0.5 mm of arc length from affected sections.
    """
    known, centroid = _centroids(canal, affected, grid=grid, line=line)
    measured = measure_tube(canal, grid=grid, line=line, centre=centroid)
    tube = _beside(measured, interpolated(measured, ~known), replaced_by, grid)
    return _replaced(canal, tube, affected, grid=grid, add_only=True)


def restored_content(
    field: Distance, affected: NDArray[np.bool_], *, canal: Distance, mass: Distance, grid: Grid, line: Centreline
) -> Distance:
    """Sac or cord, which a mass displaces and deforms, as it was before.

    Its place in the canal is interpolated along the centreline from the sections that the mass leaves alone: what
    floats in the canal follows the canal's own bends. Its shape is today's where the mass keeps 1 mm away from it,
    and interpolated between such sections elsewhere. A cord pressed at one place is bent and flattened beside it too:
    sections within 5 mm of where the mass comes so near serve for neither, as long as others are left.

    Parameters
    ----------
    field : (nx, ny, nz) ndarray of float32
        Signed distance of sac or cord as segmented, mm.
    affected : (n,) ndarray of bool
        Sections where the mass is in the canal; at least one must be False.
    canal, mass : (nx, ny, nz) ndarray of float32
        Signed distances of the canal before the mass, and of the mass, mm.
    grid, line
        Where.

    Returns
    -------
    (nx, ny, nz) ndarray of float32
        mm; unchanged further than 0.5 mm of arc length from affected sections and those beside them.
    """
    affected = affected | _beside_contact(field, affected, mass, grid=grid, line=line)
    known, centroid = _centroids(field, affected, grid=grid, line=line)
    own = canal_sections(field, grid=grid, line=line)[1]
    own = np.where(np.isfinite(own), own, centroid)
    measured = measure_tube(field, grid=grid, line=line, centre=own)
    phi = angles()
    surface = (
        line.points[:, None]
        + (own[:, :1] + measured.radius * np.cos(phi))[..., None] * line.right[:, None]
        + (own[:, 1:] + measured.radius * np.sin(phi))[..., None] * line.anterior[:, None]
    )
    close: NDArray[np.bool_] = np.any(sample_planes(mass, grid=grid, points=surface) < _NEAR_MM, axis=1)
    touched = _widened(close, _BESIDE_MM, line) & affected
    touched |= ~known & ~affected
    middle = canal_sections(canal, grid=grid, line=line)[1]
    inside = known & np.isfinite(middle[:, 0])
    place = [middle[:, k] + np.interp(line.s, line.s[inside], (centroid - middle)[inside, k]) for k in range(2)]
    centre = np.where(np.isfinite(middle), np.stack(place, axis=1), centroid)
    tube = replace(interpolated(measured, touched), centre=centre)
    return _replaced(field, tube, affected, grid=grid, add_only=False)


def _beside_contact(
    field: Distance, affected: NDArray[np.bool_], mass: Distance, *, grid: Grid, line: Centreline
) -> NDArray[np.bool_]:
    """Sections (n,) within 5 mm of contact, unless that leaves less than 5 mm of others."""
    beside = _widened(touched_sections(field, mass, grid=grid, line=line), _BESIDE_MM - _MARGIN_MM, line)
    left = ~(affected | beside) & (canal_sections(field, grid=grid, line=line)[0] > 0)
    enough = left.sum() * (line.s[1] - line.s[0]) >= _BESIDE_MM
    return beside if enough else np.zeros_like(beside)


def _widened(sections: NDArray[np.bool_], by: float, line: Centreline) -> NDArray[np.bool_]:
    margin = int(np.ceil(by / (line.s[1] - line.s[0])))
    wide: NDArray[np.bool_] = np.convolve(sections, np.ones(2 * margin + 1), mode="same") > 0
    return wide


def _centroids(
    field: Distance, affected: NDArray[np.bool_], *, grid: Grid, line: Centreline
) -> tuple[NDArray[np.bool_], Array]:
    """Sections (n,) where a structure is there and unaffected, and its centroids (n, 2) interpolated between them."""
    _, centroid, _ = canal_sections(field, grid=grid, line=line)
    known = ~affected & np.isfinite(centroid[:, 0])
    for k in range(2):
        centroid[:, k] = np.interp(line.s, line.s[known], centroid[known, k])
    return known, centroid


def _replaced(field: Distance, tube: Tube, affected: NDArray[np.bool_], *, grid: Grid, add_only: bool) -> Distance:
    """Put a tube in the place of a structure at the affected sections; `add_only` takes nothing away from it."""
    model = tube_distance(tube, grid=grid)
    near = np.flatnonzero((model.ravel() < 3.0) | (field.ravel() < 3.0))
    points = grid.to_world(np.stack(np.unravel_index(near, field.shape), axis=1))
    _, _, _, nearest = curve_coordinates(tube.line, points)
    weight = np.convolve(affected, [0.25, 0.5, 0.25], mode="same")[nearest]
    old, new = field.ravel()[near], model.ravel()[near]
    new = np.minimum(old, new) if add_only else new
    level = field.copy()
    level.ravel()[near] = (1 - weight) * old + weight * new
    return redistance(level, grid=grid, band=BAND_MM)


def _beside(measured: Tube, usual: Tube, mass: Distance, grid: Grid) -> Tube:
    """Keep every ray that ends at a wall; one that ends at the mass takes the other side's departure from usual.

    A section beside a disc is narrower than those between which it is interpolated, on both sides alike. Where the
    mass took both sides, the section's other rays say by how much.
    """
    to_mass = measure_tube(-mass, grid=grid, line=measured.line, centre=measured.centre).radius
    at_mass = to_mass < measured.radius + _AT_MASS_MM
    taken = at_mass.copy()
    for turn in range(1, _NEIGHBOURS + 1):
        taken |= np.roll(at_mass, turn, axis=1) | np.roll(at_mass, -turn, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(~taken & (usual.radius > 0), measured.radius / usual.radius, np.nan)
    mirrored = ratio[:, (N_ANGLES // 2 - np.arange(N_ANGLES)) % N_ANGLES]
    share = np.full((len(ratio), 1), 1.0)
    some = np.isfinite(ratio).sum(axis=1) >= N_ANGLES // 4
    share[some, 0] = np.nanmedian(ratio[some], axis=1)
    filled = np.where(np.isfinite(mirrored), mirrored, share)
    # No spine is quite symmetric: the two sides' difference at the gap's edges is carried across the gap.
    turn_no = np.arange(N_ANGLES)
    for row in np.flatnonzero(taken.any(axis=1)):
        own = np.isfinite(ratio[row])
        if own.sum() >= N_ANGLES // 4:
            step = ratio[row, own] / filled[row, own]
            filled[row] = filled[row] * np.interp(turn_no, turn_no[own], step, period=N_ANGLES)
    return replace(usual, radius=np.where(taken, usual.radius * filled, measured.radius))
