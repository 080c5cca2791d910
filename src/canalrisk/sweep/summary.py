"""A sweep in one table."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from rich.table import Table

from canalrisk.sweep.outcome import OK, PARTIAL, STATUS

_HEADLINES = (
    "mass_volume",
    "occupying_ratio_max",
    "mcc",
    "mcc_prelesion",
    "sac_min",
    "cord_area_loss_predicted_max",
    "strain_p95",
    "stress_normalised",
    "contact_force",
    "contact_normal_force",
    "risk_myelopathy_prevalent",
)


def status_counts(dataset: xr.Dataset) -> dict[str, int]:
    """Count samples per status, in the order of the status codes; only those that occur.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `canalrisk.sweep.run_sweep`.
    """
    codes, counts = np.unique(dataset["status"].values, return_counts=True)
    return {STATUS[int(code)]: int(count) for code, count in zip(codes, counts, strict=True)}


def summary_table(dataset: xr.Dataset) -> Table:
    """Headline outputs over the samples, at the last time.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `canalrisk.sweep.run_sweep`.

    Returns
    -------
    rich.table.Table
        Units, least, median and largest value of each output over samples that ran.
    """
    said = ", ".join(f"{count} {name}" for name, count in status_counts(dataset).items())
    table = Table(
        title=f"{dataset.attrs.get('title', 'sweep')}: {said}", caption="last time; research use, not a diagnosis"
    )
    for heading in ("output", "unit"):
        table.add_column(heading, justify="left")
    for heading in ("least", "median", "most"):
        table.add_column(heading, justify="right")
    ran = dataset.isel(sample=np.isin(dataset["status"].values, (OK, PARTIAL)))
    for name in _shown(ran):
        for label, values in _last(ran[name]):
            values = values[np.isfinite(values)]
            if values.size:
                numbers = (f"{v:.3g}" for v in (values.min(), np.median(values), values.max()))
                table.add_row(label, str(ran[name].attrs.get("units", "")), *numbers)
    return table


def _shown(dataset: xr.Dataset) -> list[str]:
    """Headlines present, or any numbers per sample and time where there is none."""
    present = [name for name in _HEADLINES if name in dataset.data_vars]
    plain = [
        str(name)
        for name, v in dataset.data_vars.items()
        if v.dtype.kind == "f" and set(v.dims) <= {"sample", "time"} and name != "time_years"
    ]
    return present or plain[:12]


def _last(array: xr.DataArray) -> list[tuple[str, np.ndarray[Any, np.dtype[np.float64]]]]:
    """Values over the samples at the last time, with a name; one entry per entry of any other dimension."""
    array = array.isel(time=-1) if "time" in array.dims else array
    name = str(array.attrs.get("long_name", array.name))
    others = [dim for dim in array.dims if dim != "sample"]
    if not others:
        return [(name, np.asarray(array.values, float))]
    stacked = array.stack(other=others)
    return [
        (f"{name}, {' '.join(map(str, key))}", np.asarray(stacked.isel(other=i).values, float))
        for i, key in enumerate(stacked["other"].values)
    ]
