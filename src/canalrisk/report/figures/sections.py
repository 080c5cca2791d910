"""The worst axial section over time, with the cord that the model predicts."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from canalrisk.report.fields import converged
from canalrisk.report.figures.anatomy import Frame, cut_outline, frame_at
from canalrisk.report.figures.scene import sample
from canalrisk.report.figures.style import CARD, INK, MASS, MUTED, Picture, axes, svg, themed
from canalrisk.report.people import percent, quantity, years
from canalrisk.report.reading import Case, chosen_times, number, times_of

Array = NDArray[np.float64]

_BONE, _SOFT, _SAC, _CORD = "#b9a88a", "#8fb8d8", "#5f93bd", "#f0c23c"
_HALF = 21.0

LEGEND = (("bone", _BONE), ("canal", _SOFT), ("dural sac", _SAC), ("cord as predicted", _CORD), ("mass", MASS))


def worst_sections(result: Case) -> list[Picture]:
    """One axial picture per chosen time, all in the plane that is worst at the horizon."""
    shown = chosen_times(result.dataset)
    frame = frame_at(result, shown[-1])
    return [_section(result, k, frame) for k in shown]


def _section(result: Case, k: int, frame: Frame) -> Picture:
    spine, snapshot = result.spine, result.timeline.snapshots[k]
    u, points = frame.plane(_HALF, 0.25)
    x = -u  # seen from below: the patient's right is on the left

    def plane(field: NDArray[np.float32]) -> Array:
        return sample(field, spine.grid, points).reshape(u.size, u.size)

    time = float(times_of(result.dataset)[k])
    with themed():
        figure, ax = axes(205, 236)
        canal, sac = plane(spine.canal), plane(spine.sac)
        ax.contourf(x, u, canal, levels=[-99, 0], colors=[_SOFT], alpha=0.35)
        ax.contourf(x, u, sac, levels=[-99, 0], colors=[_SAC], alpha=0.45)
        bone = plane(snapshot.bone)
        ax.contourf(x, u, np.maximum(bone, -canal), levels=[-99, 0], colors=[_BONE])
        _cord(result, k, frame, ax, plane(spine.cord), x, u)
        if snapshot.mass is not None:
            mass = plane(snapshot.mass)
            if (mass < 0).any():
                ax.contourf(x, u, mass, levels=[-99, 0], colors=[MASS], alpha=0.78)
                ax.contour(x, u, mass, levels=[0], colors=[MASS], linewidths=1.2)
            if spine.mass is not None and k > 0 and (plane(spine.mass) < 0).any():
                ax.contour(x, u, plane(spine.mass), levels=[0], colors=["#ffffff"], linewidths=1.0, linestyles="dotted")
        ax.contour(x, u, canal, levels=[0], colors=[MUTED], linewidths=0.9)
        ax.set(xlim=(-_HALF, _HALF), ylim=(-_HALF, _HALF), xticks=[], yticks=[], aspect="equal")
        for spine_line in ax.spines.values():
            spine_line.set_visible(False)
        ax.set_title(years(time).capitalize())
        halo = [withStroke(linewidth=3, foreground=CARD)]
        for at, letter in ((-_HALF + 1.2, "R"), (_HALF - 1.2, "L")):
            ax.text(at, _HALF - 1.5, letter, color=INK, fontsize=12, fontweight="bold", ha="center", va="center",
                    path_effects=halo)  # fmt: skip
        ax.plot([_HALF - 6, _HALF - 1], [-_HALF + 1] * 2, color=INK, linewidth=1.6)
        ax.text(_HALF - 3.5, -_HALF + 1.7, "5 mm", fontsize=8.5, ha="center", path_effects=halo)
        return svg(figure, alt=_alt(result, k, time), caption=_caption(result, k), key=f"section-{k}")


def _cord(result: Case, k: int, frame: Frame, ax: Axes, undeformed: Array, x: Array, u: Array) -> None:
    if converged(result.cord, k):
        mesh = result.cord.mesh
        for outline in cut_outline(mesh.points + result.cord.displacement[k], mesh.surface, frame):
            ax.fill(-outline[:, 0], outline[:, 1], facecolor=_CORD, edgecolor="#7a5c00", linewidth=1.2)
        for outline in cut_outline(mesh.points, mesh.surface, frame):
            ax.plot(-outline[:, 0], outline[:, 1], color=INK, linewidth=0.9, dashes=(3, 2))
    elif (undeformed < 0).any():
        ax.contourf(x, u, undeformed, levels=[-99, 0], colors=[_CORD], alpha=0.35)
        ax.contour(x, u, undeformed, levels=[0], colors=[INK], linewidths=0.9, linestyles="dashed")


def _caption(result: Case, k: int) -> str:
    ds = result.dataset
    words = [f"space for the cord {quantity(number(ds, 'sac_min', time=k), 'mm')}"]
    if converged(result.cord, k):
        words.append(f"cord area loss {percent(number(ds, 'cord_area_loss_predicted_max', time=k), 1)}")
    elif result.cord is not None:
        words.append("cord model failed, pre-lesion cord shown")
    return "; ".join(words)


def _alt(result: Case, k: int, time: float) -> str:
    return f"Axial section at the worst level, {years(time)}: {_caption(result, k)}."
