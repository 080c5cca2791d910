"""Two scans of one subject: what grew, what went, and whether that is more than the error of measurement."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canalrisk import provenance
from canalrisk._jit import one_blas_thread
from canalrisk.anatomy import build_spine
from canalrisk.anatomy.spine import Spine
from canalrisk.findings import Finding
from canalrisk.imaging.labelmap import LabelMap
from canalrisk.morphometry import Comparison, compare_scans
from canalrisk.morphometry.edge import Edge
from canalrisk.subject import Progress, part_of, unique


@dataclass(frozen=True, eq=False)
class Compared:
    """Two scans of one subject, compared; `labelmaps` and `spines` are the first and the second."""

    comparison: Comparison
    labelmaps: tuple[LabelMap, LabelMap]
    spines: tuple[Spine, Spine]
    years: float | None
    findings: tuple[Finding, ...]
    provenance: dict[str, Any]


def compare_subjects(
    first: LabelMap,
    second: LabelMap,
    *,
    years: float | None = None,
    edge_mm: Edge = None,
    draws: int = 0,
    seed: int = 0,
    progress: Progress | None = None,
    command: str | None = None,
) -> Compared:
    """Compare two label maps of one subject.

    Parameters
    ----------
    first, second : LabelMap
        The earlier and the later scan, each with its mass.
    years, edge_mm, draws, seed
        As for `canalrisk.morphometry.compare_scans`.
    progress : callable, optional
        Called as ``progress(fraction, message)``.
    command : str, optional
        Command line for the provenance record.

    Returns
    -------
    Compared

    Raises
    ------
    InputRefused
        If the labels cannot be used, or no vertebra can be registered.
    UsageError
        If the time between the scans or the edge error makes no sense.
    """
    with one_blas_thread():
        spines = (
            build_spine(first, progress=part_of(progress, 0.0, 0.3)),
            build_spine(second, progress=part_of(progress, 0.3, 0.6)),
        )
        found = compare_scans(
            *spines, years=years, edge_mm=edge_mm, draws=draws, seed=seed, progress=part_of(progress, 0.6, 1.0)
        )
        each = [
            Finding(finding.code, finding.severity, f"{scan} scan, {finding.where}", finding.message)
            for scan, labelmap, spine in zip(("first", "second"), (first, second), spines, strict=True)
            for finding in unique(labelmap.findings, spine.findings)
        ]
        source = {
            f"{scan}_{key}": value
            for scan, labelmap in (("first", first), ("second", second))
            for key, value in labelmap.source.items()
        }
        settings = {"years": years, "edge_mm": edge_mm, "draws": draws}
        return Compared(
            comparison=found,
            labelmaps=(first, second),
            spines=spines,
            years=years,
            findings=unique(found.findings, tuple(each)),
            provenance=provenance.record(source=source, scenario={}, settings=settings, seed=seed, command=command),
        )
