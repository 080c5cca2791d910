"""Numbers of one converged state: areas, strain, stress, contact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.fem import Contact, Fields, State, System, stress_strain
from canalrisk.mechanics.outline import CordOutlines
from canalrisk.mechanics.region import Region
from canalrisk.mechanics.section_cut import compression_ratio, cut_sections, polygon_area
from canalrisk.mechanics.statistics import weighted_mean, weighted_quantile
from canalrisk.mechanics.tube import CordTube

Array = NDArray[np.float64]

REGIONS = ("cord", "white", "gray")
# Areas are means over a slice, as on an MRI: a single plane shows the error of coarse contact (docs/mechanics.md).
SLICE_MM = 3.0
_PER_SLICE = 7
SLICE_PLANES = SLICE_MM * np.linspace(-0.5, 0.5, _PER_SLICE)
_SHARES = np.array((0.5, *(1.0,) * (_PER_SLICE - 2), 0.5)) / (_PER_SLICE - 1)
# Contact carries load where its pressure exceeds this, MPa: below is the solver's noise.
TOUCHING_MPA = 1e-9


@dataclass(frozen=True, eq=False)
class Observer:
    """What is measured where: planes across the cord, white and gray points.

    `section_s` (p,): middles of the slices, mm; `planes`: `SLICE_PLANES` through every slice, one slice after the
    other; `rest`: section polygons of the undeformed cord on them; `arc_length` (m, 8): s of every quadrature point,
    mm; `gray` (m, 8) bool.
    """

    system: System
    tube: CordTube
    section_s: Array
    planes: CordOutlines
    rest: Array
    arc_length: Array
    gray: NDArray[np.bool_]


def section_values(observer: Observer, u: Array) -> dict[str, Array]:
    """Area and its loss over every slice, and the compression ratio in its middle, (p,).

    NaN where the surface does not cross the whole slice.

    Parameters
    ----------
    observer : Observer
    u : (n, 3) ndarray
        Displacement, mm.
    """
    planes = observer.planes
    polygons = cut_sections(
        observer.tube.mesh,
        observer.tube.mesh.points + u,
        origins=planes.origins,
        right=planes.right,
        anterior=planes.anterior,
    )
    area, before = (polygon_area(cut).reshape(-1, _PER_SLICE) @ _SHARES for cut in (polygons, observer.rest))
    return {
        "cord_area_predicted": area,
        "cord_area_loss_predicted": 1.0 - area / before,
        "cord_compression_ratio": compression_ratio(polygons[_PER_SLICE // 2 :: _PER_SLICE]),
    }


def tissue_values(observer: Observer, fields: Fields, *, region: Region) -> dict[str, Array]:
    """Volume-weighted statistics over the region.

    Parameters
    ----------
    observer : Observer
    fields : Fields
        At the quadrature points.
    region : Region
        Levels of interest.

    Returns
    -------
    dict of str to (3,) ndarray
        For the whole cord, white and gray matter; stresses in MPa, pressure positive in compression.
    """
    inside = (observer.arc_length >= region.low) & (observer.arc_length <= region.high)
    masks = (inside, inside & ~observer.gray, inside & observer.gray)
    pressure = np.broadcast_to(-fields.patch_pressure[:, None], fields.weights.shape)
    rows: dict[str, tuple[float | None, Array]] = {
        "strain_mean": (None, fields.max_principal_log),
        "strain_p95": (0.95, fields.max_principal_log),
        "strain_p99": (0.99, fields.max_principal_log),
        "von_mises_mean": (None, fields.von_mises),
        "von_mises_p95": (0.95, fields.von_mises),
        "pressure_p95": (0.95, pressure),
    }
    values = {}
    for name, (share, field) in rows.items():
        per_region = []
        for mask in masks:
            weights = fields.weights[mask]
            if share is None:
                per_region.append(weighted_mean(field[mask], weights=weights))
            else:
                per_region.append(weighted_quantile(field[mask], weights=weights, share=share))
        values[name] = np.array(per_region)
    return values


def contact_values(observer: Observer, state: State) -> dict[str, float]:
    """Force and pressure of mass and wall on the cord, and which of them touch."""
    mass, wall = state.contacts.get("mass"), state.contacts.get("wall")
    touched, walled = _touching(mass), _touching(wall)
    pressure = float("nan")
    if mass is not None and touched.any():
        weights = observer.system.contact_weights[touched]
        pressure = weighted_quantile(mass.pressure[touched], weights=weights, share=0.95)
    return {
        "contact_force": _force(mass),
        "contact_normal_force": 0.0 if mass is None else float((mass.pressure * observer.system.contact_weights).sum()),
        "wall_force": _force(wall),
        "contact_pressure_p95": 0.0 if np.isnan(pressure) else pressure,
        "contact_area": float(observer.system.contact_weights[touched].sum()) if mass is not None else 0.0,
        "cord_touched": float(touched.any()),
        "cord_two_sided": float(touched.any() and walled.any()),
        "cord_displacement_max": float(np.linalg.norm(state.u, axis=1).max()),
    }


def touched_interval(observer: Observer, state: State) -> tuple[float, float] | None:
    """Arc-length interval of the surface that the mass presses, mm; None where it presses nothing."""
    mass = state.contacts.get("mass")
    touched = _touching(mass)
    if mass is None or not touched.any():
        return None
    layers = observer.tube.mesh.surface.min(axis=1) // observer.tube.mesh.section_size
    used = layers[touched.any(axis=1)]
    s = observer.tube.outlines.s
    return float(s[used.min()]), float(s[used.max() + 1])


def cell_fields(observer: Observer, u: Array) -> tuple[Fields, dict[str, Array]]:
    """Fields at the quadrature points, and their volume means per cell (m,)."""
    fields = stress_strain(observer.system, u)
    volume = fields.weights.sum(axis=1)
    return fields, {
        "strain_max_principal": (fields.max_principal_log * fields.weights).sum(axis=1) / volume,
        "von_mises": (fields.von_mises * fields.weights).sum(axis=1) / volume,
        "pressure": -fields.patch_pressure,
    }


def _touching(contact: Contact | None) -> NDArray[np.bool_]:
    return np.zeros((1, 4), bool) if contact is None else np.asarray(contact.pressure > TOUCHING_MPA)


def _force(contact: Contact | None) -> float:
    return 0.0 if contact is None else float(np.linalg.norm(contact.force))
