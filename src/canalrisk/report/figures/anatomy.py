"""Where pictures look: the patient's axes at the worst level, and outlines cut from fields and meshes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canalrisk.report.figures.scene import sample
from canalrisk.report.reading import Case, worst_s

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Frame:
    """Origin and the patient's axes there, world mm."""

    origin: Array
    right: Array
    anterior: Array
    up: Array

    def plane(self, half: float, step: float) -> tuple[Array, Array]:
        """Lattice coordinates (n,) and world points (n * n, 3) of the axial plane, rows anterior."""
        u = np.arange(-half, half + step / 2, step)
        gu, gv = np.meshgrid(u, u)
        return u, self.origin + gu.reshape(-1, 1) * self.right + gv.reshape(-1, 1) * self.anterior

    def coordinates(self, points: Array) -> Array:
        """World points (n, 3) to (right, anterior, up) mm from the origin."""
        return (points - self.origin) @ np.stack([self.right, self.anterior, self.up], -1)


def frame_at(result: Case, time: int = 0) -> Frame:
    """Centreline frame at the worst section of one time."""
    line = result.spine.centreline
    k = int(np.argmin(np.abs(line.s - worst_s(result, time))))
    return Frame(line.points[k], line.right[k], line.anterior[k], line.tangent[k])


def patient_frame(result: Case) -> Frame:
    """Return the neck's mean axes, orthonormal, at the middle of the centreline."""
    line = result.spine.centreline
    right = line.right.mean(axis=0)
    right /= np.linalg.norm(right)
    up = line.points[-1] - line.points[0]
    up -= (up @ right) * right
    up /= np.linalg.norm(up)
    return Frame(line.points[line.s.size // 2], right, np.cross(up, right), up)


def focus(result: Case) -> Frame:
    """Return the neck's mean axes at the mass where it is deepest in the canal, else at the canal's centre."""
    mean, here = patient_frame(result), frame_at(result)
    origin, spine = here.origin, result.spine
    if spine.mass is not None:
        _, points = here.plane(22.0, 0.5)
        mass = sample(spine.mass, spine.grid, points)
        canal = sample(spine.canal, spine.grid, points)
        inside = mass < 0
        if inside.any():
            deepest = canal[inside].min()
            origin = points[inside & (canal <= min(deepest + 2.0, 0.0) + 1e-9)].mean(axis=0) if deepest < 0 else (
                points[inside][canal[inside].argmin()]
            )  # fmt: skip
    return Frame(origin, mean.right, mean.anterior, mean.up)


def mass_side(result: Case) -> float:
    """+1 when the mass lies to the patient's right, -1 to the left; +1 without a mass."""
    mass = result.spine.mass
    if mass is None or not (mass < 0).any():
        return 1.0
    index = np.argwhere(mass < 0)
    centre = result.spine.grid.to_world(index[:: max(1, len(index) // 2000)]).mean(axis=0)
    line = result.spine.centreline
    k = int(np.argmin(np.linalg.norm(line.points - centre, axis=1)))
    return 1.0 if (centre - line.points[k]) @ line.right[k] >= 0 else -1.0


def cut_outline(points: Array, quads: NDArray[np.int64], frame: Frame) -> list[Array]:
    """Cut a quad surface where the frame's axial plane cuts it.

    Parameters
    ----------
    points : (n, 3) ndarray
        Node positions, mm.
    quads : (k, 4) ndarray
        Surface quads.
    frame : Frame
        The plane through its origin, orthogonal to `up`.

    Returns
    -------
    list of (m, 2) ndarray
        Polylines in (right, anterior) mm.
    """
    height = (points - frame.origin) @ frame.up
    height = np.where(height == 0, 1e-9, height)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    crossing = triangles[np.ptp(np.sign(height[triangles]), axis=1) > 0]
    links: dict[Any, list[Any]] = {}
    for triangle in crossing:
        edges = [tuple(sorted((int(triangle[a]), int(triangle[b])))) for a, b in ((0, 1), (1, 2), (2, 0))
                 if height[triangle[a]] * height[triangle[b]] < 0]  # fmt: skip
        if len(edges) == 2:
            links.setdefault(edges[0], []).append(edges[1])
            links.setdefault(edges[1], []).append(edges[0])
    return [_positions(chain, points, height, frame) for chain in _chains(links)]


def _chains(links: dict[Any, list[Any]]) -> list[list[Any]]:
    """Walk the links into chains of edges."""
    chains, left = [], set(links)
    while left:
        here = left.pop()
        chain = [here]
        while True:
            following = [edge for edge in links[here] if edge in left]
            if not following:
                break
            here = following[0]
            left.remove(here)
            chain.append(here)
        if len(chain) > 3:
            chains.append(chain)
    return chains


def _positions(chain: list[tuple[int, int]], points: Array, height: Array, frame: Frame) -> Array:
    a, b = np.array(chain).T
    w = (height[a] / (height[a] - height[b]))[:, None]
    at = points[a] * (1 - w) + points[b] * w
    flat = frame.coordinates(at)[:, :2]
    return np.concatenate([flat, flat[:1]])
