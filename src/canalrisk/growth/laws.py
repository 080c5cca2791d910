"""Volume laws: how large the mass is at a time. A new law is one function and one entry of `LAWS`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from canalrisk.growth.timeline import Scenario

Law = Callable[["Scenario", float, float], float]


def _exponential(scenario: Scenario, v0: float, t: float) -> float:
    return float(v0 * math.exp2(t / scenario.doubling_time_years))


def _linear_radius(scenario: Scenario, v0: float, t: float) -> float:
    # The radius is that of the sphere of the same volume: one number for a mass of any shape.
    radius = (3.0 * v0 / (4.0 * math.pi)) ** (1.0 / 3.0) + scenario.radial_rate_mm_per_year * t
    return float(4.0 / 3.0 * math.pi * radius * radius * radius)


def _none(scenario: Scenario, v0: float, t: float) -> float:
    return v0


LAWS: dict[str, Law] = {"exponential": _exponential, "linear-radius": _linear_radius, "none": _none}


def law_volume(scenario: Scenario, *, v0: float, t: float) -> float:
    """Volume of the mass at a time.

    Parameters
    ----------
    scenario : Scenario
        Law and its rate.
    v0 : float
        Volume today, mm3.
    t : float
        Time from today, years.

    Returns
    -------
    float
        mm3. ``exponential``: v0 2^(t / doubling time); ``linear-radius``: the sphere of volume v0 whose radius grows
        by the rate; ``none``: v0.
    """
    return LAWS[scenario.law](scenario, v0, t)
