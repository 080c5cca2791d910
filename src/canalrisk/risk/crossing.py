"""When a risk first reaches a threshold, as a distribution over the draws."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from canalrisk.risk.catalogue import NOT_CALIBRATED
from canalrisk.risk.describe import Entry, entry

Array = NDArray[np.float64]


def first_crossing(risk: Array, time: Array, threshold: float) -> tuple[Array, NDArray[np.bool_]]:
    """Return when each draw first reaches a threshold, linear between times.

    Parameters
    ----------
    risk : (draws, time) array
        Risk; NaN from a failed time on hides whatever comes later.
    time : (time,) array
        Years, ascending.
    threshold : float
        In (0, 1).

    Returns
    -------
    years : (draws,) array
        inf where not crossed within the known times.
    known : (draws,) bool array
        False where an unknown time precedes any crossing.
    """
    gap = np.isnan(risk)
    hidden = np.logical_or.accumulate(gap, axis=1)
    reached = (risk >= threshold) & ~hidden
    crossed = reached.any(axis=1)
    index = reached.argmax(axis=1)
    row = np.arange(risk.shape[0])
    before = np.maximum(index - 1, 0)
    p0, p1 = risk[row, before], risk[row, index]
    rise = np.where(p1 > p0, p1 - p0, 1.0)
    share = np.where(index > 0, np.clip((threshold - p0) / rise, 0.0, 1.0), 0.0)
    years = time[before] + share * (time[index] - time[before])
    return np.where(crossed, years, np.inf), np.asarray(crossed | ~gap.any(axis=1))


def crossing_summary(years: Array, known: NDArray[np.bool_]) -> tuple[float, float, float, float]:
    """Return p05, median, p95 of the crossing time and the share of draws that do not cross.

    A quantile is NaN where that share of draws does not cross within the horizon. A draw hidden by a failed
    time crosses, if at all, after every known crossing, so it does not disturb finite quantiles; the share
    that does not cross is then unknown (NaN).
    """
    ordered = np.sort(years)
    pick = [ordered[int(np.ceil(q * years.size)) - 1] for q in (0.05, 0.5, 0.95)]
    low, median, high = (float(value) if np.isfinite(value) else np.nan for value in pick)
    missing = float(np.isinf(years).mean()) if bool(known.all()) else np.nan
    return low, median, high, missing


def crossing_entries(
    name: str, *, risk: Array, years: Array, thresholds: Sequence[float], dims: tuple[str, ...]
) -> dict[str, Entry]:
    """Return the time to each threshold (threshold, *dims): p05, median, p95 and the share that does not cross.

    Parameters
    ----------
    name : str
        What is crossed: ``myelopathy_prevalent``. It ends the variables' names.
    risk : (draws, time, ...) array
        Risk.
    years : (time,) array
        Ascending.
    thresholds : sequence of float
        Fractions.
    dims : tuple of str
        Dimensions after time.
    """
    shape = risk.shape[2:]
    result = np.full((4, len(thresholds), *shape), np.nan)
    for place in np.ndindex(*shape):
        series = risk[(slice(None), slice(None), *place)]
        for t, threshold in enumerate(thresholds):
            if not np.isnan(series).all():
                result[(slice(None), t, *place)] = crossing_summary(*first_crossing(series, years, threshold))
    words = name.replace("_", " ")
    parts = (("_low", 0, "5 %"), ("", 1, "median"), ("_high", 2, "95 %"))
    entries = {
        f"time_to_threshold_{name}{end}": entry(
            ("threshold", *dims),
            result[k],
            units="year",
            long_name=f"time until the {words} risk reaches the threshold, {which}",
            definition=f"{which} of the draws' first crossing, linear between times; NaN where that share of draws "
            f"does not cross within the horizon of {years[-1]:g} years",
            calibration=NOT_CALIBRATED,
        )
        for end, k, which in parts
    }
    entries[f"threshold_not_crossed_{name}"] = entry(
        ("threshold", *dims),
        result[3],
        units="1",
        long_name=f"share of draws whose {words} risk does not reach the threshold",
        definition=f"within the horizon of {years[-1]:g} years; NaN where a failed time hides it",
        calibration=NOT_CALIBRATED,
    )
    return entries
