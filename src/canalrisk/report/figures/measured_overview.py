"""Sagittal overview: where along the neck the drawn sections lie."""

from __future__ import annotations

import numpy as np
from matplotlib.patheffects import withStroke

from canalrisk.anatomy.sections import sample_planes
from canalrisk.report.figures.anatomy import frame_at, patient_frame
from canalrisk.report.figures.measured_sections import CANAL, Shown
from canalrisk.report.figures.planes import PANEL, Plane, annotate, coloured, dimmed, lattice
from canalrisk.report.figures.style import MASS, Picture, framed_axes, svg, themed
from canalrisk.report.reading import Case

_STEP = 0.2
_REACH = 13.0
_HALF = 46.0
# Where the numbers stand, behind the spine.
_BEHIND = 9.0
_COLUMN = 20.0


def overview(result: Case, shown: list[Shown], drawn: dict[int, str]) -> Picture:
    """Draw the sagittal plane through the worst section, anterior on the left, each drawn section a numbered line."""
    spine, line = result.spine, result.spine.centreline
    mean, here = patient_frame(result), frame_at(result)
    middle = line.points[line.s.size // 2]
    origin = middle + ((here.origin - middle) @ mean.right) * mean.right
    tall = float(np.ptp((line.points - origin) @ mean.up)) / 2 + 12.0
    middle_up = float(((line.points - origin) @ mean.up).max()) - tall + 12.0
    # A little behind the canal, so that there is room for the words.
    plane = Plane(
        "",
        origin + middle_up * mean.up - _BEHIND * mean.anterior,
        -mean.anterior,
        mean.up,
        (_HALF, tall),
        ("A", "P", "S", "I"),
    )
    x, y, points = lattice(plane, step=_STEP)
    rgb, label = coloured(result, points, drawn, (y.size, x.size))
    halo = [withStroke(linewidth=2.2, foreground=PANEL)]
    with themed():
        figure, ax = framed_axes(460, 460 * tall / _HALF, title=0)
        extent = (-_HALF, _HALF, -tall, tall)
        ax.imshow(dimmed(rgb, 0.75), extent=extent, origin="lower", interpolation="none")
        if spine.mass is not None:
            mass = sample_planes(spine.mass, grid=spine.grid, points=points).reshape(y.size, x.size)
            if (mass < 0).any():
                ax.contourf(x, y, mass, levels=[-99, 0], colors=[MASS], alpha=0.4)
                ax.contour(x, y, mass, levels=[0], colors=[MASS], linewidths=1.4)
        flat = np.stack([(line.points - plane.origin) @ plane.right, (line.points - plane.origin) @ plane.up], axis=1)
        ax.plot(*flat.T, color=CANAL, linewidth=0.9, dashes=(4, 3))
        annotate(result, ax, plane, label, x, y)
        places = _spread([float(flat[s.index, 1]) for s in shown], least=3.4)
        for section, height in zip(shown, places, strict=True):
            way = np.array([line.anterior[section.index] @ plane.right, line.anterior[section.index] @ plane.up])
            way /= np.linalg.norm(way)
            ends = flat[section.index] + np.array([[-_REACH], [_REACH]]) * way
            special = any(word[0] not in "CT" for word in section.why)
            colour = "#ffffff" if special else "#9fd0ff"
            ax.plot(*ends.T, color=colour, linewidth=1.6 if special else 1.0, path_effects=halo)
            # Numbers stand in a column behind the spine, a thin line leads to each.
            back = ends[int(np.argmax(ends[:, 0]))]
            ax.plot([back[0], _COLUMN], [back[1], height], color=colour, linewidth=0.6, alpha=0.8)
            why = [word for word in section.why if word[0] not in "CT"]
            words = f"{section.number}" + (f" {', '.join(why)}" if why else "")
            ax.text(
                _COLUMN + 0.5, height, words, color=colour, fontsize=8.5, va="center",
                fontweight="bold" if special else "normal", bbox={"facecolor": PANEL, "edgecolor": "none", "pad": 0.6},
            )  # fmt: skip
        ax.set(xlim=extent[:2], ylim=extent[2:])
        alt = "Sagittal plane through the worst section with the label map, the mass and every drawn section numbered."
        return svg(figure, alt=alt, key="measured-overview")


def _spread(heights: list[float], *, least: float) -> list[float]:
    """Move descending heights apart so that their words do not touch."""
    placed = np.array(heights)
    for _ in range(200):
        gap = least - (placed[:-1] - placed[1:])
        if (gap <= 1e-3).all():
            break
        push = 0.5 * np.maximum(gap, 0.0)
        placed[:-1] += push
        placed[1:] -= push
    return [float(v) for v in placed]
