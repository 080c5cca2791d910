"""Obstacles: rigid bodies and soft walls given as sampled signed distances."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import UsageError
from canalrisk.field import RigidMotion, Spline

Array = NDArray[np.float64]
_NO_FIELD = (np.zeros((1, 1, 1)), np.eye(4))


@dataclass(frozen=True, eq=False)
class Obstacle:
    """A field that the body may not enter: admissible where gap(x) >= 0.

    gap(x) = sign * ((1 - blend) * field0(y) + blend * field1(y)) - offset, with y the place from which
    `motion` and then `translation` bring the obstacle's points to x.

    Parameters
    ----------
    name : str
        Pairs obstacles of successive loads.
    spline0 : Spline
        Signed distance, mm, negative inside the obstacle (mass) or inside the free space (wall).
    spline1 : Spline, optional
        Second state to blend to.
    blend : float
        0 for `spline0`, 1 for `spline1`.
    offset : float
        Added thickness of the obstacle, mm; negative recedes it.
    sign : {1, -1}
        1: the body stays where the field is positive (outside a mass). -1: where it is negative (inside a canal).
    translation : (3,) tuple of float
        Shift of the obstacle, after `motion`, mm.
    buffer_thickness, buffer_pressure : float
        Soft layer on the obstacle: pressure buffer_pressure * s^2 (MPa) with s = (thickness - gap) / thickness where
        gap < thickness (mm). The hard limit stays at gap 0.
    motion : RigidMotion
        Rigid motion of the obstacle from where it was sampled. Between two loads it turns at a constant rate.
    """

    name: str
    spline0: Spline
    spline1: Spline | None = None
    blend: float = 0.0
    offset: float = 0.0
    sign: int = 1
    translation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    buffer_thickness: float = 0.0
    buffer_pressure: float = 0.0
    motion: RigidMotion = field(default_factory=RigidMotion)

    def __post_init__(self) -> None:
        """Refuse contradictory arguments."""
        if self.sign not in (1, -1) or not 0.0 <= self.blend <= 1.0 or (self.blend > 0.0 and self.spline1 is None):
            raise UsageError(
                f"obstacle with sign {self.sign} and blend {self.blend}",
                where=self.name,
                fix="sign is 1 or -1; blend lies in [0, 1] and needs spline1 when above 0",
            )

    def fields(self) -> tuple[Array, Array, Array, Array]:
        """Coefficients and world-to-voxel matrices of both splines, motion and translation folded in."""
        back = self.motion.inverse
        back[:3, 3] -= back[:3, :3] @ np.asarray(self.translation)
        first = _field(self.spline0, back) if self.blend < 1.0 else _NO_FIELD
        second = _field(self.spline1, back) if self.spline1 is not None and self.blend > 0.0 else _NO_FIELD
        return *first, *second

    def numbers(self, penalty: float) -> Array:
        """Scalars as the contact kernels read them."""
        buffer = self.buffer_thickness if self.buffer_pressure > 0.0 else 0.0
        stiff = self.buffer_pressure if buffer > 0.0 else 0.0
        # A buffer of no thickness must never be entered: gap < -inf.
        thickness = buffer if buffer > 0.0 else -np.inf
        return np.array((self.blend, float(self.sign), self.offset, penalty, thickness, stiff))

    def settled(self) -> Obstacle:
        """Return the same obstacle with a single spline at blend 0, where that needs no new field."""
        if self.blend == 0.0:
            return replace(self, spline1=None)
        if self.blend == 1.0 and self.spline1 is not None:
            return replace(self, spline0=self.spline1, spline1=None, blend=0.0)
        return self


def _field(spline: Spline, back: Array) -> tuple[Array, Array]:
    return spline.coefficients, np.ascontiguousarray(spline.grid.inverse @ back)


def _mixed(obstacle: Obstacle) -> Spline:
    """Return the field of `obstacle` as one spline; coefficients blend linearly because splines do."""
    flat = obstacle.settled()
    if flat.spline1 is None:
        return flat.spline0
    if flat.spline0.coefficients.shape != flat.spline1.coefficients.shape or not flat.spline0.grid.matches(
        flat.spline1.grid
    ):
        raise UsageError(
            "an obstacle stopped between two fields on different grids",
            where=obstacle.name,
            fix="end each load at blend 0 or 1, or sample both fields on one grid",
        )
    mixture = (1.0 - flat.blend) * flat.spline0.coefficients + flat.blend * flat.spline1.coefficients
    return Spline(flat.spline0.grid, mixture)


@dataclass(frozen=True, eq=False)
class Passage:
    """The way of one obstacle from a load to the next: linear in t from 0 to 1, rotations at a constant rate."""

    begin: Obstacle
    end: Obstacle

    @classmethod
    def between(cls, begin: Obstacle, end: Obstacle) -> Passage:
        """Express both ends over one pair of splines.

        Parameters
        ----------
        begin, end : Obstacle
            Of equal name and sign.

        Returns
        -------
        Passage

        Raises
        ------
        UsageError
            If the signs differ, or a mixture of fields on different grids would be needed.
        """
        if begin.sign != end.sign:
            raise UsageError(
                "an obstacle changes its sign between loads", where=end.name, fix="use two obstacles of different names"
            )
        if begin.spline0 is end.spline0 and (begin.spline1 is end.spline1 or begin.blend == 0.0):
            return cls(replace(begin, spline1=end.spline1), end)
        first, last = _mixed(begin), _mixed(end)
        if first is last:
            return cls(
                replace(begin, spline0=first, spline1=None, blend=0.0),
                replace(end, spline0=first, spline1=None, blend=0.0),
            )
        return cls(
            replace(begin, spline0=first, spline1=last, blend=0.0), replace(end, spline0=first, spline1=last, blend=1.0)
        )

    def at(self, t: float) -> Obstacle:
        """Return the obstacle at t in [0, 1]; exactly `end` at 1."""
        if t >= 1.0:
            return self.end
        a, b = self.begin, self.end

        def lerp(p: float, q: float) -> float:
            return p + t * (q - p)

        x, y, z = (lerp(p, q) for p, q in zip(a.translation, b.translation, strict=True))
        return replace(
            b,
            blend=lerp(a.blend, b.blend),
            offset=lerp(a.offset, b.offset),
            translation=(x, y, z),
            motion=a.motion.towards(b.motion, share=t),
            buffer_thickness=lerp(a.buffer_thickness, b.buffer_thickness),
            buffer_pressure=lerp(a.buffer_pressure, b.buffer_pressure),
        )
