"""Two scans of one neck in one frame: a rigid motion per vertebra, from the bone that both scans show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial.transform import Rotation

from canalrisk.anatomy.sections import point_at, sample_planes
from canalrisk.anatomy.spine import Array, Spine
from canalrisk.errors import GeometryError
from canalrisk.field import RigidMotion, Spline, fit_spline, signed_distance
from canalrisk.findings import Finding

# The search starts within a few millimetres: levels and frames of the two centrelines are laid upon each other.
_BAND_MM = 8.0
_POINTS = 3000
_FEWEST = 300
# A surface nearer to the mass than this is where it was cut, not where it ends.
_CUT_MM = 0.75
# Where the image ends, a vertebra's surface is a cut as well.
_BORDER_VOXELS = 2.5
_ROUNDS = 40
_STILL = 1e-5
# Tukey's constant: 95 % efficiency for normal errors. Gaps are never trimmed below half a voxel's worth of them.
_TUKEY, _MAD = 4.685, 1.4826
_OPEN_ROUNDS = 4
_POOR_VOXELS, _POOR_SHARE = 0.6, 0.5


@dataclass(frozen=True, eq=False)
class Registration:
    """Motions that carry each vertebra of the first scan to its place in the second.

    Parameters
    ----------
    motions : dict of str to RigidMotion
        By level; first scan's world to second scan's, mm. The centre is the vertebra's centroid in the first scan.
    residual_mm : dict of str to float
        Root of the weighted mean square of the gap between the surfaces of both scans.
    share : dict of str to float
        Share of the visible surface points that agree (their mean weight); low where bone was lost or gained.
    findings : tuple of Finding
        Levels that could not be registered, or only poorly.
    """

    motions: dict[str, RigidMotion]
    residual_mm: dict[str, float]
    share: dict[str, float]
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, eq=False)
class _Bone:
    """One vertebra in one scan: its distance, its visible surface (n, 3) and its centroid (3,), mm."""

    distance: Spline
    surface: Array
    centroid: Array


def register_scans(first: Spine, second: Spine) -> Registration:
    """Register every vertebra that both scans hold.

    Gauss-Newton on the signed distances, from the first scan's surface to the second's and back, with Tukey's weights:
    bone that was eroded or added since pulls at nothing. Surface cut by a mass, or by the image's edge, is left out.

    Parameters
    ----------
    first, second : Spine
        Of the same subject; world frames, grids and voxel sizes may differ.

    Returns
    -------
    Registration

    Raises
    ------
    GeometryError
        If no vertebra can be registered.

    References
    ----------
    Chen and Medioni 1992, Image Vis Comput 10:145-155 (point to surface); Fitzgibbon 2003, Image Vis Comput
    21:1145-1153 (least squares on distance fields); Beaton and Tukey 1974, Technometrics 16:147-185 (weights).
    """
    motions: dict[str, RigidMotion] = {}
    residual, share, findings = {}, {}, []
    for level in dict.fromkeys(first.levels + second.levels):
        if level not in first.levels or level not in second.levels:
            which = "second" if level in first.levels else "first"
            message = f"{level} is missing in the {which} scan: nothing is compared in its frame."
            findings.append(Finding("REGISTRATION-LEVEL-MISSING", "warning", level, message))
            continue
        a, b = _bone(first, level), _bone(second, level)
        if min(len(a.surface), len(b.surface)) < _FEWEST:
            message = f"Too little of {level} is visible beside mass and image edge to register it."
            findings.append(Finding("REGISTRATION-LEVEL-HIDDEN", "warning", level, message))
            continue
        voxel = float(max(first.grid.spacing.max(), second.grid.spacing.max()))
        motion, gap, agree = _fit(a, b, _start(first, second, level, a.centroid), first, second, voxel)
        motions[level], residual[level], share[level] = motion, gap, agree
        if gap > _POOR_VOXELS * voxel or agree < _POOR_SHARE:
            message = (
                f"The two scans' {level} agree on {agree:.0%} of their surface, there within {gap:.2f} mm: check that "
                "both are the same vertebra and equally well segmented."
            )
            findings.append(Finding("REGISTRATION-POOR", "serious", level, message))
    if not motions:
        raise GeometryError(
            "no vertebra could be registered between the two scans",
            where="vertebrae",
            fix="check that both scans show the same levels under the same names",
        )
    return Registration(motions, residual, share, tuple(findings))


def _bone(spine: Spine, level: str) -> _Bone:
    grid = spine.grid
    mask = spine.vertebra_of == 1 + spine.levels.index(level)
    pad = np.ceil(_BAND_MM / grid.spacing).astype(int) + 2
    box = ndimage.find_objects(mask.astype(np.int8))[0]
    low = np.maximum([part.start for part in box] - pad, 0)
    high = np.minimum([part.stop for part in box] + pad, grid.shape)
    window = tuple(slice(i, j) for i, j in zip(low.tolist(), high.tolist(), strict=True))
    local = grid.crop(low, high)
    values = signed_distance(mask[window], grid=local, band=_BAND_MM)
    distance = fit_spline(values, grid=local)
    at = np.argwhere(np.abs(values) < 0.75 * grid.spacing.max())
    points = local.to_world(at)
    gap, slope = distance.value_gradient(points)
    points = points - (gap / np.maximum((slope**2).sum(axis=1), 0.25))[:, None] * slope
    visible = _within(spine, points, _BORDER_VOXELS)
    if spine.mass is not None:
        visible &= sample_planes(spine.mass, grid=grid, points=points) > _CUT_MM
    points = points[visible]
    centroid = grid.to_world(np.argwhere(mask[window]) + low).mean(axis=0)
    return _Bone(distance, points[:: max(1, len(points) // _POINTS)], centroid)


def _within(spine: Spine, points: Array, margin: float) -> NDArray[np.bool_]:
    voxel = spine.grid.to_voxel(points)
    last = np.array(spine.grid.shape) - 1
    return np.asarray(((voxel > margin) & (voxel < last - margin)).all(axis=1), np.bool_)


def _start(first: Spine, second: Spine, level: str, centroid: Array) -> RigidMotion:
    """Lay the first centreline's frame at a level upon the second's."""
    points, bases = [], []
    for spine in (first, second):
        point, right, anterior, tangent = point_at(spine.centreline, spine.landmarks[level])
        u, _, vt = np.linalg.svd(np.stack([right, anterior, tangent], axis=1))
        points.append(point)
        bases.append(u @ vt)
    turn = bases[1] @ bases[0].T
    moved = points[1] + turn @ (centroid - points[0])
    return _motion(turn, centroid, moved - centroid)


def _motion(turn: Array, centre: Array, shift: Array) -> RigidMotion:
    a, b, c = Rotation.from_matrix(turn).as_rotvec().tolist()
    x, y, z = centre.tolist()
    u, v, w = shift.tolist()
    return RigidMotion((a, b, c), (x, y, z), (u, v, w))


def _fit(
    a: _Bone, b: _Bone, start: RigidMotion, first: Spine, second: Spine, voxel: float
) -> tuple[RigidMotion, float, float]:
    """Motion, residual (mm) and share of agreeing points."""
    turn, centre = start.matrix[:3, :3], a.centroid
    place = start.apply(centre)
    gap, share = np.inf, 0.0
    for k in range(_ROUNDS):
        there = place + (a.surface - centre) @ turn.T
        back = centre + (b.surface - place) @ turn
        r_there, g_there = b.distance.value_gradient(there)
        r_back, g_back = a.distance.value_gradient(back)
        g_back = -g_back @ turn.T
        seen = np.concatenate([_seen(second, there, r_there), _seen(first, back, r_back)])
        r, g = np.concatenate([r_there, r_back]), np.concatenate([g_there, g_back])
        arm = np.concatenate([there, b.surface]) - place
        # While the start is still to be corrected, everything pulls.
        width = np.inf if k < _OPEN_ROUNDS else max(_TUKEY * _MAD * float(np.median(np.abs(r[seen]))), voxel)
        weight = np.where(seen & (np.abs(r) < width), (1.0 - np.minimum(np.abs(r) / width, 1.0) ** 2) ** 2, 0.0)
        rows = np.concatenate([np.cross(arm, g), g], axis=1)
        step = np.linalg.solve((rows * weight[:, None]).T @ rows + 1e-9 * np.eye(6), -(rows * weight[:, None]).T @ r)
        turn = Rotation.from_rotvec(step[:3]).as_matrix() @ turn
        place = place + step[3:]
        gap = float(np.sqrt((weight * r**2).sum() / weight.sum()))
        share = float(weight[seen].mean())
        if k > _OPEN_ROUNDS and np.abs(step * [30.0, 30.0, 30.0, 1.0, 1.0, 1.0]).max() < _STILL:
            break
    return _motion(turn, centre, place - centre), gap, share


def _seen(spine: Spine, points: Array, gap: Array) -> NDArray[np.bool_]:
    """Whether points lie where a scan shows bone: in the image, and no nearer to the mass than to the surface."""
    seen = _within(spine, points, _BORDER_VOXELS) & (np.abs(gap) < _BAND_MM - 0.5)
    if spine.mass is not None:
        seen &= sample_planes(spine.mass, grid=spine.grid, points=points) > np.maximum(_CUT_MM, np.abs(gap))
    return seen
