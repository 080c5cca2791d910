"""Where the vertebrae stand: a lordotic stack in the sagittal plane, and the canal's curve through it.

World frame of a phantom: RAS+ mm, x = 0 is the midsagittal plane, C5's body centre is the origin.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline, PchipInterpolator

from canalrisk.phantom.neck import LEVELS, Neck

Array = NDArray[np.float64]

# Endplates are hollow: the mid height of a disc exceeds the gap between endplate rims by about this much.
ENDPLATE_HOLLOW_MM = 0.9
_STEP_MM = 0.25
_BELOW_T1_MM = 4.0


@dataclass(frozen=True, eq=False)
class Frame:
    """A vertebra's own frame: world = origin + turn @ local, mm; the turn is about x by `tilt` rad."""

    origin: Array
    tilt: float

    @property
    def turn(self) -> Array:
        """Local to world rotation, (3, 3). Positive tilt leans the vertebra forward."""
        c, s = np.cos(self.tilt), np.sin(self.tilt)
        return np.array([[1.0, 0.0, 0.0], [0.0, c, s], [0.0, -s, c]])

    def to_world(self, local: Array) -> Array:
        """Local (..., 3) to world (..., 3), mm."""
        return self.origin + np.asarray(local, float) @ self.turn.T

    def to_local(self, world: Array) -> Array:
        """World (..., 3) to local (..., 3), mm."""
        return (np.asarray(world, float) - self.origin) @ self.turn

    @property
    def matrix(self) -> Array:
        """World to local, (3, 4)."""
        turn = self.turn.T
        return np.ascontiguousarray(np.column_stack([turn, -turn @ self.origin]))


@dataclass(frozen=True, eq=False)
class Curve:
    """Canal axis in the sagittal plane, caudal to cranial: arc length s, points (n, 2) as (y, z), tangent."""

    s: Array
    points: Array
    tangent: Array
    stations: Array
    """Arc length of the neck's `STATIONS`, (13,), cranial to caudal, so decreasing."""

    def at(self, values: Array) -> PchipInterpolator:
        """Interpolate a (13,) station quantity over arc length; constant beyond the ends."""
        s = np.concatenate([[-1e3], self.stations[::-1], [1e3]])
        v = np.concatenate([[values[-1]], values[::-1], [values[0]]])
        return PchipInterpolator(s, v)


def stack(neck: Neck) -> tuple[Frame, ...]:
    """Return the frame of each vertebra of `LEVELS`, C5's body centre at the origin."""
    lordosis = neck.lordosis_deg
    # Share of the C2-C7 angle reached at each vertebra; T1 follows its own slope.
    share = np.array([0.0, 0.16, 0.34, 0.54, 0.76, 1.0])
    c7 = neck.t1_slope_deg - 4.0
    tilt = np.deg2rad(np.append(c7 - lordosis * (1.0 - share), neck.t1_slope_deg))
    origin = np.zeros((len(LEVELS), 3))
    up = np.column_stack([np.zeros(7), np.sin(tilt), np.cos(tilt)])
    for i in range(1, len(LEVELS)):
        gap = neck.disc_height[i - 1] - ENDPLATE_HOLLOW_MM
        middle = 0.5 * (up[i - 1] + up[i])
        origin[i] = (
            origin[i - 1]
            - up[i - 1] * 0.5 * neck.body_height[i - 1]
            - middle * gap / np.linalg.norm(middle)
            - up[i] * 0.5 * neck.body_height[i]
        )
    origin -= origin[LEVELS.index("C5")]
    return tuple(Frame(origin[i], float(tilt[i])) for i in range(len(LEVELS)))


def canal_centre_y(neck: Neck, index: int) -> float:
    """Local y of the canal's centre at a vertebra: just behind the body, mm."""
    return float(-0.5 * neck.body_depth[index] - 0.5 * neck.canal_ap[2 * index])


def canal_curve(neck: Neck, frames: tuple[Frame, ...]) -> Curve:
    """Return the canal's axis from below T1 to the level of the dens' tip, every 0.25 mm."""
    centre = [frame.to_world(np.array([0.0, canal_centre_y(neck, i), 0.0])) for i, frame in enumerate(frames)]
    half = 0.5 * neck.body_height
    low = frames[-1].to_world(np.array([0.0, canal_centre_y(neck, 6), -half[6] - _BELOW_T1_MM]))
    top_z = half[0] + neck.dens_height
    # Behind the dens the canal steps forward: the dens is shallower than the body below it.
    shoulder = frames[0].to_world(np.array([0.0, canal_centre_y(neck, 0) + 0.8, half[0] + 2.0]))
    top = frames[0].to_world(np.array([0.0, canal_centre_y(neck, 0) + 1.6, top_z + 2.0]))
    nodes = np.array([low, *centre[::-1], shoulder, top])[:, 1:]
    chord = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(nodes, axis=0), axis=1))])
    spline = CubicSpline(chord, nodes, bc_type="natural")
    fine = spline(np.linspace(0.0, chord[-1], 4000))
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(fine, axis=0), axis=1))])
    s = np.arange(0.0, length[-1], _STEP_MM)
    points = np.column_stack([np.interp(s, length, fine[:, k]) for k in (0, 1)])
    tangent = np.gradient(points, s, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1)[:, None]
    mid = np.array([s[np.argmin(np.linalg.norm(points - c[1:], axis=1))] for c in centre])
    stations = np.empty(13)
    stations[0::2] = mid
    stations[1::2] = 0.5 * (mid[:-1] + mid[1:])
    return Curve(s, points, tangent, stations)
