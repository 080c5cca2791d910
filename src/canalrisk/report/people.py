"""Numbers as people read them. Data stay fractions and SI-like units; only text says percent and kPa."""

from __future__ import annotations

import math

NA = "n/a"


def percent(fraction: float | None, digits: int = 0) -> str:
    """``0.384`` to ``38 %``; very small positive risks keep a digit."""
    if fraction is None or not math.isfinite(fraction):
        return NA
    value = 100 * fraction
    if digits == 0 and 0 < abs(value) < 0.95:
        digits = 1
    shown = f"{value:.{digits}f}"
    if float(shown) == 0:
        shown = shown.lstrip("-")
    return f"{shown} %"


def quantity(value: float | None, unit: str, digits: int = 1) -> str:
    """``5.23`` to ``5.2 mm``."""
    if value is None or not math.isfinite(value):
        return NA
    return f"{value:.{digits}f} {unit}".strip()


def volume(mm3: float | None) -> str:
    """Cubic millimetres to millilitres as clinicians speak of them."""
    if mm3 is None or not math.isfinite(mm3):
        return NA
    return f"{mm3 / 1000:.1f} ml" if mm3 >= 100 else f"{mm3:.0f} mm³"


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """``0.18 (0.07 to 0.41)`` as ``18 % (7 to 41)``."""
    if value is None or not math.isfinite(value):
        return NA
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return percent(value)
    return f"{percent(value)} ({percent(low).removesuffix(' %')} to {percent(high).removesuffix(' %')})"


def years(time: float) -> str:
    """``0`` to ``today``, ``0.5`` to ``6 months``, ``2`` to ``2 years``."""
    if abs(time) < 1e-9:
        return "today"
    months = 12 * time
    if months < 23.5 and abs(months - round(months)) < 0.02 and round(months) != 12:
        return f"{round(months)} month{'s' if round(months) != 1 else ''}"
    shown = f"{time:.2f}".rstrip("0").rstrip(".")
    return f"{shown} year{'s' if shown != '1' else ''}"


_MODELS = {
    "cord_area_loss": "cord area loss",
    "sac": "space for the cord",
    "occupying_ratio": "occupying ratio",
    "": "default model",
}


def model_name(name: str) -> str:
    """Name of a risk model as people say it."""
    return _MODELS.get(name, name.replace("_", " "))
