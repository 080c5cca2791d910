"""The neck with its mass in three dimensions, today and as it grows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from canalrisk.field import signed_distance
from canalrisk.field.grid import Grid
from canalrisk.report.figures.anatomy import Frame, focus, frame_at, mass_side, patient_frame
from canalrisk.report.figures.scene import Solid, View, camera, render
from canalrisk.report.figures.style import INK, MASS, Picture, axes, png, svg, themed
from canalrisk.report.people import volume, years
from canalrisk.report.reading import Case, chosen_times, series, times_of

_BONE, _DISC, _CORD = (0.93, 0.87, 0.76), (0.45, 0.62, 0.72), (0.97, 0.80, 0.30)
_MASS, _NEW, _ARTERY = (0.80, 0.29, 0.07), (0.97, 0.70, 0.26), (0.78, 0.20, 0.22)

LEGEND = (("bone", "#eedec2"), ("cord", "#f7cc4d"), ("discs", "#739eb8"), ("vertebral arteries", "#c73338"))
MASS_LEGEND = (("mass today", "#cc4a12"), ("new since today", "#f7b242"))


@dataclass(frozen=True, eq=False)
class _Model:
    """Fields on a crop around the anatomy, ready for many views."""

    grid: Grid
    window: tuple[slice, slice, slice]
    soft: tuple[Solid, ...]


def _model(result: Case) -> _Model:
    spine = result.spine
    occupied = spine.bone < 1.0
    for snapshot in result.timeline.snapshots[-1:]:
        if snapshot.mass is not None:
            occupied = occupied | (snapshot.mass < 1.0)
    low, high = [], []
    for axis in range(3):
        along = np.flatnonzero(occupied.any(axis=tuple(a for a in range(3) if a != axis)))
        low.append(max(int(along[0]) - 4, 0) if along.size else 0)
        high.append(min(int(along[-1]) + 5, occupied.shape[axis]) if along.size else occupied.shape[axis])
    window = (slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2]))
    grid = spine.grid.crop(low, high)
    soft = [Solid(np.ascontiguousarray(spine.cord[window]), _CORD)]
    for name, colour in (("disc", _DISC), ("artery:left", _ARTERY), ("artery:right", _ARTERY)):
        mask = spine.soft.get(name)
        if mask is not None and mask[window].any():
            soft.append(Solid(signed_distance(mask[window], grid=grid, band=6.0), colour))
    return _Model(grid, window, tuple(soft))


def _solids(result: Case, model: _Model, k: int) -> list[Solid]:
    snapshot = result.timeline.snapshots[k]
    # A calcified mass eats bone voxel by voxel; a light blur keeps the pictured surface from shimmering.
    bone = gaussian_filter(snapshot.bone[model.window], 0.5)
    solids = [Solid(np.ascontiguousarray(bone), _BONE), *model.soft]
    if snapshot.mass is not None:
        today = result.timeline.snapshots[0].mass
        since = None if k == 0 or today is None else np.ascontiguousarray(today[model.window])
        mass = np.ascontiguousarray(snapshot.mass[model.window])
        solids.append(Solid(mass, _MASS, since=since, since_colour=_NEW, gloss=0.25))
    return solids


def _extent(result: Case, frame: Frame) -> tuple[float, float, NDArray[np.float64]]:
    """Half width and half height that hold the bone, and the middle of it."""
    index = np.argwhere(result.spine.bone[::3, ::3, ::3] < 0) * 3
    at = frame.coordinates(result.spine.grid.to_world(index))
    low, high = at.min(axis=0), at.max(axis=0)
    middle = (low + high) / 2
    centre = frame.origin + middle @ np.stack([frame.right, frame.anterior, frame.up])
    size = (high - low) / 2
    return float(max(size[0], size[1]) + 4), float(size[2] + 9), centre


class Stage:
    """The case ready to be pictured from any side; builds its fields once."""

    def __init__(self, result: Case) -> None:
        self._result = result
        self._model = _model(result)
        self._frame = patient_frame(result)
        self._side = mass_side(result)
        self._ready: dict[int, list[Solid]] = {}
        self._half_width, self._half_height, self._centre = _extent(result, self._frame)

    def views(self) -> list[Picture]:
        """Posterior-oblique view, sagittal cut and axial cut of today's neck."""
        name = "right" if self._side > 0 else "left"
        half = (self._half_width, self._half_height)
        oblique = self._camera(azimuth=38 * self._side, elevation=14, half=half)
        where = focus(self._result).origin
        midline = self._camera(azimuth=-90 * self._side, elevation=0, half=half)
        midline = replace(midline, cut_point=frame_at(self._result).origin, cut_normal=-self._side * self._frame.right)
        here = frame_at(self._result)
        below = camera(centre=here.origin - 4 * here.anterior, right=here.right, anterior=here.anterior, azimuth=0,
                       elevation=-90, half=(min(self._half_width, 46.0), min(self._half_width, 46.0)))  # fmt: skip
        below = replace(below, cut_point=where, cut_normal=-here.up, up=here.anterior)
        said = (
            (oblique, f"From behind, {name} side", "Spine from behind and to the side of the mass."),
            (midline, "Cut in the midline", f"Midline cut; the {name} half is kept."),
            (below, "Cut at the worst level, from below", "Axial cut at the worst level, patient's right on the left."),
        )
        return [self._draw(view, 0, title, alt, px_per_mm=4.2) for view, title, alt in said]

    def panels(self) -> list[Picture]:
        """Draw the posterior-oblique view at each chosen time."""
        times = times_of(self._result.dataset)
        view = self._near_the_mass()
        chosen = chosen_times(self._result.dataset)
        measured = series(self._result.dataset, "mass_volume")
        pictures = []
        for k in chosen:
            size = volume(float(measured[k])) if measured is not None else ""
            title = f"{years(float(times[k])).capitalize()}: {size}".rstrip(": ")
            pictures.append(self._draw(view, k, title, f"Spine with the mass, {title}.", px_per_mm=3.5))
        return pictures

    def _near_the_mass(self) -> View:
        """Posterior-oblique view that holds the last mass with a margin of bone."""
        last = next(s.mass for s in reversed(self._result.timeline.snapshots) if s.mass is not None)
        view = self._camera(azimuth=38 * self._side, elevation=14, half=(self._half_width, self._half_height))
        index = np.argwhere(last[::2, ::2, ::2] < 0) * 2
        if not len(index):
            return view
        offset = self._result.spine.grid.to_world(index) - view.centre
        seen = np.stack([offset @ view.right, offset @ view.up], -1)
        low, high = seen.min(axis=0), seen.max(axis=0)
        middle = (low + high) / 2
        tall = min(float(high[1] - low[1]) / 2 + 16.0, self._half_height)
        wide = min(max(float(high[0] - low[0]) / 2 + 10.0, 0.8 * tall), self._half_width)
        centre = view.centre + middle[0] * view.right + middle[1] * view.up
        return replace(view, centre=centre, half_width=wide, half_height=tall)

    def _camera(self, *, azimuth: float, elevation: float, half: tuple[float, float]) -> View:
        f = self._frame
        return camera(
            centre=self._centre, right=f.right, anterior=f.anterior, azimuth=azimuth, elevation=elevation, half=half
        )

    def _draw(self, view: View, k: int, title: str, alt: str, *, px_per_mm: float) -> Picture:
        if k not in self._ready:
            self._ready[k] = _solids(self._result, self._model, k)
        rgba = render(self._ready[k], grid=self._model.grid, view=view, px_per_mm=px_per_mm)
        return png(rgba, alt=alt, caption=title, scale=1.6)


def volumes(result: Case) -> Picture | None:
    """Mass volume, in the canal and in all, over time."""
    total, inside = series(result.dataset, "mass_volume"), series(result.dataset, "mass_volume_in_canal")
    times = times_of(result.dataset)
    if total is None or times.size < 2 or not (total > 0).any():
        return None
    with themed():
        figure, ax = axes(400, 240)
        ax.plot(times, total / 1000, color=MASS, marker="o", markersize=5, label="whole mass")
        if inside is not None:
            ax.plot(times, inside / 1000, color=INK, marker="s", markersize=4.5, dashes=(4, 2), label="in the canal")
        ax.set_xticks(times if times.size <= 6 else times[:: -(-times.size // 6)])
        ax.set_xticklabels([years(float(t)) for t in ax.get_xticks()])
        ax.legend(loc="upper left")
        ax.set_ylim(0, 1.2 * float(np.nanmax(total)) / 1000)
        ax.yaxis.set_major_locator(MaxNLocator(4))
        ax.grid(axis="y")
        ax.set_title("Mass volume, ml")
        return svg(figure, alt="Volume of the mass over time, whole and inside the canal.", key="volumes")
