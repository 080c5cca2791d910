"""A neck as a label map: bone, discs, canal contents, flavum, roots and arteries."""

from __future__ import annotations

import numpy as np

from canalrisk.findings import Finding
from canalrisk.imaging.labelmap import LabelMap, LabelTable
from canalrisk.phantom.model import Model, build_model
from canalrisk.phantom.neck import DISCS, Neck
from canalrisk.phantom.published import assumed_spread_finding, recalled_findings
from canalrisk.phantom.soft import (
    ARTERY,
    CORD,
    CSF,
    DISC,
    EPIDURAL,
    FLAVUM,
    MASS,
    ROOT,
    Arteries,
    paint_routes,
    paint_soft,
)

_LEVEL_VALUE = {"C1": 1, "C2": 2, "C3": 3, "C4": 4, "C5": 5, "C6": 6, "C7": 7, "T1": 8}


def label_table() -> LabelTable:
    """Return the label table of phantoms, named ``canalrisk``."""
    entries = {value: f"vertebra:{level}" for level, value in _LEVEL_VALUE.items()}
    entries |= {CORD: "cord", EPIDURAL: "epidural", CSF: "csf", FLAVUM: "flavum", MASS: "mass"}
    entries |= {value: f"artery:{side}" for side, value in ARTERY.items()}
    entries |= {DISC + i: f"disc:{name}" for i, name in enumerate(DISCS)}
    entries |= {base + n: f"root:C{n}:{side}" for side, base in ROOT.items() for n in range(3, 9)}
    return LabelTable("canalrisk", "1", entries, "canalrisk.phantom")


def voxelise(neck: Neck, *, spacing: float = 0.5, arteries: Arteries = "both") -> LabelMap:
    """Evaluate a neck on an isotropic RAS+ grid.

    Parameters
    ----------
    neck : Neck
        Dimensions, from `sample_neck`.
    spacing : float
        Voxel edge, mm; 0.3 to 1.5.
    arteries : {"both", "left-only", "right-only"}
        Vertebral arteries present.

    Returns
    -------
    LabelMap
        Labels of `label_table`; no mass. C5's body centre is the world origin. Findings name every
        dimension that rests on a recalled number, and every spread that was assumed.

    Raises
    ------
    UsageError
        If the spacing is outside its range, or `arteries` is not known.
    """
    return label(build_model(neck, spacing=spacing), arteries=arteries)


def label(model: Model, *, arteries: Arteries = "both") -> LabelMap:
    """Return the label map of an evaluated neck."""
    labels = np.zeros(model.grid.shape, np.int16)
    paint_soft(labels, model)
    paint_routes(labels, model, arteries=arteries)
    solid = (model.bone < 0.0) & (model.owner > 0)
    labels[solid] = model.owner[solid] + 1
    labels[model.tube.canal < 0.0] = EPIDURAL
    labels[model.tube.sac < 0.0] = CSF
    labels[model.tube.cord < 0.0] = CORD
    source = {"phantom": f"seed {model.neck.seed}"}
    return LabelMap(labels, model.grid, label_table(), source=source, findings=_findings())


def _findings() -> tuple[Finding, ...]:
    made = Finding("PHANTOM", "info", "whole map", "This neck was generated from published morphometry; it is nobody.")
    return (made, assumed_spread_finding(), *recalled_findings())
