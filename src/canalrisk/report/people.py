"""Numbers as people read them. Data stay fractions and SI-like units; only text says percent and kPa."""

from __future__ import annotations

import math
import re
from typing import Any

NA = "n/a"


def percent(fraction: float | None, digits: int = 0) -> str:
    """``0.384`` to ``38 %``; small risks keep a digit, and neither never nor certainty comes from rounding."""
    if fraction is None or not math.isfinite(fraction):
        return NA
    value = 100 * fraction
    if 0 < value < 0.05:
        return "<0.1 %"
    if digits == 0 and 99.5 <= value < 100:
        return ">99 %"
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
    """Write a probability ``0.18 (0.07 to 0.41)`` as ``18 % (7 to 41)``."""
    if value is None or not math.isfinite(value):
        return NA
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return percent(value)
    # A probability is never certain: an interval's end that rounds to 1 in the computer is ">99".
    said = [">99" if v >= 0.995 else percent(v).removesuffix(" %") for v in (value, low, high)]
    return f"{said[0]} %" if len(set(said)) == 1 else f"{said[0]} % ({said[1]} to {said[2]})"


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
    return _MODELS.get(name, short(name.replace("_", " ")))


def short(text: str, most: int = 32) -> str:
    """Cut a name so that it fits into a picture."""
    return text if len(text) <= most else text[: most - 1] + "…"


def coverage(words: str) -> str:
    """``5 to 95 % of the draws`` to ``90 %``; empty when the text names no two percentiles."""
    found = [float(v) for v in re.findall(r"\d+(?:\.\d+)?", words)]
    return f"{found[1] - found[0]:g} %" if len(found) >= 2 and found[1] > found[0] else ""


def spread(values: list[float | None]) -> str:
    """Smallest and largest of several risks: ``2 to 38 %``."""
    known = [v for v in values if v is not None and math.isfinite(v)]
    if not known:
        return NA
    return ends_of(min(known), max(known))


def risk_range(across: dict[str, Any], cover: str = "") -> tuple[str, str]:
    """Say the risk over all models: ``2 to 13 %`` and ``depending on the model; widest 90 % interval 1 to 40 %``.

    Parameters
    ----------
    across : dict
        A ``..._range`` of `canalrisk.report.summary`.
    cover : str
        What the intervals hold, ``90 %``.
    """
    head = spread([across["lowest"], across["highest"]])
    if head == NA:
        return NA, ""
    missing = across["models_without"]
    parts = []
    if across["models"] > 1:
        parts.append("depending on the model" if " to " in head else "the same by every model")
    ends = (across["widest_low"], across["widest_high"])
    if None not in ends:
        widest = "widest " if across["models"] > 1 else ""
        parts.append(f"{widest}{cover} interval {ends_of(*ends)}".replace("  ", " ").strip())
    if missing:
        parts.append(f"{missing} model{'s' if missing > 1 else ''} without a number")
    return head, "; ".join(parts)


def ends_of(low: float, high: float) -> str:
    """Write the ends of an interval of a probability, ``1 to 40 %``; neither is ever certain."""
    first, last = (">99" if v >= 0.995 else percent(v).removesuffix(" %") for v in (low, high))
    return f"{first} %" if first == last else f"{first} to {last} %"


def crossing(low: float | None, median: float | None, high: float | None, never: float | None, horizon: float) -> str:
    """Tell when a risk reaches a threshold: ``3 months (today to beyond 1 year)``.

    Parameters
    ----------
    low, median, high : float or None
        Years; None where that share of draws does not cross within the horizon.
    never : float or None
        Share of draws that do not cross within the horizon; None where it is not known.
    horizon : float
        Years.
    """
    beyond = f"beyond {years(horizon)}"
    if never is None:
        return NA
    said = [beyond if v is None else years(round(12 * v) / 12) for v in (low, median, high)]
    if median is None:
        return beyond if low is None else f"{beyond} in {percent(never)} of draws, earliest {said[0]}"
    return said[1] if said[0] == said[1] == said[2] else f"{said[1]} ({said[0]} to {said[2]})"


def unbroken(text: str) -> str:
    """Keep a number and its unit on one line."""
    return re.sub(r"(?<=\d) (?=(mm|ml|%|N|kPa)\b|%)", "\u00a0", text)
