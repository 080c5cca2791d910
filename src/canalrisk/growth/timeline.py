"""Scenario in, Timeline of Snapshots out: the state of mass and bone at each time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import UsageError
from canalrisk.findings import Finding
from canalrisk.growth.laws import LAWS, MOST_DOUBLINGS, too_much_growth

Distance = NDArray[np.float32]


MOST_TIMES = 200


@dataclass(frozen=True)
class Scenario:
    """How the mass grows.

    Parameters
    ----------
    law : {"exponential", "linear-radius", "none"}
        Volume law.
    doubling_time_years : float
        For ``exponential``.
    radial_rate_mm_per_year : float
        For ``linear-radius``: by how much the radius of the sphere of equal volume grows per year. The mass keeps
        its own shape, so that its boundary moves by this only where it is a ball in soft tissue.
    horizon_years : float
        Last time. Ignored with a single time.
    n_times : int
        Number of snapshots from 0 to the horizon, both included, 1 to 200; 1 is today only.
    bone_speed : float
        Front speed in bone over that in soft tissue (erosion ratio), in (0, 1]. The default is an assumption
        (evidence table ``risk``, ``growth.front.bone_speed``).

    Raises
    ------
    UsageError
        If a value makes no sense, if times would coincide, or if an exponential mass would be more than 1024 times
        as large at the horizon; `where` names the key.
    """

    name: str = "founding case"
    law: str = "exponential"
    doubling_time_years: float = 1.0
    radial_rate_mm_per_year: float = 1.0
    horizon_years: float = 1.0
    n_times: int = 5
    bone_speed: float = 0.3

    def __post_init__(self) -> None:
        if self.law not in LAWS:
            raise UsageError(
                f"unknown growth law '{self.law}'", where="scenario.law", fix=f"use one of {', '.join(sorted(LAWS))}"
            )
        # The range comes first: int() of an infinity or of no number fails by itself.
        counted = not isinstance(self.n_times, bool) and 1 <= self.n_times <= MOST_TIMES
        if not counted or int(self.n_times) != self.n_times:
            raise UsageError(
                f"n_times is {self.n_times}", where="scenario.n_times", fix=f"give a count from 1 to {MOST_TIMES}"
            )
        checks = {
            "doubling_time_years": (self.doubling_time_years > 0, "years above 0"),
            "radial_rate_mm_per_year": (self.radial_rate_mm_per_year >= 0, "mm per year, not negative"),
            "horizon_years": (self.horizon_years >= 0, "years, not negative"),
            "bone_speed": (0 < self.bone_speed <= 1, "a fraction above 0 and up to 1"),
        }
        for key, (ok, expected) in checks.items():
            value = getattr(self, key)
            if not (ok and math.isfinite(value)):
                raise UsageError(f"{key} is {value}", where=f"scenario.{key}", fix=f"give {expected}")
        if self.n_times > 1:
            self._refuse_useless_horizon()

    def _refuse_useless_horizon(self) -> None:
        if not (np.diff(self.times_years) > 0).all():
            raise UsageError(
                f"{self.n_times} times within a horizon of {self.horizon_years:g} years would coincide",
                where="scenario.horizon_years",
                fix="give a horizon above 0, or one time (n_times 1) for today only",
            )
        # The volume of a radius that grows depends on today's, so `law_volume` refuses that one.
        if self.law == "exponential" and self.horizon_years / self.doubling_time_years > MOST_DOUBLINGS + 1e-8:
            # Whichever of the two is further from the founding case's one year is the one to look at.
            fast = self.doubling_time_years * self.horizon_years < 1.0
            key = "doubling_time_years" if fast else "horizon_years"
            raise too_much_growth(key, scenario=self, t=self.horizon_years)

    @property
    def times_years(self) -> NDArray[np.float64]:
        """Times of the snapshots, (n_times,), years, ascending; the last is the horizon, a single one is today."""
        return np.linspace(0.0, self.horizon_years, self.n_times)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """State at one time. Distances are float32 on the spine's grid, mm, negative inside."""

    time_years: float
    mass: Distance | None
    bone: Distance
    mass_volume_mm3: float
    bone_eroded_mm3: float
    posture: str = "neutral"


@dataclass(frozen=True, eq=False)
class Timeline:
    """Snapshots in time order; Snapshot 0 is today's scan."""

    scenario: Scenario
    snapshots: tuple[Snapshot, ...]
    findings: tuple[Finding, ...] = field(default=())
