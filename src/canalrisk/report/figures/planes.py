"""The segmentation check: three planes through the worst level, labels coloured, mass outlined."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from canalrisk.field.grid import Grid
from canalrisk.report._kernels import vote_labels
from canalrisk.report.figures.anatomy import focus, frame_at
from canalrisk.report.figures.scene import sample
from canalrisk.report.figures.style import MASS, Picture, axes, svg, themed
from canalrisk.report.reading import Case

Array = NDArray[np.float64]

# First match wins: structure prefix, colour, name in the legend.
_COLOURS = (
    ("vertebra", ("#e8dcc3", "#c9b48d"), "vertebrae (alternating)"),
    ("disc", ("#6f9fc0",), "discs"),
    ("cord_or_sac", ("#ffd34d",), "cord or sac"),
    ("cord", ("#ffd34d",), "spinal cord"),
    ("csf", ("#4d83ad",), "cerebrospinal fluid"),
    ("epidural", ("#35566f",), "epidural space"),
    ("canal", ("#4d83ad",), "canal"),
    ("flavum", ("#a8c66c",), "ligamentum flavum"),
    ("artery", ("#e0525f",), "vertebral arteries"),
    ("root", ("#f2e39a",), "nerve roots"),
    ("part", ("#d8c8a6",), "parts of vertebrae"),
)
PANEL = "#12161b"
_STEP = 0.12


@dataclass(frozen=True, eq=False)
class Plane:
    """One picture plane: origin, image right and up (unit, world mm), half sizes, letters left/right/top/bottom."""

    name: str
    origin: Array
    right: Array
    up: Array
    half: tuple[float, float]
    letters: tuple[str, str, str, str]


def colour_of(structure: str, order: int = 0) -> tuple[str, str] | None:
    """Colour and legend name of a structure, or None when it is not drawn."""
    for prefix, colours, name in _COLOURS:
        if structure.split(":")[0].startswith(prefix):
            return colours[order % len(colours)], name
    return None


def check_planes(result: Case) -> tuple[Plane, ...]:
    """Choose axial, sagittal and coronal planes where the mass is deepest, in radiological orientation."""
    centre, frame = frame_at(result), focus(result)
    line = result.spine.centreline
    span = max(30.0, 0.5 * float(line.s[-1] - line.s[0]) + 6)
    middle = line.points[line.s.size // 2]
    here = frame.origin
    tall = here + ((middle - here) @ frame.up) * frame.up
    return (
        Plane("Axial, seen from below", centre.origin, -centre.right, centre.anterior, (37, 37), ("R", "L", "A", "P")),
        Plane("Sagittal", tall, -frame.anterior, frame.up, (44, span), ("A", "P", "S", "I")),
        Plane("Coronal, seen from the front", tall, -frame.right, frame.up, (44, span), ("R", "L", "S", "I")),
    )


def segmentation_planes(result: Case) -> tuple[list[Picture], list[tuple[str, str]]]:
    """Draw axial, sagittal and coronal planes through the worst level.

    Returns
    -------
    pictures : list of Picture
        In that order.
    legend : list of (name, colour)
        What the colours mean.
    """
    planes = check_planes(result)
    drawn, legend = label_colours(result)
    if result.spine.mass is not None:
        legend["mass"] = MASS
    return [_draw(result, plane, planes, drawn) for plane in planes], list(legend.items())


def label_colours(result: Case) -> tuple[dict[int, str], dict[str, str]]:
    """Colour of every label that is drawn, and of every name in the legend."""
    values = [int(v) for v in np.unique(result.labelmap.labels) if v in result.labelmap.table.entries]
    levels = {f"vertebra:{name}": k for k, name in enumerate(result.spine.levels)}
    drawn: dict[int, str] = {}
    legend: dict[str, str] = {}
    for value in values:
        structure = result.labelmap.table.entries[value]
        found = colour_of(structure, levels.get(structure, 0))
        first = colour_of(structure)
        if found and first:
            drawn[value] = found[0]
            legend.setdefault(first[1], first[0])
    return drawn, legend


def _draw(result: Case, plane: Plane, others: tuple[Plane, ...], drawn: dict[int, str]) -> Picture:
    x, y, points = lattice(plane, step=_STEP)
    rgb, label = coloured(result, points, drawn, (y.size, x.size))
    extent = (-plane.half[0], plane.half[0], -plane.half[1], plane.half[1])
    with themed():
        width = 330
        figure, ax = axes(width, 24 + width * plane.half[1] / plane.half[0])
        ax.imshow(rgb, extent=extent, origin="lower", interpolation="none")
        mass = result.spine.mass
        if mass is not None:
            inside = sample(mass, result.spine.grid, points).reshape(y.size, x.size)
            if (inside < 0).any():
                ax.contourf(x, y, inside, levels=[-99, 0], colors=[MASS], alpha=0.45)
                ax.contour(x, y, inside, levels=[0], colors=[MASS], linewidths=1.6)
        annotate(result, ax, plane, label, x, y)
        _cross(ax, plane, others)
        ax.set(xlim=extent[:2], ylim=extent[2:], xticks=[], yticks=[])
        for spine in ax.spines.values():
            spine.set_visible(False)
        ax.set_title(plane.name)
        alt = f"{plane.name} through the worst level with labels coloured and the mass outlined."
        return svg(figure, alt=alt, key=f"plane-{plane.letters}")


def lattice(plane: Plane, step: float) -> tuple[Array, Array, Array]:
    """Offsets along the picture's axes and world points (n, 3) of a plane's pixels, mm."""
    x = np.arange(-plane.half[0] + step / 2, plane.half[0], step)
    y = np.arange(-plane.half[1] + step / 2, plane.half[1], step)
    gx, gy = np.meshgrid(x, y)
    return x, y, plane.origin + gx.reshape(-1, 1) * plane.right + gy.reshape(-1, 1) * plane.up


def coloured(
    result: Case, points: Array, drawn: dict[int, str], shape: tuple[int, int]
) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """Colours and labels on a plane; edges are smooth but stay where the voxels put them."""
    label = np.zeros(len(points), np.int32)
    box, grid = _about(result, points)
    labels = np.ascontiguousarray(result.labelmap.labels[box], np.int32)
    vote_labels(labels, grid.inverse, np.ascontiguousarray(points), label)
    colours = np.tile(to_rgb(PANEL), (int(label.max()) + 1, 1))
    for value, colour in drawn.items():
        if 0 <= value < len(colours):
            colours[value] = to_rgb(colour)
    rgb = np.round(colours[np.maximum(label, 0)] * 255).astype(np.uint8).reshape(*shape, 3)
    return rgb, label.reshape(shape)


def dimmed(rgb: NDArray[np.uint8], share: float = 0.62) -> NDArray[np.uint8]:
    """Return the colours nearer to the panel's: labels are what was drawn, lines on them must stand out."""
    panel = 255 * np.array(to_rgb(PANEL))
    return np.round(share * rgb + (1.0 - share) * panel).astype(np.uint8)


def _about(result: Case, points: Array) -> tuple[tuple[slice, slice, slice], Grid]:
    """Part of the label map that the points can see; a whole CT in another type would fill the memory."""
    grid = result.labelmap.grid
    voxel = grid.to_voxel(points)
    shape = np.array(grid.shape)
    low = np.clip(np.floor(voxel.min(axis=0)).astype(int) - 3, 0, shape - 1)
    high = np.clip(np.ceil(voxel.max(axis=0)).astype(int) + 4, low + 1, shape)
    a, b, c = (slice(i, j) for i, j in zip(low.tolist(), high.tolist(), strict=True))
    return (a, b, c), grid.crop(low, high)


def annotate(result: Case, ax: Any, plane: Plane, label: NDArray[np.int32], x: Array, y: Array) -> None:
    """Name the vertebrae on an upright plane, the directions, and 10 mm."""
    stroke = [withStroke(linewidth=2.2, foreground=PANEL)]
    if plane.letters[2] == "S":
        for value in np.unique(label):
            structure = result.labelmap.table.entries.get(int(value), "")
            if not structure.startswith("vertebra:"):
                continue
            deep = distance_transform_edt(np.pad(label[::4, ::4] == value, 1))[1:-1, 1:-1]
            if deep.max() * 4 * _STEP > 3.0:
                row, column = (4 * i for i in np.unravel_index(deep.argmax(), deep.shape))
                ax.text(x[column], y[row], structure.split(":")[1], ha="center", va="center", fontsize=9,
                        color="#1b1b1b", fontweight="bold")  # fmt: skip
    left, right, top, bottom = plane.letters
    w, h = 0.94 * plane.half[0], plane.half[1] - 0.06 * plane.half[0]
    for where, letter in (((-w, 0), left), ((w, 0), right), ((0, h), top), ((0, -h), bottom)):
        big = letter in "LR"
        ax.text(*where, letter, color="#ffffff", fontsize=15 if big else 10, fontweight="bold" if big else "normal",
                ha="center", va="center", path_effects=stroke)  # fmt: skip
    ax.plot([w - 12, w - 2], [-h, -h], color="#ffffff", linewidth=2)
    ax.text(w - 7, -h + 1.2, "10 mm", color="#ffffff", fontsize=8.5, ha="center", va="bottom")


def _cross(ax: Any, plane: Plane, others: tuple[Plane, ...]) -> None:
    """Thin lines where the other planes cut this one."""
    for other in others:
        normal = np.cross(other.right, other.up)
        a, b = normal @ plane.right, normal @ plane.up
        c = normal @ (other.origin - plane.origin)
        size = np.hypot(a, b)
        if other is plane or size < 0.2:
            continue
        near = np.array([a, b]) * c / size**2
        along = np.array([-b, a]) / size * 400
        ax.plot(*np.stack([near - along, near + along], -1), color="#ffffff", linewidth=0.6, alpha=0.45, dashes=(4, 3))
