"""The canal's centreline: smoothing spline through section centroids, rotation-minimising frame."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.interpolate import CubicSpline, make_smoothing_spline

from canalrisk.anatomy.sections import offsets, plane_moments, plane_points, sample_planes
from canalrisk.anatomy.spine import Array, Centreline, Distance
from canalrisk.errors import GeometryError
from canalrisk.field.grid import Grid

SPACING_MM = 0.5
# Undulations shorter than this are the canal's own bulges at disc and arch, not its course.
SHORTEST_WAVE_MM = 25.0
_COARSE_MM = 1.0
_OVERSHOOT_MM = 8.0
_CUT_FRACTION = 0.6
_PAD_MM = 10.0
_END_MM = 20.0
_SHARPEST_PER_MM = 1.0 / 40.0


def smooth_curve(points: Array, weights: Array | None = None, *, wave: float = SHORTEST_WAVE_MM) -> Array:
    """Smooth an ordered chain of points and resample it every 0.5 mm of arc length.

    Parameters
    ----------
    points : (n, 3) ndarray
        Caudal to cranial, mm, at least five.
    weights : (n,) ndarray, optional
        Weight per point.
    wave : float
        Undulations shorter than this wavelength are smoothed away, mm.

    Returns
    -------
    (m, 3) ndarray
        mm.
    """
    # A smoothing spline straightens its ends: let the ends be beyond the data, on its own curvature.
    pad = round(_PAD_MM / _COARSE_MM)
    ends = extended(points, _PAD_MM)
    weights = None if weights is None else np.pad(weights, pad, mode="edge")
    x = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(ends, axis=0), axis=1))))
    inner = x[pad], x[-1 - pad]
    points = ends
    density = (len(x) - 1) / x[-1]
    stiffness = density * (wave / (2 * np.pi)) ** 4
    fine = np.linspace(*inner, max(8, round((inner[1] - inner[0]) / 0.1)))
    curve = np.stack([make_smoothing_spline(x, points[:, k], w=weights, lam=stiffness)(fine) for k in range(3)], axis=1)
    return resample(curve, SPACING_MM)


def resample(points: Array, spacing: float) -> Array:
    """Resample a finely sampled curve at equal arc length from its caudal end."""
    arc = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))))
    s = np.arange(0.0, arc[-1] + 1e-9, spacing)
    return np.stack([np.interp(s, arc, points[:, k]) for k in range(3)], axis=1)


def framed(points: Array, anterior: Array) -> Centreline:
    """Give a curve its rotation-minimising frame (double reflection).

    Parameters
    ----------
    points : (n, 3) ndarray
        Equally spaced, caudal to cranial, mm.
    anterior : (3,) ndarray
        Anterior direction at the middle of the curve; made orthogonal to the tangent there.

    Returns
    -------
    Centreline

    References
    ----------
    Wang, Juettler, Zheng and Liu 2008, ACM Trans Graph 27:2.
    """
    arc = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))))
    tangent = CubicSpline(arc, points)(arc, 1)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    front = np.empty_like(points)
    middle = len(points) // 2
    start = anterior - (anterior @ tangent[middle]) * tangent[middle]
    front[middle] = start / np.linalg.norm(start)
    for i in range(middle, len(points) - 1):
        front[i + 1] = _carry(front[i], points[i], points[i + 1], tangent[i], tangent[i + 1])
    for i in range(middle, 0, -1):
        front[i - 1] = _carry(front[i], points[i], points[i - 1], tangent[i], tangent[i - 1])
    return Centreline(s=arc, points=points, right=np.cross(front, tangent), anterior=front, tangent=tangent)


def turned(line: Centreline, angle: float) -> Centreline:
    """Turn the whole frame by `angle` (rad) from anterior towards right."""
    anterior = np.cos(angle) * line.anterior + np.sin(angle) * line.right
    return Centreline(line.s, line.points, np.cross(anterior, line.tangent), anterior, line.tangent)


def first_curve(mask: NDArray[np.bool_], *, grid: Grid, cranial: Array) -> Array:
    """Rough course of a tube: centroids of slabs across its long axis.

    Parameters
    ----------
    mask : (nx, ny, nz) ndarray of bool
        The canal.
    grid : Grid
        Its grid.
    cranial : (3,) ndarray
        Roughly cranial direction.

    Returns
    -------
    (m, 3) ndarray
        Caudal to cranial, mm.

    Raises
    ------
    GeometryError
        If the canal is shorter than 20 mm.
    """
    points = grid.to_world(np.argwhere(mask))
    _, axes = np.linalg.eigh(np.cov((points - points.mean(axis=0)).T))
    axis = axes[:, np.argmax(np.abs(axes.T @ cranial))]
    axis = axis * np.sign(axis @ cranial)
    height = points @ axis
    if np.ptp(height) < 20.0:
        raise GeometryError(
            f"the canal is only {np.ptp(height):.0f} mm long",
            where="canal labels",
            fix="give a map that covers at least two vertebral levels (20 mm of canal)",
        )
    slab = np.floor((height - height.min()) / 2.0).astype(int)
    count = np.bincount(slab)
    used = np.flatnonzero(count > 0.3 * np.median(count))
    sums = [np.bincount(slab, points[:, k])[used] / count[used] for k in range(3)]
    return smooth_curve(np.stack(sums, axis=1), wave=SHORTEST_WAVE_MM * 1.5)


def refine(curve: Array, canal: Distance, *, grid: Grid, anterior: Array, rounds: int = 3) -> Centreline:
    """Move a rough curve onto the centroids of the canal's orthogonal sections, and trim it to the canal.

    Parameters
    ----------
    curve : (m, 3) ndarray
        Rough course, caudal to cranial, mm.
    canal : (nx, ny, nz) ndarray of float32
        Signed distance of the canal, mm.
    grid : Grid
        Its grid.
    anterior : (3,) ndarray
        Any direction roughly across the canal; fixes the frame's phase.
    rounds : int
        Number of passes.

    Returns
    -------
    Centreline

    Raises
    ------
    GeometryError
        If less than 10 mm of canal has proper sections.
    """
    for _ in range(rounds):
        line = framed(resample(extended(curve, _OVERSHOOT_MM), _COARSE_MM), anterior)
        area, centroid, depth = canal_sections(canal, grid=grid, line=line)
        whole = _whole(area, _COARSE_MM) & (area > 0)
        # Near an end the section's centroid depends on the section's tilt, and the two would run away
        # together: fit where the end is out of reach, and continue straight up to the last whole section.
        good = whole & (depth > 0.75 * np.median(depth[whole])) if whole.any() else whole
        if good.sum() < 10:
            raise GeometryError(
                "the canal has no continuous run of cross-sections",
                where="canal labels",
                fix="check that the canal label is one tube along the vertebrae",
            )
        centres = line.points + centroid[:, :1] * line.right + centroid[:, 1:] * line.anterior
        curve = smooth_curve(centres[good])
    line = framed(resample(extended(curve, _OVERSHOOT_MM), SPACING_MM), anterior)
    area, _, _ = canal_sections(canal, grid=grid, line=line)
    return framed(line.points[_whole(area, SPACING_MM)], anterior)


def canal_sections(canal: Distance, *, grid: Grid, line: Centreline) -> tuple[Array, Array, Array]:
    """Area (n,) mm2, centroid offsets (n, 2) mm and depth (n,) mm of the canal on every section of `line`."""
    half = 22.0
    values = sample_planes(canal, grid=grid, points=plane_points(line, slice(None), half_width=half, step=0.5))
    keep = _connected(values, offsets(half, 0.5))
    area, centroid = plane_moments(values, step=0.5, keep=keep)
    return area, centroid, -np.where(keep, values, 0.0).min(axis=(1, 2))


def _connected(values: Array, t: Array) -> NDArray[np.bool_]:
    # A strongly curved canal may cut the plane twice: count only what hangs together with the centre.

    inside = values < 0
    flat = np.zeros((3, 3, 3), bool)
    flat[1] = True
    labels, _ = ndimage.label(inside, structure=flat)
    middle = np.abs(t) <= 3.0
    core = labels[:, middle][:, :, middle].reshape(len(values), -1)
    wanted = np.unique(core)
    return np.isin(labels, wanted[wanted > 0])


def extended(points: Array, length: float) -> Array:
    """Continue a chain of points at both ends with the curvature of its last 20 mm.

    Parameters
    ----------
    points : (n, 3) ndarray
        mm, at least five.
    length : float
        How far, mm; new points are 1 mm apart.

    Returns
    -------
    (m, 3) ndarray
        mm; the given points are unchanged in between.
    """

    def beyond(chain: Array) -> Array:
        # `chain` starts at the end to continue from.
        x = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(chain, axis=0), axis=1))))
        near = x <= max(_END_MM, x[min(4, len(x) - 1)])
        basis = np.stack([np.ones(near.sum()), x[near], 0.5 * x[near] ** 2], axis=1)
        fit = np.linalg.lstsq(basis, chain[near], rcond=None)[0]
        sharp = np.linalg.norm(fit[2])
        bend = fit[2] * min(1.0, _SHARPEST_PER_MM / sharp) if sharp > 0 else fit[2]
        away = np.arange(_COARSE_MM, length + 0.01, _COARSE_MM)[:, None]
        further: Array = chain[0] - away * fit[1] + 0.5 * away**2 * bend
        return further

    return np.concatenate([beyond(points)[::-1], points, beyond(points[::-1])])


def _whole(area: Array, step: float) -> NDArray[np.bool_]:
    """Sections between the first and the last that no end of the canal cuts.

    Only the ends are looked for: a narrow place in between, as beside a mass, does not end a spine. A section is
    compared with the sections within 20 mm, because a canal of C1 has twice the area of one of C6.
    """
    run = np.zeros(len(area), bool)
    there = np.flatnonzero(area > 0)
    if not len(there):
        return run
    reach = round(_END_MM / step)
    usual = np.array([np.median(area[there[np.abs(there - i) <= reach]]) for i in there])
    good = there[area[there] > _CUT_FRACTION * usual]
    first, last = int(good[0]), int(good[-1])
    while last - first > 8 and area[first] < 0.9 * area[first + 2]:
        first += 1
    while last - first > 8 and area[last] < 0.9 * area[last - 2]:
        last -= 1
    run[first : last + 1] = True
    return run


def _carry(front: Array, p: Array, q: Array, tangent: Array, next_tangent: Array) -> Array:
    chord = q - p
    scale = chord @ chord
    mirrored = front - (2 / scale) * (chord @ front) * chord
    tilted = tangent - (2 / scale) * (chord @ tangent) * chord
    turn = next_tangent - tilted
    if turn @ turn > 1e-24:
        mirrored = mirrored - (2 / (turn @ turn)) * (turn @ mirrored) * turn
    mirrored = mirrored - (mirrored @ next_tangent) * next_tangent
    result: Array = mirrored / np.linalg.norm(mirrored)
    return result
