"""The mass itself: size, where it lies, what it touches, what bone it replaced, how near it comes to what matters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from canalrisk.anatomy.arteries import SIDES
from canalrisk.anatomy.sections import (
    HALF_WIDTH_MM,
    curve_coordinates,
    level_at,
    negative_runs,
    offsets,
    sample_planes,
)
from canalrisk.anatomy.spine import Array, Distance, Spine
from canalrisk.evidence import recalled_findings, rows
from canalrisk.field import signed_distance, volume, zero_points
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding
from canalrisk.morphometry.nearness import Mass, Nearest, nearest

# Surfaces this near touch: two segmented boundaries that coincide are at most half a voxel apart.
CONTACT_MM = 0.5
# A mass belongs to the side that holds this much of it.
ONE_SIDED = 0.75
# The shell whose volume over its thickness is the surface's area reaches this many voxels to either side.
_SHELL_VOXELS = 0.5
_WHOLE = np.ones((3, 3, 3), bool)
PARTS = ("in front of the canal", "beside the canal", "behind the canal")


@dataclass(frozen=True, eq=False)
class Structure:
    """Points on a structure's surface (n, 3) mm, or on its axis with a radius, mm."""

    points: Array
    radius: float = 0.0


@dataclass(frozen=True, eq=False)
class Neighbours:
    """What a mass is measured against, the same for every snapshot.

    `owner` finds the vertebra (0-based) of surface points by `owner_of`; `half_width` (section,) mm of the canal;
    `roots` by foramen and side.
    """

    owner: cKDTree
    owner_of: NDArray[np.int8]
    half_width: Array
    cord: Structure
    sac: Structure
    roots: dict[tuple[str, str], Structure]
    findings: tuple[Finding, ...]


def prepare_neighbours(spine: Spine) -> Neighbours:
    """Collect surfaces of vertebrae, cord, sac and roots; a root that is not labelled is a tube about its path."""
    # By the labels: the bone's own edge may have been moved further than a voxel to see what that changes.
    inside = spine.vertebra_of > 0
    where = np.argwhere(inside & ~ndimage.binary_erosion(inside))
    owner_of = spine.vertebra_of[tuple(where.T)] - 1
    roots, recalled, inferred = {}, [], []
    for foramen in spine.foramina:
        mask = spine.soft.get(f"root:{foramen.root}:{foramen.side}")
        if mask is not None and mask.any():
            roots[foramen.name, foramen.side] = Structure(_surface(mask, spine.grid))
            continue
        (width,) = rows("mechanics", quantity="root_width_at_foramen_entry", level=foramen.root)
        roots[foramen.name, foramen.side] = Structure(foramen.path, 0.5 * width.value)
        recalled.append(width)
        inferred.append(f"{foramen.root} {foramen.side}")
    findings = list(recalled_findings(recalled))
    if inferred:
        message = (
            "These roots are not labelled: the distance to the mass is that from the root's inferred path, less half "
            "the published width of the root at the foramen's entry (11 cadavers)."
        )
        findings.append(Finding("ROOT-INFERRED", "info", ", ".join(inferred), message))
    return Neighbours(
        owner=cKDTree(spine.grid.to_world(where)),
        owner_of=owner_of,
        half_width=_half_width(spine),
        cord=Structure(zero_points(spine.cord, grid=spine.grid)),
        sac=Structure(zero_points(spine.sac, grid=spine.grid)),
        roots=roots,
        findings=tuple(findings),
    )


def _half_width(spine: Spine) -> Array:
    """Half the width (section,) mm of the canal, to the right and left of its centreline."""
    line = spine.centreline
    across = offsets(HALF_WIDTH_MM, 0.5)
    points = line.points[:, None] + across[None, :, None] * line.right[:, None]
    inside = sample_planes(spine.canal, grid=spine.grid, points=points)
    half: Array = 0.5 * negative_runs(inside, step=0.5)[:, 1]
    return half


def _surface(mask: NDArray[np.bool_], grid: Grid) -> Array:
    box = ndimage.find_objects(mask.astype(np.int8))[0]
    low = np.maximum([part.start - 6 for part in box], 0)
    high = np.minimum([part.stop + 6 for part in box], mask.shape)
    window = tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))
    local = grid.crop(low, high)
    return zero_points(signed_distance(mask[window], grid=local, band=3.0), grid=local)


def measure_mass(spine: Spine, neighbours: Neighbours, mass: Mass | None) -> dict[str, Any]:
    """Measure a mass.

    Parameters
    ----------
    spine : Spine
    neighbours : Neighbours
        From `prepare_neighbours`.
    mass : Mass, optional
        From `canalrisk.morphometry.nearness.mass_of`.

    Returns
    -------
    dict
        Values of the ``mass_...`` variables that need no canal section, and ``mass_bone_replaced``.
    """
    levels, sides = len(spine.levels), len(SIDES)
    names = list(dict.fromkeys(foramen.name for foramen in spine.foramina))
    if mass is None:
        nothing: dict[str, Any] = dict.fromkeys(_NUMBERS, np.nan) | dict.fromkeys(_WORDS, "none")
        nothing |= {"mass_surface_area": 0.0, "mass_components": 0, "mass_largest_component": 0.0}
        return nothing | {
            "mass_contact_area": np.zeros(levels),
            "mass_contact_part": np.full(levels, "none"),
            "mass_bone_replaced": np.zeros(levels),
            "mass_root_clearance": np.full((len(names), sides), np.nan),
        }
    near, grid, bone = mass.near, mass.local, np.ascontiguousarray(spine.bone[mass.window])
    pieces, count = ndimage.label(near < 0, structure=_WHOLE)
    sizes = np.bincount(pieces.ravel())[1:]
    total = volume(near, grid=grid)
    found: dict[str, Any] = {
        "mass_surface_area": surface_area(near, grid=grid),
        "mass_components": count,
        "mass_largest_component": float(total * sizes.max() / sizes.sum()),
        **contact(spine, neighbours, mass, bone),
        "mass_bone_replaced": replaced_volumes(spine, neighbours, mass, bone),
    }
    found |= _place(spine, grid.to_world(np.argwhere(near < 0)))
    for name, structure in (("cord", neighbours.cord), ("sac", neighbours.sac)):
        close = nearest(mass, structure.points)
        found[f"mass_{name}_nearest_s"], found[f"mass_{name}_nearest_level"] = _where(spine, close)
        if name == "sac":
            found["mass_sac_clearance"] = np.nan if close is None else close.distance
    roots = np.full((len(names), sides), np.nan)
    for (foramen, side), structure in neighbours.roots.items():
        close = nearest(mass, structure.points, radius=structure.radius)
        if close is not None:
            roots[names.index(foramen), SIDES.index(side)] = close.distance
    return found | {"mass_root_clearance": roots}


_NUMBERS = (
    "mass_share_left",
    "mass_share_dorsal",
    "mass_reach_left",
    "mass_reach_right",
    "mass_length",
    "mass_sac_clearance",
    "mass_cord_nearest_s",
    "mass_sac_nearest_s",
)
_WORDS = ("mass_side", "mass_level_top", "mass_level_bottom", "mass_cord_nearest_level", "mass_sac_nearest_level")


def surface_area(mass: Distance, *, grid: Grid) -> float:
    """Area of the zero level, mm2: volume of a thin shell over its thickness (the coarea formula).

    The parallel surfaces' areas differ by a term linear in their distance, which cancels between the two sides, and
    one of second order: 4 pi / 3 times the square of half the thickness for a closed surface like a ball.
    """
    half = _SHELL_VOXELS * float(grid.spacing.min())
    return (volume(mass, grid=grid, level=half) - volume(mass, grid=grid, level=-half)) / (2.0 * half)


def contact(spine: Spine, neighbours: Neighbours, mass: Mass, bone: Distance) -> dict[str, Any]:
    """Area (vertebra,) mm2 of the mass's surface that lies in bone or within 0.5 mm of it, and where most of it is."""
    half = _SHELL_VOXELS * float(mass.local.spacing.min())
    within = bone - np.float32(CONTACT_MM)
    outer, inner = (volume(np.maximum(mass.near + np.float32(d), within), grid=mass.local) for d in (-half, half))
    shell = np.where(np.abs(mass.near) < half, _inside(within, mass.local), 0.0)
    where = np.argwhere(shell > 0)
    owner, weight = _owners(spine, neighbours, mass, where), shell[tuple(where.T)]
    _, right, anterior, nearest_section = curve_coordinates(spine.centreline, mass.local.to_world(where))
    aside = np.abs(right) > neighbours.half_width[nearest_section]
    part = np.where(aside, 1, np.where(anterior > 0, 0, 2))
    by = np.zeros((len(spine.levels), len(PARTS)))
    np.add.at(by, (owner, part), weight)
    area = max(0.0, outer - inner) / (2.0 * half)
    touched = by.sum(axis=1)
    return {
        "mass_contact_area": area * touched / max(touched.sum(), 1e-9),
        "mass_contact_part": np.where(touched > 0, np.array(PARTS)[by.argmax(axis=1)], "none"),
    }


def replaced_volumes(spine: Spine, neighbours: Neighbours, mass: Mass, bone: Distance) -> Array:
    """Volume (vertebra,) mm3 common to the mass and the bone as it was before."""
    both = np.maximum(mass.near, bone)
    return _shared(spine, neighbours, mass, _inside(both, mass.local), volume(both, grid=mass.local))


def _inside(level: Distance, grid: Grid) -> Array:
    """Share of each voxel below zero, as if its boundary lay across the array axes."""
    share: Array = np.clip(0.5 - level.astype(np.float64) / float(grid.spacing.mean()), 0.0, 1.0)
    return share


def _shared(spine: Spine, neighbours: Neighbours, mass: Mass, weight: Array, total: float) -> Array:
    """Divide a total among the vertebrae (vertebra,) by the weights of voxels."""
    where = np.argwhere(weight > 0)
    owner = _owners(spine, neighbours, mass, where)
    part = np.bincount(owner, weights=weight[tuple(where.T)], minlength=len(spine.levels))
    share: Array = total * part / max(part.sum(), 1e-9)
    return share


def _owners(spine: Spine, neighbours: Neighbours, mass: Mass, where: NDArray[np.intp]) -> NDArray[np.intp]:
    """Vertebra of each voxel (n, 3) of the mass's window: its own, outside bone the nearest."""
    owner: NDArray[np.intp] = spine.vertebra_of[mass.window][tuple(where.T)].astype(np.intp) - 1
    outside = owner < 0
    if outside.any():
        _, at = neighbours.owner.query(mass.local.to_world(where[outside]))
        owner[outside] = neighbours.owner_of[at]
    return owner


def _place(spine: Spine, points: Array) -> dict[str, Any]:
    """Sides, ends and levels of the voxels (n, 3) mm of a mass, in the canal's own frame."""
    s, right, anterior, _ = curve_coordinates(spine.centreline, points)
    half = 0.5 * float(spine.grid.spacing.max())
    left = float((right < 0).mean())
    vertebrae = {level: spine.landmarks[level] for level in spine.levels}
    top, bottom = (min(vertebrae, key=lambda level: abs(vertebrae[level] - end)) for end in (s.max(), s.min()))
    return {
        "mass_share_left": left,
        "mass_share_dorsal": float((anterior < 0).mean()),
        "mass_side": "left" if left >= ONE_SIDED else "right" if left <= 1.0 - ONE_SIDED else "both",
        "mass_reach_left": float(-right.min() + half),
        "mass_reach_right": float(right.max() + half),
        "mass_length": float(np.ptp(s) + 2.0 * half),
        "mass_level_top": top,
        "mass_level_bottom": bottom,
    }


def _where(spine: Spine, close: Nearest | None) -> tuple[float, str]:
    if close is None:
        return float("nan"), "none"
    s = float(curve_coordinates(spine.centreline, close.point[None])[0][0])
    return s, level_at(spine, s)
