"""One subject from label map to risk: the only place where the steps meet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import xarray as xr

from canalrisk import provenance
from canalrisk._jit import one_blas_thread
from canalrisk.anatomy.spine import Spine
from canalrisk.clinical import Clinical
from canalrisk.findings import Finding
from canalrisk.growth import grow
from canalrisk.growth.timeline import Scenario, Timeline
from canalrisk.imaging.labelmap import LabelMap
from canalrisk.mechanics import CordResult, CordSettings, simulate_cord
from canalrisk.morphometry import Prepared, measure, measure_findings
from canalrisk.risk import assess_risk
from canalrisk.subject import Progress, Subject, measure_subject, part_of, prepare_subject, time_coordinate, unique

__all__ = ["CaseResult", "Settings", "Subject", "assess", "measure_subject", "prepare_subject"]


@dataclass(frozen=True)
class Settings:
    """How a case is computed; what is assumed of the mass's future is the `Scenario`.

    Parameters
    ----------
    cord : CordSettings
        Mesh preset and materials of the cord model.
    mechanics : bool
        False measures and grows only; risks that need mechanics are then absent.
    draws : int
        Samples of the risk models' parameters.
    seed : int
        Seed of those samples.
    """

    cord: CordSettings = field(default_factory=CordSettings)
    mechanics: bool = True
    draws: int = 2000
    seed: int = 0


@dataclass(frozen=True, eq=False)
class CaseResult:
    """Everything one case gives; `dataset` holds the numbers, the rest what they came from."""

    dataset: xr.Dataset
    labelmap: LabelMap
    spine: Spine
    timeline: Timeline
    cord: CordResult | None
    scenario: Scenario
    settings: Settings
    findings: tuple[Finding, ...]
    provenance: dict[str, Any]


def assess(
    subject: LabelMap | Subject,
    *,
    scenario: Scenario | None = None,
    settings: Settings | None = None,
    clinical: Clinical | None = None,
    progress: Progress | None = None,
    command: str | None = None,
) -> CaseResult:
    """Assess one case: canal, foramina, cord mechanics and risk, today and along a growth scenario.

    Parameters
    ----------
    subject : LabelMap or Subject
        A label map, or one prepared before with `prepare_subject`.
    scenario : Scenario, optional
        How the mass grows; the founding case's (doubling within a year) where not given.
    settings : Settings, optional
        How it is computed.
    clinical : Clinical, optional
        What no image holds; a prepared subject has its own. It leaves Findings and changes no number.
    progress : callable, optional
        Called as ``progress(fraction, message)``.
    command : str, optional
        Command line for the provenance record.

    Returns
    -------
    CaseResult
        `dataset` has dims time (years), section, cord_section, foramen, side, model.

    Raises
    ------
    InputRefused
        If the labels cannot be used.

    Notes
    -----
    A time whose mechanics failed keeps its geometry; its mechanical variables are NaN and
    `mechanics_reason` says why.
    """
    # Coordinate products on several BLAS threads cost twenty times their work, and bits would depend on the threads.
    with one_blas_thread():
        if isinstance(subject, LabelMap):
            subject = prepare_subject(subject, clinical=clinical, progress=part_of(progress, 0.0, 0.3))
        return _assess(subject, scenario or Scenario(), settings or Settings(), progress=progress, command=command)


def _assess(
    subject: Subject,
    scenario: Scenario,
    settings: Settings,
    *,
    progress: Progress | None,
    command: str | None,
) -> CaseResult:
    spine = subject.spine

    timeline = grow(spine, scenario=scenario, progress=part_of(progress, 0.3, 0.4))
    geometry = _measure_all(subject.prepared, timeline, progress=part_of(progress, 0.4, 0.6))
    cord = None
    parts = [geometry]
    if settings.mechanics:
        cord = simulate_cord(spine, timeline, settings=settings.cord, progress=part_of(progress, 0.6, 0.97))
        parts.append(cord.dataset)
    merged = xr.merge(parts, join="exact", combine_attrs="drop_conflicts")
    risk, risk_findings = assess_risk(
        merged, draws=settings.draws, seed=settings.seed, clinical=subject.clinical.facts()
    )
    dataset = xr.merge([merged, risk], join="exact", combine_attrs="drop_conflicts")
    dataset = dataset.assign_coords(time=time_coordinate(dataset["time"].values))

    findings = unique(
        subject.labelmap.findings,
        spine.findings,
        subject.prepared.findings,
        timeline.findings,
        measure_findings(geometry.isel(time=0)),
        cord.findings if cord else (),
        risk_findings,
    )
    return CaseResult(
        dataset=dataset,
        labelmap=subject.labelmap,
        spine=spine,
        timeline=timeline,
        cord=cord,
        scenario=scenario,
        settings=settings,
        findings=findings,
        provenance=provenance.record(
            source=subject.labelmap.source,
            scenario=scenario,
            settings=settings,
            seed=settings.seed,
            clinical=subject.clinical.facts(),
            command=command,
        ),
    )


def _measure_all(prepared: Prepared, timeline: Timeline, *, progress: Progress) -> xr.Dataset:
    measured = []
    for number, snapshot in enumerate(timeline.snapshots):
        progress(number / len(timeline.snapshots), f"measuring year {snapshot.time_years:.2f}")
        measured.append(measure(prepared, snapshot))
    times = [snapshot.time_years for snapshot in timeline.snapshots]
    geometry = xr.concat(
        measured, dim=xr.DataArray(times, dims="time", name="time"), data_vars="all", combine_attrs="override"
    )
    geometry["bone_eroded"] = xr.DataArray(
        [snapshot.bone_eroded_mm3 for snapshot in timeline.snapshots],
        dims="time",
        attrs={
            "units": "mm3",
            "long_name": "bone eroded since the scan",
            "definition": "volume of bone that the front has reached; bone already replaced today is not counted",
        },
    )
    return geometry
