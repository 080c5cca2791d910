"""Shaded orthographic pictures of signed-distance solids by sphere tracing, in numpy.

The solids are the very fields that morphometry and mechanics read, so the picture cannot show another anatomy
than the one that was measured. Light is a wrapped Lambert term with ambient occlusion sampled from the fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from canalrisk.field.grid import Grid
from canalrisk.report._kernels import clearances, sample_points, trace_rays, unit_gradients

Array = NDArray[np.float64]

_STEPS = 160
_HIT_MM = 0.04
_FACE_MM = 0.08


@dataclass(frozen=True, eq=False)
class Solid:
    """A signed-distance solid and its colour.

    Parameters
    ----------
    distance : (nx, ny, nz) ndarray
        Signed distance on the scene's grid, mm, negative inside.
    colour : tuple of float
        Linear RGB, 0 to 1.
    since : (nx, ny, nz) ndarray, optional
        An earlier state of the same solid; what lies outside it takes `since_colour`.
    since_colour : tuple of float
        Colour of what is new.
    cut : bool
        Whether the scene's cutting plane applies to this solid.
    gloss : float
        Strength of the highlight.
    """

    distance: NDArray[np.float32]
    colour: tuple[float, float, float]
    since: NDArray[np.float32] | None = None
    since_colour: tuple[float, float, float] = (0.97, 0.70, 0.26)
    cut: bool = True
    gloss: float = 0.12

    @cached_property
    def values(self) -> NDArray[np.float32]:
        """The distance as the kernels want it."""
        return np.ascontiguousarray(self.distance, np.float32)

    @cached_property
    def box(self) -> Array:
        """Lowest and highest voxel index that the solid reaches, (2, 3); empty when there is none."""
        near = self.values < 0.5
        box = np.array([[0.0] * 3, [-1.0] * 3])
        for axis in range(3):
            along = np.flatnonzero(near.any(axis=tuple(a for a in range(3) if a != axis)))
            if along.size:
                box[:, axis] = max(along[0] - 1, 0), min(along[-1] + 1, near.shape[axis] - 1)
        return box


@dataclass(frozen=True, eq=False)
class View:
    """An orthographic camera. All vectors (3,), world mm; `look` points into the scene."""

    centre: Array
    look: Array
    up: Array
    half_width: float
    half_height: float
    cut_point: Array | None = None
    cut_normal: Array | None = None
    """Solids are removed on the side the normal points to."""
    light: Array = field(default_factory=lambda: np.array([-0.45, 0.65, -0.62]))
    """Direction to the light in camera axes (right, up, into the scene)."""

    @property
    def right(self) -> Array:
        """Image right, (3,)."""
        return np.cross(self.look, self.up)

    def project(self, points: Array) -> Array:
        """World points (n, 3) to image coordinates (n, 2) in 0..1, origin at the top left."""
        d = np.atleast_2d(points) - self.centre
        x = d @ self.right / (2 * self.half_width) + 0.5
        y = 0.5 - d @ self.up / (2 * self.half_height)
        return np.stack([x, y], -1)


def camera(
    *, centre: Array, right: Array, anterior: Array, azimuth: float, elevation: float, half: tuple[float, float]
) -> View:
    """Put a camera around the neck.

    Parameters
    ----------
    centre : (3,) ndarray
        What the camera looks at, mm.
    right, anterior : (3,) ndarray
        The patient's axes.
    azimuth : float
        Degrees from straight behind towards the patient's right.
    elevation : float
        Degrees above the horizontal.
    half : tuple of float
        Half width and half height of the picture, mm.
    """
    up = np.cross(right, anterior)
    a, e = np.deg2rad(azimuth), np.deg2rad(elevation)
    back = -np.cos(a) * anterior + np.sin(a) * right
    look = -(np.cos(e) * back + np.sin(e) * up)
    top = up - look * (up @ look)
    if np.linalg.norm(top) < 0.2:
        top = anterior - look * (anterior @ look)
    return View(centre, look, top / np.linalg.norm(top), *half)


def sample(values: NDArray[np.float32], grid: Grid, points: Array) -> Array:
    """Trilinear value of a field at world points (n, 3); constant beyond the edge."""
    out = np.empty(len(points))
    sample_points(np.ascontiguousarray(values, np.float32), grid.inverse, np.ascontiguousarray(points, float), out)
    return out


def _plane(solid: Solid, view: View) -> Array:
    """Cutting plane as (normal, offset), (4,); zeros when nothing is cut."""
    if not solid.cut or view.cut_normal is None or view.cut_point is None:
        return np.zeros(4)
    return np.append(view.cut_normal, view.cut_normal @ view.cut_point).astype(float)


def _normals(solid: Solid, grid: Grid, points: Array) -> Array:
    out = np.empty_like(points)
    unit_gradients(solid.values, grid.inverse, points, 0.45, out)
    return out


def render(solids: list[Solid], *, grid: Grid, view: View, px_per_mm: float = 4.0, fine: int = 2) -> NDArray[np.uint8]:
    """Draw solids.

    Parameters
    ----------
    solids : list of Solid
        What to draw; the nearest wins.
    grid : Grid
        Grid of every field.
    view : View
        Camera and optional cutting plane.
    px_per_mm : float
        Picture resolution.
    fine : int
        Samples per pixel edge (anti-aliasing).

    Returns
    -------
    (height, width, 4) ndarray of uint8
        RGBA, straight alpha; transparent where nothing is.
    """
    width, height = (max(2, int(2 * half * px_per_mm)) for half in (view.half_width, view.half_height))
    n, m = width * fine, height * fine
    x = (np.arange(n) + 0.5) / n * 2 - 1
    y = 1 - (np.arange(m) + 0.5) / m * 2
    gx, gy = np.meshgrid(x * view.half_width, y * view.half_height)
    origins = view.centre + gx.reshape(-1, 1) * view.right + gy.reshape(-1, 1) * view.up - 300.0 * view.look
    depth, owner = np.full(len(origins), np.inf), np.full(len(origins), -1)
    for k, solid in enumerate(solids):
        before, plane = depth.copy(), _plane(solid, view)
        trace_rays(solid.values, solid.box, grid.inverse, origins, view.look, plane, depth, _STEPS, _HIT_MM)
        owner[depth < before] = k
    rgba = np.zeros((len(origins), 4))
    seen = np.flatnonzero(owner >= 0)
    if seen.size:
        points = origins[seen] + depth[seen, None] * view.look
        rgba[seen, :3] = _shade(solids, owner[seen], points, depth[seen], grid, view)
        rgba[seen, 3] = 1.0
    rgba = rgba.reshape(height, fine, width, fine, 4)
    alpha = rgba[..., 3].mean(axis=(1, 3))
    colour = rgba[..., :3].sum(axis=(1, 3)) / np.maximum(rgba[..., 3:].sum(axis=(1, 3)), 1)
    out = np.concatenate([np.clip(colour, 0, 1) ** (1 / 2.2), alpha[..., None]], -1)
    return np.round(out * 255).astype(np.uint8)


def _shade(solids: list[Solid], owner: NDArray[np.int64], points: Array, depth: Array, grid: Grid, view: View) -> Array:
    colour, normal = np.zeros_like(points), np.zeros_like(points)
    gloss, face = np.zeros(len(points)), np.zeros(len(points), bool)
    for k, solid in enumerate(solids):
        mine = np.flatnonzero(owner == k)
        if not mine.size:
            continue
        at = points[mine]
        colour[mine], gloss[mine], normal[mine] = solid.colour, solid.gloss, _normals(solid, grid, at)
        if solid.since is not None:
            new = np.clip((sample(solid.since, grid, at) - 0.2) / 2.2, 0, 1)[:, None]
            colour[mine] = (1 - new) * solid.colour + new * np.array(solid.since_colour)
        if solid.cut and view.cut_normal is not None and view.cut_point is not None:
            on = np.abs((at - view.cut_point) @ view.cut_normal) < _FACE_MM
            normal[mine[on]], face[mine[on]] = view.cut_normal, True
    camera_normal = np.stack([normal @ view.right, normal @ view.up, normal @ view.look], -1)
    light = view.light / np.linalg.norm(view.light)
    lambert = np.clip(camera_normal @ light * 0.8 + 0.2, 0, 1)
    fill = np.clip(-camera_normal[:, 2], 0, 1)
    half = light - np.array([0, 0, 1.0])
    shine = gloss * np.clip(camera_normal @ (half / np.linalg.norm(half)), 0, 1) ** 28
    occlusion = _occlusion(solids, points, normal, grid, view)
    shade = occlusion * (0.16 + 0.26 * fill + 0.72 * lambert)
    shade = np.where(face, 0.92, shade)
    span = max(float(np.ptp(depth)), 1.0)
    fog = 1.0 - 0.28 * (depth - depth.min()) / span
    linear = colour**2.2
    lit: Array = linear * (shade * fog)[:, None] + np.where(face, 0, shine * occlusion)[:, None]
    return lit


def _occlusion(solids: list[Solid], points: Array, normal: Array, grid: Grid, view: View) -> Array:
    """How much of the sky each point sees, from the nearest field along its normal."""
    away, strength = np.array([0.6, 1.5, 3.2, 6.0]), np.array([0.30, 0.26, 0.24, 0.20])
    near = np.full((len(points), away.size), np.inf)
    for solid in solids:
        clearances(solid.values, grid.inverse, points, normal, away, _plane(solid, view), near)
    dark = np.clip(1.0 - near / away, 0, 1) @ strength
    return np.asarray(np.clip(1.0 - 0.85 * dark, 0.12, 1.0))
