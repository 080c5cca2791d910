"""Named segments, possibly overlapping, to one label map and a mass: for `.seg.nrrd` and DICOM SEG alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import LabelError
from canalrisk.field.grid import Grid
from canalrisk.findings import Finding
from canalrisk.imaging.labelmap import LabelTable
from canalrisk.imaging.spoken import structure_of

Mask = NDArray[np.bool_]

# What is drawn later lies on top: the canal may be drawn over what it holds, the reverse says nothing.
_ORDER = ("canal", "canal_content", "epidural", "csf", "cord_or_sac", "flavum", "cord", "part", "disc", "sacrum")
_NESTED = frozenset({"canal", "canal_content", "epidural", "csf", "cord_or_sac", "cord", "root"})
_OVERLAP_MM3 = 5.0
_MANY_TIMES = frozenset({"mass", "sacrum", "coccyx", "ignore"})  # several segments may be one of these


@dataclass(frozen=True)
class Segment:
    """One segment as its file describes it.

    Parameters
    ----------
    number : int
        Place in the file, from 1.
    value : int
        Integer the file gives it; unique within a layer only.
    layer : int
        Segments of one layer exclude each other.
    names : tuple of str
        Texts to understand it by, best first. They may name a patient and are never shown.
    """

    number: int
    value: int
    layer: int
    names: tuple[str, ...]

    @property
    def meaning(self) -> str | None:
        """Structure in our vocabulary, or None."""
        return next((found for name in self.names if (found := structure_of(name))), None)


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Segments of one file and the masks they stand for."""

    segments: tuple[Segment, ...]
    mask_of: Callable[[Segment], Mask]
    grid: Grid
    findings: tuple[Finding, ...]


@dataclass(frozen=True, eq=False)
class Composed:
    """One label map made of segments; see `canalrisk.imaging.files.LabelFile`."""

    labels: NDArray[np.integer]
    table: LabelTable | None
    mass: Mask | None
    mass_replaced: bool
    findings: tuple[Finding, ...]


def layered(
    segments: list[Segment],
    layers: NDArray[np.generic],
    *,
    grid: Grid,
    findings: tuple[Finding, ...],
    where: str,
) -> Segmentation:
    """Segmentation whose segments are integers in layers, (n, nx, ny, nz).

    Raises
    ------
    LabelError
        If a segment names a layer that is not there, or two share one integer of one layer.
    """
    if any(segment.layer >= len(layers) for segment in segments):
        raise LabelError("a segment names a layer that the file does not have", where=where, fix="save it again")
    twice = [pair for pair, n in Counter((s.layer, s.value) for s in segments).items() if n > 1]
    if twice:
        raise LabelError(
            f"two segments share the integer {twice[0][1]} of one layer", where=where, fix="save the segmentation again"
        )
    return Segmentation(tuple(segments), lambda segment: layers[segment.layer] == segment.value, grid, findings)


def compose(segmentation: Segmentation, *, where: str, by_name: bool = True, mass_value: int | None = None) -> Composed:
    """Paint segments into one label map.

    Parameters
    ----------
    segmentation : Segmentation
        At least one segment.
    where : str
        Safe file name.
    by_name : bool
        Take the meaning from names; where no name is understood, or False, only the integers count.
    mass_value : int, optional
        Integer (or, where integers repeat, place) of the segment that is the mass, whatever its name.

    Returns
    -------
    Composed
        A mass that shares no layer with the anatomy is not painted: it has not replaced what lies under it.

    Raises
    ------
    LabelError
        No segment, all empty, or one structure drawn twice.
    """
    segments = segmentation.segments
    if not segments:
        raise LabelError("the segmentation has no segments", where=where, fix="export it again")
    # Integers may repeat from layer to layer; places never do.
    own = len({s.value for s in segments}) == len(segments) and all(0 < s.value < 2**31 for s in segments)
    value = {s.number: s.value if own else s.number for s in segments}
    meaning = _meanings(segments, value, mass_value, where)
    named = by_name and any(name not in (None, "ignore") for name in meaning.values())
    if named:
        _refuse_twice(meaning, where)
    elif not own:
        raise LabelError(
            "no segment has a name we know, and its integers repeat from layer to layer",
            where=where,
            fix="name the segments in 3D Slicer (C5 vertebra, spinal cord, spinal canal, mass) and save again",
        )
    used = [s for s in segments if not named or meaning[s.number] not in (None, "ignore")]
    masses = [s for s in used if meaning[s.number] == "mass"]
    drawn = [s for s in used if s not in masses]
    kinds = {s.number: (meaning[s.number] or "").partition(":")[0] if named else "" for s in drawn}
    labels, findings = _painted(segmentation, drawn, kinds, value, where)
    mass, replaced = _mass(segmentation, masses, {s.layer for s in drawn}, where)
    if not labels.any() and mass is None:
        raise LabelError("the file is empty: no segment has a voxel", where=where, fix="export the segmentation again")
    if mass is not None and replaced:
        labels[mass & (labels == 0)] = value[masses[0].number]
    table = None
    if named:
        entries = {value[s.number]: str(meaning[s.number]) for s in used}
        table = LabelTable("segment-names", "1", dict(sorted(entries.items())), "names of the segments in the file")
        findings += _said(segments, meaning, where)
    kind = np.int16 if int(labels.max()) <= np.iinfo(np.int16).max else np.int32
    return Composed(labels.astype(kind), table, mass, replaced, tuple(findings))


def _meanings(
    segments: tuple[Segment, ...], value: dict[int, int], mass_value: int | None, where: str
) -> dict[int, str | None]:
    """Structure of each segment by its place. What the user says is the mass is the only one, whatever its name."""
    meaning = {s.number: s.meaning for s in segments}
    if mass_value is None:
        return meaning
    if mass_value not in value.values():
        raise LabelError(f"no segment has the integer {mass_value} given for the mass", where=where, fix="check --mass")
    meaning = {number: "ignore" if name == "mass" else name for number, name in meaning.items()}
    return meaning | {number: "mass" for number in meaning if value[number] == mass_value}


def _painted(
    segmentation: Segmentation, drawn: list[Segment], kinds: dict[int, str], value: dict[int, int], where: str
) -> tuple[NDArray[np.int32], list[Finding]]:
    """One label map of segments that may overlap, those of `_ORDER` first."""
    labels = np.zeros(segmentation.grid.shape, np.int32)
    findings: list[Finding] = []
    voxels = 0
    for segment in sorted(drawn, key=lambda s: _rank(kinds[s.number])):
        mask = segmentation.mask_of(segment)
        if not mask.any():
            findings.append(Finding("SEGMENT-EMPTY", "info", where, f"Segment {segment.number} is empty."))
        if kinds[segment.number] not in _NESTED:
            voxels += int(np.count_nonzero(mask & (labels != 0)))
        labels[mask] = value[segment.number]
    lost = voxels * segmentation.grid.voxel_volume
    if lost > _OVERLAP_MM3:
        text = f"Segments overlap by {lost:.0f} mm3; bone was drawn over discs, and both over the canal."
        findings.append(Finding("SEGMENTS-OVERLAP", "warning", where, text))
    return labels, findings


def _mass(segmentation: Segmentation, masses: list[Segment], anatomy: set[int], where: str) -> tuple[Mask | None, bool]:
    """Union of the masses, and whether one shares a layer with the anatomy and so has replaced what lay under it."""
    if not masses:
        return None, False
    mass = np.zeros(segmentation.grid.shape, bool)
    for segment in masses:
        mass |= segmentation.mask_of(segment)
    if not mass.any():
        raise LabelError("the segment of the mass is empty", where=where, fix="draw it, or take the segment out")
    return mass, any(segment.layer in anatomy for segment in masses)


def _rank(kind: str) -> int:
    return _ORDER.index(kind) if kind in _ORDER else len(_ORDER)


def _refuse_twice(meaning: dict[int, str | None], where: str) -> None:
    seen: dict[str, int] = {}
    for number, name in meaning.items():
        if name is None or name in _MANY_TIMES or name.startswith("part:"):
            continue
        if name in seen:
            raise LabelError(
                f"segments {seen[name]} and {number} are both called {name}",
                where=where,
                fix="merge them, or rename one (a name we do not know is left out)",
            )
        seen[name] = number


def _said(segments: tuple[Segment, ...], meaning: dict[int, str | None], where: str) -> list[Finding]:
    """Return Findings on what was understood. Numbers only: a name may be a person's."""
    known = [s for s in segments if meaning[s.number] is not None]
    text = f"{len(known)} of {len(segments)} segments were understood by their names."
    findings = [Finding("LABELS-NAMED", "info", where, text)]
    unknown = [str(s.number) for s in segments if meaning[s.number] is None]
    if unknown:
        shown = ", ".join(unknown[:12]) + (", ..." if len(unknown) > 12 else "")
        text = f"Segments whose names are no structure we know were left out (their place in the file): {shown}."
        findings.append(Finding("LABELS-UNKNOWN", "warning", where, text))
    if "cord" in meaning.values():
        text = "A segment called the cord is taken as the cord. Drawn on CT it may be the sac: then say --cord-is sac."
        findings.append(Finding("CORD-BY-NAME", "info", where, text))
    return findings
