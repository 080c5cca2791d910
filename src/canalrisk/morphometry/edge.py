"""How far the edge of a segmented structure may be off, and the structure with its edge moved by that much.

One number per structure, `edge_mm`: the 95 % limit of the distance between the drawn edge and the true one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from canalrisk.anatomy.spine import Distance, Spine
from canalrisk.errors import UsageError
from canalrisk.field import volume
from canalrisk.field.grid import Grid

STRUCTURES: Final = ("bone", "canal", "sac", "cord", "mass")
"""What has an edge of its own; ``bone`` includes the discs, ``cord`` is the pre-lesion and today's."""

_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "bone": ("bone",),
    "canal": ("canal",),
    "sac": ("sac",),
    "cord": ("cord", "cord_measured"),
    "mass": ("mass",),
}
# Of a normal error the mean size is sqrt(2/pi) standard deviations, and 95 % lie within 1.96 of them.
_LIMIT_PER_MEAN: Final = 1.959964 * float(np.sqrt(np.pi / 2.0))
_SURFACE_STEP_MM: Final = 0.1

Edge = float | Mapping[str, float] | None


def edge_from_surface_distance(mean_mm: float) -> float:
    """Edge error from a mean surface distance, as validation studies of segmentations report it.

    Parameters
    ----------
    mean_mm : float
        Average symmetric surface distance between two segmentations of one structure, mm. A stated 95th percentile
        (HD95) needs no conversion: it is `edge_mm` itself.

    Returns
    -------
    float
        mm; 1.96 sqrt(pi / 2) = 2.46 times the mean, the 95 % limit of a normal error without bias.

    Raises
    ------
    UsageError
        If the distance is negative or not finite.
    """
    if not 0.0 <= mean_mm < np.inf:
        raise UsageError(f"a surface distance of {mean_mm:g} mm", where="mean_mm", fix="give 0 or more, in mm")
    return _LIMIT_PER_MEAN * mean_mm


def edge_from_dice(dice: float, field: Distance, *, grid: Grid) -> float:
    """Edge error from a Dice coefficient.

    An edge that is off by e(x) gains or loses the volume of |e| over the surface S, so that to first order
    1 - Dice = S mean|e| / (2 V), whether e is a bias or noise.

    Parameters
    ----------
    dice : float
        Dice coefficient of the segmentation against what is held for true, in (0, 1].
    field : (nx, ny, nz) ndarray
        Signed distance of the segmented structure, mm: a Dice means little without the structure's size.
    grid : Grid
        Its grid.

    Returns
    -------
    float
        mm; `edge_from_surface_distance` of mean|e|.

    Raises
    ------
    UsageError
        If `dice` is no Dice coefficient, or the structure is empty.
    """
    if not 0.0 < dice <= 1.0:
        raise UsageError(f"a Dice coefficient of {dice:g}", where="dice", fix="give a fraction above 0 and up to 1")
    outer, inner = (volume(field, grid=grid, level=level) for level in (_SURFACE_STEP_MM, -_SURFACE_STEP_MM))
    surface = (outer - inner) / (2.0 * _SURFACE_STEP_MM)
    if surface <= 0.0:
        raise UsageError("the structure is empty", where="field", fix="give the signed distance of a structure")
    return edge_from_surface_distance(2.0 * (1.0 - dice) * volume(field, grid=grid) / surface)


def half_voxel(field: Distance, *, grid: Grid) -> float | Distance:
    """Half the voxel along the boundary's normal, mm: how far a label's edge may be off at the least.

    An edge rounded to the voxels is off by a uniform error of +- half a voxel, whose 95 % limit (1.96 standard
    deviations of 1 / sqrt(12)) is 0.57 voxels.

    Parameters
    ----------
    field : (nx, ny, nz) ndarray of float32
        Signed distance, mm.
    grid : Grid
        Its grid.

    Returns
    -------
    float or (nx, ny, nz) ndarray of float32
        A number where voxels are cubes; else half of sqrt(sum (n_i h_i)^2), with n the normal and h the spacing.
    """
    spacing = grid.spacing
    if np.ptp(spacing) < 0.01 * spacing.min():
        return 0.5 * float(spacing.mean())
    square = np.zeros(field.shape, np.float32)
    weighted = np.zeros(field.shape, np.float32)
    for axis, h in enumerate(spacing.tolist()):
        slope = np.gradient(field, h, axis=axis) ** 2
        square += slope
        weighted += np.float32(h * h) * slope
    # Beyond the band the distance is constant and the edge far away.
    known = square > 1e-6
    mean = np.float32(np.mean(spacing))
    size: Distance = np.sqrt(weighted, out=np.full_like(weighted, mean), where=known)
    np.divide(size, np.sqrt(square, where=known, out=np.ones_like(square)), out=size, where=known)
    return np.float32(0.5) * size


def edge_of(name: str, field: Distance, *, grid: Grid, edge_mm: Edge) -> float | Distance:
    """Edge error of one structure: as stated for it or for all, half a voxel where nothing is stated."""
    stated = edge_mm.get(name) if isinstance(edge_mm, Mapping) else edge_mm
    return half_voxel(field, grid=grid) if stated is None else float(stated)


def fields_of(name: str) -> tuple[str, ...]:
    """Signed distances of a Spine that share the edge error of a structure."""
    return _FIELDS[name]


def check_edge(edge_mm: Edge) -> None:
    """Refuse an edge error that is no length, or of a structure that nobody knows.

    Raises
    ------
    UsageError
        What is wrong with it.
    """
    stated = dict(edge_mm) if isinstance(edge_mm, Mapping) else {"all": 0.0 if edge_mm is None else edge_mm}
    for name, value in stated.items():
        if name not in (*STRUCTURES, "all"):
            raise UsageError(f"no structure '{name}'", where="edge_mm", fix=f"one of {', '.join(STRUCTURES)}")
        if not 0.0 <= value <= 5.0:
            raise UsageError(
                f"an edge error of {value:g} mm",
                where=f"edge_mm, {name}",
                fix="give 0 to 5 mm; leave out for half a voxel",
            )


def moved_edges(spine: Spine, sense: Mapping[str, float], *, edge_mm: Edge = None) -> Spine:
    """Spine whose structures' edges are moved.

    Parameters
    ----------
    spine : Spine
        As segmented.
    sense : mapping of str to float
        Structure (`STRUCTURES`) to how many times its edge error it moves outwards, negative inwards.
    edge_mm : float or mapping, optional
        Edge error of all structures or by structure, mm; half a voxel along the normal where not given.

    Returns
    -------
    Spine
        The centreline and the landmarks stay where they are, so that sections can be compared one to one.
    """
    moved: dict[str, Distance] = {}
    for name, times in sense.items():
        for part in _FIELDS[name]:
            field = getattr(spine, part)
            if field is not None:
                by = edge_of(name, field, grid=spine.grid, edge_mm=edge_mm)
                moved[part] = field - np.asarray(times * by, np.float32)
    return replace(spine, **moved)  # type: ignore[arg-type]  # all are distances
