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

    `depth` mm, antero-posterior at mid height; `lower`, `upper`, `behind` (3,) unit vectors in the sagittal plane: along
    the lower and the upper end plate forwards, and along the posterior wall upwards; not a number where not found.
    """

    depth: float
    lower: Array
    upper: Array
    behind: Array


MISSING: Final = Body(float("nan"), *(np.full(3, np.nan) for _ in range(3)))


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
    The depth runs from the first to the last bone of the vertebra in front of the canal, on rays of the canal's frame at
    mid height, median over 3 mm of height and 4 mm of width. End plates and posterior wall are least-squares planes,
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
    plates = []
    for way in (-tangent, tangent):
        reach = _leaves(spine, number, middle, along=forward, first=anterior, across=across, second=right, way=way)
        slope = _slope(forward, across, reach)
        plates.append(_unit(anterior + slope * way))
    tall = 2.0 * float(np.nanmedian(_heights(spine, number, middle, tangent)))
    upward = np.linspace(-0.5 * _MIDDLE, 0.5 * _MIDDLE, 9) * tall
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
    ends = [(t[_entry(row, 0)], t[_entry(row, 1)], row) for row in level if (row < 0).any()]
    if not ends:
        return float("nan"), float("nan")
    back = np.median([_crossing(t, row, _entry(row, 0), -1) for _, _, row in ends])
    front = np.median([_crossing(t, row, _entry(row, 1), 1) for _, _, row in ends])
    return float(back), float(front)


def _entry(row: Array, end: int) -> int:
    return int(np.flatnonzero(row < 0)[-end])


def _crossing(t: Array, row: Array, at: int, way: int) -> float:
    """Place of the zero between a sample inside and its neighbour outside."""
    other = min(max(at + way, 0), len(t) - 1)
    inside, outside = row[at], row[other]
    return float(t[at] + (t[other] - t[at]) * (inside / (inside - outside) if outside > inside else 0.0))


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
    """Distance (n, m) mm from a plane through the body's middle at which columns leave the bone; NaN where none does."""
    t = np.arange(0.0, _TALLEST_MM, _STEP_MM)
    start = middle + along[:, None, None] * first + across[None, :, None] * second
    level = _level_of(spine, number, start[:, :, None] + t[:, None] * way)
    out = np.argmax(level >= 0, axis=2)
    good = (level[..., 0] < 0) & (level >= 0).any(axis=2)
    before, after = (np.take_along_axis(level, np.maximum(k, 0)[..., None], axis=2)[..., 0] for k in (out - 1, out))
    return np.where(good, t[np.maximum(out - 1, 0)] + _STEP_MM * before / np.minimum(before - after, -1e-9), np.nan)


def _heights(spine: Spine, number: int, middle: Array, tangent: Array) -> Array:
    zero = np.zeros(1)
    return np.array(
        [
            _leaves(spine, number, middle, along=zero, first=tangent, across=zero, second=tangent, way=way)[0, 0]
            for way in (-tangent, tangent)
        ]
    )


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
    """Signed distance of one vertebra, mm, right near its own surface; another vertebra counts as outside."""
    bone = sample_planes(spine.bone, grid=spine.grid, points=points)
    owner = _nearest(spine.vertebra_of, spine.grid, points)
    # Just within the surface the nearest voxel may be unlabelled: only what another vertebra owns is not this one's.
    return np.where((owner == number) | (owner == 0), bone, np.maximum(bone, _STEP_MM))


def _nearest(labels: NDArray[np.int8], grid: Grid, points: Array) -> NDArray[np.int8]:
    voxel = np.rint(grid.to_voxel(points.reshape(-1, 3))).astype(np.int64)
    shape = np.array(grid.shape)
    inside = ((voxel >= 0) & (voxel < shape)).all(axis=1)
    x, y, z = np.clip(voxel, 0, shape - 1).T
    return np.asarray(np.where(inside, labels[x, y, z], 0).reshape(points.shape[:-1]), np.int8)
