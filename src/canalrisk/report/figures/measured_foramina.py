"""The narrowest station of each foramen on the label map: its closed outline, the mass in it, height and width."""

from __future__ import annotations

import numpy as np
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from canalrisk.anatomy.sections import negative_runs, sample_planes
from canalrisk.anatomy.spine import Foramen
from canalrisk.morphometry.closing import largest_piece
from canalrisk.morphometry.stations import STEP_MM, Stations
from canalrisk.report.figures.measured_sections import FREE
from canalrisk.report.figures.planes import PANEL, Plane, coloured, dimmed, lattice
from canalrisk.report.figures.style import MASS, Picture, framed_axes, svg, themed
from canalrisk.report.people import percent, quantity
from canalrisk.report.reading import Case, number
from canalrisk.subject import Measured

Array = NDArray[np.float64]

_CUT_OFF = "#9aa3ad"
LEGEND = (
    ("free section", FREE), ("taken by the mass", MASS), ("cut off by the mass, not counted", _CUT_OFF),
    ("outline before the mass; free height and width", "#ffffff"),
)  # fmt: skip
_HALF = 12.0
_STEP = 0.12


def station_pictures(result: Measured, drawn: dict[int, str]) -> list[tuple[Picture | None, Picture | None]]:
    """Per foramen, cranial to caudal, the patient's right and left; None where nothing was measured."""
    found: dict[str, dict[str, Picture | None]] = {}
    for foramen, stations in zip(result.spine.foramina, result.prepared.stations, strict=True):
        picture = _picture(result, foramen, stations, drawn) if len(stations.place) else None
        found.setdefault(foramen.name, {})[foramen.side] = picture
    return [(sides.get("right"), sides.get("left")) for sides in found.values()]


def _picture(result: Measured, foramen: Foramen, stations: Stations, drawn: dict[int, str]) -> Picture | None:
    ds, spine = result.dataset, result.spine
    names, sides = [str(v) for v in ds["foramen"].values], [str(v) for v in ds["side"].values]
    at = {"time": 0, "foramen": names.index(foramen.name), "side": sides.index(foramen.side)}
    place = number(ds, "foramen_station_s", **at)
    if not np.isfinite(place):
        return None
    k = int(np.argmin(np.abs(stations.place - place)))
    points = stations.points[k]
    middle = points.shape[0] // 2
    centre = points[middle, middle]
    up, across = (points[middle + 1, middle] - centre) / STEP_MM, (points[middle, middle + 1] - centre) / STEP_MM
    line = spine.centreline
    nearest = int(np.argmin(np.linalg.norm(line.points - centre, axis=1)))
    # Anterior on the viewer's left on both sides, as in a sagittal picture.
    flip = -1.0 if across @ line.anterior[nearest] > 0 else 1.0
    plane = Plane("", centre, flip * across, up, (_HALF, _HALF), ("A", "P", "up", "down"))
    x, y, world = lattice(plane, step=_STEP)
    shape = (y.size, x.size)
    rgb, _ = coloured(result, world, drawn, shape)
    t = (np.arange(points.shape[0]) - middle) * STEP_MM
    u = flip * t
    mass = None if spine.mass is None else sample_planes(spine.mass, grid=spine.grid, points=points)
    halo = [withStroke(linewidth=2.2, foreground=PANEL)]
    with themed():
        figure, ax = framed_axes(250, 250)
        ax.imshow(dimmed(rgb), extent=(-_HALF, _HALF, -_HALF, _HALF), origin="lower", interpolation="none")
        order = np.argsort(u)
        wall = stations.wall[k][:, :, order]
        one = wall[len(wall) // 2]
        free, rest, taken = one, one, None
        if mass is not None and spine.mass is not None and (mass < 0).any():
            ax.contour(u[order], t, mass[:, order], levels=[0], colors=[MASS], linewidths=1.6)
            taken, rest = np.maximum(one, mass[:, order]), np.maximum(one, -mass[:, order])
            free = largest_piece(rest[None], step=STEP_MM)[0]
        u = u[order]
        cut_off = np.maximum(rest, -free)
        if (cut_off < 0).any():
            # What the mass has cut off from the rest is room, but none for the root.
            ax.contourf(u, t, cut_off, levels=[-99, 0], colors=[_CUT_OFF], alpha=0.6)
        if (free < 0).any():
            ax.contourf(u, t, free, levels=[-99, 0], colors=[FREE], alpha=0.55)
        if taken is not None and (taken < 0).any():
            ax.contourf(u, t, taken, levels=[-99, 0], colors=[MASS], alpha=0.75)
        for planes, dashes in ((wall[0], "dotted"), (wall[-1], "dotted"), (one, "solid")):
            ax.contour(u, t, planes, levels=[0], colors=["#ffffff"], linewidths=1.2, linestyles=dashes)
        for chord in _extent_lines(free, u, t):
            ax.plot(*chord, color="#ffffff", linewidth=1.0, dashes=(4, 2))
        ax.plot([0], [0], marker="+", color="#ffffff", markersize=6)
        for at_u, at_v, word in ((-_HALF + 1, 0, "A"), (_HALF - 1, 0, "P"), (0, _HALF - 1, "up")):
            ax.text(at_u, at_v, word, color="#ffffff", fontsize=11, fontweight="bold", ha="center", va="center",
                    path_effects=halo)  # fmt: skip
        ax.plot([_HALF - 6, _HALF - 1], [-_HALF + 1] * 2, color="#ffffff", linewidth=2)
        ax.text(_HALF - 3.5, -_HALF + 1.4, "5 mm", color="#ffffff", fontsize=8.5, ha="center", va="bottom",
                path_effects=halo)  # fmt: skip
        ax.set(xlim=(-_HALF, _HALF), ylim=(-_HALF, _HALF))
        ax.set_title(f"{foramen.name} {foramen.side}, root {foramen.root}")
        caption = _caption(result, foramen, at)
        return svg(figure, alt=f"Narrowest station of foramen {foramen.name} {foramen.side}: {caption}.",
                   caption=caption, key=f"station-{foramen.name}-{foramen.side}")  # fmt: skip


def _extent_lines(level: Array, u: Array, t: Array) -> list[tuple[list[float], list[float]]]:
    """Height, the longest extent upright, and width, the least across in the middle third of it; picture coordinates.

    As `canalrisk.morphometry.closing.extent` takes them, of one closing only.
    """
    columns, rows = (negative_runs(planes, step=STEP_MM) for planes in (level.T, level))
    if not (columns[:, 1] > 0).any():
        return []
    tall = int(np.argmax(columns[:, 1]))
    there = np.flatnonzero(rows[:, 1] > 0)
    third = (there[-1] - there[0]) / 3.0
    middle = there[(there >= there[0] + third) & (there <= there[-1] - third)]
    lines = [([float(u[tall])] * 2, [float(v + t[0]) for v in columns[tall, 2:]])]
    if len(middle):
        narrow = int(middle[np.argmin(rows[middle, 0])])
        lines.append(([float(v + u[0]) for v in rows[narrow, 2:]], [float(t[narrow])] * 2))
    return lines


def _caption(result: Case, foramen: Foramen, at: dict[str, int]) -> str:
    def read(name: str, unit: str, digits: int = 0) -> str:
        return quantity(number(result.dataset, name, **at), unit, digits)

    lost = number(result.dataset, "foramen_area_loss", **at)
    words = f"{read('foramen_area', '')} of {read('foramen_area_prelesion', 'mm²')} free"
    if lost > 0.005:
        words += f", {percent(lost)} lost"
    words += f"; free height {read('foramen_height', '', 1)}, width {read('foramen_width', 'mm', 1)}"
    if lost > 0.005:
        before = read("foramen_height_prelesion", "", 1), read("foramen_width_prelesion", "mm", 1)
        words += f" (before the mass {before[0]}, {before[1]})"
    words += f"; {read('foramen_station_s', 'mm', 1)} along the root's path"
    return words + ("; the wall is the other side's, mirrored" if foramen.wall_replaced else "")
