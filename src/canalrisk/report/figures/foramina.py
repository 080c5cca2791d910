"""Foramina by level, left and right, before the mass, today and at the horizon."""

from __future__ import annotations

import math

import numpy as np

from canalrisk.report.figures.style import (
    HORIZON,
    INK,
    LINE,
    MUTED,
    TODAY,
    Picture,
    axes,
    svg,
    themed,
)
from canalrisk.report.people import percent, years
from canalrisk.report.reading import Case, series, times_of


def foramen_areas(result: Case) -> Picture | None:
    """Butterfly of free areas; the patient's right on the left, as in an axial image. None when not measured."""
    ds = result.dataset
    area, before = series(ds, "foramen_area"), series(ds, "foramen_area_prelesion")
    if area is None or before is None:
        return None
    names = [str(v) for v in ds["foramen"].values]
    sides = [str(v) for v in ds["side"].values]
    before = before[0] if before.ndim == 3 else before
    times = times_of(ds)
    top = 1.35 * float(np.nanmax(np.concatenate([before.ravel(), area.ravel()])))
    rows = np.arange(len(names))[::-1] * 1.0
    with themed():
        figure, ax = axes(400, 70 + 52 * len(names))
        for s, side in enumerate(sides):
            sign = -1.0 if side == "right" else 1.0
            ax.barh(rows, sign * before[:, s], height=0.74, facecolor="none", edgecolor=MUTED, linewidth=1.1)
            ax.barh(rows + 0.17, sign * area[0, :, s], height=0.32, color=TODAY)
            if times.size > 1:
                ax.barh(rows - 0.17, sign * area[-1, :, s], height=0.32, color=HORIZON)
            for f, row in enumerate(rows):
                last = float(area[-1, f, s])
                loss = 1 - last / before[f, s] if before[f, s] > 0 else math.nan
                end = max((v for v in (before[f, s], last) if math.isfinite(v)), default=0.0)
                words = f"{percent(loss)} lost" if loss > 0.005 else ("n/a" if not math.isfinite(last) else "")
                ax.text(
                    sign * (end + 0.02 * top),
                    row,
                    words,
                    va="center",
                    fontsize=10,
                    ha="left" if sign > 0 else "right",
                    fontweight="bold" if loss > 0.2 else "normal",
                    color=INK if loss > 0.2 else MUTED,
                )
        ax.axvline(0, color=MUTED, linewidth=0.9)
        ax.set_yticks(rows, names)
        ax.tick_params(axis="y", length=0)
        ticks = [t for t in range(0, int(top) + 1, 20 if top > 45 else 10)]
        ax.set_xticks([-t for t in ticks[:0:-1]] + ticks, [str(t) for t in ticks[:0:-1]] + [str(t) for t in ticks])
        ax.grid(axis="x", color=LINE)
        ax.set_axisbelow(True)
        ax.set(xlim=(-top, top), ylim=(-0.6, len(names) - 0.4), xlabel="free foraminal area, mm²")
        ax.spines["left"].set_visible(False)
        ax.set_title("R", loc="left", fontsize=14)
        ax.set_title("L", loc="right", fontsize=14)
        bars = [(MUTED, "before the mass", True), (TODAY, "today", False)]
        if times.size > 1:
            bars.append((HORIZON, years(float(times[-1])), False))
        handles = [ax.barh([0], [0], facecolor="none" if hollow else c, edgecolor=c, label=n) for c, n, hollow in bars]
        ax.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, 1.16 + 0.02 * (6 - len(names))), ncols=3)
        return svg(
            figure,
            alt="Free area of each foramen, right and left, before the mass, today and at the horizon.",
            key="foramina",
        )
