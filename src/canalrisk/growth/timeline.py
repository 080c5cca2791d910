"""Scenario in, Timeline of Snapshots out: the state of mass and bone at each time."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from canalrisk.findings import Finding

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
    """

    name: str = "founding case"
    law: str = "exponential"
    doubling_time_years: float = 1.0
    radial_rate_mm_per_year: float = 1.0
    horizon_years: float = 1.0
    n_times: int = 5
    bone_speed: float = 0.3


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
