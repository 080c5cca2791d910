"""The one section that stands for a level at a time, so that a row of the table never mixes sections."""

from __future__ import annotations

import numpy as np
import xarray as xr

from canalrisk.report.reading import position, times_of


def worst_sections(ds: xr.Dataset) -> dict[tuple[int, str], int]:
    """Find the section that stands for each level at each time.

    Parameters
    ----------
    ds : xr.Dataset
        A case's dataset.

    Returns
    -------
    dict
        Time index and level to section index: largest occupying ratio; where no mass reaches, the smallest residual
        canal AP; where that is not measured, the section in the middle.
    """
    if "section" not in ds.dims:
        return {}
    levels = _levels(ds, "section")
    ratio, space = (_by_section(ds, name) for name in ("occupying_ratio", "residual_canal_ap"))
    found: dict[tuple[int, str], int] = {}
    for t in range(times_of(ds).size):
        for level in dict.fromkeys(levels.tolist()):
            here = np.flatnonzero(levels == level)
            taken, free = ratio[t, here], space[t, here]
            if (taken > 0).any():
                found[t, level] = int(here[np.nanargmax(taken)])
            elif np.isfinite(free).any():
                found[t, level] = int(here[np.nanargmin(free)])
            else:
                found[t, level] = int(here[here.size // 2])
    return found


def _by_section(ds: xr.Dataset, name: str) -> np.ndarray:
    """Read a variable as (time, section); NaN where it is missing."""
    shape = (times_of(ds).size, ds.sizes["section"])
    if name not in ds or not set(ds[name].dims) <= {"time", "section"}:
        return np.full(shape, np.nan)
    order = [d for d in ("time", "section") if d in ds[name].dims]
    return np.broadcast_to(np.asarray(ds[name].transpose(*order).values, float), shape)


def nearest_cord(ds: xr.Dataset, worst: dict[tuple[int, str], int]) -> dict[tuple[int, str], int]:
    """Find the cord section nearest to each worst section, of those at the same level."""
    s, cord = position(ds, "section"), position(ds, "cord_section")
    if s is None or cord is None:
        return {}
    levels = _levels(ds, "cord_section")
    found = {}
    for (t, level), k in worst.items():
        here = np.flatnonzero(levels == level)
        if here.size:
            found[t, level] = int(here[np.abs(cord[here] - s[k]).argmin()])
    return found


def _levels(ds: xr.Dataset, dim: str) -> np.ndarray:
    """Level of each section along `dim`; cord sections take the level of the nearest canal section."""
    own = [c for c in ds.coords.values() if c.dims == (dim,) and c.dtype.kind in "UOT"]
    if own:
        return np.array([str(v) for v in own[0].values])
    here, there = position(ds, dim), position(ds, "section")
    if here is None or there is None:
        return np.array([], str)
    return np.asarray(_levels(ds, "section")[np.abs(here[:, None] - there).argmin(axis=1)])
