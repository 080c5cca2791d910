"""A vertebra's mirror image in itself: fitted rigidly on the bone and canal wall that a mass leaves visible."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from canalrisk.anatomy.sections import point_at, sample_planes
from canalrisk.anatomy.spine import Array, Centreline
from canalrisk.field.grid import Grid

Mask = NDArray[np.bool_]
Sampled = Callable[[Array], Array]

# Points on a surface and the distance to that same surface, which their mirror images should meet.
Wall = tuple[Array, Sampled]

_POINTS = 4000
_FEWEST = 200
# A point this much further from the mass than another counts for half of it: the fit is to serve beside the mass.
_NEAR_MM = 8.0
# Gaps beyond these are another surface, or no correspondence at all.
_SOFT_MM, _FARTHEST_MM = 0.5, 4.0
# What little is visible must not turn a vertebra over: about 20 degrees and 20 mm weigh as much as a gap of 0.6 mm.
_STIFF_PER_MM, _LEVER_MM = 0.03, 15.0
_ROUNDS = 3


@dataclass(frozen=True, eq=False)
class Mirror:
    """Where a point's counterpart on the other side lies: ``matrix @ point + offset``, mm.

    `gap_mm` is the root of the mean (robust) square of the distance between the visible surfaces and their images;
    NaN where too little was visible and the mid-sagittal plane of the centreline's frame stands for the fit.
    """

    matrix: Array
    offset: Array
    gap_mm: float

    def image(self, points: Array) -> Array:
        """Counterparts (n, 3) of `points` (n, 3), mm."""
        moved: Array = points @ self.matrix.T + self.offset
        return moved


def register_mirror(walls: Sequence[Wall], *, to_mass: Sampled, line: Centreline, s: float) -> Mirror:
    """Fit the reflection, turned and shifted, that lays a vertebra's visible surfaces upon themselves.

    Parameters
    ----------
    walls : sequence of (points, distance)
        Visible surface points (n, 3), mm, and a function from points to the signed distance of that surface, mm.
    to_mass : callable
        Signed distance of the mass at points, mm: an image counts only where no nearer surface may be hidden.
    line : Centreline
        Its mid-sagittal plane at arc length `s` is where the search starts.
    s : float
        Level of the vertebra, mm.

    Returns
    -------
    Mirror
    """
    centre, normal, _, _ = point_at(line, s)
    flip = np.eye(3) - 2.0 * np.outer(normal, normal)

    def at(q: Array, gap: float = float("nan")) -> Mirror:
        matrix = Rotation.from_rotvec(q[:3]).as_matrix() @ flip
        return Mirror(matrix, centre + q[3:] - matrix @ centre, gap)

    thinned = [(points[:: max(1, len(points) // _POINTS)], distance) for points, distance in walls]
    weight = [np.sqrt(1.0 / (1.0 + (to_mass(points) / _NEAR_MM) ** 2)) for points, _ in thinned]
    q, gap = np.zeros(6), float("nan")
    for _ in range(_ROUNDS):
        seen = [_visible(at(q).image(points), distance, to_mass) for points, distance in thinned]
        if sum(int(part.sum()) for part in seen) < _FEWEST:
            return at(np.zeros(6))
        total = np.sqrt(sum(float((w[part] ** 2).sum()) for w, part in zip(weight, seen, strict=True)))

        def gaps(q: Array, seen: list[Mask] = seen, total: float = total) -> Array:
            mirror = at(q)
            rows = [
                w[part] * _softened(distance(mirror.image(points[part])))
                for (points, distance), w, part in zip(thinned, weight, seen, strict=True)
            ]
            held = _STIFF_PER_MM * np.concatenate([_LEVER_MM * q[:3], q[3:]])
            return np.concatenate([np.concatenate(rows) / total, held])

        fit = least_squares(gaps, q, x_scale=np.repeat([1.0 / _LEVER_MM, 1.0], 3), diff_step=1e-3)
        q, gap = fit.x, float(np.sqrt((fit.fun[:-6] ** 2).sum()))
    return at(q, gap)


def _visible(images: Array, distance: Sampled, to_mass: Sampled) -> Mask:
    off = np.abs(distance(images))
    seen: Mask = (off < to_mass(images)) & (off < _FARTHEST_MM)
    return seen


def _softened(gap: Array) -> Array:
    """Square root of the soft-l1 loss: quadratic for small gaps, linear for those of two different surfaces."""
    scaled = np.clip(gap, -_FARTHEST_MM, _FARTHEST_MM) / _SOFT_MM
    root: Array = _SOFT_MM * np.sqrt(2.0 * (np.sqrt(1.0 + scaled**2) - 1.0))
    return root


def surface_points(mask: Mask, *, grid: Grid) -> Array:
    """Centres (n, 3) of the mask's outermost voxels, mm."""
    low, high = _box(mask, margin_mm=2.0, grid=grid)
    part = mask[_window(low, high)]
    return grid.to_world(np.argwhere(part & ~ndimage.binary_erosion(part, border_value=1)) + low)


def mask_distance(mask: Mask, *, grid: Grid, margin_mm: float) -> Sampled:
    """Signed distance of a mask's voxels as a function of world points; far outside beyond the margin, mm."""
    low, high = _box(mask, margin_mm=margin_mm, grid=grid)
    part = mask[_window(low, high)]
    outside, inside = (ndimage.distance_transform_edt(m, sampling=grid.spacing) for m in (~part, part))
    # Between voxel centres: the step from -spacing to +spacing across the boundary leaves the zero where it is.
    values, local = np.asarray(outside - inside, np.float32), grid.crop(low, high)
    return lambda points: sample_planes(values, grid=local, points=points)


def _box(mask: Mask, *, margin_mm: float, grid: Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    used = [np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis))) for axis in range(3)]
    pad = np.ceil(margin_mm / grid.spacing).astype(np.int64)
    low = np.maximum(np.array([part[0] for part in used]) - pad, 0)
    return low, np.minimum(np.array([part[-1] + 1 for part in used]) + pad, mask.shape)


def _window(low: NDArray[np.int64], high: NDArray[np.int64]) -> tuple[slice, ...]:
    return tuple(slice(a, b) for a, b in zip(low.tolist(), high.tolist(), strict=True))
