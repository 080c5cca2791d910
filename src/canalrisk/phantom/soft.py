"""Soft tissue of a neck: discs, ligamentum flavum, roots and vertebral arteries, painted around the bone."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import UsageError
from canalrisk.field.grid import Grid
from canalrisk.phantom._kernels import FAR, balls
from canalrisk.phantom.model import Model, box_of
from canalrisk.phantom.neck import DISCS
from canalrisk.phantom.posture import Frame
from canalrisk.phantom.routes import artery_path, root_name, root_path

Array = NDArray[np.float64]
Field = NDArray[np.float32]
Labels = NDArray[np.int16]
Box = tuple[slice, slice, slice]

CORD, EPIDURAL, CSF, FLAVUM, MASS = 60, 61, 62, 63, 80
ARTERY = {"left": 70, "right": 71}
Arteries = Literal["both", "left-only", "right-only"]
_PRESENT: Final[dict[str, tuple[str, ...]]] = {
    "both": ("left", "right"),
    "left-only": ("left",),
    "right-only": ("right",),
}
ROOT = {"left": 210, "right": 220}
DISC = 102
# Width of what counts as a cleft between two bones.
_CLEFT_MM = 3.0


def paint_soft(labels: Labels, model: Model) -> None:
    """Paint discs between the bodies and flavum behind the canal, where there is no bone."""
    neck, frames, canal = model.neck, model.frames, model.tube.canal
    free = (model.bone >= 0.0) & (canal >= 0.0)
    for i in range(len(DISCS)):
        box, upper, lower = _between(frames[i], frames[i + 1], model.grid)
        y = 0.5 * (lower[..., 1] + upper[..., 1])
        half_w = 0.5 * min(0.90 * float(neck.body_width[i + 1]), 0.95 * float(neck.body_width[i]))
        depth = 0.25 * float(neck.body_depth[i] + neck.body_depth[i + 1]) - 0.3
        # In the middle the annulus and the posterior longitudinal ligament reach back to the canal.
        half_d = np.where((y < 0.0) & (np.abs(lower[..., 0]) < 0.5 * half_w), depth + 1.2, depth)
        radial = (np.abs(lower[..., 0]) / half_w) ** 2.6 + (np.abs(y) / half_d) ** 2.6
        # The disc reaches into the hollow of the endplates, but only away from their rims.
        hollow = np.where(radial < 0.6, 1.6, 0.3)
        above = upper[..., 2] < -0.5 * neck.body_height[i] + hollow
        below = lower[..., 2] > 0.5 * neck.body_height[i + 1] - hollow
        inside = (radial < 1.0) & above & below & free[box]
        # Beside it the annulus fills the clefts between uncinate processes and the body above.
        half_w = 0.5 * float(neck.body_width[i + 1]) + 0.5
        cleft = (np.abs(lower[..., 0]) < half_w) & (np.abs(y) < depth) & (model.joint[box] < _CLEFT_MM)
        inside |= cleft & (upper[..., 2] < 0.0) & (lower[..., 2] > 0.0) & free[box]
        labels[box][inside] = DISC + i
        # Flavum: a shell behind the canal, from the front of one lamina to the top of the next.
        shell = (canal[box] < max(neck.flavum, 1.2)) & free[box] & (labels[box] == 0)
        behind = y < -0.5 * neck.body_depth[i] - 0.45 * neck.canal_ap[2 * i]
        span = (upper[..., 2] < 4.0) & (lower[..., 2] > 0.0)
        labels[box][shell & behind & span] = FLAVUM


def paint_routes(labels: Labels, model: Model, *, arteries: Arteries = "both") -> None:
    """Paint the roots outside the canal, and the vertebral arteries.

    Raises
    ------
    UsageError
        If `arteries` is not known.
    """
    if arteries not in _PRESENT:
        raise UsageError(
            f"arteries {arteries!r} are unknown", where="arteries", fix=f"Use one of {', '.join(_PRESENT)}."
        )
    # Arteries first: a root that runs behind one gives way to it.
    for side in _PRESENT[arteries]:
        points, value = artery_path(model.neck, model.frames, side=side), ARTERY[side]
        _paint_tube(labels, points, np.full(len(points), 0.5 * model.neck.artery), value, model.grid, model.bone)
    outside = np.minimum(model.bone, model.tube.canal)
    for channel in model.channels:
        points, radii = root_path(channel)
        _paint_tube(labels, points, radii, ROOT[channel.side] + int(root_name(channel.name)[1:]), model.grid, outside)


def _between(above: Frame, below: Frame, grid: Grid) -> tuple[Box, Array, Array]:
    """Return the box around a motion segment and its voxels in both vertebrae's frames."""
    reach = np.array([[x, y, z] for x in (-16.0, 16.0) for y in (-30.0, 12.0) for z in (-4.0, 4.0)])
    box = box_of(grid, np.concatenate([above.to_world(reach), below.to_world(reach)]))
    index = np.stack(np.meshgrid(*(np.arange(s.start, s.stop) for s in box), indexing="ij"), axis=-1)
    world = grid.to_world(index)
    return box, above.to_local(world), below.to_local(world)


def _paint_tube(labels: Labels, points: Array, radii: Array, value: int, grid: Grid, wall: Field) -> None:
    """Paint the unlabelled voxels within `radii` of a path, where `wall` is not negative."""
    reach = float(radii.max()) + 1.0
    box = box_of(grid, np.concatenate([points - reach, points + reach]))
    crop = grid.crop([s.start for s in box], [s.stop for s in box])
    distance = np.full(crop.shape, FAR, np.float32)
    balls(points, radii, crop.affine[:3, 3].copy(), float(grid.spacing[0]), distance)
    labels[box][(distance < 0.0) & (wall[box] >= 0.0) & (labels[box] == 0)] = value
