"""Intervertebral foramina: pedicle centres, and the root's way out between them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from scipy.special import expit

from canalrisk.anatomy.levels import CERVICAL, Vertebrae, disc_name
from canalrisk.anatomy.sections import curve_coordinates, point_at, sample_planes
from canalrisk.anatomy.spine import Array, Centreline, Distance, Foramen
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding

SIDES = ("left", "right")
# The root leaves 45-60 degrees anterior of lateral and slightly caudal (pedicle axes: 42-52 degrees, Spine 2004
# 29:1876); the search stays within these bounds, degrees.
YAW = (30.0, 65.0)
PITCH = (-10.0, 25.0)
_USUAL = (48.0, 8.0)
# Clearance given up 10 degrees, and 3 mm, away from the usual place, mm: a section's area grows by some 1.5 % per
# degree of tilt, and without this a wide foramen's direction would hang on voxels.
_PULL = 0.5
# Lines whose clearances differ by less than this are near equals, mm.
_NEAR_EQUAL_MM = 0.15
_SHIFT_MM = 3.0
_BEFORE_MM, _BEHIND_MM = 4.0, 6.0
_OUTSIDE_MM = 15.0
_STEP_MM = 0.5


def find_foramina(
    wall: Distance,
    canal: Distance,
    sac: Distance,
    vertebrae: Vertebrae,
    line: Centreline,
    landmarks: dict[str, float],
    *,
    grid: Grid,
) -> tuple[tuple[Foramen, ...], list[Finding]]:
    """Foramina between neighbouring vertebrae from C2/3 down.

    Parameters
    ----------
    wall : (nx, ny, nz) ndarray of float32
        Signed distance of bone and, where labelled, discs, mm.
    canal, sac : (nx, ny, nz) ndarray of float32
        Signed distances, mm.
    vertebrae, line, landmarks, grid
        From the other steps.

    Returns
    -------
    foramina : tuple of Foramen
        Cranial to caudal, left before right.
    findings : list of Finding
        Foramina that could not be placed.
    """
    pedicles = {
        (level, side): _pedicle(vertebrae.points[level], line, landmarks[level], canal, side, grid=grid)
        for level in vertebrae.levels
        if level != "C1"
        for side in SIDES
    }
    foramina, findings = [], []
    for upper, lower in pairwise(vertebrae.levels):
        if upper == "C1" or CERVICAL.index(lower) != CERVICAL.index(upper) + 1:
            continue
        for side in SIDES:
            above, below = pedicles[upper, side], pedicles[lower, side]
            name = disc_name(upper)
            if above is None or below is None:
                missing = upper if above is None else lower
                message = f"No pedicle of {missing} was found on the {side}; the foramen is not measured."
                findings.append(Finding("FORAMEN-NOT-FOUND", "warning", f"{name} {side}", message))
                continue
            path = root_path(wall, canal, sac, line, above, below, side, grid=grid)
            root = "C8" if lower == "T1" else lower
            foramina.append(Foramen(name, side, root, path, above, below))
    lowest = vertebrae.levels[-1]
    if lowest != "T1":
        name = disc_name(lowest)
        message = f"The vertebra below {lowest} is not labelled, so the foramen {name} is not measured."
        findings.append(Finding("FORAMEN-NOT-COVERED", "info", name, message))
    return tuple(foramina), findings


def _pedicle(points: Array, line: Centreline, middle: float, canal: Distance, side: str, *, grid: Grid) -> Array | None:
    """Centre of the bridge between body and articular pillar, just lateral to the canal.

    Of the bone within 8 mm lateral of the canal's wall and level with its anterior half, the cranial-caudal
    run through the vertebra that hugs the canal most is the pedicle; its centroid is the centre.
    """
    s, right, anterior, _ = curve_coordinates(line, points)
    lateral = right if side == "right" else -right
    room = sample_planes(canal, grid=grid, points=points)
    beside = (lateral > 5.0) & (room > 0.0) & (room < 5.5) & (anterior > -1.5) & (anterior < 8.0)
    beside &= np.abs(s - middle) < 14.0
    # Bone must lie beside the canal, not in front of it.
    beside &= lateral > 0.8 * np.abs(anterior)
    if beside.sum() * grid.voxel_volume < 20.0:
        return None
    # Soft edges throughout: voxels that sit on a threshold must not move the centre.
    heights = s[beside]
    place = np.arange(heights.min() - 2.0, heights.max() + 2.0, 0.1)
    density = np.exp(-0.5 * ((place[:, None] - heights[None, :: max(1, len(heights) // 4000)]) / 0.8) ** 2).sum(axis=1)
    peak = int(np.argmax(density))
    full = density > 0.5 * density[peak]
    first, last = peak, peak
    while first > 0 and full[first - 1]:
        first -= 1
    while last < len(full) - 1 and full[last + 1]:
        last += 1
    weight = expit((heights - place[first]) / 0.3) * expit((place[last] - heights) / 0.3)
    centre: Array = (weight[:, None] * points[beside]).sum(axis=0) / weight.sum()
    return centre


def root_path(
    wall: Distance,
    canal: Distance,
    sac: Distance,
    line: Centreline,
    above: Array,
    below: Array,
    side: str,
    *,
    grid: Grid,
) -> Array:
    """Way of the root from the sac's edge through the middle of the free space between two pedicles.

    Parameters
    ----------
    wall, canal, sac : (nx, ny, nz) ndarray of float32
        Signed distances, mm.
    line : Centreline
        The centreline.
    above, below : (3,) ndarray
        Pedicle centres, mm.
    side : {"left", "right"}
        Patient's side.
    grid : Grid
        Grid of the distances.

    Returns
    -------
    (n, 3) ndarray
        Points 0.5 mm apart, mm, from the sac outwards; straight from the canal's lateral edge on.
    """
    middle = 0.5 * (above + below)
    s0 = float(curve_coordinates(line, middle[None])[0][0])
    _, right, anterior, tangent = point_at(line, s0)
    outward = right if side == "right" else -right
    tau = np.arange(-_BEFORE_MM, _BEHIND_MM + 0.1, 0.5)

    def lines(parameters: Array) -> tuple[Array, Array]:
        yaw, pitch = np.radians(parameters[..., 0]), np.radians(parameters[..., 1])
        level = np.cos(yaw)[..., None] * outward + np.sin(yaw)[..., None] * anterior
        way = np.cos(pitch)[..., None] * level - np.sin(pitch)[..., None] * tangent
        beside = np.sin(yaw)[..., None] * outward - np.cos(yaw)[..., None] * anterior
        return middle + parameters[..., 2, None] * tangent + parameters[..., 3, None] * beside, way

    def score(parameters: Array) -> Array:
        centre, way = lines(parameters)
        clear = sample_planes(wall, grid=grid, points=centre[..., None, :] + tau[:, None] * way[..., None, :])
        clear = np.minimum(clear, 6.0)
        # A smooth minimum along the line: 0.4 mm sets how close to the narrowest point counts.
        narrow = -0.4 * np.log(np.mean(np.exp(-clear / 0.4), axis=-1))
        pull = ((parameters[..., 0] - _USUAL[0]) / 10.0) ** 2 + ((parameters[..., 1] - _USUAL[1]) / 10.0) ** 2
        value: Array = narrow - _PULL * pull - _PULL * (parameters[..., 2] ** 2 + parameters[..., 3] ** 2) / 9.0
        return value

    # The best single line among near equals hangs on voxels; their weighted mean does not.
    shifts = np.linspace(-_SHIFT_MM, _SHIFT_MM, 7)
    found = _weighted(score, (np.linspace(*YAW, 8), np.linspace(*PITCH, 8), shifts, shifts), 2.0 * _NEAR_EQUAL_MM)
    around = (np.linspace(-5.0, 5.0, 5), np.linspace(-5.0, 5.0, 5), np.linspace(-1, 1, 5), np.linspace(-1, 1, 5))
    nearer = tuple(centre + by for centre, by in zip(found, around, strict=True))
    centre, way = (part[0] for part in lines(_weighted(score, nearer, _NEAR_EQUAL_MM)[None]))
    return _joined(canal, sac, line, centre, way, outward, grid=grid)


def _weighted(score: Callable[[Array], Array], axes: tuple[Array, ...], scale: float) -> Array:
    """Mean of the parameters on a grid, each weighted with exp(score / scale)."""
    tried = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    value = score(tried)
    weight = np.exp((value - value.max()) / scale)
    mean: Array = (weight[:, None] * tried).sum(axis=0) / weight.sum()
    return mean


def _joined(
    canal: Distance, sac: Distance, line: Centreline, centre: Array, way: Array, outward: Array, *, grid: Grid
) -> Array:
    # Straight from where the line leaves the canal; before that a curve from the sac's lateral edge.
    back = np.arange(0.0, 12.1, 0.25)
    depth = sample_planes(canal, grid=grid, points=centre - back[:, None] * way)
    start = 5.0
    if (depth < 0).any():
        i = int(np.argmax(depth < 0))
        start = float(back[i] - (0.25 * depth[i] / (depth[i] - depth[i - 1]) if i else 0.0))
    gate = centre - start * way
    s_gate = float(curve_coordinates(line, gate[None])[0][0])
    # The root leaves the sac a little above its foramen.
    point, _, _, _ = point_at(line, s_gate + 2.0)
    ray = np.arange(0.0, 16.0, 0.1)
    out = sample_planes(sac, grid=grid, points=point + ray[:, None] * outward) >= 0
    edge = point + (ray[int(np.argmax(out))] if out.any() else 8.0) * outward
    chord = float(np.linalg.norm(gate - edge))
    x = np.linspace(0.0, 1.0, max(3, round(chord / 0.1)))[:, None]
    h00, h10 = 2 * x**3 - 3 * x**2 + 1, x**3 - 2 * x**2 + x
    h01, h11 = -2 * x**3 + 3 * x**2, x**3 - x**2
    bend = h00 * edge + h10 * chord * outward + h01 * gate + h11 * chord * way
    rest = gate + np.arange(0.1, start + _OUTSIDE_MM, 0.1)[:, None] * way
    whole = np.concatenate([bend, rest])
    arc = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(whole, axis=0), axis=1))))
    place = np.arange(0.0, arc[-1], _STEP_MM)
    return np.stack([np.interp(place, arc, whole[:, k]) for k in range(3)], axis=1)
