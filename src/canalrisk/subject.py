"""One scan understood and measured; nothing is grown, solved or predicted, and little is loaded for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from canalrisk import provenance
from canalrisk._jit import one_blas_thread
from canalrisk.anatomy import build_spine
from canalrisk.anatomy.spine import Spine
from canalrisk.anatomy.window import to_spine
from canalrisk.clinical import Clinical
from canalrisk.findings import Finding
from canalrisk.growth.timeline import Scenario, Snapshot, Timeline
from canalrisk.imaging.labelmap import LabelMap
from canalrisk.morphometry import (
    Prepared,
    find_surroundings,
    measure,
    measure_findings,
    measure_with_intervals,
    prepare,
)

Progress = Callable[[float, str], None]


@dataclass(frozen=True, eq=False)
class Subject:
    """A label map understood once, ready for many scenarios."""

    labelmap: LabelMap
    spine: Spine
    prepared: Prepared
    clinical: Clinical = field(default_factory=Clinical)


@dataclass(frozen=True, eq=False)
class Measured:
    """What one scan measures, without growth, mechanics or risk.

    It has the parts of a `CaseResult` at one time, so that everything that reads a case reads this; `prepared` holds
    the sections and stations that were measured.
    """

    dataset: xr.Dataset
    labelmap: LabelMap
    spine: Spine
    prepared: Prepared
    timeline: Timeline
    scenario: Scenario
    findings: tuple[Finding, ...]
    provenance: dict[str, Any]
    cord: None = None


def prepare_subject(
    labelmap: LabelMap,
    *,
    clinical: Clinical | None = None,
    progress: Progress | None = None,
) -> Subject:
    """Understand a label map: spine, sections, foramina. Done once, whatever the number of scenarios.

    Parameters
    ----------
    labelmap : LabelMap
        From `canalrisk.imaging.read_labels` or `canalrisk.phantom.voxelise`.
    clinical : Clinical, optional
        What no image holds, from `canalrisk.clinical.read_clinical`.
    progress : callable, optional
        Called as ``progress(fraction, message)``.

    Raises
    ------
    InputRefused
        If the labels do not make a cervical spine with, optionally, a mass near it.
    """
    spine = build_spine(labelmap, progress=part_of(progress, 0.0, 0.7))
    known = clinical or Clinical()
    flags = known.facts().get("vertebral_artery")
    surroundings = find_surroundings(spine, image=labelmap.image, artery_flags=flags)
    prepared = prepare(spine, sex=known.sex, surroundings=surroundings, progress=part_of(progress, 0.8, 1.0))
    return Subject(labelmap=labelmap, spine=spine, prepared=prepared, clinical=known)


def measure_subject(
    subject: LabelMap | Subject,
    *,
    clinical: Clinical | None = None,
    intervals: bool = True,
    progress: Progress | None = None,
    command: str | None = None,
) -> Measured:
    """Measure one scan: canal, cord, foramina and mass. Seconds; nothing is grown, solved or predicted.

    Parameters
    ----------
    subject : LabelMap or Subject
        A label map, or one prepared before with `prepare_subject`.
    clinical : Clinical, optional
        What no image holds; a prepared subject has its own.
    intervals : bool
        Whether each index comes with its low and high; that measures five times instead of once.
    progress : callable, optional
        Called as ``progress(fraction, message)``.
    command : str, optional
        Command line for the provenance record.

    Returns
    -------
    Measured
        `dataset` has dims time (one: the scan), section, foramen, side. `labelmap` and the spine's grid are the part
        of a large scan that holds the cervical spine and the mass (`canalrisk.anatomy.window.to_spine`), in the same
        world frame; no number depends on what was cut off.

    Raises
    ------
    InputRefused
        If the labels cannot be used.
    """
    grid = (subject if isinstance(subject, LabelMap) else subject.labelmap).grid
    with one_blas_thread():
        if isinstance(subject, LabelMap):
            subject = prepare_subject(to_spine(subject), clinical=clinical, progress=part_of(progress, 0.0, 0.8))
        spine = subject.spine
        part_of(progress, 0.8, 1.0)(0.0, "measuring")
        measured = measure_with_intervals(subject.prepared) if intervals else measure(subject.prepared)
        today = Scenario(name="today", law="none", horizon_years=0.0, n_times=1)
        taken = 0.0 if spine.mass is None else float(measured["mass_volume"])
        snapshot = Snapshot(0.0, spine.mass, spine.bone, taken, 0.0)
        dataset = measured.expand_dims(time=1).assign_coords(time=time_coordinate(np.zeros(1)))
        return Measured(
            dataset=dataset,
            labelmap=subject.labelmap,
            spine=spine,
            prepared=subject.prepared,
            timeline=Timeline(today, (snapshot,)),
            scenario=today,
            findings=unique(
                subject.labelmap.findings, spine.findings, subject.prepared.findings, measure_findings(measured)
            ),
            provenance=provenance.record(
                source=subject.labelmap.source,
                scenario=today,
                settings={},
                seed=0,
                clinical=subject.clinical.facts(),
                command=command,
            )
            | {"frame": {"axes": "RAS+", "unit": "mm", "affine": grid.affine.tolist()}},
        )


def time_coordinate(values: np.ndarray[Any, Any]) -> xr.DataArray:
    """Return times (n,) in years as a coordinate that says what they are."""
    attrs = {"units": "year", "long_name": "time since the scan", "definition": "0 is the scan that was read"}
    return xr.DataArray(values, dims="time", attrs=attrs)


def unique(*groups: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Return all findings in order, each once."""
    return tuple(dict.fromkeys(finding for group in groups for finding in group))


def part_of(progress: Progress | None, start: float, stop: float) -> Progress:
    """Map a step's own 0-1 progress onto its share of the whole."""

    def report(fraction: float, message: str) -> None:
        if progress is not None:
            progress(start + (stop - start) * fraction, message)

    return report
