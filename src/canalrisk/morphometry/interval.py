"""Low and high of every index: from the edges' error and from the choice of reference sections.

Three errors are taken to be independent and are combined by root of the sum of squares:

- the room's edges: bone and cord outwards while canal and sac move inwards, and the reverse. An index that compares
  two of these structures (cord with canal, canal with body) so gets the wider interval;
- the mass's edge, outwards and inwards;
- the references of indices that have some: above only, below only, one level further off on either side.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import Any, Final

import numpy as np
import xarray as xr

from canalrisk.anatomy.spine import Array, Spine
from canalrisk.growth.timeline import Snapshot
from canalrisk.morphometry.compromise import compromise
from canalrisk.morphometry.edge import Edge, check_edge, edge_of, moved_edges
from canalrisk.morphometry.measure import measure
from canalrisk.morphometry.prepared import Prepared, foramen_walls, prepare
from canalrisk.morphometry.variables import as_dataset

LEAST_ROOM: Final = {"bone": 1.0, "cord": 1.0, "canal": -1.0, "sac": -1.0}
REFERENCED: Final = {"mcc": "residual_canal_ap", "mscc": "cord_ap_measured"}
"""Index to the diameter that it compares with reference sections."""
# Variables that say where something is: an edge moved a little may make them jump, which is no error of theirs.
_PLACES: Final = ("_s", "_above", "_below")
_DIRECTION: Final = "occupying_ray"
# Measured on what `build_spine` and the labels gave once: moving an edge says nothing about their error.
_FROM_LABELS: Final = (
    "cobb_", "posterior_tangent_", "canal_angle_", "artery_diameter", "artery_asymmetry", "artery_narrowing",
    "transverse_foramen_area", "bone_lysed_mirror", "mass_components",
)  # fmt: skip
# An edge moved as a whole keeps its shape, its shares, and knows nothing of islands: docs/uncertainty.md.
_SHAPES: Final = ("solidity", "eccentricity", "compression_ratio", "mass_share_", "mass_reach_")
# The toolbox's own references are not varied, and without that too few true values were covered.
_OTHER_REFERENCES: Final = ("mcc_sct", "mscc_sct")
_NEVER_NEGATIVE: Final = ("mm2", "mm3")
_SHARES: Final = ("occupying_ratio", "level_occupying_ratio", "percentile_")


def measure_with_intervals(
    subject: Prepared | Spine, snapshot: Snapshot | None = None, *, edge_mm: Edge = None
) -> xr.Dataset:
    """Measure one snapshot, each index with its low and high.

    Parameters
    ----------
    subject : Prepared or Spine
        As for `measure`.
    snapshot : Snapshot, optional
        As for `measure`.
    edge_mm : float or mapping of str to float, optional
        95 % limit of the edges' error, mm, of all structures or by structure (``bone``, ``canal``, ``sac``, ``cord``,
        ``mass``): see `edge_from_dice` and `edge_from_surface_distance`. Half a voxel along the boundary's normal
        where not given.

    Returns
    -------
    xarray.Dataset
        That of `measure`, and per floating-point index NAME that `has_interval` ``NAME_low`` and ``NAME_high`` with
        the attributes `edge_mm` and, where it has references, `reference_low` and `reference_high`: the choice of
        reference sections that gave the lowest and the highest value. ``reference_kind`` and ``reference_sections``
        say which sections served for the value itself.

    Raises
    ------
    UsageError
        If an edge error makes no sense.
    """
    check_edge(edge_mm)
    prepared = subject if isinstance(subject, Prepared) else prepare(subject)
    value = measure(prepared, snapshot)
    sources = [_room(prepared, snapshot, edge_mm), _mass(prepared, snapshot, edge_mm)]
    references = {name: reference_choices(value, name, pitch=_pitch(prepared.spine)) for name in REFERENCED}
    said = _said(edge_mm)
    found: dict[str, Any] = {}
    for name, variable in value.data_vars.items():
        if not has_interval(value, str(name)):
            continue
        ends = [_ends(variable.values, [other[name].values for other in source]) for source in sources]
        about = {"edge_mm": said}
        choices = references.get(str(name))
        if choices:
            numbers = list(choices.values())
            ends.append(_ends(variable.values, [np.asarray(number) for number in numbers]))
            about["reference_low"] = min(choices, key=lambda choice: choices[choice])
            about["reference_high"] = max(choices, key=lambda choice: choices[choice])
        for k, end in enumerate(("low", "high")):
            apart = np.sqrt(sum(part[k] ** 2 for part in ends))
            edge = variable.values + (-apart if end == "low" else apart)
            found[f"{name}_{end}"] = (
                variable.dims,
                _possible(edge, str(name), variable.attrs),
                _attrs(variable, end, about),
            )
    return value.assign(found | _references(value))


def is_index(dataset: xr.Dataset, name: str) -> bool:
    """Whether a variable of `measure` is a measured number: a float that is no place and no end of an interval."""
    number = np.issubdtype(dataset[name].dtype, np.floating)
    return bool(number) and name != _DIRECTION and not name.endswith((*_PLACES, "_low", "_high"))


def follows_edges(name: str) -> bool:
    """Whether an index is measured on the edges that are moved: angles and arteries' calibres come from the labels."""
    return not name.startswith(_FROM_LABELS)


def has_interval(dataset: xr.Dataset, name: str) -> bool:
    """Whether an index has an interval: it follows the edges, and not their roughness alone."""
    shape = any(word in name for word in _SHAPES)
    return is_index(dataset, name) and follows_edges(name) and not shape and name not in _OTHER_REFERENCES


def _room(prepared: Prepared, snapshot: Snapshot | None, edge_mm: Edge) -> list[xr.Dataset]:
    """Measure with the least and with the most room."""
    spine = prepared.spine
    walls = foramen_walls(spine)
    by = edge_of("bone", spine.bone, grid=spine.grid, edge_mm=edge_mm)
    measured = []
    for way in (1.0, -1.0):
        sense = {name: way * times for name, times in LEAST_ROOM.items()}
        moved = moved_edges(spine, sense, edge_mm=edge_mm)
        # The discs are part of the wall and move with the bone.
        outwards = np.asarray(way * by, np.float32)
        moved_walls = tuple(wall - outwards for wall in walls)
        again = prepare(moved, sex=prepared.sex, walls=moved_walls, surroundings=prepared.surroundings)
        measured.append(measure(again, snapshot))
    return measured


def _mass(prepared: Prepared, snapshot: Snapshot | None, edge_mm: Edge) -> list[xr.Dataset]:
    spine = prepared.spine
    if snapshot is None:
        snapshot = Snapshot(0.0, spine.mass, spine.bone, 0.0, 0.0)
    if snapshot.mass is None:
        return []
    by = np.asarray(edge_of("mass", snapshot.mass, grid=spine.grid, edge_mm=edge_mm), np.float32)
    return [
        measure(prepared, replace(snapshot, mass=snapshot.mass - way * by)) for way in (np.float32(1), np.float32(-1))
    ]


def _ends(value: Array, others: list[Array]) -> tuple[Array, Array]:
    """How far the lowest and the highest of a value and its variants lie from it; what is not a number is left out."""
    filled = [np.where(np.isfinite(other), other, value) for other in others]
    stack = np.stack([value, *filled]) if filled else value[None]
    return value - stack.min(axis=0), stack.max(axis=0) - value


def _possible(edge: Array, name: str, attrs: dict[str, Any]) -> Array:
    """Keep areas and volumes above 0, and shares of a whole within 0 to 1."""
    if attrs.get("units") in _NEVER_NEGATIVE:
        return np.maximum(edge, 0.0)
    return np.clip(edge, 0.0, 1.0) if name.startswith(_SHARES) else edge


def _attrs(variable: xr.DataArray, end: str, about: dict[str, str]) -> dict[str, str]:
    definition = (
        f"{end} end of the 95 % interval of {variable.name} from the error of the edges and, where it has some, the "
        "choice of reference sections; docs/uncertainty.md"
    )
    long_name = f"{variable.attrs.get('long_name', variable.name)}, {end}"
    return {"units": variable.attrs.get("units", "1"), "long_name": long_name, "definition": definition} | about


def _said(edge_mm: Edge) -> str:
    if edge_mm is None:
        return "half a voxel along the boundary's normal"
    if isinstance(edge_mm, float | int):
        return f"{edge_mm:g}"
    return ", ".join(f"{name} {value:g}" for name, value in edge_mm.items()) + "; else half a voxel"


def _pitch(spine: Spine) -> float:
    """Return the median distance of neighbouring vertebrae along the centreline, mm."""
    places = sorted(s for name, s in spine.landmarks.items() if "/" not in name)
    return float(np.median([b - a for a, b in pairwise(places)])) if len(places) > 1 else 0.0


def reference_choices(dataset: xr.Dataset, name: str, *, pitch: float) -> dict[str, float]:
    """Value of a reference-based index for each choice of its reference sections.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `measure`.
    name : str
        A key of `REFERENCED`.
    pitch : float
        Distance of neighbouring vertebrae, mm.

    Returns
    -------
    dict of str to float
        By choice: the nearest sections as they served, ``above only``, ``below only``, ``above one level further``
        and ``below one level further`` (each with the other side's nearest). Empty where no mass reaches the canal or
        there is no reference.
    """
    diameter, s = dataset[REFERENCED[name]].values, dataset["s_mm"].values
    touched = dataset["mass_area_in_canal"].values > 0
    if not touched.any() or not np.isfinite(dataset["worst_s"].item()):
        return {}
    worst = int(np.argmin(np.abs(s - dataset["worst_s"].item())))
    value, above, below = compromise(diameter, touched, worst, s=s)
    if not np.isfinite(value):
        return {}
    further = [
        None if i is None else _section_at(diameter, s, s[i] + step) for i, step in ((above, pitch), (below, -pitch))
    ]
    choices = {
        "nearest": (above, below),
        "above only": (above, None),
        "below only": (None, below),
        "above one level further": (further[0], below),
        "below one level further": (above, further[1]),
    }
    wanted = {"nearest": 1, "above only": 1, "below only": 1}
    found = {}
    for choice, sections in choices.items():
        at = [i for i in sections if i is not None]
        if len(at) >= wanted.get(choice, 1 + (above is not None and below is not None)):
            found[choice] = float(1.0 - diameter[worst] / np.mean(diameter[at]))
    return found


def _section_at(diameter: Array, s: Array, place: float) -> int | None:
    if not s[0] <= place <= s[-1]:
        return None
    i = int(np.argmin(np.abs(s - place)))
    return i if np.isfinite(diameter[i]) and diameter[i] > 0 else None


def _references(dataset: xr.Dataset) -> dict[str, Any]:
    s = dataset["s_mm"].values
    at = {side: dataset[f"s_{side}"].item() for side in ("above", "below")}
    known = [side for side, place in at.items() if np.isfinite(place)]
    kind = ("none", f"{''.join(known)} only", "two-sided")[len(known)]
    sections = ",".join(str(int(np.argmin(np.abs(s - at[side])))) for side in known)
    said = as_dataset({"reference_kind": kind, "reference_sections": sections}, coords={})
    return {str(name): variable for name, variable in said.data_vars.items()}
