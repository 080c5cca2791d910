"""Fields that the cord may not enter: the mass at every time, its insertion, and the canal's inner wall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from canalrisk.anatomy.sections import curve_coordinates
from canalrisk.anatomy.spine import BAND_MM, Spine
from canalrisk.field import Grid, Spline, fit_spline
from canalrisk.findings import Finding
from canalrisk.growth.timeline import Timeline
from canalrisk.mechanics.free_space import box_frame, free_distance, look_around
from canalrisk.mechanics.outline import CordOutlines

Array = NDArray[np.float64]
Distance = NDArray[np.float32]

# Rounds creases of distance fields (where two lobes meet) so that contact sees a continuous gradient.
CREASE_MM = 0.5
# Free gap left between the undeformed cord and an obstacle at the start of the path.
START_GAP_MM = 0.1
# Space counted as mass is told to the reader from this volume on.
TOLD_MM3 = 10.0
# Insertion: greatest advance of the mass's surface per step, and greatest number of steps.
ADVANCE_MM = 0.6
MOST_STEPS = 40
# How far the cord's surface may travel outside the box of its undeformed shape.
MARGIN_MM = 6.0


@dataclass(frozen=True, eq=False)
class MassFields:
    """The mass along the path.

    `carved`: today's mass without the dilated cord; None where today's mass leaves the cord alone.
    `snapshots`: one field per time; None where there is no mass. `insertion_steps`: equal parts of the way from
    `carved` to the first snapshot in which the mass's surface nowhere advances by more than `ADVANCE_MM`.
    """

    carved: Spline | None
    snapshots: tuple[Spline | None, ...]
    insertion_steps: int = 1
    findings: tuple[Finding, ...] = ()


class FieldBox:
    """The part of the grid around the cord mesh, on which every obstacle is sampled.

    Parameters
    ----------
    spine : Spine
        Its grid is cropped.
    points : (n, 3) ndarray
        Undeformed cord, mm.
    """

    def __init__(self, spine: Spine, *, points: Array) -> None:
        voxel = spine.grid.to_voxel(points)
        margin = MARGIN_MM / spine.grid.spacing
        shape = np.array(spine.grid.shape)
        low = np.clip(np.floor(voxel.min(axis=0) - margin).astype(int), 0, shape - 4)
        high = np.clip(np.ceil(voxel.max(axis=0) + margin).astype(int) + 1, low + 4, shape)
        self._window = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
        self.grid: Grid = spine.grid.crop(low, high)

    def cut(self, values: Distance) -> Array:
        """Values in the box, float64."""
        return np.asarray(values[self._window], np.float64)

    def spline(self, values: Array) -> Spline:
        """C2 spline of a field in the box, its creases rounded."""
        return fit_spline(_round_creases(values, grid=self.grid), grid=self.grid)


def _round_creases(values: Array, *, grid: Grid) -> Array:
    # 2 G(s) - G(sqrt2 s) leaves quadratics as they are: a convex mass does not lose its tip.
    clipped = np.clip(values, -BAND_MM, BAND_MM)
    sigma = CREASE_MM / grid.spacing
    once = ndimage.gaussian_filter(clipped, sigma, mode="nearest")
    twice = ndimage.gaussian_filter(clipped, sigma * np.sqrt(2.0), mode="nearest")
    return np.asarray(2.0 * once - twice, np.float64)


def mass_fields(spine: Spine, timeline: Timeline, *, box: FieldBox, surface: Array, frames: CordOutlines) -> MassFields:
    """Splines of the mass for the path: insertion into the pre-lesion anatomy, then growth.

    The mass is taken with all that lies behind it (`look_around`), so its depth grows away from the free canal.
    Insertion blends linearly from this body without the dilated cord (which touches nothing) to the whole body:
    its front then advances from the cord's surface in the direction in which the mass encroached. Eroding the
    mass's own distance instead would let it reappear from its medial axis, which may lie inside the cord.

    Parameters
    ----------
    spine : Spine
        For the pre-lesion cord.
    timeline : Timeline
        Snapshots.
    box : FieldBox
        Where to sample.
    surface : (n, 3) ndarray
        Contact points of the undeformed cord, mm.
    frames : CordOutlines
        Sections and outline of the undeformed cord.

    Returns
    -------
    MassFields
    """
    where = box_frame(frames, grid=box.grid)
    cord = box.cut(spine.cord)
    masses = [
        None
        if snapshot.mass is None
        else free_distance(look_around(snapshot.mass, spine=spine, frames=frames), box=where, cord=cord)
        for snapshot in timeline.snapshots
    ]
    snapshots = tuple(None if mass is None else box.spline(mass) for mass in masses)
    findings = _hidden(timeline, masses, box=box, cord=cord)
    first, mass = snapshots[0], masses[0]
    if first is None or mass is None or first.value(surface).min() >= 0.0:
        return MassFields(None, snapshots, findings=findings)
    margin = START_GAP_MM
    for _ in range(20):
        start = np.maximum(mass, margin - cord)
        carved = box.spline(start)
        lack = START_GAP_MM - float(carved.value(surface).min())
        if lack <= 0:
            break
        margin += lack
    return MassFields(carved, snapshots, insertion_steps(start, mass, grid=box.grid), findings)


def _hidden(timeline: Timeline, masses: list[Array | None], *, box: FieldBox, cord: Array) -> tuple[Finding, ...]:
    """Tell how much of the pre-lesion cord's place counts as mass because it lies behind or in a hollow of it."""
    most, when = 0.0, 0.0
    for snapshot, field in zip(timeline.snapshots, masses, strict=True):
        if snapshot.mass is not None and field is not None:
            hidden = (cord < 0) & (field < 0) & (box.cut(snapshot.mass) > 0)
            volume = float(hidden.sum() * box.grid.voxel_volume)
            if volume > most:
                most, when = volume, snapshot.time_years
    if most < TOLD_MM3:
        return ()
    message = (
        f"Up to {most:.0f} mm3 of the pre-lesion cord's place lie behind the mass or in its hollows; the cord model "
        "counts them as mass, because a cord that the mass displaces cannot stay there."
    )
    return (Finding("MASS-HOLLOW-FILLED", "info", f"{when:.2f} years", message),)


def insertion_steps(start: Array, mass: Array, *, grid: Grid) -> int:
    """Equal steps of the blend from `start` to `mass` whose front advances at most `ADVANCE_MM` each.

    A front that outran the cord's surface would meet it from behind and push it the wrong way.

    Parameters
    ----------
    start, mass : (nx, ny, nz) ndarray
        Fields at both ends of the blend, mm.
    grid : Grid
        Their grid.

    Returns
    -------
    int
        At least 1, at most `MOST_STEPS`.
    """
    swept = (mass < 0) & (start > 0)
    if not swept.any():
        return 1
    closing = (start - mass)[swept]
    crossing = start[swept] / closing
    slope = np.zeros_like(closing)
    for axis, spacing in enumerate(grid.spacing):
        first = np.gradient(start, spacing, axis=axis)[swept]
        last = np.gradient(mass, spacing, axis=axis)[swept]
        slope += ((1.0 - crossing) * first + crossing * last) ** 2
    # The fastest few voxels sit on creases, where the front is not defined.
    speed = float(np.quantile(closing / np.sqrt(np.maximum(slope, 1e-4)), 0.98))
    return int(np.clip(np.ceil(speed / ADVANCE_MM), 1, MOST_STEPS))


def _behind(spine: Spine, box: FieldBox, *, near: NDArray[np.bool_]) -> Array:
    """1 behind the canal's centreline, 0 beside and in front of it, smooth between, where `near`; else 0."""
    _, right, anterior, _ = curve_coordinates(spine.centreline, box.grid.to_world(np.argwhere(near)))
    share = np.zeros(box.grid.shape)
    sine = anterior / np.maximum(np.hypot(right, anterior), 1e-9)
    part = np.clip(0.5 - 1.5 * sine, 0.0, 1.0)
    share[near] = part * part * (3.0 - 2.0 * part)
    return share


def wall_field(
    spine: Spine, *, box: FieldBox, surface: Array, flavum_mm: float, dura_mm: float
) -> tuple[Spline, tuple[Finding, ...]]:
    """Inner wall of the canal: dura all round, flavum behind; negative where the cord may be.

    Where the flavum was segmented, the canal already ends at it.

    Parameters
    ----------
    spine : Spine
        For canal and cord.
    box : FieldBox
        Where to sample.
    surface : (n, 3) ndarray
        Contact points of the undeformed cord, mm.
    flavum_mm, dura_mm : float
        Thicknesses, mm.

    Returns
    -------
    Spline
        Signed distance to the wall, mm.
    tuple of Finding
        ``CORD-TOUCHES-WALL`` where the pre-lesion cord would already penetrate: there the wall is moved out
        to the cord.
    """
    wall = box.cut(spine.canal) + dura_mm
    if "flavum" not in spine.soft:
        wall += flavum_mm * _behind(spine, box, near=wall < MARGIN_MM)
    spline = box.spline(wall)
    depth = float(spline.value(surface).max())
    if depth <= 0.0:
        return spline, ()
    cord = box.cut(spine.cord)
    margin = START_GAP_MM
    for _ in range(20):
        spline = box.spline(np.minimum(wall, cord - margin))
        lack = START_GAP_MM + float(spline.value(surface).max())
        if lack <= 0:
            break
        margin += lack
    if depth < START_GAP_MM:
        return spline, ()
    message = (
        f"The pre-lesion cord would enter the flavum-lined canal wall by {depth:.1f} mm; the wall was moved out to "
        f"{START_GAP_MM:g} mm from the cord there."
    )
    return spline, (Finding("CORD-TOUCHES-WALL", "warning", "canal", message),)
