"""Canal, sac and cord as they were before a mass took their place: interpolated from unaffected sections."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from canalrisk.anatomy.centreline import canal_sections
from canalrisk.anatomy.levels import Vertebrae
from canalrisk.anatomy.sections import curve_coordinates
from canalrisk.anatomy.spine import Array, Centreline, Distance, Foramen
from canalrisk.anatomy.tube import N_ANGLES, STEP_MM, Tube, interpolated, measure_tube, rays, tube_distance
from canalrisk.field import redistance
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding

# Beyond the usual wall of the canal by less than this, a mass may have taken part of it.
_NEAR_MM = 1.0
_MARGIN_MM = 1.5
# A ray whose wall lies this near to the mass ends at the mass, with its neighbours of 6 degrees.
_AT_MASS_MM = 0.75
_NEIGHBOURS = 2
# Wall of a foramen: within this of the root's path, and more than this much of bone taken.
_WALL_MM = 7.0
_LOST_MM3 = 20.0


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
    field: Distance,
    affected: NDArray[np.bool_],
    *,
    grid: Grid,
    line: Centreline,
    replaced_by: Distance | None = None,
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
    replaced_by : (nx, ny, nz) ndarray of float32, optional
        Signed distance of the mass, mm: for the canal, of which a mass has taken what lies under it and left the
        rest. Without it, as for sac and cord, which a mass deforms, whole sections are interpolated.

    Returns
    -------
    (nx, ny, nz) ndarray of float32
        mm; unchanged further than 0.5 mm of arc length from affected sections.
    """
    _, centroid, _ = canal_sections(field, grid=grid, line=line)
    known = ~affected & np.isfinite(centroid[:, 0])
    for k in range(2):
        centroid[:, k] = np.interp(line.s, line.s[known], centroid[known, k])
    measured = measure_tube(field, grid=grid, line=line, centre=centroid)
    tube = interpolated(measured, ~known)
    if replaced_by is not None:
        tube = _beside(measured, tube, replaced_by, grid)
    model = tube_distance(tube, grid=grid)
    near = np.flatnonzero((model.ravel() < 3.0) | (field.ravel() < 3.0))
    points = grid.to_world(np.stack(np.unravel_index(near, field.shape), axis=1))
    _, _, _, nearest = curve_coordinates(line, points)
    weight = np.convolve(affected, [0.25, 0.5, 0.25], mode="same")[nearest]
    old, new = field.ravel()[near], model.ravel()[near]
    new = new if replaced_by is None else np.minimum(old, new)
    level = field.copy()
    level.ravel()[near] = (1 - weight) * old + weight * new
    return redistance(level, grid=grid, band=15.0)


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


def bone_restored(
    vertebrae: Vertebrae, mass: NDArray[np.bool_], canal: Distance, *, grid: Grid, line: Centreline
) -> tuple[Vertebrae, Array]:
    """Vertebrae with the bone that a mass replaced, taken from the patient's other side.

    Parameters
    ----------
    vertebrae : Vertebrae
        As labelled beside the mass.
    mass : (nx, ny, nz) ndarray of bool
        The mass.
    canal : (nx, ny, nz) ndarray of float32
        Signed distance of the canal before the mass, mm: no bone is put into it.
    grid : Grid
        Their grid.
    line : Centreline
        Oriented; its mid-sagittal plane is the mirror.

    Returns
    -------
    vertebrae : Vertebrae
        A mass voxel outside the canal carries the vertebra found at its mirror image.
    replaced : (n, 3) ndarray
        Mass voxels outside the canal that lay in bone by that image, or whose mirror image is mass too, mm.
    """
    where = np.argwhere(mass & (canal > 0))
    points = grid.to_world(where)
    s, right, anterior, nearest = curve_coordinates(line, points)
    ahead = (s - line.s[nearest])[:, None] * line.tangent[nearest]
    mirror = line.points[nearest] - right[:, None] * line.right[nearest] + anterior[:, None] * line.anterior[nearest]
    voxel = np.rint(grid.to_voxel(mirror + ahead)).astype(np.int64)
    inside = ((voxel >= 0) & (voxel < np.array(grid.shape))).all(axis=1)
    at = tuple(np.clip(voxel, 0, np.array(grid.shape) - 1).T)
    found = np.where(inside, vertebrae.index[at], 0)
    replaced = points[inside & (mass[at] | (found > 0))]
    index, bone = vertebrae.index.copy(), vertebrae.bone.copy()
    gained = found > 0
    index[tuple(where[gained].T)] = found[gained]
    bone[tuple(where[gained].T)] = True
    whole = {
        level: np.concatenate([vertebrae.points[level], points[found == number]])
        for number, level in enumerate(vertebrae.levels, start=1)
    }
    return replace(vertebrae, index=index, bone=bone, points=whole), replaced


def foramina_with_walls(
    foramina: tuple[Foramen, ...], replaced: Array, *, grid: Grid
) -> tuple[tuple[Foramen, ...], list[Finding]]:
    """Mark the foramina of whose walls a mass, drawn as a label, may have replaced a part, with a Finding each."""
    marked, findings = [], []
    for foramen in foramina:
        near = cKDTree(foramen.path).query(replaced)[0] < _WALL_MM if len(replaced) else np.zeros(0, bool)
        if near.sum() * grid.voxel_volume <= _LOST_MM3:
            marked.append(foramen)
            continue
        marked.append(replace(foramen, wall_replaced=True))
        message = (
            "The mass, drawn as a label, replaced part of the foramen's wall: the other side's mirror image "
            "stands for it, and nothing is measured where the mass replaced that too."
        )
        findings.append(Finding("FORAMEN-WALL-REPLACED", "warning", f"{foramen.name} {foramen.side}", message))
    return tuple(marked), findings
