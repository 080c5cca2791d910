"""The mass as the cord meets it: seen from the middle of the free canal, all that lies behind it is mass."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from canalrisk.anatomy.spine import Spine
from canalrisk.field import Grid, linear_sample, redistance
from canalrisk.mechanics.outline import CordOutlines

Array = NDArray[np.float64]
Distance = NDArray[np.float32]

RAYS = 96
FAR_MM = 14.0
_STEP_MM = 0.25
_BAND_MM = 8.0
# Sections whose cord the mass does not approach to this are not looked at, mm.
NEAR_MM = 5.0
# Soft tissue under a taut pia does not fill a hollow narrower than twice this.
CLEFT_MM = 2.0
# The view point is the cord's centroid unless mass or wall come nearer to it than this.
ROOM_MM = 2.5
# Features of the mass finer than about three times this are blunted, around and along, in mm: contact points of
# the cord's surface are 1 to 2 mm apart.
BLUNT_MM = 0.6
_TYPICAL_RADIUS_MM = 5.0


@dataclass(frozen=True, eq=False)
class FreeSpace:
    """Distance (p, RAYS) from the view points (p, 2: right, anterior) to the mass on the sections of `frames`, mm."""

    frames: CordOutlines
    pole: Array
    radius: Array


@dataclass(frozen=True, eq=False)
class BoxFrame:
    """Section coordinates of every voxel of a grid: fractional row in `frames`, right and anterior offset, (k,)."""

    frames: CordOutlines
    grid: Grid
    row: Array
    right: Array
    anterior: Array


def box_frame(frames: CordOutlines, *, grid: Grid) -> BoxFrame:
    """Section coordinates of a grid, computed once for all times.

    Parameters
    ----------
    frames : CordOutlines
        Sections.
    grid : Grid
        Voxels around the cord.

    Returns
    -------
    BoxFrame
    """
    points = grid.to_world(np.indices(grid.shape).reshape(3, -1).T)
    _, nearest = cKDTree(frames.origins).query(points)
    away = points - frames.origins[nearest]
    step = np.gradient(frames.s)[nearest]
    row = nearest + np.einsum("nd,nd->n", away, frames.tangent[nearest]) / step
    return BoxFrame(
        frames,
        grid,
        np.clip(row, 0, len(frames.s) - 1),
        np.einsum("nd,nd->n", away, frames.right[nearest]),
        np.einsum("nd,nd->n", away, frames.anterior[nearest]),
    )


def look_around(mass: Distance, *, spine: Spine, frames: CordOutlines) -> FreeSpace:
    """Distance from the middle of the free canal to the mass in every direction of every section.

    Parameters
    ----------
    mass : (nx, ny, nz) ndarray of float32
        Signed distance, mm.
    spine : Spine
        For grid and canal.
    frames : CordOutlines
        Sections and undeformed cord.

    Returns
    -------
    FreeSpace
        `FAR_MM` where a ray meets no mass and on sections that the mass does not come near.
    """
    grid = spine.grid
    gap = linear_sample(mass, grid=grid, points=frames.world, fill=FAR_MM).min(axis=1)
    rows = np.flatnonzero(ndimage.binary_dilation(gap < NEAR_MM, iterations=3))
    centre = frames.outline.mean(axis=1)
    pole, radius = centre.copy(), np.full((len(centre), RAYS), FAR_MM)
    if rows.size == 0:
        return FreeSpace(frames, pole, radius)
    near = frames.rows(rows)
    line = np.arange(-6.0, 6.01, 0.75)
    x, y = np.meshgrid(line, line, indexing="ij")
    offset = np.stack((x, y), axis=-1).reshape(-1, 2)
    points = _world(near, centre[rows][:, None, :] + offset)
    room = np.minimum(
        linear_sample(mass, grid=grid, points=points, fill=FAR_MM),
        -linear_sample(spine.canal, grid=grid, points=points, fill=FAR_MM),
    ).astype(np.float64)
    cost = (offset**2).sum(axis=1) + 20.0 * np.maximum(0.0, ROOM_MM - room) ** 2
    shift = np.zeros_like(centre)
    shift[rows] = offset[cost.argmin(axis=1)]
    step = float(np.median(np.diff(frames.s)))
    pole += ndimage.gaussian_filter1d(shift, 2.0 / step, axis=0, mode="nearest")

    angle = 2.0 * np.pi * np.arange(RAYS) / RAYS
    reach = np.arange(0.0, FAR_MM + _STEP_MM, _STEP_MM)
    direction = np.stack((np.cos(angle), np.sin(angle)), axis=-1)
    rays = pole[rows][:, None, None, :] + reach[:, None] * direction[:, None, :]
    value = linear_sample(mass, grid=grid, points=_world(near, rays.reshape(len(rows), -1, 2)), fill=FAR_MM)
    value = value.reshape(len(rows), RAYS, len(reach)).astype(np.float64)
    inside = value < 0
    first = np.where(inside.any(axis=-1), inside.argmax(axis=-1), len(reach) - 1)
    before = np.take_along_axis(value, np.maximum(first - 1, 0)[..., None], axis=-1)[..., 0]
    after = np.take_along_axis(value, first[..., None], axis=-1)[..., 0]
    part = np.where((before > 0) & (after < 0), before / np.where(before > after, before - after, 1.0), 1.0)
    radius[rows] = np.where(first > 0, reach[np.maximum(first - 1, 0)] + part * _STEP_MM, 0.0)
    return FreeSpace(frames, pole, _blunt(radius, step=step))


def free_distance(space: FreeSpace, *, box: BoxFrame, cord: Array) -> Array:
    """Signed distance to the border of the free space, mm; positive inside it, negative behind the mass's face.

    Hollows of the border narrower than twice `CLEFT_MM` are filled: tissue under a taut pia does not enter them.

    Parameters
    ----------
    space : FreeSpace
        Seen from the view points.
    box : BoxFrame
        Where to sample.
    cord : (nx, ny, nz) ndarray
        Signed distance of the undeformed cord there, mm: a mass that leaves it alone stays away from it.

    Returns
    -------
    (nx, ny, nz) ndarray
    """
    grid = box.grid
    index = np.arange(len(space.pole))
    u = box.right - np.interp(box.row, index, space.pole[:, 0])
    v = box.anterior - np.interp(box.row, index, space.pole[:, 1])
    column = (np.arctan2(v, u) / (2.0 * np.pi) * RAYS) % RAYS
    wrapped = np.concatenate((space.radius[:, -4:], space.radius, space.radius[:, :4]), axis=1)
    border = ndimage.map_coordinates(wrapped, [box.row, column + 4.0], order=3, mode="nearest")
    level: Array = (border - np.hypot(u, v)).reshape(grid.shape)
    rows = np.flatnonzero((space.radius < FAR_MM - 1.0).any(axis=1))
    if rows.size == 0:
        return level
    # Distances are made where the mass is near the cord; elsewhere the level only needs its sign.
    voxel = grid.to_voxel(space.frames.world[rows].reshape(-1, 3))
    margin = 6.0 / grid.spacing
    low = np.clip(np.floor(voxel.min(axis=0) - margin).astype(int), 0, np.array(grid.shape) - 4)
    high = np.clip(np.ceil(voxel.max(axis=0) + margin).astype(int) + 1, low + 4, grid.shape)
    window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    part = grid.crop(low, high)
    distance = redistance(level[window], grid=part, band=_BAND_MM)
    opened = np.asarray(redistance(distance - CLEFT_MM, grid=part, band=_BAND_MM), np.float64) + CLEFT_MM
    inner = np.minimum(np.minimum(opened, distance), _BAND_MM - CLEFT_MM)
    rest = cord[window]
    if distance[rest < 0].min(initial=np.inf) > 0:
        inner = np.maximum(inner, np.minimum(distance, -rest))
    rim = np.minimum.reduce([_to_rim(inner.shape, axis) * part.spacing[axis] for axis in range(3)])
    share = np.clip(rim / 3.0, 0.0, 1.0)
    level[window] = (1.0 - share) * level[window] + share * inner
    return level


def _to_rim(shape: tuple[int, ...], axis: int) -> Array:
    index = np.arange(shape[axis], dtype=float)
    line = np.minimum(index, index[::-1])
    spread: Array = line.reshape([-1 if a == axis else 1 for a in range(3)]) * np.ones(shape)
    return spread


def _world(frames: CordOutlines, plane: Array) -> Array:
    points: Array = (
        frames.origins[:, None, :]
        + plane[..., :1] * frames.right[:, None, :]
        + plane[..., 1:] * frames.anterior[:, None, :]
    )
    return points


def _blunt(radius: Array, *, step: float) -> Array:
    # 2 G(s) - G(sqrt2 s) leaves smooth fronts where they are and takes single rays' spikes away.
    sigma = np.array((BLUNT_MM / step, BLUNT_MM / (2.0 * np.pi * _TYPICAL_RADIUS_MM / RAYS)))
    once = ndimage.gaussian_filter(radius, sigma, mode=("nearest", "wrap"))
    twice = ndimage.gaussian_filter(radius, sigma * np.sqrt(2.0), mode=("nearest", "wrap"))
    return np.asarray(np.clip(2.0 * once - twice, 0.0, FAR_MM), np.float64)
