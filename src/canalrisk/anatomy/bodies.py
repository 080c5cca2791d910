"""Vertebral bodies: how deep they are, and which way their end plates and posterior walls run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.sections import point_at, sample_planes
from canalrisk.anatomy.spine import Array, Spine
from canalrisk.field.grid import Grid

# A body is looked for between these distances in front of the canal's centreline, mm.
_NEAREST_MM, _FURTHEST_MM = 3.0, 45.0
_STEP_MM = 0.25
# Rays beside the midline, within the basivertebral waist, and sections about the middle: 3 mm of a clinical scan.
_BESIDE_MM = (-2.0, 0.0, 2.0)
_HALF_MM = 1.5
# End plates and posterior walls are planes through the middle of the body: rims and spurs are left out.
_HALF_WIDTH_MM = 5.0
_MIDDLE = 0.7
_TALLEST_MM = 20.0
_DEPTH_RANGE_MM = (6.0, 35.0)
# A column that leaves its plane by more than this many robust standard deviations is a spur or a hole.
_OUTLIER = 2.5


@dataclass(frozen=True, eq=False)
class Body:
    """One vertebral body.

    `depth` mm, antero-posterior at mid height; `lower`, `upper`, `behind` (3,) unit vectors in the sagittal plane:
    along the lower and the upper end plate forwards, along the posterior wall upwards; not a number where not found.
    """

    depth: float
    lower: Array
    upper: Array
    behind: Array


_NONE: Final = np.full(3, np.nan)
MISSING: Final = Body(float("nan"), _NONE, _NONE, _NONE)


def find_body(spine: Spine, level: str) -> Body:
    """Measure the body of one vertebra.

    Parameters
    ----------
    spine : Spine
        Its bone is that before the mass.
    level : str
        ``C2`` to ``T1``.

    Returns
    -------
    Body
        All not a number where the vertebra is absent, has no body (C1) or lies beyond the sections.

    Notes
    -----
    The depth runs from the first to the last bone of the vertebra in front of the canal, on rays of the canal's frame
    at mid height, median over 3 mm of height and 4 mm of width. End plates and posterior wall are least-squares planes,
    outliers left out, through where columns that start in the middle of the body leave its bone: means of a hollow
    surface, not the line between two rims that a reader draws.
    """
    line, place = spine.centreline, spine.landmarks.get(level)
    if level not in spine.levels or level == "C1" or place is None or not line.s[0] <= place <= line.s[-1]:
        return MISSING
    number = spine.levels.index(level) + 1
    back, front = _span(spine, number, place)
    if not _DEPTH_RANGE_MM[0] <= front - back <= _DEPTH_RANGE_MM[1]:
        return MISSING
    centre, right, anterior, tangent = point_at(line, place)
    middle = centre + 0.5 * (back + front) * anterior
    forward = np.linspace(-0.5 * _MIDDLE, 0.5 * _MIDDLE, 13) * (front - back)
    across = np.linspace(-_HALF_WIDTH_MM, _HALF_WIDTH_MM, 11)
    plates, extent = [], []
    for way in (-tangent, tangent):
        reach = _leaves(spine, number, middle, along=forward, first=anterior, across=across, second=right, way=way)
        slope = _slope(forward, across, reach)
        plates.append(_unit(anterior + slope * way))
        known = reach[np.isfinite(reach)]
        extent.append(float(np.median(known)) if len(known) else float("nan"))
    if not all(np.isfinite(extent)):
        return Body(front - back, plates[0], plates[1], _NONE)
    upward = np.linspace(-_MIDDLE * extent[0], _MIDDLE * extent[1], 9)
    reach = _leaves(spine, number, middle, along=upward, first=tangent, across=across, second=right, way=-anterior)
    wall = _unit(tangent - _slope(upward, across, reach) * anterior)
    return Body(front - back, plates[0], plates[1], wall)


def _span(spine: Spine, number: int, place: float) -> tuple[float, float]:
    """Back and front of the body in front of the centreline, mm, at mid height."""
    line = spine.centreline
    near = np.flatnonzero(np.abs(line.s - place) <= _HALF_MM)
    t = np.arange(_NEAREST_MM, _FURTHEST_MM, _STEP_MM)
    start = line.points[near, None] + np.array(_BESIDE_MM)[None, :, None] * line.right[near, None]
    points = start[:, :, None] + t[None, None, :, None] * line.anterior[near, None, None]
    level = _level_of(spine, number, points).reshape(-1, len(t))
    level = level[(level < 0).any(axis=1) & (level[:, 0] >= 0) & (level[:, -1] >= 0)]
    if not len(level):
        return float("nan"), float("nan")
    back = np.median([_first_zero(t, row) for row in level])
    front = np.median([_first_zero(t[::-1], row[::-1]) for row in level])
    return float(back), float(front)


def _first_zero(t: Array, row: Array) -> float:
    """Place at which values, positive at first, become negative."""
    i = int(np.argmax(row < 0))
    return float(t[i - 1] + (t[i] - t[i - 1]) * row[i - 1] / (row[i - 1] - row[i]))


def _leaves(
    spine: Spine,
    number: int,
    middle: Array,
    *,
    along: Array,
    first: Array,
    across: Array,
    second: Array,
    way: Array,
) -> Array:
    """Distance (n, m) mm from a plane through the body's middle at which columns leave the bone, or NaN."""
    t = np.arange(0.0, _TALLEST_MM, _STEP_MM)
    start = middle + along[:, None, None] * first + across[None, :, None] * second
    level = _level_of(spine, number, start[:, :, None] + t[:, None] * way)
    out = np.argmax(level >= 0, axis=2)
    good = (level[..., 0] < 0) & (level >= 0).any(axis=2)
    before, after = (np.take_along_axis(level, np.maximum(k, 0)[..., None], axis=2)[..., 0] for k in (out - 1, out))
    return np.where(good, t[np.maximum(out - 1, 0)] + _STEP_MM * before / np.minimum(before - after, -1e-9), np.nan)


def _slope(along: Array, across: Array, reach: Array) -> float:
    """Slope over `along` of the plane through reach (n, m); NaN where fewer than a third of the columns end."""
    a, b = (x.ravel() for x in np.meshgrid(along, across, indexing="ij"))
    h = reach.ravel()
    kept = np.isfinite(h)
    for _ in range(5):
        if kept.sum() < 0.33 * h.size:
            return float("nan")
        basis = np.stack([np.ones(kept.sum()), a[kept], b[kept]], axis=1)
        fit = np.linalg.lstsq(basis, h[kept], rcond=None)[0]
        off = np.abs(h - (fit[0] + fit[1] * a + fit[2] * b))
        wide = max(1.4826 * float(np.median(off[kept])), 0.1)
        trimmed = np.isfinite(h) & (off <= _OUTLIER * wide)
        if (trimmed == kept).all():
            break
        kept = trimmed
    return float(fit[1])


def _unit(vector: Array) -> Array:
    return np.asarray(vector / np.linalg.norm(vector))


def _level_of(spine: Spine, number: int, points: Array) -> Array:
    """Signed distance of one vertebra, mm, clipped near its surface; another vertebra counts as outside."""
    bone = np.clip(sample_planes(spine.bone, grid=spine.grid, points=points), -_STEP_MM, _STEP_MM)
    owner = _nearest(spine.vertebra_of, spine.grid, points)
    # Just within the surface the nearest voxel may be unlabelled: only what another vertebra owns is not this one's.
    return np.where((owner == number) | (owner == 0), bone, _STEP_MM)


def _nearest(labels: NDArray[np.int8], grid: Grid, points: Array) -> NDArray[np.int8]:
    voxel = np.rint(grid.to_voxel(points.reshape(-1, 3))).astype(np.int64)
    shape = np.array(grid.shape)
    inside = ((voxel >= 0) & (voxel < shape)).all(axis=1)
    x, y, z = np.clip(voxel, 0, shape - 1).T
    return np.asarray(np.where(inside, labels[x, y, z], 0).reshape(points.shape[:-1]), np.int8)
