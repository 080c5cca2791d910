"""O-grid of the unit disc: a rounded square core inside rings of quadrilaterals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from canalrisk.mesh.hexmesh import Array, Index

# Core half-diagonal in units of the radius, and how far the core's square is rounded towards a circle.
CORE_SCALE = 0.6
CORE_ROUNDING = 0.5


@dataclass(frozen=True, eq=False)
class DiscSection:
    """Quadrilateral mesh of the unit disc.

    `points` (k, 2): (right, anterior); `quads` (q, 4) counter-clockwise; `ring` (4 n,): outline nodes,
    counter-clockwise from angle `ring_angle[0]` = -135 degrees, equally spaced in angle.
    """

    points: Array
    quads: Index
    ring: Index
    ring_angle: Array


def disc_section(core: int, *, rings: int) -> DiscSection:
    """Mesh the unit disc with ``core x core`` quads in the middle and `rings` layers around.

    Parameters
    ----------
    core : int
        Quads along the core's edge; the outline has ``4 core`` nodes.
    rings : int
        Layers between core and outline.

    Returns
    -------
    DiscSection
        ``(core + 1)^2 + 4 core rings`` nodes; node order of ``reference/meshgen.py``.
    """
    line = np.linspace(-1.0, 1.0, core + 1)
    u, v = np.meshgrid(line, line, indexing="ij")
    square = np.stack((u, v), axis=-1) / np.sqrt(2.0)
    circle = np.stack((u * np.sqrt(1.0 - v * v / 2.0), v * np.sqrt(1.0 - u * u / 2.0)), axis=-1)
    inside = CORE_SCALE * ((1.0 - CORE_ROUNDING) * square + CORE_ROUNDING * circle)

    number = np.arange((core + 1) ** 2).reshape(core + 1, core + 1)
    quads = [np.stack((number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]), axis=-1).reshape(-1, 4)]
    inner = np.concatenate((number[:-1, 0], number[-1, :-1], number[:0:-1, -1], number[0, :0:-1]))
    angle = -0.75 * np.pi + 2.0 * np.pi * np.arange(4 * core) / (4 * core)
    outline = np.stack((np.cos(angle), np.sin(angle)), axis=-1)
    start = inside.reshape(-1, 2)[inner]

    points = [inside.reshape(-1, 2)]
    for layer in range(1, rings + 1):
        weight = layer / rings
        points.append((1.0 - weight) * start + weight * outline)
        outer = (core + 1) ** 2 + 4 * core * (layer - 1) + np.arange(4 * core)
        quads.append(np.stack((inner, outer, np.roll(outer, -1), np.roll(inner, -1)), axis=-1))
        inner = outer
    return DiscSection(np.concatenate(points), np.concatenate(quads).astype(np.int64), inner.astype(np.int64), angle)
