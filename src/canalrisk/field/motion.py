"""Rigid motion of a sampled field."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial.transform import Rotation

Array = NDArray[np.float64]
Triple = tuple[float, float, float]


@dataclass(frozen=True)
class RigidMotion:
    """Turn about a centre, then shift: x -> R (x - centre) + centre + translation.

    Parameters
    ----------
    rotation : (3,) tuple of float
        Rotation vector: axis times angle, radians, right-handed.
    centre : (3,) tuple of float
        Point that only the translation moves, mm.
    translation : (3,) tuple of float
        mm.
    """

    rotation: Triple = (0.0, 0.0, 0.0)
    centre: Triple = (0.0, 0.0, 0.0)
    translation: Triple = (0.0, 0.0, 0.0)

    @property
    def matrix(self) -> Array:
        """Homogeneous matrix (4, 4) that moves points."""
        matrix = np.eye(4)
        matrix[:3, :3] = Rotation.from_rotvec(self.rotation).as_matrix()
        centre = np.asarray(self.centre, float)
        matrix[:3, 3] = centre + np.asarray(self.translation) - matrix[:3, :3] @ centre
        return matrix

    @property
    def inverse(self) -> Array:
        """Homogeneous matrix (4, 4) from moved points back to their first places."""
        forward = self.matrix
        back = np.eye(4)
        back[:3, :3] = forward[:3, :3].T
        back[:3, 3] = -forward[:3, :3].T @ forward[:3, 3]
        return back

    def apply(self, points: ArrayLike) -> Array:
        """Move points (..., 3), mm."""
        matrix = self.matrix
        moved: Array = np.asarray(points, float) @ matrix[:3, :3].T + matrix[:3, 3]
        return moved

    def about(self, centre: Triple) -> RigidMotion:
        """Return the same motion written with another centre."""
        if centre == self.centre:
            return self
        x, y, z = self.apply(centre) - np.asarray(centre)
        return RigidMotion(self.rotation, centre, (float(x), float(y), float(z)))

    def towards(self, end: RigidMotion, *, share: float) -> RigidMotion:
        """Return the motion a `share` of the way to `end`, whose centre moves straight while all else turns about it.

        The turn goes the shorter way at a constant rate. `self` at 0 and `end` at 1, exactly.
        """
        begin = self.about(end.centre)
        if share <= 0.0:
            return begin
        if share >= 1.0:
            return end
        first = Rotation.from_rotvec(begin.rotation)
        turn = (first.inv() * Rotation.from_rotvec(end.rotation)).as_rotvec()
        a, b, c = (first * Rotation.from_rotvec(share * turn)).as_rotvec()
        x, y, z = ((1.0 - share) * p + share * q for p, q in zip(begin.translation, end.translation, strict=True))
        return RigidMotion((float(a), float(b), float(c)), end.centre, (x, y, z))
