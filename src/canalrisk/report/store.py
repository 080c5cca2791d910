"""``results.zarr``: the case's Dataset, every variable with units, long name and definition."""

from __future__ import annotations

import warnings
from pathlib import Path

import xarray as xr

_COORDINATES = {
    "time": ("year", "time since the scan", "0 is the scan that was read"),
    "s_mm": ("mm", "arc length along the canal centreline", "increases cranially; sections are orthogonal to it"),
    "cord_s_mm": ("mm", "arc length of the cord section", "along the canal centreline, increases cranially"),
    "level": ("name", "nearest level", "vertebra or disc whose middle is nearest along the centreline"),
    "foramen": ("name", "intervertebral foramen", "named by its two vertebrae"),
    "side": ("name", "side", "the patient's own side; right is +x in RAS"),
    "root": ("name", "nerve root", "root that leaves through the foramen"),
    "model": ("name", "dose-response model", "risk model, see the definition of each risk"),
    "region": ("name", "cord region", "part of the cord's cross-section"),
    "section": ("1", "section number", "caudal to cranial"),
    "cord_section": ("1", "cord section number", "caudal to cranial"),
}


def storable(dataset: xr.Dataset) -> xr.Dataset:
    """Return a copy that zarr can hold: plain strings, attributes on coordinates too.

    Parameters
    ----------
    dataset : xr.Dataset
        A case's dataset; data variables bring their own attributes.
    """
    out = dataset.copy()
    for name in out.variables:
        variable = out[name]
        if variable.dtype.kind in "OUT":
            # zarr v3 has no stable fixed-length text; objects become its variable-length strings.
            out[name] = variable.astype(str).astype(object)
        for key, value in zip(("units", "long_name", "definition"), _COORDINATES.get(str(name), ()), strict=False):
            if name in out.coords:
                out[name].attrs.setdefault(key, value)
        if variable.dtype.kind in "OUT" and not out[name].attrs.get("units"):
            out[name].attrs["units"] = "n/a"
        out[name].encoding = {}
    return out


def write_store(dataset: xr.Dataset, path: Path) -> None:
    """Write the Dataset; ``xarray.open_zarr(path)`` reads it back."""
    with warnings.catch_warnings():
        # Without it every xarray.open_zarr warns; nothing in the store changes after this line.
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=UserWarning)
        storable(dataset).to_zarr(path, mode="w", consolidated=True, zarr_format=3)
