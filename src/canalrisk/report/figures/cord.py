"""The deformed cord coloured by strain: in three dimensions, and unrolled into a map."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from canalrisk.report.fields import converged
from canalrisk.report.figures.anatomy import mass_side, patient_frame
from canalrisk.report.figures.style import LINE, MASS, Picture, axes, rasterised, svg, themed
from canalrisk.report.people import years
from canalrisk.report.reading import Case, chosen_times, times_of, worst_s

Array = NDArray[np.float64]

_FIELD = "strain_max_principal"
_MAP = colormaps["viridis"]


def strain_pictures(result: Case) -> tuple[list[Picture], Picture | None]:
    """Deformed cord at up to four converged times, and the map at the last of them."""
    if result.cord is None or _FIELD not in result.cord.cell_fields:
        return [], None
    shown = [k for k in chosen_times(result.dataset, 5) if converged(result.cord, k)]
    if not shown:
        return [], None
    cells = _outer_cells(result.cord.mesh.cells, result.cord.mesh.surface)
    faces = {k: np.asarray(result.cord.cell_fields[_FIELD][k], float)[cells] for k in shown}
    top = max(0.02, float(np.nanmax([np.nanpercentile(v, 99.5) for v in faces.values()])))
    shown = shown if len(shown) <= 4 else [shown[0], shown[len(shown) // 2], shown[-1]]
    pictures = [_solid(result, k, faces[k], top) for k in shown]
    return pictures, _unrolled(result, shown[-1], faces[shown[-1]], top)


def _outer_cells(cells: NDArray[np.int64], surface: NDArray[np.int64]) -> NDArray[np.int64]:
    """The hexahedron behind each surface quad."""
    faces = cells[:, ((0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7))]
    key = {tuple(f): c // 6 for c, f in enumerate(np.sort(faces.reshape(-1, 4), axis=1).tolist())}
    return np.array([key[tuple(f)] for f in np.sort(surface, axis=1).tolist()])


def _solid(result: Case, k: int, strain: Array, top: float) -> Picture:
    """Painter's rendering of the deformed surface from behind and to the side of the mass."""
    frame, side = patient_frame(result), mass_side(result)
    mesh = result.cord.mesh
    points = frame.coordinates(mesh.points + result.cord.displacement[k])
    a, e = np.deg2rad(42 * side), np.deg2rad(12)
    look = -np.array([np.cos(e) * np.sin(a), -np.cos(e) * np.cos(a), np.sin(e)])
    up = np.array([0, 0, 1.0]) - look[2] * look
    up /= np.linalg.norm(up)
    right = np.cross(look, up)
    corners = points[mesh.surface]
    normal = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    depth = corners.mean(axis=1) @ look
    # The picture does not rely on the mesh's orientation: faces are lit on the side that is seen.
    facing = -np.abs(normal @ look)
    lit = normal * np.where(normal @ look > 0, -1, 1)[:, None]
    light = np.array([-0.45, 0.6, -0.65])
    lambert = np.stack([lit @ right, lit @ up, lit @ look], -1) @ (light / np.linalg.norm(light))
    shade = 0.55 + 0.25 * -facing + 0.30 * np.clip(lambert, 0, 1)
    colour = _MAP(np.clip(strain / top, 0, 1))
    colour[:, :3] = np.clip(colour[:, :3] * shade[:, None], 0, 1)
    order = np.argsort(-depth)
    flat = np.stack([corners @ right, corners @ up], -1)[order]
    middle, half = (flat.min((0, 1)) + flat.max((0, 1))) / 2, float(np.ptp(flat[..., 1])) / 2 + 2
    with themed():
        width = 230
        figure = Figure(figsize=(width / 72, 330 / 72))
        ax = figure.add_axes((0, 0, 1, 1))
        ax.add_collection(
            PolyCollection(flat, facecolors=colour[order], edgecolors=colour[order], linewidths=0.35)
        )
        wide = half * width / 330
        ax.set(xlim=(middle[0] - wide, middle[0] + wide), ylim=(middle[1] - half, middle[1] + half))
        ax.set_axis_off()
        time = years(float(times_of(result.dataset)[k]))
        alt = f"Deformed cord, {time}, coloured by maximum principal strain."
        return rasterised(figure, alt=alt, caption=time.capitalize())


def _unrolled(result: Case, k: int, strain: Array, top: float) -> Picture:
    """Strain at the cord's surface over angle and arc length."""
    line, mesh = result.spine.centreline, result.cord.mesh
    centres = mesh.points[mesh.surface].mean(axis=1)
    index = np.array([int(np.argmin(((line.points - c) ** 2).sum(axis=1))) for c in centres])
    # Angles are about the cord's own axis, not the canal's.
    axis_s, rank = np.unique(index, return_inverse=True)
    mean = np.stack([np.bincount(rank, centres[:, c]) / np.bincount(rank) for c in range(3)], -1)
    offset = centres - mean[rank]
    u, v = (offset * line.right[index]).sum(1), (offset * line.anterior[index]).sum(1)
    angle = np.degrees(np.arctan2(u, -v))  # 0 behind, +90 the patient's right
    del axis_s
    a, s = np.linspace(-180, 180, 121), np.linspace(line.s[index].min(), line.s[index].max(), 160)
    ia = np.clip(np.digitize(angle, a) - 1, 0, a.size - 2)
    js = np.clip(np.digitize(line.s[index], s) - 1, 0, s.size - 2)
    total, count = np.zeros((s.size - 1, a.size - 1)), np.zeros((s.size - 1, a.size - 1))
    np.add.at(total, (js, ia), strain)
    np.add.at(count, (js, ia), 1)
    picture = _filled(total, count)
    with themed():
        figure, ax = axes(460, 330)
        # Seen from behind, the patient's right is on the right of the picture.
        ax.imshow(picture, extent=(-180, 180, s[0], s[-1]), origin="lower", aspect="auto", cmap=_MAP, vmin=0, vmax=top,
                  interpolation="bilinear")  # fmt: skip
        landmarks = {n: p for n, p in result.spine.landmarks.items() if s[0] <= p <= s[-1]}
        ax.set_yticks([p for n, p in landmarks.items() if "/" not in n], [n for n in landmarks if "/" not in n])
        ax.set_xticks([-180, -90, 0, 90, 180], ["front", "left", "back", "right", "front"])
        ax.axhline(worst_s(result, k), color=MASS, linewidth=1.2)
        bar = figure.colorbar(ScalarMappable(Normalize(0, 100 * top), _MAP), ax=ax, pad=0.02, aspect=28)
        bar.set_label("maximum principal strain, %")
        bar.outline.set_edgecolor(LINE)  # type: ignore[operator]
        time = years(float(times_of(result.dataset)[k]))
        ax.set_title(f"Cord surface unrolled, {time}")
        alt = f"Map of maximum principal strain on the cord's surface, {time}; angle across, level upwards."
        return svg(figure, alt=alt, key="unrolled")


def _filled(total: Array, count: Array) -> Array:
    """Bin means with empty bins filled from their neighbours, wrapping around the cord."""
    sums, weights = total, count
    for _ in range(64):
        if (weights > 0).all():
            break
        grown, spread = np.zeros_like(sums), np.zeros_like(weights)
        for shift, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
            grown += np.roll(sums, shift, axis)
            spread += np.roll(weights, shift, axis)
        empty = weights == 0
        sums, weights = np.where(empty, grown, sums), np.where(empty, spread, weights)
    return np.asarray(sums / np.maximum(weights, 1e-12))
