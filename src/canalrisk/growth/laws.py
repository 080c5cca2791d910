"""Volume laws: how large the mass is at a time. A new law is one function and one entry of `LAWS`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from canalrisk.errors import UsageError

if TYPE_CHECKING:
    from canalrisk.growth.timeline import Scenario

Law = Callable[["Scenario", float, float], float]


MOST_DOUBLINGS = 10.0
"""Doublings of the volume beyond which a scenario is refused: 1024-fold turns 1 ml into a litre, a neck's volume."""

_ROUNDING = 1e-9


def _exponential(scenario: Scenario, v0: float, t: float) -> float:
    # One doubling over the limit is enough to be refused, and keeps the power of two finite.
    return float(v0 * math.exp2(min(t / scenario.doubling_time_years, MOST_DOUBLINGS + 1.0)))


def _linear_radius(scenario: Scenario, v0: float, t: float) -> float:
    # The radius is that of the sphere of equal volume: one number for a mass of any shape.
    radius = (3.0 * v0 / (4.0 * math.pi)) ** (1.0 / 3.0) + scenario.radial_rate_mm_per_year * t
    return float(4.0 / 3.0 * math.pi * radius * radius * radius)


def _none(scenario: Scenario, v0: float, t: float) -> float:
    return v0


_RATE_KEYS = {"exponential": "doubling_time_years", "linear-radius": "radial_rate_mm_per_year"}

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
        mm3. ``exponential``: v0 2^(t / doubling time); ``linear-radius``: the radius of the sphere of equal volume
        grows by the rate per year; ``none``: v0.

    Raises
    ------
    UsageError
        If the volume would be more than 1024 times `v0` (`MOST_DOUBLINGS`); `where` names the law's rate.
    """
    volume = LAWS[scenario.law](scenario, v0, t)
    if not volume <= v0 * math.exp2(MOST_DOUBLINGS) * (1.0 + _ROUNDING):
        raise too_much_growth(_RATE_KEYS.get(scenario.law, "law"), scenario=scenario, t=t)
    return volume


def too_much_growth(key: str, *, scenario: Scenario, t: float) -> UsageError:
    """Return the refusal of a scenario that grows the mass beyond `MOST_DOUBLINGS` by time `t`, at one of its keys."""
    fixes = {
        "doubling_time_years": f"give at least {t / MOST_DOUBLINGS:.4g} years, or shorten the horizon",
        "radial_rate_mm_per_year": "give a lower rate, or shorten the horizon",
        "horizon_years": f"give at most {MOST_DOUBLINGS * scenario.doubling_time_years:.4g} years, or slow the law",
    }
    return UsageError(
        f"law {scenario.law} grows the mass more than {math.exp2(MOST_DOUBLINGS):.0f}-fold within {t:g} years",
        where=f"scenario.{key}",
        fix=fixes.get(key, "slow the law or shorten the horizon"),
    )
