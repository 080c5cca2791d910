"""Cervical roots on their way out: path, thickness and dorsal ganglion, as data for the mechanics."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from canalrisk import evidence
from canalrisk.anatomy.sections import sample_planes
from canalrisk.anatomy.spine import Array, Foramen, Spine
from canalrisk.findings import Finding

# Outside the foramen only C5 to C7 were measured: a root takes the nearest one's diameter.
_OUTSIDE = {"C3": "C5", "C4": "C5", "C5": "C5", "C6": "C6", "C7": "C7", "C8": "C7"}
# From the ganglion's end to the trunk's own width.
_TAPER_MM = 3.0
# A root keeps at least this much radius however narrow its foramen is.
_LEAST_MM = 0.3
_TOLD_SHARE = 0.8


@dataclass(frozen=True, eq=False)
class Root:
    """One root from the sac to beyond the facet.

    `name` ``C8``, `foramen` ``C7/T1``, `side` of the patient; `path` (n, 3) mm from the sac outwards, `s` (n,) arc
    length along it; `radius` (n,) mm of a round root, never more than the distance to bone or disc; `published` (n,) mm
    the same without that bound; `ganglion` (start, end) of the dorsal ganglion along `s`, mm.
    """

    name: str
    foramen: str
    side: str
    path: Array
    s: Array
    radius: Array
    published: Array
    ganglion: tuple[float, float]


def roots_of(spine: Spine) -> tuple[tuple[Root, ...], tuple[Finding, ...]]:
    """Lay a root through every foramen.

    Parameters
    ----------
    spine : Spine
        With foramina, canal, bone and discs.

    Returns
    -------
    roots : tuple of Root
        In the order of ``spine.foramina``.
    findings : tuple of Finding
        What rests on recalled numbers; roots that their foramen leaves less than 0.8 of the published thickness.

    Notes
    -----
    Width at the foramen's entry and greatest width: 11 cadavers (evidence ``root_width_at_foramen_entry``,
    ``root_max_width``); outside: ultrasound of 219 people (``root_diameter_outside``). The greatest width is taken to
    be the ganglion's. Where the ganglion lies is recalled: proximal and distal ganglia both are common (Yabuki and
    Kikuchi 1996, Spine 21:1513).
    """
    used = [_row("ganglion_length", "C"), _row("ganglion_centre_from_pedicle_line", "C")]
    roots, squeezed = [], []
    for foramen in spine.foramina:
        root = _root(foramen, spine, length=used[0].value, centre=used[1].value)
        roots.append(root)
        if float((root.radius / root.published).min()) < _TOLD_SHARE:
            squeezed.append(f"{root.name} {root.side}")
    findings = list(evidence.recalled_findings(used, where="roots")) if roots else []
    if squeezed:
        message = (
            f"The published thickness of {', '.join(squeezed)} does not fit between bone and discs as a round root; "
            "it is made thinner there (real roots are flat)."
        )
        findings.append(Finding("ROOT-THINNED", "info", "roots", message))
    return tuple(roots), tuple(findings)


def _row(quantity: str, level: str) -> evidence.Evidence:
    (row,) = evidence.rows("mechanics", quantity=quantity, level=level)
    return row


def _root(foramen: Foramen, spine: Spine, *, length: float, centre: float) -> Root:
    path = foramen.path
    s = np.concatenate(([0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))))
    depth = sample_planes(spine.canal, grid=spine.grid, points=path)
    inside = np.flatnonzero(depth <= 0)
    entry = float(s[inside[-1]]) if len(inside) else 0.0
    pedicles = 0.5 * (foramen.pedicle_above + foramen.pedicle_below)
    middle = float(s[np.argmin(np.linalg.norm(path - pedicles, axis=1))]) + centre
    # Not in the canal: ganglia of the cervical roots lie in the foramen or beyond.
    start = min(max(entry, middle - 0.5 * length), float(s[-1]) - length)
    end = start + length
    widths = [
        _row("root_width_at_foramen_entry", foramen.root).value,
        _row("root_max_width", foramen.root).value,
        _row("root_diameter_outside", _OUTSIDE[foramen.root]).value,
    ]
    at = [min(entry, start - 0.5), start, end, end + _TAPER_MM]
    published = 0.5 * np.interp(s, at, [widths[0], widths[1], widths[1], widths[2]])
    wall = sample_planes(spine.bone, grid=spine.grid, points=path)
    if spine.disc is not None:
        wall = np.minimum(wall, sample_planes(spine.disc, grid=spine.grid, points=path))
    radius = np.minimum(published, np.maximum(wall, _LEAST_MM))
    return Root(foramen.root, foramen.name, foramen.side, path, s, radius, published, (start, end))
