"""The deformed cord coloured by strain: in three dimensions, and unrolled into a map."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import NDArray

from canalrisk.report.fields import converged
from canalrisk.report.figures.anatomy import mass_side, patient_frame
from canalrisk.report.figures.style import LINE, Picture, axes, rasterised, svg, themed
from canalrisk.report.people import years
from canalrisk.report.reading import Case, chosen_times, times_of, worst_s

Array = NDArray[np.float64]

_FIELD = "strain_max_principal"
# The solver's noise stays below this.
_TOUCHING_MPA = 1e-9
_MAP = colormaps["YlOrRd"]


def strain_pictures(result: Case) -> tuple[list[Picture], Picture | None]:
    """Deformed cord at up to three converged times, and the map at the last of them."""
    if result.cord is None or _FIELD not in result.cord.cell_fields:
        return [], None
    shown = [k for k in chosen_times(result.dataset, 5) if converged(result.cord, k)]
    if not shown:
        return [], None
    cells = _outer_cells(result.cord.mesh.cells, result.cord.mesh.surface)
    faces = {k: np.asarray(result.cord.cell_fields[_FIELD][k], float)[cells] for k in shown}
    top = max(0.02, float(np.nanmax([np.nanpercentile(v, 99.5) for v in faces.values()])))
    shown = shown if len(shown) <= 3 else [shown[0], shown[len(shown) // 2], shown[-1]]
    pictures = [_solid(result, k, faces[k], top) for k in shown]
    return pictures, _unrolled(result, shown[-1], faces[shown[-1]], top)


def _outer_cells(cells: NDArray[np.int64], surface: NDArray[np.int64]) -> NDArray[np.int64]:
    """Find the hexahedron behind each surface quad."""
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
    nodal = _nodal(mesh.surface, strain, len(points))
    corners, shades, values = _refined(points, mesh.surface, nodal)
    # The picture does not rely on the mesh's orientation: faces are lit on the side that is seen.
    lit = shades * np.where(shades @ look > 0, -1, 1)[:, None]
    light = np.array([-0.45, 0.6, -0.65])
    lambert = np.stack([lit @ right, lit @ up, lit @ look], -1) @ (light / np.linalg.norm(light))
    shade = 0.52 - 0.25 * (lit @ look) + 0.32 * np.clip(lambert, 0, 1)
    colour = _MAP(np.clip(values / top, 0, 1))
    colour[:, :3] = np.clip(colour[:, :3] * shade[:, None], 0, 1)
    order = np.argsort(-(corners.mean(axis=1) @ look))
    flat = np.stack([corners @ right, corners @ up], -1)[order]
    middle, half = (flat.min((0, 1)) + flat.max((0, 1))) / 2, float(np.ptp(flat[..., 1])) / 2 + 2
    faces: Any = flat  # an array is drawn much faster than the list its annotation asks for
    with themed():
        width = 170
        figure = Figure(figsize=(width / 72, 330 / 72))
        ax = figure.add_axes((0, 0, 1, 1))
        ax.add_collection(PolyCollection(faces, facecolors=colour[order], edgecolors=colour[order], linewidths=0.35))
        wide = half * width / 330
        ax.set(xlim=(middle[0] - wide, middle[0] + wide), ylim=(middle[1] - half, middle[1] + half))
        ax.set_axis_off()
        time = years(float(times_of(result.dataset)[k]))
        alt = f"Deformed cord, {time}, coloured by maximum principal strain."
        return rasterised(figure, alt=alt, caption=time.capitalize())


def _nodal(surface: NDArray[np.int64], values: Array, n: int) -> Array:
    """Mean over the faces around each node, (n,) or (n, 3)."""
    count = np.bincount(surface.ravel(), minlength=n)
    columns = [np.bincount(surface.ravel(), np.repeat(v, 4), minlength=n) for v in np.atleast_2d(values.T)]
    mean = np.stack(columns, -1) / np.maximum(count, 1)[:, None]
    return mean[:, 0] if values.ndim == 1 else mean


def _refined(points: Array, surface: NDArray[np.int64], nodal: Array) -> tuple[Array, Array, Array]:
    """Each quad as nine: corners (9 k, 4, 3), normals (9 k, 3) and values (9 k,), bilinear from the nodes."""
    corners = points[surface]
    flat = np.cross(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    normals = _nodal(surface, flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-12), len(points))
    parts, shades, values = [], [], []
    for i, j in np.ndindex(3, 3):
        ends = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
        weights = np.array([_bilinear(a / 3, b / 3) for a, b in ends])
        centre = _bilinear((i + 0.5) / 3, (j + 0.5) / 3)
        parts.append(np.einsum("ec,kcd->ked", weights, corners))
        shades.append(np.einsum("c,kcd->kd", centre, normals[surface]))
        values.append(nodal[surface] @ centre)
    normal = np.concatenate(shades)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    return np.concatenate(parts), normal, np.concatenate(values)


def _bilinear(a: float, b: float) -> Array:
    return np.array([(1 - a) * (1 - b), a * (1 - b), a * b, (1 - a) * b])


def _unrolled(result: Case, k: int, strain: Array, top: float) -> Picture:
    """Strain at the cord's surface over angle and arc length."""
    line, mesh = result.spine.centreline, result.cord.mesh
    centres = mesh.points[mesh.surface].mean(axis=1)
    index = np.array([int(np.argmin(((line.points - c) ** 2).sum(axis=1))) for c in centres])
    # Angles are about the cord's own axis, not the canal's.
    rank = mesh.surface.min(axis=1) // mesh.section_size
    count = np.maximum(np.bincount(rank), 1)
    mean = np.stack([np.bincount(rank, centres[:, c]) / count for c in range(3)], -1)
    offset = centres - mean[rank]
    u, v = (offset * line.right[index]).sum(1), (offset * line.anterior[index]).sum(1)
    angle = np.degrees(np.arctan2(u, -v))  # 0 behind, +90 the patient's right
    a, s = np.linspace(-180, 180, 181), np.linspace(line.s[index].min(), line.s[index].max(), 200)
    picture = _interpolated(rank, angle, line.s[index], strain, a, s)
    with themed():
        figure, ax = axes(400, 330)
        # Seen from behind, the patient's right is on the right of the picture.
        ax.imshow(picture, extent=(-180, 180, s[0], s[-1]), origin="lower", aspect="auto", cmap=_MAP, vmin=0, vmax=top,
                  interpolation="bilinear")  # fmt: skip
        touched = touched_faces(result, k)
        if touched.any():
            around = _interpolated(rank, angle, line.s[index], touched.astype(float), a, s)
            ax.contour(a, s, around, levels=[0.5], colors=["#1b1b1b"], linewidths=1.3)
        landmarks = {n: p for n, p in result.spine.landmarks.items() if s[0] <= p <= s[-1]}
        ax.set_yticks([p for n, p in landmarks.items() if "/" not in n], [n for n in landmarks if "/" not in n])
        ax.set_xticks([-180, -90, 0, 90, 180], ["front", "left", "back", "right", "front"])
        ax.axhline(worst_s(result, k), color="#1b1b1b", linewidth=0.9, dashes=(4, 3))
        bar = figure.colorbar(ScalarMappable(Normalize(0, 100 * top), _MAP), ax=ax, pad=0.02, aspect=28)
        bar.set_label("maximum principal strain, %")
        bar.outline.set_edgecolor(LINE)
        time = years(float(times_of(result.dataset)[k]))
        ax.set_title(f"Cord surface unrolled, {time}")
        alt = f"Map of maximum principal strain on the cord's surface, {time}; angle across, level upwards."
        return svg(figure, alt=alt, key="unrolled")


def touched_faces(result: Case, k: int) -> NDArray[np.bool_]:
    """Tell which surface quads the mass presses on, (quads,); none where the solver's states were not kept."""
    none = np.zeros(len(result.cord.mesh.surface), bool)
    states = result.cord.states
    contact = states[k].contacts.get("mass") if k < len(states) else None
    if contact is None or len(contact.pressure) != none.size:
        return none
    return np.asarray((np.asarray(contact.pressure) > _TOUCHING_MPA).any(axis=1))


def _interpolated(layer: NDArray[np.int64], angle: Array, at: Array, strain: Array, a: Array, s: Array) -> Array:
    """Strain on a lattice (s, a): around the cord within each layer of faces, then along it."""
    layers = np.unique(layer)
    rows = [np.interp(a, angle[layer == k], strain[layer == k], period=360) for k in layers]
    heights = np.array([at[layer == k].mean() for k in layers])
    order = np.argsort(heights)
    table = np.stack(rows)[order]
    return np.stack([np.interp(s, heights[order], column) for column in table.T], -1)
