"""Cord mesh: axial stations refined near the mass, outlines on an O-grid, gray matter by point."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.mechanics.outline import RAYS, CordOutlines, ray_angles
from canalrisk.mechanics.section_cut import polygon_area
from canalrisk.mechanics.settings import Preset
from canalrisk.mesh import HexMesh, disc_section, sweep_section

Array = NDArray[np.float64]

# Neighbouring layers differ in thickness by at most this factor.
GRADING = 1.35
# The mesh stays at its finest this far beyond the sections that the mass can reach.
REFINED_MM = 3.0


@dataclass(frozen=True, eq=False)
class CordTube:
    """The meshed cord: `mesh`, and the section frames `outlines` at its `n_sections` stations."""

    mesh: HexMesh
    outlines: CordOutlines


def stations(*, start: float, end: float, low: float, high: float, preset: Preset) -> Array:
    """Arc lengths of mesh sections: `near_mm` apart in [low, high], then growing to `far_mm`.

    Parameters
    ----------
    start, end : float
        Ends of the modelled cord, mm.
    low, high : float
        Reach of the mass along the cord, mm.
    preset : Preset
        Spacings.

    Returns
    -------
    (p,) ndarray
        Increasing, from `start` to `end`.
    """
    low, high = max(start, low - REFINED_MM), min(end, high + REFINED_MM)
    layers = max(2, round((high - low) / preset.near_mm))
    middle = np.linspace(low, high, layers + 1)
    step = middle[1] - middle[0]
    after = _graded(end - high, step=step, far=preset.far_mm)
    before = _graded(low - start, step=step, far=preset.far_mm)
    return np.concatenate((low - before[::-1], middle, high + after))


def _graded(length: float, *, step: float, far: float) -> Array:
    """Cumulative layer tops filling `length`, thickness growing from `step` to at most `far`."""
    if length < 0.5 * step:
        return np.zeros(0)
    sizes = [step]
    while sum(sizes) < length:
        sizes.append(min(far, sizes[-1] * GRADING))
    top = np.cumsum(sizes)
    filled: Array = top * (length / top[-1])
    return filled


def mesh_cord(outlines: CordOutlines, *, s: Array, preset: Preset) -> CordTube:
    """Sweep the O-grid through the outlines.

    Parameters
    ----------
    outlines : CordOutlines
        Sampled pre-lesion cord.
    s : (p,) ndarray
        Stations, mm.
    preset : Preset
        O-grid density.

    Returns
    -------
    CordTube
        The ring polygon of every section has the area of the sampled outline.
    """
    section = disc_section(preset.core, rings=preset.rings)
    local = outlines.at(s)
    ring = _resample(local.outline, section.ring_angle)
    centre = ring.mean(axis=1, keepdims=True)
    scale = np.sqrt(polygon_area(local.outline) / polygon_area(ring))
    ring = centre + scale[:, None, None] * (ring - centre)
    mesh = sweep_section(section, origins=local.origins, right=local.right, anterior=local.anterior, outlines=ring)
    return CordTube(mesh, local)


def _resample(outline: Array, angle: Array) -> Array:
    """Trigonometric interpolation of (p, RAYS, 2) outlines to other parametric angles."""
    spectrum = np.fft.fft(outline[..., 0] + 1j * outline[..., 1], axis=1) / RAYS
    order = np.fft.fftfreq(RAYS, 1.0 / RAYS)
    ring = spectrum @ np.exp(1j * np.outer(order, angle - ray_angles(RAYS)[0]))
    return np.stack((ring.real, ring.imag), axis=-1)
