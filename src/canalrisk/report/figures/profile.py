"""Canal and cord along the centreline, cranial at the top as in the neck, one line per time."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from canalrisk.report.figures.style import CORD, INK, LINE, MASS, MUTED, Picture, axes, svg, themed, time_colour
from canalrisk.report.people import short, years
from canalrisk.report.reading import Case, chosen_times, has_mass, position, series, times_of, worst_s
from canalrisk.report.summary import level_name

Array = NDArray[np.float64]


def profiles(result: Case) -> list[Picture]:
    """Canal area, cord area and space for the cord along the neck; panels without data are left out."""
    ds = result.dataset
    s = position(ds, "section")
    if s is None:
        return []
    pictures = []
    pre = series(ds, "canal_area")
    if pre is not None:
        pictures.append(
            _panel(result, s, "Canal area, mm²", before=pre, after=series(ds, "residual_canal_area"), colour=MASS,
                   key="profile-canal", alt="Free canal area along the neck, before the mass and at each time.")
        )  # fmt: skip
    cord = series(ds, "cord_area_prelesion")
    if cord is not None:
        after, at = _cord_areas(result, s, cord)
        pictures.append(
            _panel(result, s, "Cord area, mm²", before=cord, after=after, after_s=at, colour=CORD, key="profile-cord",
                   alt="Cord area along the neck, before the mass and as the model predicts at each time.")
        )  # fmt: skip
    width = series(ds, "sac_width")
    before = series(ds, "canal_ap")
    if width is not None and before is not None:
        pictures.append(
            _panel(result, s, "Space for the cord, mm", before=before, after=width, colour=MASS, key="profile-sac",
                   alt="Width left for the cord along the neck, before the mass and at each time.")
        )  # fmt: skip
    return pictures


def _cord_areas(result: Case, s: Array, cord: Array) -> tuple[Array | None, Array | None]:
    """Predicted areas (time, cord_section) and where they are."""
    loss, at = series(result.dataset, "cord_area_loss_predicted"), position(result.dataset, "cord_section")
    if loss is None or at is None:
        return None, None
    order = np.argsort(s)
    first = cord[0] if cord.ndim == 2 else cord
    return np.interp(at, s[order], first[order]) * (1 - loss), at


def _panel(
    result: Case, s: Array, title: str, *, before: Array, after: Array | None, colour: str, key: str, alt: str,
    after_s: Array | None = None,
) -> Picture:  # fmt: skip
    times = times_of(result.dataset)
    shown = chosen_times(result.dataset)
    first = before[0] if before.ndim == 2 else before
    with themed():
        figure, ax = axes(320, 430)
        _levels(result, ax, s)
        ax.plot(first, s, color=MUTED, linewidth=1.4, dashes=(4, 2), label="before the mass")
        if after is not None:
            at = s if after_s is None else after_s
            solved = [k for k in shown if np.isfinite(after[k]).any()]
            if solved:
                ax.fill_betweenx(at, np.interp(at, s, first), after[solved[-1]], color=colour, alpha=0.16, linewidth=0)
            for k in solved:
                ends = k in (solved[0], solved[-1])
                label = years(times[k]) if ends else None
                ax.plot(after[k], at, color=time_colour(k, times.size), linewidth=2 if ends else 1, label=label)
        worst = worst_s(result, shown[-1])
        name = level_name(result.dataset, shown[-1])
        if name and has_mass(result):
            ax.axhline(worst, color=MASS, linewidth=1.2)
            ax.annotate(f"worst: {short(name)}", (0, worst), (5, 3), xycoords=("axes fraction", "data"), fontsize=9.5,
                        textcoords="offset points", ha="left", color=MASS)  # fmt: skip
        ax.set_xlim(left=0)
        ax.set_title(title)
        figure.legend(loc="outside lower left", ncols=3, columnspacing=1.0, handlelength=1.4)
        return svg(figure, alt=alt, key=key)


def _levels(result: Case, ax: Axes, s: Array) -> None:
    """Names of vertebrae on the axis, discs as faint lines."""
    low, high = float(s.min()), float(s.max())
    marks = {n: v for n, v in result.spine.landmarks.items() if low <= v <= high}
    vertebrae = {n: v for n, v in marks.items() if "/" not in n}
    for name, value in marks.items():
        if "/" in name:
            ax.axhline(value, color=LINE, linewidth=0.8)
    ax.set_yticks(list(vertebrae.values()), list(vertebrae))
    ax.tick_params(axis="y", length=0, labelcolor=INK)
    ax.set_ylim(low, high)
