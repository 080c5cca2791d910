"""The bony canal where none was labelled: vertebral rings, closed between levels along the centreline."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from canalrisk.anatomy.centreline import framed, refine, resample
from canalrisk.anatomy.levels import Vertebrae, anterior_angle
from canalrisk.anatomy.spine import Array, Centreline, Distance
from canalrisk.anatomy.tube import N_ANGLES, STEP_MM, Tube, angles, measure_tube, rays, tube_distance
from canalrisk.errors import GeometryError
from canalrisk.field import linear_sample
from canalrisk.field.grid import Grid

_WIDEST_MM = 20.0
_CLOSED_FRACTION = 0.97
_OWN_FRACTION = 0.85
_JUMP_MM = 2.5
_BULGE_MM = 1.2
_LATERAL = np.radians(50.0)
_TILTS = np.radians((0.0, -15.0, 15.0, -30.0, 30.0))


def canal_from_rings(
    bone: Distance, vertebrae: Vertebrae, *, grid: Grid, start: Array | None
) -> tuple[Distance, Centreline, list[str]]:
    """Canal from closed vertebral rings, interpolated between them.

    In planes orthogonal to the centreline, rays run to the first bone. Planes that one vertebra closes all
    round give the radius; between them it is interpolated along the centreline, so that the canal does not
    spill into foramina and interlaminar gaps, and rays that meet bone earlier stop there.

    Parameters
    ----------
    bone : (nx, ny, nz) ndarray of float32
        Signed distance of all vertebrae, mm.
    vertebrae : Vertebrae
        The bones.
    grid : Grid
        Grid of `bone`.
    start : (n, 3) ndarray, optional
        Course of a labelled cord or sac, caudal to cranial, mm; otherwise the rings' centres are looked for.

    Returns
    -------
    canal : (nx, ny, nz) ndarray of float32
        Signed distance, mm.
    line : Centreline
        Through the canal; frame's phase arbitrary.
    closed : list of str
        Levels whose ring is closed.

    Raises
    ------
    GeometryError
        If fewer than two rings are closed.
    """
    across = _across(vertebrae.cranial)
    curve = start if start is not None else _through_rings(bone, vertebrae, grid=grid)
    line = framed(_within(curve, vertebrae), across)
    canal, _ = _closed_tube(bone, vertebrae, grid=grid, line=line, exact=False)
    # The first course was off centre: look again from the middle of what was found.
    line = refine(line.points, canal, grid=grid, anterior=across, rounds=2)
    canal, closed = _closed_tube(bone, vertebrae, grid=grid, line=line, exact=True)
    return canal, refine(line.points, canal, grid=grid, anterior=across, rounds=2), closed


def _closed_tube(
    bone: Distance, vertebrae: Vertebrae, *, grid: Grid, line: Centreline, exact: bool
) -> tuple[Distance, list[str]]:
    centre = np.zeros((len(line.s), 2))
    # The sign turns free space into the inside of the tube.
    hit = measure_tube(-bone, grid=grid, line=line, centre=centre).radius
    found = (hit > 0) & (hit < _WIDEST_MM)
    step = np.clip(np.round((hit + 0.6) / STEP_MM).astype(int), 0, None)
    sampled = rays(line, centre)
    ends = np.take_along_axis(sampled, np.minimum(step, sampled.shape[2] - 1)[..., None, None], axis=2)[:, :, 0]
    owner = np.where(found, _label_at(vertebrae.index, grid, ends), 0)
    angle, _ = anterior_angle(line, vertebrae, None)
    lateral = np.abs(np.cos(angles() + angle)) > np.cos(_LATERAL)
    # A ray that slips into a foramen and meets its far wall makes the radius jump.
    smooth = np.abs(np.diff(np.column_stack([hit, hit[:, :1]]), axis=1)).max(axis=1) < _JUMP_MM
    closed_by = np.zeros(len(line.s), int)
    for number, level in enumerate(vertebrae.levels, start=1):
        own = (owner == number).mean(axis=1)
        needed = 0.6 if level == "C1" else _OWN_FRACTION  # the dens, C2's, stands in the ring of C1
        closed_by[(own >= needed) & smooth & (found.mean(axis=1) >= _CLOSED_FRACTION)] = number
        closed_by[_bulging(hit, closed_by == number, lateral)] = 0
    closed = closed_by > 0
    levels = [level for number, level in enumerate(vertebrae.levels, start=1) if (closed_by == number).sum() >= 2]
    if len(levels) < 2:
        raise GeometryError(
            "no canal is labelled and the vertebral rings are not closed",
            where=f"closed rings: {', '.join(levels) or 'none'}",
            fix="segment the canal, or the vertebrae with their whole arches",
        )
    radius = hit.copy()
    for i in np.flatnonzero(closed):
        good = found[i]
        k = np.arange(N_ANGLES)
        radius[i] = np.interp(k, k[good], hit[i, good], period=N_ANGLES)
    s = line.s
    between = np.stack([np.interp(s, s[closed], radius[closed, k]) for k in range(N_ANGLES)], axis=1)
    radius = np.where(closed[:, None], radius, np.where(found, np.minimum(hit, between), between))
    return tube_distance(Tube(line, centre, radius), grid=grid, exact=exact), levels


def _bulging(hit: Array, which: NDArray[np.bool_], lateral: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Sections of one vertebra that begin to open sideways into a foramen."""
    bulging = np.zeros(len(hit), bool)
    if which.any():
        usual = np.quantile(hit[which][:, lateral], 0.35, axis=0)
        bulging[which] = (hit[which][:, lateral] - usual > _BULGE_MM).any(axis=1)
    return bulging


def _within(curve: Array, vertebrae: Vertebrae) -> Array:
    """Cut or extend a course to 3 mm beyond the outermost vertebrae's middles."""
    tops = [np.quantile(vertebrae.points[level] @ vertebrae.cranial, q) for level, q in
            ((vertebrae.levels[-1], 0.2), (vertebrae.levels[0], 0.8))]  # fmt: skip
    ends = []
    for near, far in ((0, min(10, len(curve) - 1)), (-1, -1 - min(10, len(curve) - 1))):
        direction = (curve[near] - curve[far]) / np.linalg.norm(curve[near] - curve[far])
        ends.append(curve[near] + direction * np.arange(0.5, 20.1, 0.5)[:, None])
    longer = np.concatenate([ends[0][::-1], curve, ends[1]])
    height = longer @ vertebrae.cranial
    return resample(longer[(height >= tops[0]) & (height <= tops[1])], 0.5)


def _through_rings(bone: Distance, vertebrae: Vertebrae, *, grid: Grid) -> Array:
    middles = np.array([vertebrae.points[level].mean(axis=0) for level in vertebrae.levels])
    axes = np.gradient(middles, axis=0)
    axes = -axes / np.linalg.norm(axes, axis=1, keepdims=True)
    centres = []
    for number in range(len(vertebrae.levels)):
        centre = _ring_centre(bone, vertebrae.index, number + 1, middles[number], axes[number], grid=grid)
        if centre is not None:
            centres.append(centre)
    if len(centres) < 2:
        raise GeometryError(
            "no canal is labelled and the vertebral rings are not closed",
            where=f"closed rings: {len(centres)} of {len(vertebrae.levels)}",
            fix="segment the canal, or the vertebrae with their whole arches",
        )
    chain = np.array(centres[::-1])
    x = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(chain, axis=0), axis=1))))
    fine = np.linspace(0.0, x[-1], max(20, round(x[-1] / 0.1)))
    if len(chain) == 2:
        return resample(chain[0] + (fine / x[-1])[:, None] * (chain[1] - chain[0]), 0.5)
    return resample(CubicSpline(x, chain, bc_type="natural")(fine), 0.5)


def _ring_centre(
    bone: Distance, index: NDArray[np.int8], number: int, middle: Array, axis: Array, *, grid: Grid
) -> Array | None:
    """Middle of the roomiest place that one vertebra encloses in a plane near its own."""
    across = _across(axis)
    beside = np.cross(axis, across)
    t, w = np.arange(-25.0, 25.1, 1.25), np.arange(-9.0, 9.1, 1.5)
    u, v, h = (a.ravel() for a in np.meshgrid(t, t, w, indexing="ij"))
    near = np.hypot(u, v) < 25.0
    points = middle + u[near, None] * across + v[near, None] * beside + h[near, None] * axis
    room = np.asarray(linear_sample(bone, grid=grid, points=points, fill=-1.0), float)
    points, room = points[room > 4.0], room[room > 4.0]
    best: tuple[float, Array] | None = None
    for about in (across, beside):
        for tilt in _TILTS:
            normal = np.cos(tilt) * axis + np.sin(tilt) * np.cross(about, axis)
            kept = points
            clear = room
            for n in (8, 36):
                share = _enclosed(index, number, kept, normal, n, grid=grid)
                kept, clear = kept[share >= 0.95], clear[share >= 0.95]
                if not len(kept):
                    break
            if len(kept):
                peak = kept[np.argmax(clear)]
                close = np.linalg.norm(kept - peak, axis=1) < 5.0
                score = float(close.sum())
                if best is None or score > best[0] * 1.05:
                    best = (score, kept[close].mean(axis=0))
    return best[1] if best else None


def _enclosed(
    index: NDArray[np.int8], number: int, points: Array, normal: Array, n: int, *, grid: Grid
) -> NDArray[np.float64]:
    a = _across(normal)
    b = np.cross(normal, a)
    phi = np.arange(n) * (2 * np.pi / n)
    direction = np.cos(phi)[:, None] * a + np.sin(phi)[:, None] * b
    along = np.arange(3.0, 26.0, 0.8)
    sample = points[:, None, None] + along[None, None, :, None] * direction[None, :, None]
    hit = (_label_at(index, grid, sample) == number).any(axis=2)
    return np.asarray(hit.mean(axis=1), np.float64)


def _label_at(index: NDArray[np.int8], grid: Grid, points: Array) -> NDArray[np.int8]:
    voxel = np.rint(grid.to_voxel(points)).astype(np.int64)
    shape = np.array(grid.shape)
    inside = ((voxel >= 0) & (voxel < shape)).all(axis=-1)
    voxel = np.clip(voxel, 0, shape - 1)
    found = index[voxel[..., 0], voxel[..., 1], voxel[..., 2]]
    return np.asarray(np.where(inside, found, 0), np.int8)


def _across(axis: Array) -> Array:
    other = np.zeros(3)
    other[int(np.argmin(np.abs(axis)))] = 1.0
    side = np.cross(axis, other)
    result: Array = side / np.linalg.norm(side)
    return result
