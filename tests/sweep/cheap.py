"""A real computation that takes a tenth of a second: a sphere growing in a cylindrical canal, by midpoint sums.

Run as a script it is a whole sweep, to be killed: ``python cheap.py STORE WORKERS``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from canalrisk.errors import NumericalFailure
from canalrisk.sweep import parse_spec, run_sweep

CANAL_RADIUS, GAP = 8.0, 9.0

SPEC = {
    "name": "cheap",
    "base": {"phantom": "demo"},
    "fixed": {"n_times": 3},
    "parameters": {
        "doubling_time_years": {"low": 0.5, "high": 2.0},
        "bone_speed": {"low": 0.1, "high": 1.0},
        "material_set": {"values": ["A", "B", "C"]},
    },
    "design": {"kind": "sobol", "samples": 16, "seed": 5},
}


def evaluate(case: Any, values: Mapping[str, Any]) -> xr.Dataset:
    """Occupying ratio of a sphere of 500 mm3 at time 0, its centre 9 mm from the axis of an 8 mm canal."""
    if values["bone_speed"] > 0.9:
        raise NumericalFailure("no equilibrium above 0.9", where="bone_speed", fix="lower it")
    times = np.linspace(0.0, 1.0, values["n_times"])
    volume = 500.0 * 2.0 ** (times / values["doubling_time_years"])
    radius = np.cbrt(3 * volume / (4 * np.pi)) * values["bone_speed"] ** 0.1
    x = np.linspace(-CANAL_RADIUS, CANAL_RADIUS, 701)
    inside = x[:, None] ** 2 + x[None] ** 2 <= CANAL_RADIUS**2
    taken = [float((inside & ((x[:, None] - GAP) ** 2 + x[None] ** 2 <= r**2)).mean() / inside.mean()) for r in radius]
    matrix = np.random.default_rng(len(values["material_set"])).standard_normal((300, 300))
    noise = float((matrix @ matrix).trace())  # BLAS, whose threads would change the last bits
    attrs = {"units": "1", "long_name": "occupying ratio", "definition": "share of the canal"}
    return xr.Dataset(
        {
            "occupying_ratio_max": ("time", np.array(taken), attrs),
            "trace": ((), noise, {"units": "1", "long_name": "trace", "definition": "of a product"}),
            "worst_level": ("time", np.array(["C5"] * len(times)), {"units": "1", "long_name": "l", "definition": "d"}),
            "foramen_area": (("time", "side"), np.outer(radius, [1.0, 2.0]), {"units": "mm2", "long_name": "a"}),
            "canal_area": (("time", "section"), np.zeros((len(times), 100)), {"units": "mm2", "long_name": "c"}),
        },
        coords={"time": ("time", times, {"units": "year", "long_name": "time"}), "side": ["left", "right"]},
    )


def mortal(case: Any, values: Mapping[str, Any]) -> xr.Dataset:
    """The same, in a process that dies where the environment says so."""
    if str(values["bone_speed"]) == os.environ.get("CHEAP_DIES_AT"):
        os._exit(9)
    return evaluate(case, values)


if __name__ == "__main__":
    from cheap import evaluate as importable  # a function of __main__ is another function to the workers

    run_sweep(parse_spec(SPEC), store=sys.argv[1], workers=int(sys.argv[2]), evaluate=importable)
