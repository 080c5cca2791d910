"""Every measured section of the canal drawn on the label map, with the lines along which it was measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from canalrisk.anatomy.sections import negative_runs, sample_planes
from canalrisk.morphometry.prepared import RAY_STEP_MM
from canalrisk.report.figures.planes import PANEL, Plane, coloured, dimmed, lattice
from canalrisk.report.figures.style import MASS, Picture, framed_axes, svg, themed
from canalrisk.report.people import percent, quantity
from canalrisk.report.reading import Case, number
from canalrisk.report.worst import worst_sections

Array = NDArray[np.float64]

CANAL, SAC, CORD, FREE, CHORD = "#ffffff", "#66c7f4", "#ffd34d", "#59e08b", "#d9d9d9"
LEGEND = (
    ("canal before the mass", CANAL), ("dural sac", SAC), ("cord before the mass", CORD), ("mass, and its share of the "
    "ray", MASS), ("space available for the cord (SAC), on the same ray", FREE), ("AP and transverse diameter", CHORD),
)  # fmt: skip
_HALF = 19.0
_STEP = 0.15
# Lines are smooth: a coarser lattice carries them.
_EVERY = 2


@dataclass(frozen=True)
class Shown:
    """A section that is drawn: its number on the page, cranial first, its index, and why it is drawn."""

    number: int
    index: int
    level: str
    why: tuple[str, ...]

    @property
    def title(self) -> str:
        """What stands above the picture."""
        return f"{self.number}  {', '.join(self.why)}" + ("" if self.level in self.why else f" ({self.level})")


def shown_sections(result: Case) -> list[Shown]:
    """Choose what a reader may want to check.

    The section of each level in the tables, the worst one, that of the smallest space for the cord, and the references
    of the canal compromise; one picture where they coincide.
    """
    ds = result.dataset
    s = result.spine.centreline.s
    why: dict[int, list[str]] = {}
    for (time, level), k in worst_sections(ds).items():
        if time == 0:
            why.setdefault(k, []).append(level)
    for name, words in (("worst_s", "worst"), ("s_above", "reference above"), ("s_below", "reference below")):
        place = number(ds, name, time=0)
        if np.isfinite(place):
            why.setdefault(int(np.argmin(np.abs(s - place))), []).append(words)
    touched = ds["mass_area_in_canal"].isel(time=0).values > 0
    if touched.any():
        room = np.where(touched, ds["sac_width"].isel(time=0).values, np.inf)
        why.setdefault(int(np.argmin(room)), []).append("smallest SAC")
    levels = ds["level"].values
    return [Shown(n + 1, k, str(levels[k]), tuple(why[k])) for n, k in enumerate(sorted(why, reverse=True))]


def section_pictures(result: Case, shown: list[Shown], drawn: dict[int, str]) -> list[Picture]:
    """One picture per section, seen from below: the patient's left is on the viewer's right."""
    return [_picture(result, section, drawn) for section in shown]


def _picture(result: Case, section: Shown, drawn: dict[int, str]) -> Picture:
    spine, k = result.spine, section.index
    line = spine.centreline
    plane = Plane("", line.points[k], -line.right[k], line.anterior[k], (_HALF, _HALF), ("R", "L", "A", "P"))
    x, y, points = lattice(plane, step=_STEP)
    shape = (y.size, x.size)
    rgb, _ = coloured(result, points, drawn, shape)

    u, v = x[::_EVERY], y[::_EVERY]
    some = points.reshape(*shape, 3)[::_EVERY, ::_EVERY]

    def level(field: NDArray[np.float32]) -> Array:
        return sample_planes(field, grid=spine.grid, points=some)

    with themed():
        figure, ax = framed_axes(300, 300)
        extent = (-_HALF, _HALF, -_HALF, _HALF)
        ax.imshow(dimmed(rgb), extent=extent, origin="lower", interpolation="none")
        if spine.mass is not None:
            mass = level(spine.mass)
            if (mass < 0).any():
                ax.contourf(u, v, mass, levels=[-99, 0], colors=[MASS], alpha=0.35)
                ax.contour(u, v, mass, levels=[0], colors=[MASS], linewidths=1.5)
        for field, colour in ((spine.canal, CANAL), (spine.sac, SAC), (spine.cord, CORD)):
            values = level(field)
            if (values < 0).any():
                ax.contour(u, v, values, levels=[0], colors=[colour], linewidths=1.3)
        _lines(result, k, ax)
        _directions(ax)
        ax.set(xlim=extent[:2], ylim=extent[2:])
        ax.set_title(section.title)
        caption = _caption(result, k)
        alt = f"Section {section.number} across the canal: {', '.join(section.why)}. {caption}."
        return svg(figure, alt=alt, caption=caption, key=f"measured-{section.number}")


def _lines(result: Case, k: int, ax: Axes) -> None:
    """Draw the diameters and the ray of the occupying ratio, measured again on the fields."""
    spine = result.spine
    line, t = spine.centreline, np.arange(-20.0, 20.0 + RAY_STEP_MM / 2, RAY_STEP_MM)
    # Picture coordinates are (-right, anterior).
    across = line.points[k] + t[:, None, None] * line.anterior[k] + t[:, None] * line.right[k]
    rows = negative_runs(sample_planes(spine.canal, grid=spine.grid, points=across), step=RAY_STEP_MM)
    widest = int(np.argmax(rows[:, 1]))
    if rows[widest, 1] > 0:
        start, end = rows[widest, 2:] + t[0]
        ax.plot([-start, -end], [t[widest]] * 2, color=CHORD, linewidth=1.0, dashes=(4, 2))
    angle = np.radians(number(result.dataset, "occupying_ray", time=0, section=k))
    for turn, wanted in ((0.0, "chord"), (angle, "ray")):
        way = np.array([-np.sin(turn), np.cos(turn)])
        points = line.points[k] + t[:, None] * (np.cos(turn) * line.anterior[k] + np.sin(turn) * line.right[k])
        canal = sample_planes(spine.canal, grid=spine.grid, points=points)
        mass = None if spine.mass is None else sample_planes(spine.mass, grid=spine.grid, points=points)
        if wanted == "chord":
            _run(ax, canal, t, way, CHORD, 1.0)
        elif mass is not None and (np.maximum(canal, mass) < 0).any():
            taken = np.maximum(canal, mass)
            inside = np.flatnonzero(taken < 0)
            for piece in np.split(inside, np.flatnonzero(np.diff(inside) > 1) + 1):
                part = np.full_like(taken, 1.0)
                part[max(piece[0] - 1, 0) : piece[-1] + 2] = taken[max(piece[0] - 1, 0) : piece[-1] + 2]
                _run(ax, part, t, way, MASS, 3.6)
            _run(ax, np.maximum(canal, -mass), t, way, FREE, 3.0)


def _run(ax: Axes, values: Array, t: Array, way: Array, colour: str, width: float) -> None:
    """Draw the longest run of negative values along a line through the centre."""
    _, longest, start, end = negative_runs(values[None], step=RAY_STEP_MM)[0]
    if longest > 0:
        ends = (np.array([start, end]) + t[0])[:, None] * way
        ax.plot(ends[:, 0], ends[:, 1], color=colour, linewidth=width, solid_capstyle="butt",
                path_effects=[withStroke(linewidth=width + 1.2, foreground=PANEL)])  # fmt: skip


def _directions(ax: Axes) -> None:
    halo = [withStroke(linewidth=2.4, foreground=PANEL)]
    at = _HALF - 1.3
    for u, v, letter in ((-at, 0, "R"), (at, 0, "L"), (0, at, "A"), (0, -at, "P")):
        ax.text(u, v, letter, color="#ffffff", fontsize=13, fontweight="bold", ha="center", va="center",
                path_effects=halo)  # fmt: skip
    ax.plot([_HALF - 6.5, _HALF - 1.5], [-at, -at], color="#ffffff", linewidth=2)
    ax.text(_HALF - 4, -at + 0.6, "5 mm", color="#ffffff", fontsize=8.5, ha="center", va="bottom", path_effects=halo)
    ax.plot([0], [0], marker="+", color="#ffffff", markersize=5, markeredgewidth=0.8)


def _caption(result: Case, k: int) -> str:
    ds = result.dataset

    def read(name: str) -> float:
        return number(ds, name, time=0, section=k)

    words = [
        f"canal {quantity(read('canal_ap'), '')} × {quantity(read('canal_rl'), 'mm')}, "
        f"{quantity(read('canal_area'), 'mm²', 0)}",
        f"sac {quantity(read('sac_area'), 'mm²', 0)}",
        f"cord before the mass {quantity(read('cord_area_prelesion'), 'mm²', 0)}",
    ]
    if np.isfinite(read("cord_area_measured")):
        words.append(f"as segmented {quantity(read('cord_area_measured'), 'mm²', 0)}")
    if read("mass_area_in_canal") > 0:
        ray = read("occupying_ray")
        side = "" if abs(ray) < 0.1 else f", ray {abs(ray):g}° towards the {'right' if ray > 0 else 'left'} in front"
        words.append(
            f"mass {percent(read('occupying_ratio'))} of the diameter{side}, "
            f"{percent(read('occupying_ratio_area'))} of the area; SAC {quantity(read('sac_width'), 'mm')}"
        )
    return "; ".join(words)
