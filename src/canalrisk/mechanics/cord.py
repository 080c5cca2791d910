"""The cord under a growing mass: insertion, growth, and what the cord then carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from canalrisk._jit import one_blas_thread
from canalrisk.anatomy.spine import Spine
from canalrisk.fem import Load, Obstacle, Settings, State, solve
from canalrisk.field import Spline
from canalrisk.findings import Finding
from canalrisk.growth.timeline import Timeline
from canalrisk.mechanics.dataset import build_dataset
from canalrisk.mechanics.model import CordModel, build_model
from canalrisk.mechanics.obstacle_fields import FieldBox, MassFields, mass_fields, wall_field
from canalrisk.mechanics.outputs import (
    cell_fields,
    contact_values,
    section_values,
    tissue_values,
    touched_interval,
)
from canalrisk.mechanics.plates import plate_loads
from canalrisk.mechanics.region import Region, touched_region
from canalrisk.mechanics.settings import CordSettings
from canalrisk.mesh import HexMesh

Array = NDArray[np.float64]
Progress = Callable[[float, str], None]

# Fat before the wall starts to resist this far from it, unless the cord already lies nearer.
BUFFER_MM = 0.5
# A path that needs more steps than this per load is given up with a reason.
PATH = Settings(max_steps=60)
# A mass this far from the nodes and face centres touches no contact point between them either.
CLEAR_MM = 0.05
# No node of the cord may lie deeper than this in the mass.
ENGULFED_MM = 0.5
_EARLIER = "an earlier time failed: "


@dataclass(frozen=True, eq=False)
class CordResult:
    """Cord mechanics over time.

    Parameters
    ----------
    dataset : xr.Dataset
        Per time: status, areas, strain, stress, contact. See `dataset.build_dataset`.
    mesh : HexMesh
        Undeformed cord; cell data ``gray`` is the share of gray matter in the cell.
    displacement : (t, n, 3) ndarray
        mm; NaN at failed times.
    cell_fields : dict of str to (t, m) ndarray
        ``strain_max_principal`` (logarithmic), ``von_mises`` and ``pressure`` (MPa): cell means; NaN at failed
        times.
    states : tuple of State
        What the solver returned, per time.
    region : Region
        Levels over which strain and stress were summarised at the last time; at each time they are the levels touched
        up to then.
    findings : tuple of Finding
    """

    dataset: xr.Dataset
    mesh: HexMesh
    displacement: Array
    cell_fields: dict[str, Array]
    states: tuple[State, ...]
    region: Region
    findings: tuple[Finding, ...]


def simulate_cord(
    spine: Spine, timeline: Timeline, settings: CordSettings | None = None, *, progress: Progress | None = None
) -> CordResult:
    """Deform the pre-lesion cord by the mass of every snapshot.

    Parameters
    ----------
    spine : Spine
        Pre-lesion anatomy: cord, canal, centreline.
    timeline : Timeline
        The mass at every time; rigid.
    settings : CordSettings, optional
        Mesh, materials, ends, wall.
    progress : callable, optional
        ``progress(fraction, message)``.

    Returns
    -------
    CordResult
        A time that did not converge has status 1, a reason and NaN; the times after it fail with it, because the
        path to them is broken.

    Raises
    ------
    GeometryError
        If there is no cord to mesh.
    """
    settings = settings or CordSettings()
    report = progress or (lambda fraction, message: None)
    # Two BLAS threads on products with 3 x 3 matrices burn twenty times the processor time of one.
    with one_blas_thread():
        return _simulate(spine, timeline, settings, report)


def _simulate(spine: Spine, timeline: Timeline, settings: CordSettings, report: Progress) -> CordResult:
    report(0.0, "cord: mesh")
    model = build_model(spine, timeline, settings=settings)
    findings = list(model.findings)
    surface = _surface_points(model.tube.mesh)
    box = FieldBox(spine, points=model.tube.mesh.points)
    report(0.05, "cord: fields of mass and wall")
    masses = mass_fields(spine, timeline, box=box, surface=surface, frames=model.outlines)
    findings += masses.findings
    wall: tuple[Obstacle, ...] = ()
    if settings.wall:
        lining = model.materials
        field, found = wall_field(spine, box=box, surface=surface, flavum_mm=lining.flavum_mm, dura_mm=lining.dura_mm)
        findings += found
        # Contact points lie a little nearer to a hollow wall than the points looked at here.
        room = max(1e-3, min(BUFFER_MM, -float(field.value(surface).max()) - 0.05))
        wall = (Obstacle("wall", field, sign=-1, buffer_thickness=room, buffer_pressure=model.materials.fat_mpa),)
    states = _walk(model, masses, wall, report)
    times = np.array([snapshot.time_years for snapshot in timeline.snapshots])
    for time, state in zip(times, states, strict=True):
        if not state.converged:
            findings.append(
                Finding("CORD-NOT-CONVERGED", "serious", f"{time:.2f} years", f"Cord mechanics failed: {state.reason}.")
            )
            break
    regions = _regions(spine, model, states)
    deformed = [state.converged and bool(np.any(state.u)) for state in states]
    references: dict[Region, State] = {}
    for region in dict.fromkeys(region for region, moved in zip(regions, deformed, strict=True) if moved):
        report(0.9, "cord: reference between plates")
        apart, closed = plate_loads(model.tube, region=region)
        (references[region],) = solve(model.system, [closed], origin=apart, settings=PATH)
    return _collect(model, states, references, times=times, regions=regions, settings=settings, findings=findings)


def _surface_points(mesh: HexMesh) -> Array:
    """Nodes and quad centres of the undeformed surface, mm."""
    return np.concatenate((mesh.points[np.unique(mesh.surface)], mesh.points[mesh.surface].mean(axis=1)))


def _walk(model: CordModel, masses: MassFields, wall: tuple[Obstacle, ...], report: Progress) -> list[State]:
    """Solve along insertion and growth; one state per snapshot.

    Load by load, so that a reader sees it move: each solve starts at the state and load before.
    """

    def load_of(field: Spline | None) -> Load:
        return Load(obstacles=wall if field is None else (Obstacle("mass", field), *wall))

    surface = _surface_points(model.tube.mesh)
    states: list[State] = []
    # Carved mass and wall leave the undeformed cord alone: the path can start there.
    origin = load_of(masses.carved)
    for number, field in enumerate(masses.snapshots):
        report(0.1 + 0.8 * number / len(masses.snapshots), f"cord: time {number + 1} of {len(masses.snapshots)}")
        last = states[-1] if states else None
        load = load_of(field)
        if last is not None and not last.converged:
            broken = last.reason.removeprefix(_EARLIER)
            states.append(replace(last, reason=_EARLIER + broken, reached=0.0))
            continue
        if (last is None or not np.any(last.u)) and (field is None or field.value(surface).min() > CLEAR_MM):
            states.append(_at_rest(model))
        else:
            inserting = number == 0 and masses.carved is not None
            part = 1.0 / masses.insertion_steps if inserting else 1.0
            # Growth goes on about as it did over the interval before.
            trend = states[-1].u - states[-2].u if len(states) > 1 else None
            (state,) = solve(
                model.system, [load], start=last, origin=origin, trend=trend, settings=replace(PATH, first_step=part)
            )
            states.append(_checked(model, state, field))
        origin = load
    return states


def _at_rest(model: CordModel) -> State:
    """Return the undeformed cord, which nothing touches."""
    zeros = np.zeros_like(model.tube.mesh.points)
    return State(
        u=zeros,
        converged=True,
        reason="",
        reached=1.0,
        iterations=0,
        factorisations=0,
        residual=0.0,
        energy=0.0,
        min_jacobian=1.0,
        reactions=zeros,
    )


def _checked(model: CordModel, state: State, mass: Spline | None) -> State:
    """Fail a state whose cord has closed around the mass: contact sees surfaces only, and that is no answer."""
    if mass is None or not state.converged:
        return state
    depth = -float(mass.value(model.tube.mesh.points + state.u).min())
    if depth <= ENGULFED_MM:
        return state
    return replace(state, converged=False, reason=f"the mass lies {depth:.1f} mm inside the deformed cord")


def _regions(spine: Spine, model: CordModel, states: list[State]) -> list[Region]:
    """Per time, the levels touched up to then: a time's numbers do not depend on the times after it."""
    s = model.tube.outlines.s
    touched: list[tuple[float, float]] = []
    regions = []
    for state in states:
        interval = touched_interval(model.observer, state) if state.converged else None
        touched += [] if interval is None else [interval]
        used = touched or [model.reach]
        low, high = min(low for low, _ in used), max(high for _, high in used)
        regions.append(touched_region(spine, low=low, high=high, start=float(s[0]), end=float(s[-1])))
    return regions


def _normaliser(model: CordModel, reference: State | None, *, region: Region, findings: list[Finding]) -> float:
    """p95 von Mises stress of the cord between plates, MPa; NaN with a Finding where it did not converge."""
    if reference is None:
        # A cord that nothing touches carries no stress, whatever the reference.
        return 1.0
    if reference.converged:
        fields, _ = cell_fields(model.observer, reference.u)
        return float(tissue_values(model.observer, fields, region=region)["von_mises_p95"][0])
    message = f"Normalised stress is missing: the cord between plates did not converge ({reference.reason})."
    findings.append(Finding("REFERENCE-NOT-CONVERGED", "warning", "cord", message))
    return float("nan")


def _collect(
    model: CordModel,
    states: list[State],
    references: dict[Region, State],
    *,
    times: Array,
    regions: list[Region],
    settings: CordSettings,
    findings: list[Finding],
) -> CordResult:
    observer, mesh = model.observer, model.tube.mesh
    rows: list[dict[str, Array | float]] = []
    displacement = np.full((len(states), mesh.n_nodes, 3), np.nan)
    cells = {
        name: np.full((len(states), len(mesh.cells)), np.nan)
        for name in ("strain_max_principal", "von_mises", "pressure")
    }
    normaliser = {
        region: _normaliser(model, references.get(region), region=region, findings=findings)
        for region in dict.fromkeys(regions)
    }
    for time, (state, region) in enumerate(zip(states, regions, strict=True)):
        if not state.converged:
            rows.append({})
            continue
        fields, per_cell = cell_fields(observer, state.u)
        displacement[time] = state.u
        for name, values in per_cell.items():
            cells[name][time] = values
        row: dict[str, Array | float] = {
            **section_values(observer, state.u),
            **tissue_values(observer, fields, region=region),
            **contact_values(observer, state),
        }
        row["cord_area_loss_predicted_max"] = float(np.nanmax(row["cord_area_loss_predicted"]))
        row["stress_normalised"] = np.asarray(row["von_mises_p95"])[0] / normaliser[region]
        rows.append(row)
    dataset = build_dataset(
        rows,
        times=times,
        section_s=observer.section_s,
        status=[0 if state.converged else 1 for state in states],
        reason=["" if state.converged else state.reason for state in states],
        attrs={
            "cord_levels": ", ".join(regions[-1].names),
            "cord_region_low_mm": regions[-1].low,
            "cord_region_high_mm": regions[-1].high,
            "cord_preset": settings.preset,
            "cord_material_set": settings.material_set,
            "cord_dof": 3 * mesh.n_nodes,
            "cord_area_loss_mesh_error": settings.mesh.area_loss_error,
        },
    )
    mesh.cell_data["gray"] = observer.gray.mean(axis=1)
    return CordResult(dataset, mesh, displacement, cells, tuple(states), regions[-1], tuple(findings))
