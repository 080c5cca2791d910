"""Both scans' masses on one section of the later scan, the earlier one carried along by the vertebra that bears it."""

from __future__ import annotations

import io

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.lines import Line2D

from canalrisk.anatomy.sections import curve_coordinates, level_at, plane_points, sample_planes
from canalrisk.morphometry.front import earlier_mass
from canalrisk.report.figures.style import HORIZON, INK, MUTED, TODAY, axes, themed
from canalrisk.serial import Compared

_HALF_MM, _STEP_MM = 42.0, 0.3
_BONE, _CANAL = "#d8cbb2", "#cfe0ee"
# Outlines that lie further from the plane's centre than this are another region's.
_DPI = 150


def outlines_png(result: Compared) -> bytes:
    """Draw the section where the front advanced most.

    Parameters
    ----------
    result : Compared
        Two scans compared; without a mass in both, the section in the middle of the later scan.

    Returns
    -------
    bytes
        A PNG file; the same bytes for the same numbers.
    """
    second = result.spines[1]
    section = _section(result)
    points = plane_points(second.centreline, slice(section, section + 1), half_width=_HALF_MM, step=_STEP_MM)[0]
    u = np.linspace(-_HALF_MM, _HALF_MM, len(points))
    x = -u  # seen from below: the patient's right is on the left
    with themed():
        figure, ax = axes(420, 440)
        figure.set_facecolor("white")
        figure.set_dpi(_DPI)
        for field, colour in ((second.canal, _CANAL), (second.bone, _BONE)):
            ax.contourf(x, u, sample_planes(field, grid=second.grid, points=points), levels=[-99, 0], colors=[colour])
        cord = sample_planes(second.cord, grid=second.grid, points=points)
        if (cord < 0).any():
            ax.contour(x, u, cord, levels=[0], colors=[MUTED], linewidths=0.9)
        for values, colour, style in _masses(result, points):
            if values.min() < 0 < values.max():
                ax.contour(x, u, values, levels=[0], colors=[colour], linewidths=1.6, linestyles=style)
        ax.set(xticks=[], yticks=[], aspect="equal", xlim=(-_HALF_MM, _HALF_MM), ylim=(-_HALF_MM, _HALF_MM))
        level = level_at(second, float(second.centreline.s[section]))
        ax.set_title(f"Mass in both scans at {level}, frame of the later scan")
        for at, letter in ((-_HALF_MM + 2.0, "R"), (_HALF_MM - 2.0, "L")):
            ax.text(at, _HALF_MM - 3.0, letter, color=INK, fontsize=12, fontweight="bold", ha="center")
        ax.plot([_HALF_MM - 12, _HALF_MM - 2], [-_HALF_MM + 2] * 2, color=INK, linewidth=1.6)
        ax.text(_HALF_MM - 7, -_HALF_MM + 3.2, "10 mm", fontsize=8.5, ha="center")
        handles = [Line2D([], [], color=TODAY, linestyle="dashed"), Line2D([], [], color=HORIZON)]
        ax.legend(handles, ["earlier mass", "later mass"], loc="lower left")
        stream = io.BytesIO()
        FigureCanvasAgg(figure).print_png(stream, metadata={"Software": None})
    return stream.getvalue()


def _section(result: Compared) -> int:
    """Section of the later scan nearest to the middle of the front's foremost part."""
    line, front = result.spines[1].centreline, result.comparison.front
    if front is None or not np.isfinite(front.advance).any():
        return len(line.s) // 2
    advance = np.nan_to_num(front.advance)
    foremost = front.surface[advance >= np.quantile(advance, 0.9)]
    nearest = curve_coordinates(line, foremost)[3]
    return int(np.median(nearest))


def _masses(result: Compared, points: np.ndarray) -> list[tuple[np.ndarray, str, str]]:
    """Level sets of both masses on the section, with colour and style; a mass that a scan does not have is left out."""
    first, second = result.spines
    found = []
    front = result.comparison.front
    if front is not None:
        earlier = earlier_mass(front, points.reshape(-1, 3), first).reshape(points.shape[:-1])
        found.append((np.nan_to_num(earlier, nan=1.0), TODAY, "dashed"))
    if second.mass is not None:
        found.append((sample_planes(second.mass, grid=second.grid, points=points), HORIZON, "solid"))
    return found
