"""A neck in the making: its vertebrae stacked, its bone and canal evaluated on a grid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import find_objects
from scipy.ndimage import label as components

from canalrisk.errors import UsageError
from canalrisk.field.grid import Grid
from canalrisk.phantom._kernels import FAR, evaluate
from canalrisk.phantom.axis import axis_vertebra
from canalrisk.phantom.neck import DISCS, LEVELS, Neck
from canalrisk.phantom.parts import cone, solid
from canalrisk.phantom.posture import Curve, Frame, canal_curve, stack
from canalrisk.phantom.routes import Channel, channels
from canalrisk.phantom.tubes import Tubes, sagittal, tubes
from canalrisk.phantom.vertebrae import typical_vertebra

Array = NDArray[np.float64]
Field = NDArray[np.float32]
Box = tuple[slice, slice, slice]

_WALL_MM = 1.8
# Blending a cut of 1.5 mm removes about this much beyond it.
_CUT_EXCESS_MM = 0.3
_RIPPLE_MM = 0.30
_RIPPLE_WAVES = 4
_MARGIN_MM = 6.0
_HALF_WIDTH_MM = 37.0
# Local box of a vertebra: x half, y back, y front, z below, z above, mm.
_REACH = {"C2": (32.0, 58.0, 16.0, 30.0, 32.0), "T1": (37.0, 66.0, 18.0, 34.0, 26.0)}
_REACH_TYPICAL = (36.0, 66.0, 16.0, 30.0, 26.0)


@dataclass(frozen=True, eq=False)
class Model:
    """A neck evaluated on a grid.

    `bone` and the tubes are signed pseudo-distances, float32 mm, negative inside, exact at the
    surface to first order; `owner` is 1 + index into `LEVELS` of the nearest vertebra, `joint` the
    summed distance to the two nearest vertebrae: small in clefts and joints.
    """

    neck: Neck
    grid: Grid
    frames: tuple[Frame, ...]
    curve: Curve
    channels: tuple[Channel, ...]
    tube: Tubes
    bone: Field
    owner: NDArray[np.int8]
    joint: Field


def build_model(neck: Neck, *, spacing: float) -> Model:
    """Stack and evaluate a neck on an isotropic RAS+ grid of `spacing` mm (0.3 to 1.5).

    Raises
    ------
    UsageError
        If the spacing is outside its range.
    """
    if not 0.3 <= spacing <= 1.5:
        raise UsageError(f"spacing {spacing} mm is outside 0.3-1.5 mm", where="spacing", fix="Use 0.5 mm.")
    frames = stack(neck)
    curve = canal_curve(neck, frames)
    grid = _grid(neck, frames, spacing)
    x, y, z = (grid.affine[k, 3] + spacing * np.arange(grid.shape[k]) for k in range(3))
    tube = tubes(neck, curve, sagittal(curve, y, z), x)
    passages = channels(neck, frames)
    bone, owner, joint = _vertebrae(neck, frames, passages, grid, tube.canal)
    _drop_crumbs(bone, owner)
    return Model(neck, grid, frames, curve, passages, tube, bone, owner, joint)


def _grid(neck: Neck, frames: tuple[Frame, ...], spacing: float) -> Grid:
    """Return the grid that holds every vertebra with a margin."""
    corners = []
    for i, frame in enumerate(frames):
        back = -0.5 * neck.body_depth[i] - neck.canal_ap[2 * i] - neck.spinous_length[i] - 4.0
        low = -0.5 * neck.body_height[i] - (18.0 if i else 10.0)
        high = 0.5 * neck.body_height[0] + neck.dens_height if i == 0 else 12.0
        front = 0.5 * neck.body_depth[i] + 4.0
        corners += [frame.to_world(np.array([0.0, a, b])) for a in (back, front) for b in (low, high)]
    points = np.array(corners)
    low_world = points.min(axis=0) - _MARGIN_MM
    high_world = points.max(axis=0) + _MARGIN_MM
    low_world[0], high_world[0] = -_HALF_WIDTH_MM, _HALF_WIDTH_MM
    # Voxel centres symmetrical about x = 0, so that left and right are sampled alike.
    nx = 2 * int(np.ceil(_HALF_WIDTH_MM / spacing)) + 1
    ny, nz = (int(np.ceil((high_world[k] - low_world[k]) / spacing)) + 1 for k in (1, 2))
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = [-0.5 * (nx - 1) * spacing, low_world[1], low_world[2]]
    return Grid((nx, ny, nz), affine)


def _vertebrae(
    neck: Neck, frames: tuple[Frame, ...], passages: tuple[Channel, ...], grid: Grid, canal: Field
) -> tuple[Field, NDArray[np.int8], Field]:
    """Return the bone's signed distance, the nearest vertebra, and the summed distance to the nearest two.

    Neighbours are parted along the surface between them by the joint gap, so no two ever touch.
    """
    spacing = float(grid.spacing[0])
    # Below one and a half voxels a gap can vanish in the sampling and fuse two vertebrae.
    gap = max(neck.facet_gap, 1.5 * spacing)
    nearest = np.full(grid.shape, FAR, np.float32)
    second = np.full(grid.shape, FAR, np.float32)
    owner = np.zeros(grid.shape, np.int8)
    for i, frame in enumerate(frames):
        rows = axis_vertebra(neck) if i == 0 else typical_vertebra(neck, i)
        parts = solid(rows + _foramina(frame, i, passages))
        box = _box(frame, LEVELS[i], grid)
        crop = grid.crop([b.start for b in box], [b.stop for b in box])
        distance = np.empty(crop.shape, np.float32)
        wall = np.ascontiguousarray(canal[box])
        evaluate(parts, _ripple(neck.seed, i), frame.matrix, crop.affine[:3, 3].copy(), spacing, wall, distance)
        closer = distance < nearest[box]
        second[box] = np.where(closer, nearest[box], np.minimum(second[box], distance))
        owner[box] = np.where(closer, np.int8(i + 1), owner[box])
        nearest[box] = np.where(closer, distance, nearest[box])
    return np.maximum(nearest, 0.5 * (nearest - second + np.float32(gap))), owner, nearest + second


def _drop_crumbs(bone: Field, owner: NDArray[np.int8]) -> None:
    """Turn what joint gaps and channels have cut off a vertebra into soft tissue, in place."""
    for i in range(len(LEVELS)):
        mine = (owner == i + 1) & (bone < 0.0)
        box = find_objects(mine.astype(np.int8))[0]
        pieces, count = components(mine[box])
        if count > 1:
            largest = 1 + int(np.argmax(np.bincount(pieces.ravel())[1:]))
            bone[box][(pieces > 0) & (pieces != largest)] = 0.1


def _foramina(frame: Frame, index: int, passages: tuple[Channel, ...]) -> list[Array]:
    """Return what a vertebra needs for the foramina above and below it: walls first, then the channels."""
    walls, cuts = [], []
    for channel in passages:
        which = DISCS.index(channel.name)
        if which not in (index - 1, index):
            continue
        r = 0.5 * channel.width - _CUT_EXCESS_MM
        walls += _walls(channel, frame, below=which == index - 1)
        start, end = (frame.to_local(channel.centre + t * channel.direction) for t in (-7.0, 14.0))
        flat, tall = (0.5 * channel.height - _CUT_EXCESS_MM) / r, channel.up @ frame.turn
        cuts.append(cone(start, end, r, r, flat=flat, tall=tall, blend=1.5, mirror=False, cut=True))
    return walls + cuts


def _walls(channel: Channel, frame: Frame, *, below: bool) -> list[Array]:
    """Return bars just outside a channel, so that the bone around it ends where the channel does.

    The vertebra below gives the floor (pedicle) and the back (superior articular process); the one
    above gives the roof. The corners of both bodies are in front, with uncinate process and disc between.
    """
    tall, wide = 0.5 * channel.height + _WALL_MM - 0.4, 0.5 * channel.width + _WALL_MM - 0.4
    up = channel.up
    back = np.cross(channel.direction, up) * (1.0 if channel.side == "right" else -1.0)
    sign = -1.0 if below else 1.0
    bars = [[(-1.5, 0.0, sign * tall), (3.5, 0.0, sign * tall)]]
    if below:
        bars += [[(2.0, wide, -tall), (2.0, wide, 0.4 * tall)], [(1.0, -wide, -tall), (1.5, -wide, -0.4 * tall)]]
    else:
        bars += [[(1.0, -wide, 0.4 * tall), (1.0, -wide, tall)], [(1.0, wide, 0.75 * tall), (1.0, wide, tall)]]
    rows = []
    for ends in bars:
        start, end = (frame.to_local(channel.centre + t * channel.direction + b * back + u * up) for t, b, u in ends)
        rows.append(cone(start, end, _WALL_MM, _WALL_MM, blend=1.5, mirror=False))
    return rows


def _ripple(seed: int, index: int) -> Array:
    """Return waves (m, 7): wave vector 1/mm, phase, displacement mm."""
    rng = np.random.default_rng([seed, index, 7])
    waves = np.empty((_RIPPLE_WAVES, 7))
    direction = rng.standard_normal((_RIPPLE_WAVES, 3))
    direction /= np.linalg.norm(direction, axis=1)[:, None]
    waves[:, :3] = direction * (2.0 * np.pi / rng.uniform(11.0, 20.0, (_RIPPLE_WAVES, 1)))
    waves[:, 3] = rng.uniform(0.0, 2.0 * np.pi, _RIPPLE_WAVES)
    waves[:, 4:] = _RIPPLE_MM * rng.standard_normal((_RIPPLE_WAVES, 3)) / np.sqrt(_RIPPLE_WAVES)
    return waves


def _box(frame: Frame, level: str, grid: Grid) -> Box:
    """Return the grid box that holds a vertebra."""
    half, back, front, below, above = _REACH.get(level, _REACH_TYPICAL)
    local = np.array([[x, y, z] for x in (-half, half) for y in (-back, front) for z in (-below, above)])
    return box_of(grid, frame.to_world(local))


def box_of(grid: Grid, points: Array) -> Box:
    """Return the part of the grid that holds world points (n, 3), as three slices."""
    voxels = grid.to_voxel(points)
    low = np.clip(np.floor(voxels.min(axis=0)).astype(int), 0, grid.shape)
    high = np.clip(np.ceil(voxels.max(axis=0)).astype(int) + 1, 0, grid.shape)
    a, b, c = (slice(int(p), int(q)) for p, q in zip(low, high, strict=True))
    return a, b, c
