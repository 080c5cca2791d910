"""The xarray Dataset of the cord model: names, units, definitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

Array = NDArray[np.float64]

_KPA = 1000.0
# A time's numbers must not depend on the times after it.
_LEVELS = "over the levels touched up to that time"

# name: (dims after time, factor to the reported unit, units, long name, definition)
_VARIABLES: dict[str, tuple[tuple[str, ...], float, str, str, str]] = {
    "cord_area_predicted": (
        ("cord_section",),
        1.0,
        "mm2",
        "predicted cord area",
        "area of the deformed cord surface cut by planes orthogonal to the canal centreline, mean over a 3 mm slice",
    ),
    "cord_area_loss_predicted": (
        ("cord_section",),
        1.0,
        "1",
        "predicted cord area loss",
        "1 - A / A_prelesion, A the area of the deformed cord surface cut by planes orthogonal to the canal "
        "centreline, mean over a 3 mm slice; elastic model, no atrophy",
    ),
    "cord_area_loss_predicted_max": ((), 1.0, "1", "largest predicted cord area loss", "maximum over cord sections"),
    "cord_compression_ratio": (
        ("cord_section",),
        1.0,
        "1",
        "predicted cord compression ratio",
        "antero-posterior over right-left extent of the deformed cord section",
    ),
    "strain_mean": (
        (),
        1.0,
        "1",
        "mean maximum principal strain",
        f"volume-weighted mean of the largest logarithmic principal strain {_LEVELS}",
    ),
    "strain_p95": (
        (),
        1.0,
        "1",
        "p95 maximum principal strain",
        f"volume-weighted 95th percentile of the largest logarithmic principal strain {_LEVELS}",
    ),
    "strain_p99": (
        (),
        1.0,
        "1",
        "p99 maximum principal strain",
        f"volume-weighted 99th percentile of the largest logarithmic principal strain {_LEVELS}",
    ),
    "von_mises_mean": (
        (),
        _KPA,
        "kPa",
        "mean von Mises stress",
        f"volume-weighted mean {_LEVELS}; absolute values hold for the material set only",
    ),
    "von_mises_p95": (
        (),
        _KPA,
        "kPa",
        "p95 von Mises stress",
        f"volume-weighted 95th percentile {_LEVELS}; absolute values hold for the material set only",
    ),
    "pressure_p95": (
        (),
        _KPA,
        "kPa",
        "p95 tissue pressure",
        f"volume-weighted 95th percentile of the mean normal pressure (compression positive) {_LEVELS}",
    ),
    "stress_normalised": (
        (),
        1.0,
        "1",
        "normalised stress S",
        "p95 von Mises stress over that of the same cord without mass at 10 % antero-posterior reduction between flat "
        "plates over the same levels",
    ),
    "contact_force": (
        (),
        1.0,
        "N",
        "contact force of the mass",
        "norm of the vector resultant of the mass's pressure on the cord; opposite pressures cancel",
    ),
    "contact_normal_force": (
        (),
        1.0,
        "N",
        "contact normal force of the mass",
        "integral of the mass's pressure over the undeformed cord surface: pressures from opposite sides add up, and "
        "cancel in the resultant `contact_force`",
    ),
    "wall_force": (
        (),
        1.0,
        "N",
        "contact force of the canal wall",
        "norm of the resultant of the wall's pressure on the cord",
    ),
    "contact_pressure_p95": (
        (),
        _KPA,
        "kPa",
        "p95 contact pressure",
        "area-weighted 95th percentile of the mass's "
        "pressure over the touched cord surface; 0 where it touches nothing",
    ),
    "contact_area": ((), 1.0, "mm2", "contact area", "undeformed cord surface under the mass's pressure"),
    "cord_displacement_max": ((), 1.0, "mm", "largest cord displacement", "maximum over nodes"),
    "cord_touched": ((), 1.0, "1", "mass touches the cord", "1 where the mass presses on the cord, else 0"),
    "cord_two_sided": ((), 1.0, "1", "two-sided contact", "1 where mass and canal wall both press on the cord, else 0"),
}

_BY_REGION = ("strain_mean", "strain_p95", "strain_p99", "von_mises_mean", "von_mises_p95", "pressure_p95")


def build_dataset(
    rows: Sequence[Mapping[str, Array | float]],
    *,
    times: Array,
    section_s: Array,
    status: Sequence[int],
    reason: Sequence[str],
    attrs: Mapping[str, str | float],
) -> xr.Dataset:
    """Assemble the per-time values; a missing row (failed time) becomes NaN.

    Parameters
    ----------
    rows : sequence of mapping
        Values of each time in mm, MPa, N; empty where the time failed. Regional statistics are (3,): cord,
        white, gray.
    times : (t,) ndarray
        Years.
    section_s : (p,) ndarray
        Arc lengths of the cord sections, mm.
    status, reason : sequence
        0 and "" where converged, 1 and why where not.
    attrs : mapping
        Dataset attributes.

    Returns
    -------
    xr.Dataset
        Dims ``time``, ``cord_section``, ``region`` (white, gray).
    """
    data: dict[str, tuple[tuple[str, ...], Array, dict[str, str]]] = {}
    for name, (dims, factor, units, long_name, definition) in _VARIABLES.items():
        shape = (len(times), *(len(section_s) for _ in dims))
        regional = np.full((len(times), 2), np.nan)
        values = np.full(shape, np.nan)
        for time, row in enumerate(rows):
            if name not in row:
                continue
            value = np.asarray(row[name], float) * factor
            values[time] = value[0] if name in _BY_REGION else value
            if name in _BY_REGION:
                regional[time] = value[1:]
        described = {"units": units, "long_name": long_name, "definition": definition}
        data[name] = (("time", *dims), values, described)
        if name in _BY_REGION:
            split = described | {"long_name": f"{long_name} by region", "definition": f"{definition}, by tissue"}
            data[f"{name}_by_region"] = (("time", "region"), regional, split)
    dataset = xr.Dataset(
        data,
        coords={
            "time": ("time", times, {"units": "year", "long_name": "time", "definition": "time since the scan"}),
            "cord_s_mm": (
                "cord_section",
                section_s,
                {"units": "mm", "long_name": "arc length", "definition": "arc length of the canal centreline, cranial"},
            ),
            "region": (
                "region",
                ["white", "gray"],
                {"units": "", "long_name": "tissue", "definition": "white or gray matter"},
            ),
        },
        attrs=dict(attrs),
    )
    dataset["mechanics_status"] = (
        "time",
        np.asarray(status, np.int8),
        {"units": "1", "long_name": "mechanics status", "definition": "0 converged, 1 failed"},
    )
    dataset["mechanics_reason"] = (
        "time",
        np.asarray(reason, dtype=str),
        {"units": "", "long_name": "why mechanics failed", "definition": "empty where converged"},
    )
    return dataset
