"""Vertebral arteries beside a mass: clearance, encasement, narrowing, and what is known of each side's share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.ndimage import uniform_filter1d

from canalrisk.anatomy.arteries import SIDES, Artery, entry_level, find_arteries
from canalrisk.anatomy.sections import level_at, negative_runs, plane_moments
from canalrisk.anatomy.spine import Array, Spine
from canalrisk.anatomy.transverse import TransverseForamen, find_transverse_foramina
from canalrisk.evidence import value
from canalrisk.findings import Finding
from canalrisk.morphometry.bylevel import level_names
from canalrisk.morphometry.nearness import Mass, nearest

# Mass within this of the lumen counts as on the artery: its wall and a voxel's uncertainty.
TOUCHING_MM = 1.0
# Sections within this of the mass are beside it; the course that they are compared with reaches this far beyond.
BESIDE_MM, COMPARED_MM = 5.0, 20.0
_OUT_MM = np.linspace(0.0, TOUCHING_MM, 5)
# Radii of rings of equal area, as shares of the lumen's radius.
_RINGS = np.sqrt((np.arange(8) + 0.5) / 8)
FLAGS = ("normal", "dominant", "hypoplastic", "single", "absent")
# Per level, the worst of the course there.
_ALONG = {"artery_clearance_along": np.fmin, "artery_encasement_along": np.fmax}
_OTHER = {"left": "right", "right": "left"}


@dataclass(frozen=True, eq=False)
class Vessels:
    """Arteries and transverse foramina of a spine with what no mass changes: `fixed` variables and findings."""

    arteries: tuple[Artery, ...]
    holes: tuple[TransverseForamen, ...]
    fixed: dict[str, Any]
    findings: tuple[Finding, ...]


def prepare_vessels(spine: Spine, *, flags: Mapping[str, str] | None = None) -> Vessels:
    """Find the arteries and say what is known of each: source, calibre, entry level, flag with its evidence.

    Parameters
    ----------
    spine : Spine
        From `canalrisk.anatomy.build_spine`.
    flags : mapping, optional
        What angiography says, ``left`` and ``right`` to one of `FLAGS`; it goes before what labels show.

    Returns
    -------
    Vessels
    """
    holes = find_transverse_foramina(spine)
    arteries, findings = find_arteries(spine, holes)
    vessels = describe(spine, arteries, holes, flags=flags)
    return replace(vessels, findings=(*findings, *vessels.findings))


def describe(
    spine: Spine,
    arteries: tuple[Artery, ...],
    holes: tuple[TransverseForamen, ...],
    *,
    flags: Mapping[str, str] | None = None,
) -> Vessels:
    """Say what is known of arteries that were found; see `prepare_vessels`."""
    known = {artery.side: artery for artery in arteries}
    said = {side: (flag, "clinical") for side, flag in (flags or {}).items() if flag}
    flagged = _flags(known, said)
    entry, noted = _entries(known, holes)
    fixed: dict[str, Any] = {
        "artery_source": np.array([_source(known.get(side)) for side in SIDES]),
        "artery_flag": np.array([flagged[side][0] for side in SIDES]),
        "artery_flag_evidence": np.array([flagged[side][1] for side in SIDES]),
        "artery_entry": np.array([entry[side] for side in SIDES]),
        "artery_diameter": np.array([_diameter(known.get(side)) for side in SIDES]),
        "transverse_foramen_area": _hole_areas(spine, holes),
    }
    wide = fixed["artery_diameter"]
    both = bool(np.isfinite(wide).all())
    fixed["artery_asymmetry"] = float(1.0 - wide.min() / wide.max()) if both else np.nan
    fixed["artery_larger"] = SIDES[int(np.argmax(wide))] if both and wide[0] != wide[1] else "none"
    contradicted = _contradictions(known, said)
    return Vessels(arteries, holes, fixed, (*noted, *contradicted))


def _source(artery: Artery | None) -> str:
    if artery is None:
        return "none"
    return "transverse foramina" if artery.inferred else "label"


def _diameter(artery: Artery | None) -> float:
    return np.nan if artery is None or artery.inferred else artery.diameter


def _flags(known: dict[str, Artery], said: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """Flag and evidence per side: the clinic's word first, then what the labels show."""
    found = {side: ("unknown", "none") for side in SIDES}
    labelled = {side: artery for side, artery in known.items() if not artery.inferred}
    if len(labelled) == 1:
        (only,) = labelled
        found[only] = ("single", "labels")
        found[_OTHER[only]] = ("not labelled", "labels")
    elif len(labelled) == 2:
        wide = {side: artery.diameter for side, artery in labelled.items()}
        larger = max(wide, key=lambda side: wide[side])
        difference = wide[larger] - wide[_OTHER[larger]]
        for side in SIDES:
            small = wide[side] <= value("risk", "va.hypoplasia.diameter").value
            large = side == larger and difference >= value("risk", "va.dominance.difference").value
            found[side] = ("hypoplastic" if small else "dominant" if large else "normal", "calibre")
    for side, other in _OTHER.items():
        if said.get(side, ("", ""))[0] == "absent":
            found[other] = ("single", "clinical")
        elif side in said and said[side][0] in ("normal", "dominant", "hypoplastic") and found[other][0] == "single":
            # The clinic knows the artery that nobody labelled.
            found[other] = ("unknown", "none")
    return found | said


def _contradictions(known: dict[str, Artery], said: dict[str, tuple[str, str]]) -> list[Finding]:
    findings = []
    for side, (flag, _) in said.items():
        labelled = side in known and not known[side].inferred
        other = _OTHER[side]
        seen = labelled if flag == "absent" else flag == "single" and other in known and not known[other].inferred
        if seen:
            gone = side if flag == "absent" else other
            message = f"The clinic says that the {gone} vertebral artery is missing, but one is labelled there."
            findings.append(Finding("ARTERY-CONTRADICTION", "warning", f"artery {gone}", message))
    return findings


def _entries(known: dict[str, Artery], holes: tuple[TransverseForamen, ...]) -> tuple[dict[str, str], list[Finding]]:
    levels, findings = {}, []
    for side in SIDES:
        artery = known.get(side)
        level, seen = ("", False) if artery is None or artery.inferred else entry_level(artery, holes)
        levels[side] = level or "unknown"
        if level and not seen:
            message = f"The artery's label begins at {level}'s transverse foramen; it may enter lower."
            findings.append(Finding("ARTERY-ENTRY-UNSEEN", "info", f"artery {side}", message))
        elif level and level != "C6":
            usual = value("risk", "va.entry_c6_right")
            message = f"The artery enters at {level}, not at C6 as {usual.value:.0%} do ({usual.source})."
            findings.append(Finding("ARTERY-ENTRY-UNUSUAL", "info", f"artery {side}", message.replace("%", " %")))
    return levels, findings


def _hole_areas(spine: Spine, holes: tuple[TransverseForamen, ...]) -> Array:
    area = np.full((len(spine.levels), len(SIDES)), np.nan)
    for hole in holes:
        area[spine.levels.index(hole.level), SIDES.index(hole.side)] = hole.area
    return area


def measure_vessels(spine: Spine, vessels: Vessels, mass: Mass | None) -> dict[str, Any]:
    """Measure what a mass does to the arteries.

    Parameters
    ----------
    spine : Spine
    vessels : Vessels
        From `prepare_vessels`.
    mass : Mass, optional
        From `canalrisk.morphometry.nearness.mass_of`.

    Returns
    -------
    dict
        Values of the ``artery_...`` and ``transverse_foramen_...`` variables.
    """
    names, sides = level_names(spine), len(SIDES)
    out: dict[str, Any] = dict(vessels.fixed)
    clearance, encasement, narrowing = (np.full(sides, np.nan) for _ in range(3))
    along = {name: np.full((len(names), sides), np.nan) for name in _ALONG}
    level = np.full(sides, "none", dtype="U8")
    taken = np.where(np.isfinite(vessels.fixed["transverse_foramen_area"]), 0.0, np.nan)
    if mass is not None:
        for artery in vessels.arteries:
            k = SIDES.index(artery.side)
            close = nearest(mass, artery.wall.reshape(-1, 3))
            if close is None:
                continue
            clearance[k] = close.distance
            place = close.index // artery.wall.shape[1]
            level[k] = level_at(spine, float(artery.s[place]))
            away = mass.level(artery.wall).min(axis=1)
            around = encasement_angle(artery, mass) if close.distance < TOUCHING_MM else np.zeros(len(away))
            encasement[k] = around.max()
            narrowing[k] = narrowed(artery, away, mass)
            marks = np.array([spine.landmarks[name] for name in names])
            where = np.abs(artery.s[:, None] - marks).argmin(axis=1)
            for (name, extreme), values in zip(_ALONG.items(), (away, around), strict=True):
                extreme.at(along[name][:, k], where, values)
        for hole in vessels.holes:
            part = np.maximum(hole.wall, mass.level(hole.points))
            covered = plane_moments(part[None], step=_hole_step(hole), keep=hole.keep[None])[0][0]
            taken[spine.levels.index(hole.level), SIDES.index(hole.side)] = min(1.0, covered / hole.area)
    return (
        out
        | along
        | {
            "artery_clearance": clearance,
            "artery_clearance_level": level,
            "artery_encasement": encasement,
            "artery_narrowing": narrowing,
            "transverse_foramen_taken": taken,
        }
    )


def _hole_step(hole: TransverseForamen) -> float:
    return float(np.linalg.norm(hole.points[1, 0] - hole.points[0, 0]))


def encasement_angle(artery: Artery, mass: Mass) -> Array:
    """Angle (n,) degrees of the artery's circumference that has mass within 1 mm straight outwards."""
    points = artery.wall[:, :, None] + _OUT_MM[:, None] * artery.outward[:, :, None]
    level = mass.level(points).min(axis=2)
    closed = np.concatenate([level, level[:, :1]], axis=1)
    return negative_runs(closed, step=360.0 / level.shape[1])[:, 0]


def free_lumen(artery: Artery, mass: Mass) -> Array:
    """Area (n,) mm2 of the lumen's sections less what the mass covers; the artery is not moved out of its way."""
    radius = artery.wall - artery.path[:, None]
    points = artery.path[:, None, None] + _RINGS[:, None] * radius[:, :, None]
    covered = (mass.level(points) < 0).mean(axis=2)
    weight = (radius**2).sum(axis=2)
    share = (covered * weight).sum(axis=1) / np.maximum(weight.sum(axis=1), 1e-9)
    free: Array = artery.area * (1.0 - share)
    return free


def narrowed(artery: Artery, away: Array, mass: Mass) -> float:
    """Share of the lumen lost beside the mass against the course next to it; NaN where either was not measured."""
    if artery.inferred:
        return float("nan")
    beside = away < BESIDE_MM
    if not beside.any():
        return 0.0
    arc = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(artery.path, axis=0), axis=1))])
    reach = arc[beside]
    compared = ~beside & (arc > reach[0] - COMPARED_MM) & (arc < reach[-1] + COMPARED_MM) & np.isfinite(artery.area)
    # One section carries the voxels' noise: the mean over 2 mm of course.
    known = np.flatnonzero(np.isfinite(artery.area))
    free = np.full(len(arc), np.nan)
    free[known] = uniform_filter1d(free_lumen(artery, mass)[known], 5, mode="nearest")
    if not compared.any() or not np.isfinite(free[beside]).any():
        return float("nan")
    return float(max(0.0, 1.0 - np.nanmin(free[beside]) / np.median(artery.area[compared])))
