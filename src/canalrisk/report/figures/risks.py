"""Risk over time with intervals, one line per model, and radiculopathy by foramen."""

from __future__ import annotations

import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter

from canalrisk.report.figures.style import (
    HORIZON,
    INK,
    MARKERS,
    MUTED,
    SERIES,
    TODAY,
    Picture,
    axes,
    svg,
    themed,
)
from canalrisk.report.people import model_name, years
from canalrisk.report.reading import Case, number, series, times_of

_TITLES = {
    "prevalent": "Myelopathy present at that time",
    "incident": "Myelopathy today or by that time",
}


def myelopathy(result: Case, kind: str) -> Picture | None:
    """Probability of myelopathy over time by model; `kind` is ``prevalent`` or ``incident``."""
    ds, name = result.dataset, f"risk_myelopathy_{kind}"
    value = series(ds, name)
    if value is None:
        return None
    low, high = series(ds, f"{name}_low"), series(ds, f"{name}_high")
    models = [str(m) for m in ds["model"].values] if "model" in ds[name].dims else ["model"]
    value, low, high = (None if v is None else v.reshape(v.shape[0], -1) for v in (value, low, high))
    times = times_of(ds)
    with themed():
        figure, ax = axes(400, 330)
        for m, model in enumerate(models):
            if value is None or not np.isfinite(value[:, m]).any():
                continue
            colour, marker = SERIES[m % len(SERIES)], MARKERS[m % len(MARKERS)]
            nudge = (m - (len(models) - 1) / 2) * (0.012 * np.ptp(times) if times.size > 1 else 0.02)
            if low is not None and high is not None:
                ax.fill_between(times, low[:, m], high[:, m], color=colour, alpha=0.13, linewidth=0)
                ax.vlines(times + nudge, low[:, m], high[:, m], color=colour, linewidth=1.1, alpha=0.8)
            ax.plot(times + nudge, value[:, m], color=colour, marker=marker, markersize=5, label=model_name(model))
        base = number(ds, "base_rate_myelopathy")
        if kind == "prevalent" and np.isfinite(base):
            ax.axhline(base, color=MUTED, linewidth=1, dashes=(2, 2), label="base rate")
        ax.set_ylim(0, _top(value, high))
        if times.size > 1:
            ax.set_xticks(times if times.size <= 6 else times[:: -(-times.size // 6)])
            ax.set_xticklabels([years(float(t)) for t in ax.get_xticks()])
        else:
            ax.set_xticks(times, ["today"])
        ax.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        ax.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        ax.grid(axis="y")
        ax.set_axisbelow(True)
        ax.set_title(_TITLES[kind])
        if len(models) > 1:
            figure.legend(loc="outside lower left", ncols=2, columnspacing=1.2, handlelength=1.6)
        alt = f"{_TITLES[kind]}: probability by model with intervals at each time."
        return svg(figure, alt=alt, key=f"risk-{kind}")


def _top(value: np.ndarray | None, high: np.ndarray | None) -> float:
    found = [v for v in (value, high) if v is not None and np.isfinite(v).any()]
    largest = max((float(np.nanmax(v)) for v in found), default=0.1)
    return min(1.02, max(0.05, 1.1 * largest))


def radiculopathy(result: Case) -> Picture | None:
    """Probability of radiculopathy by foramen and side, today and at the horizon."""
    ds, name = result.dataset, "risk_radiculopathy_prevalent"
    value = series(ds, name)
    if value is None:
        return None
    low, high = series(ds, f"{name}_low"), series(ds, f"{name}_high")
    times = times_of(ds)
    roots = ds["root"].values if "root" in ds.coords or "root" in ds else [""] * ds.sizes["foramen"]
    labels, picks = [], []
    for f, foramen in enumerate(ds["foramen"].values):
        for s, side in enumerate(ds["side"].values):
            labels.append(f"{foramen} {side}" + (f" ({roots[f]})" if str(roots[f]) else ""))
            picks.append((f, s))
    rows = np.arange(len(labels))[::-1] * 1.0
    with themed():
        figure, ax = axes(400, 76 + 25 * len(labels))
        states = [(0, TODAY, "o", 0.16)] + ([(times.size - 1, HORIZON, "D", -0.16)] if times.size > 1 else [])
        for k, colour, marker, shift in states:
            at = np.array([value[k, f, s] for f, s in picks])
            if low is not None and high is not None:
                ax.hlines(
                    rows + shift,
                    [low[k, f, s] for f, s in picks],
                    [high[k, f, s] for f, s in picks],
                    color=colour,
                    linewidth=2,
                    alpha=0.55,
                )
            ax.plot(
                at,
                rows + shift,
                linestyle="none",
                marker=marker,
                color=colour,
                markersize=5.5,
                label=years(float(times[k])),
            )
        for row, (f, s) in zip(rows, picks, strict=True):
            if not np.isfinite(value[:, f, s]).any():
                ax.text(0.01, row, "n/a", va="center", fontsize=9.5, color=MUTED)
        for row in rows[1::2]:
            ax.axhline(row - 0.5, color=MUTED, linewidth=0.4, alpha=0.5)
        ax.set_yticks(rows, labels, color=INK)
        ax.tick_params(axis="y", length=0)
        ax.set(xlim=(-0.015 * _top(value, high), _top(value, high)), ylim=(-0.6, len(labels) - 0.4))
        ax.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        ax.grid(axis="x")
        ax.set_axisbelow(True)
        ax.set_title("Radiculopathy by foramen")
        figure.legend(loc="outside lower left", ncols=2)
        return svg(figure, alt="Probability of radiculopathy of each root with intervals.", key="risk-roots")
