"""What lay under a mass drawn as a label: bone and canal from each vertebra's mirror image in itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from canalrisk.anatomy.levels import Vertebrae
from canalrisk.anatomy.mirror import Mirror, mask_distance, register_mirror, surface_points
from canalrisk.anatomy.sections import curve_coordinates, sample_planes
from canalrisk.anatomy.spine import Array, Centreline, Distance, Foramen
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding

Mask = NDArray[np.bool_]

# A vertebra this near to the mass may have lost bone to it.
_BESIDE_MM = 8.0
# A surface nearer to the mass than this is where it was cut, not where it ends.
_CUT_MM = 0.75
# Canal wall within this of a vertebra's level moves with that vertebra.
_OWN_CANAL_MM = 9.0
_MARGIN_MM = 8.0
# Wall of a foramen: within this of the root's path, and more than this much of it taken.
_WALL_MM = 7.0
_LOST_MM3 = 20.0


@dataclass(frozen=True, eq=False)
class UnderMass:
    """Anatomy under a mass.

    Parameters
    ----------
    vertebrae : Vertebrae
        With the bone that the mass had replaced.
    canal : (nx, ny, nz) ndarray of bool
        Canal beside and, as far as its mirror image is visible, under the mass.
    unseen : (nx, ny, nz) ndarray of bool
        Mass voxels whose mirror image is mass as well, or at its very edge: nothing is known of what lay there.
    regained : (n, 3) ndarray
        Mass voxels that the mirror image says were bone, mm.
    gap_mm : dict of str to float
        Per level, distance between the visible surfaces and their mirror images; see `Mirror`.
    """

    vertebrae: Vertebrae
    canal: Mask
    unseen: Mask
    regained: Array
    gap_mm: dict[str, float]


def under_mass(
    vertebrae: Vertebrae,
    canal: Mask,
    mass_mask: Mask,
    mass: Distance,
    *,
    grid: Grid,
    line: Centreline,
    landmarks: dict[str, float],
) -> UnderMass:
    """Look at the other side for what a mass drawn as a label replaced.

    Every vertebra beside the mass is laid upon its own mirror image by a rigid fit to the surfaces that the mass
    leaves visible (`register_mirror`), so that a neck bent or turned sideways does no harm. A mass voxel becomes
    bone of a vertebra where its image lies in that vertebra, and else canal where it lies in the canal; between
    vertebrae the images are interpolated along the centreline.

    Parameters
    ----------
    vertebrae : Vertebrae
        As labelled beside the mass.
    canal, mass_mask : (nx, ny, nz) ndarray of bool
        Canal as labelled beside the mass, or as the rings gave it; the mass.
    mass : (nx, ny, nz) ndarray of float32
        Signed distance of the mass, mm.
    grid, line, landmarks
        Grid; centreline and levels of the first guess.

    Returns
    -------
    UnderMass
    """
    canal = canal & ~mass_mask
    where = np.argwhere(mass_mask)
    points = grid.to_world(where)
    s = curve_coordinates(line, points)[0]

    def to_mass(at: Array) -> Array:
        return sample_planes(mass, grid=grid, points=at)

    in_canal = mask_distance(canal, grid=grid, margin_mm=_MARGIN_MM)
    canal_wall = surface_points(canal, grid=grid)
    canal_wall = canal_wall[to_mass(canal_wall) > _CUT_MM]
    wall_s = curve_coordinates(line, canal_wall)[0]
    mirrors: dict[str, Mirror] = {}
    number, depth = np.zeros(len(points), np.int8), np.zeros(len(points))
    for index, level in enumerate(vertebrae.levels, start=1):
        bone = vertebrae.index == index
        bone_wall = surface_points(bone, grid=grid)
        gap = to_mass(bone_wall)
        if gap.min() > _BESIDE_MM:
            continue
        in_bone = mask_distance(bone, grid=grid, margin_mm=_MARGIN_MM)
        own = canal_wall[np.abs(wall_s - landmarks[level]) < _OWN_CANAL_MM]
        walls = ((bone_wall[gap > _CUT_MM], in_bone), (own, in_canal))
        mirrors[level] = register_mirror(walls, to_mass=to_mass, line=line, s=landmarks[level])
        inside = in_bone(mirrors[level].image(points))
        deeper = inside < depth
        number[deeper], depth[deeper] = index, inside[deeper]
    images = _blended(mirrors, points, s, landmarks, line)
    bony = number > 0
    canalward = ~bony & (in_canal(images) < 0)
    hidden = ~bony & ~canalward & (to_mass(images) < _CUT_MM)
    whole = canal.copy()
    whole[tuple(where[canalward].T)] = True
    unseen = np.zeros_like(canal)
    unseen[tuple(where[hidden].T)] = True
    found = _with_bone(vertebrae, where[bony], points[bony], number[bony])
    gaps = {level: mirror.gap_mm for level, mirror in mirrors.items()}
    return UnderMass(found, whole, unseen, points[bony], gaps)


def _blended(
    mirrors: dict[str, Mirror], points: Array, s: Array, landmarks: dict[str, float], line: Centreline
) -> Array:
    """Mirror images (n, 3) interpolated in arc length between the vertebrae's own."""
    levels = sorted(mirrors, key=lambda level: landmarks[level])
    if not levels:
        _, right, _, nearest = curve_coordinates(line, points)
        image: Array = points - 2.0 * right[:, None] * line.right[nearest]
        return image
    place = np.interp(s, [landmarks[level] for level in levels], np.arange(float(len(levels))))
    image = np.zeros_like(points)
    for k, level in enumerate(levels):
        image += np.maximum(0.0, 1.0 - np.abs(place - k))[:, None] * mirrors[level].image(points)
    return image


def _with_bone(vertebrae: Vertebrae, where: NDArray[np.intp], points: Array, number: NDArray[np.int8]) -> Vertebrae:
    index, bone = vertebrae.index.copy(), vertebrae.bone.copy()
    index[tuple(where.T)] = number
    bone[tuple(where.T)] = True
    whole = {
        level: np.concatenate([vertebrae.points[level], points[number == k]])
        for k, level in enumerate(vertebrae.levels, start=1)
    }
    return replace(vertebrae, index=index, bone=bone, points=whole)


def foramina_with_walls(
    foramina: tuple[Foramen, ...], under: UnderMass, *, grid: Grid
) -> tuple[tuple[Foramen, ...], list[Finding]]:
    """Say which foramina have a mirrored wall; mark those of which nothing is known, with a Finding each."""
    unseen = grid.to_world(np.argwhere(under.unseen))
    marked, findings = [], []
    for foramen in foramina:
        path = cKDTree(foramen.path)
        lost, mirrored = (
            float((path.query(points)[0] < _WALL_MM).sum() * grid.voxel_volume) > _LOST_MM3 if len(points) else False
            for points in (unseen, under.regained)
        )
        marked.append(replace(foramen, wall_replaced=lost))
        if not lost and not mirrored:
            continue
        message = "The mass, drawn as a label, replaced part of the foramen's wall: " + (
            "on the other side too, so that nothing is measured here."
            if lost
            else "the mirror image of its vertebrae stands for it."
        )
        findings.append(Finding("FORAMEN-WALL-REPLACED", "warning", f"{foramen.name} {foramen.side}", message))
    return tuple(marked), findings
