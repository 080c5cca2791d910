"""Two scans of one subject compared: indices, mass and bone, each vertebra in its own frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from canalrisk.anatomy.register import Registration, register_scans
from canalrisk.anatomy.spine import Array, Spine
from canalrisk.errors import UsageError
from canalrisk.findings import Finding
from canalrisk.morphometry.detectable import (
    indices_of,
    minimal_detectable_change,
    probability_of_increase,
    standard_error_from_intervals,
)
from canalrisk.morphometry.edge import Edge
from canalrisk.morphometry.front import SIDES, Front, elsewhere, front_of, gained, mass_of, motions_of
from canalrisk.morphometry.interval import measure_with_intervals
from canalrisk.morphometry.lysis import lost_bone
from canalrisk.morphometry.variables import as_dataset
from canalrisk.morphometry.wavering import simulated_standard_error

Progress = Callable[[float, str], None]

# New lysis of a vertebra worth a Finding, mm3.
_LYSIS_MM3 = 20.0


@dataclass(frozen=True, eq=False)
class Comparison:
    """What changed from the first scan to the second.

    Parameters
    ----------
    registration : Registration
        Motion of each vertebra.
    first, second : Dataset
        From `measure_with_intervals`.
    change : Dataset
        Per index NAME its change, ``NAME_mdc95`` and ``NAME_p_increase``; mass and bone by vertebra and side.
    front : Front or None
        Surface of the second scan's mass and how far it advanced; None without a mass.
    findings : tuple of Finding
        What a reader must know.
    """

    registration: Registration
    first: xr.Dataset
    second: xr.Dataset
    change: xr.Dataset
    front: Front | None
    findings: tuple[Finding, ...]


def compare_scans(
    first: Spine,
    second: Spine,
    *,
    years: float | None = None,
    edge_mm: Edge = None,
    sem: xr.Dataset | None = None,
    draws: int = 0,
    seed: int = 0,
    progress: Progress | None = None,
) -> Comparison:
    """Compare two scans of one subject.

    Parameters
    ----------
    first, second : Spine
        Each with its mass, if it had one; frames and voxels may differ.
    years : float, optional
        Time between them; without it no rates are given.
    edge_mm : float or mapping, optional
        95 % limit of the edges' error, as in `measure_with_intervals`.
    sem : Dataset, optional
        Standard errors from repeated segmentations (`standard_error`), which then stand for both scans.
    draws : int
        Where `sem` is not given: 0 takes the standard errors from the intervals, which move each edge as a whole; a
        number simulates that many segmentations per scan with edges that waver (`simulated_standard_error`).
    seed : int
        Of the simulation.
    progress : callable, optional
        Called as ``progress(fraction, message)``.

    Returns
    -------
    Comparison

    Raises
    ------
    UsageError
        If the time between the scans or an edge error makes no sense.
    GeometryError
        If no vertebra can be registered.
    """
    if years is not None and not 0.0 < years < 150.0:
        raise UsageError(
            f"{years:g} years between the scans", where="years", fix="give a time above 0, the later scan second"
        )
    tell = progress or (lambda fraction, message: None)
    tell(0.0, "registering the vertebrae")
    registration = register_scans(first, second)
    tell(0.3, "measuring both scans")
    measured = [measure_with_intervals(spine, edge_mm=edge_mm) for spine in (first, second)]
    tell(0.7, "standard errors")
    sems = [sem, sem] if sem is not None else _sems([first, second], measured, edge_mm, draws, seed)
    change = change_of_indices(*measured, sem_first=sems[0], sem_second=sems[1])
    tell(0.8, "mass and bone")
    places, front, findings = mass_and_bone(
        first, second, registration, years=years, growth=float(change["mass_volume"])
    )
    tell(1.0, "compared")
    return Comparison(
        registration=registration,
        first=measured[0],
        second=measured[1],
        change=change.merge(places, join="outer", combine_attrs="override"),
        front=front,
        findings=tuple(dict.fromkeys((*registration.findings, *findings))),
    )


def _sems(spines: list[Spine], measured: list[xr.Dataset], edge_mm: Edge, draws: int, seed: int) -> list[xr.Dataset]:
    if draws:
        return [
            simulated_standard_error(spine, edge_mm=edge_mm, draws=draws, seed=seed + number)
            for number, spine in enumerate(spines)
        ]
    return [standard_error_from_intervals(one) for one in measured]


def change_of_indices(
    first: xr.Dataset, second: xr.Dataset, *, sem_first: xr.Dataset, sem_second: xr.Dataset
) -> xr.Dataset:
    """Change of every index that two scans share, how large it must be to be seen, and whether it is a rise.

    Parameters
    ----------
    first, second : Dataset
        From `measure`.
    sem_first, sem_second : Dataset
        Standard errors of measurement of each.

    Returns
    -------
    xarray.Dataset
        Per index (those per section left out) its change, ``NAME_mdc95`` = 1.96 sqrt(SEM1^2 + SEM2^2), which is
        1.96 sqrt(2) SEM where both are alike, and ``NAME_p_increase``; both NaN without a standard error. Of foramina
        and levels, those of both scans.
    """
    names = [name for name in indices_of(first) if name in second]
    errors = [_with(sem, first[names]) for sem in (sem_first, sem_second)]
    parts = xr.align(first[names], second[names], *errors, join="inner")
    out = parts[0].drop_vars(
        [name for name in ("section", "s_mm", "level") if name in parts[0].coords], errors="ignore"
    )
    for name in names:
        a, b, sem_a, sem_b = (part[name].transpose(*parts[0][name].dims).values for part in parts)
        about = parts[0][name].attrs
        dof = parts[2][name].attrs.get("degrees_of_freedom")
        both = xr.Dataset({name: (parts[0][name].dims, np.sqrt(0.5 * (sem_a**2 + sem_b**2)))})
        what = {
            name: (b - a, "change of", about.get("units", "1"), f"{name}, later scan less earlier"),
            f"{name}_mdc95": (
                minimal_detectable_change(both)[name].values,
                "minimal detectable change (95 %) of",
                about.get("units", "1"),
                f"1.96 sqrt(SEM1^2 + SEM2^2) of {name}; docs/uncertainty.md",
            ),
            f"{name}_p_increase": (
                probability_of_increase(b - a, sem_first=sem_a, sem_second=sem_b, degrees_of_freedom=dof),
                "probability of a true increase of",
                "1",
                f"probability that {name} truly rose, given its change and both standard errors; docs/uncertainty.md",
            ),
        }
        for key, (values, words, units, definition) in what.items():
            attrs = {"units": units, "long_name": f"{words} {about.get('long_name', name)}", "definition": definition}
            out[key] = (parts[0][name].dims, values, attrs)
    return out


def _with(sem: xr.Dataset, indices: xr.Dataset) -> xr.Dataset:
    """Give these indices their standard errors; NaN where there is none."""
    missing = {name: xr.full_like(indices[name], np.nan) for name in indices.data_vars if name not in sem}
    return sem[[name for name in indices.data_vars if name in sem]].assign(missing)


def mass_and_bone(
    first: Spine, second: Spine, registration: Registration, *, years: float | None, growth: float
) -> tuple[xr.Dataset, Front | None, list[Finding]]:
    """Measure by vertebra and side what mass and bone gained and lost, and how far the front advanced.

    Parameters
    ----------
    first, second : Spine
        The two scans.
    registration : Registration
        Of them.
    years : float or None
        Time between them; rates are left out without it.
    growth : float
        Change of the mass's volume, mm3.

    Returns
    -------
    places : Dataset
        Dims ``vertebra``, ``side``; what is called so in ``derived.csv``.
    front : Front or None
        None where one of the scans has no mass.
    findings : list of Finding
        What bears the mass, new pieces, new lysis.
    """
    levels = tuple(dict.fromkeys(first.levels + second.levels))
    replaced, lysed = lost_bone(first, second, registration)
    values: dict[str, Any] = {
        "bone_newly_replaced": _on(levels, first.levels, replaced),
        "bone_newly_lysed": _on(levels, first.levels, lysed),
        "registration_residual": np.array([registration.residual_mm.get(level, np.nan) for level in levels]),
        "registration_share": np.array([registration.share.get(level, np.nan) for level in levels]),
    }
    findings = _lysis(levels, values["bone_newly_lysed"])
    then, now = mass_of(first), mass_of(second)
    front = None
    nothing = np.zeros((len(levels), len(SIDES)))
    values |= {"mass_volume_gained": nothing, "mass_volume_lost": nothing}
    if now is not None:
        motions, noted = motions_of(now, registration)
        earlier = elsewhere(now.points, now.piece, motions, first, back=True)
        values["mass_volume_gained"] = _on(levels, second.levels, gained(now, earlier, second))
        findings += noted
        if then is not None:
            front, noted = front_of(second, now, earlier, motions, first)
            findings += noted
    if then is not None:
        motions, _ = motions_of(then, registration)
        later = elsewhere(then.points, then.piece, motions, second, back=False)
        values["mass_volume_lost"] = _on(levels, first.levels, gained(then, later, first))
    values |= _advance(front, levels, second.levels)
    if years is not None:
        values["mass_volume_rate"] = growth / years
        values["front_advance_rate"] = values["front_advance_mean"] / years
        values["front_advance_max_rate"] = values["front_advance_max"] / years
    coords = {
        "vertebra": ("vertebra", np.array(levels, str), {"units": "", "long_name": "vertebra", "definition": "level"}),
        "side": ("side", np.array(SIDES), {"units": "", "long_name": "side", "definition": "of the patient"}),
    }
    return as_dataset(values, coords=coords), front, findings


def _advance(front: Front | None, levels: tuple[str, ...], own: tuple[str, ...]) -> dict[str, Any]:
    by_level = np.full(len(levels), np.nan)
    found = {"front_advance": by_level, "front_advance_mean": np.nan, "front_advance_max": np.nan}
    if front is None or not np.isfinite(front.advance).any():
        return found | {"front_advance_p95": np.nan}
    known = np.isfinite(front.advance)
    for k, level in enumerate(own):
        here = known & (front.vertebra == k)
        if here.any():
            by_level[levels.index(level)] = front.advance[here].mean()
    advance = front.advance[known]
    return found | {
        "front_advance_mean": float(advance.mean()),
        "front_advance_max": float(advance.max()),
        "front_advance_p95": float(np.quantile(advance, 0.95)),
    }


def _on(levels: tuple[str, ...], own: tuple[str, ...], values: Array) -> Array:
    """Rows of a scan's own levels among those of both scans; 0 where it has none."""
    out = np.zeros((len(levels), values.shape[1]))
    out[[levels.index(level) for level in own]] = values
    return out


def _lysis(levels: tuple[str, ...], lysed: Array) -> list[Finding]:
    findings = []
    for level, row in zip(levels, np.nan_to_num(lysed), strict=True):
        if row.sum() > _LYSIS_MM3:
            message = f"{row.sum():.0f} mm3 of bone that the first scan shows are gone, without mass in their place."
            findings.append(Finding("BONE-LYSIS-NEW", "warning", level, message))
    return findings
