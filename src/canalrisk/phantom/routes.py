"""Where roots and vertebral arteries run, and the clear channels that they need through the bone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from canalrisk.phantom.neck import DISCS, Neck
from canalrisk.phantom.posture import Frame
from canalrisk.phantom.published import published
from canalrisk.phantom.vertebrae import landmarks

Array = NDArray[np.float64]

SIDES = {"left": -1.0, "right": 1.0}
_EXIT_DEG = 48.0
_DESCENT_DEG = 10.0


@dataclass(frozen=True, eq=False)
class Channel:
    """One intervertebral foramen: where its axis runs and what was promised of its size.

    `centre` (3,) lies on the line of the pedicles; `direction` (3,) unit, outward; `up` (3,) from the
    lower pedicle to the upper; `height`, `width` mm.
    """

    name: str
    side: str
    centre: Array
    direction: Array
    up: Array
    height: float
    width: float


def channels(neck: Neck, frames: tuple[Frame, ...]) -> tuple[Channel, ...]:
    """Return the foramina C2/3 to C7/T1, left and right."""
    found = []
    for i, name in enumerate(DISCS):
        above, below = landmarks(neck, i), landmarks(neck, i + 1)
        for side, sign in SIDES.items():
            mirror = np.array([sign, 1.0, 1.0])
            high = frames[i].to_world(np.array(above.pedicle) * mirror)
            low = frames[i + 1].to_world(np.array(below.pedicle) * mirror)
            up = (high - low) / np.linalg.norm(high - low)
            angle, fall = np.deg2rad(_EXIT_DEG), np.deg2rad(_DESCENT_DEG)
            outward = np.array([sign * np.sin(angle), np.cos(angle), 0.0])
            outward -= up * float(outward @ up)
            outward = outward / np.linalg.norm(outward) * np.cos(fall) - up * np.sin(fall)
            centre = 0.5 * (high + low) + frames[i].turn @ np.array([0.0, -0.9, 0.0])
            found.append(
                Channel(name, side, centre, outward, up, float(neck.foramen_height[i]), float(neck.foramen_width[i]))
            )
    return tuple(found)


def root_path(channel: Channel) -> tuple[Array, Array]:
    """Return points (n, 3) and radii (n,) of the root, from inside the canal to beyond the gutter, mm.

    Width at the foramen's entry and outside are published; the ganglion is as wide as the entry. Where
    the foramen is too small for it the root is flattened to 70 % of the foramen's width.
    """
    level = root_name(channel.name)
    entry = 0.5 * min(published("root_width_entry", level).mean * 0.75, 0.7 * channel.width)
    outside = 0.5 * published("root_diameter_outside", level).mean
    t = np.linspace(-6.0, 16.0, 45)
    sag = -0.012 * np.maximum(t, 0.0) ** 2
    points = channel.centre + t[:, None] * channel.direction + sag[:, None] * channel.up
    radii = np.interp(t, [-6.0, 0.0, 4.0, 9.0, 16.0], [0.7 * entry, entry, entry, outside, outside])
    return points, radii


def root_name(foramen: str) -> str:
    """Return the root that leaves through a foramen: C5 at C4/5, C8 at C7/T1."""
    return "C8" if foramen == "C7/T1" else f"C{foramen.split('/')[1]}"


def artery_path(neck: Neck, frames: tuple[Frame, ...], *, side: str) -> Array:
    """Return the vertebral artery's axis, below C7 to above C2, (n, 3) mm.

    It passes in front of C7's transverse process and enters at C6.
    """
    mirror = np.array([SIDES[side], 1.0, 1.0])
    marks = [landmarks(neck, i) for i in range(7)]
    nodes = []
    for i, mark in enumerate(marks):
        x, y, z = mark.transverse_foramen
        if i == 6:
            continue
        if i == 5:
            local = [(x - 1.0, y + 9.0, z - 4.0)]
        elif i == 0:
            local = [(x + 8.5, y - 0.8, z + 14.0), (x + 6.0, y - 0.7, z + 6.0), (x + 0.6, y, z)]
        else:
            local = [(x, y, z)]
        nodes += [frames[i].to_world(np.array(p) * mirror) for p in local]
    points = np.array(nodes)
    chord = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    dense: Array = CubicSpline(chord, points, bc_type="natural")(np.linspace(0.0, chord[-1], 400))
    return dense
