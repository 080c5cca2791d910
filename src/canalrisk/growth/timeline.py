"""Scenario in, Timeline of Snapshots out: the state of mass and bone at each time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import UsageError
from canalrisk.findings import Finding
from canalrisk.growth.laws import LAWS

Distance = NDArray[np.float32]


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
        For ``linear-radius``.
    horizon_years : float
        Last time.
    n_times : int
        Number of snapshots from 0 to the horizon, both included.
    bone_speed : float
        Front speed in bone over that in soft tissue (erosion ratio), in (0, 1].

    Raises
    ------
    UsageError
        If a value makes no sense; `where` names the key.
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
        if isinstance(self.n_times, bool) or int(self.n_times) != self.n_times or not 1 <= self.n_times <= 1000:
            raise UsageError(f"n_times is {self.n_times}", where="scenario.n_times", fix="give a count from 1 to 1000")
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

    @property
    def times_years(self) -> NDArray[np.float64]:
        """Times of the snapshots, (n_times,), years; the last is the horizon, a single one is today."""
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
