"""What is found about one scan's mass and arteries once, whatever the snapshot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.lysis import find_lysis
from canalrisk.anatomy.spine import Distance, Spine
from canalrisk.findings import Finding
from canalrisk.morphometry.arteries import Vessels, prepare_vessels
from canalrisk.morphometry.density import measure_density
from canalrisk.morphometry.tissue import tissue_distance

# Bone missing beside the mass that is worth a Finding, mm3.
LYSIS_MM3 = 20.0


@dataclass(frozen=True, eq=False)
class Surroundings:
    """Vertebral arteries, soft tissue, and the variables of today's mass that growth does not change, with findings.

    `tissue` (nx, ny, nz) is the signed distance of labelled soft tissue that may narrow a foramen, mm.
    """

    vessels: Vessels
    today: dict[str, Any]
    findings: tuple[Finding, ...]
    tissue: Distance | None


def find_surroundings(
    spine: Spine,
    *,
    image: NDArray[np.float32] | None = None,
    artery_flags: Mapping[str, str] | None = None,
) -> Surroundings:
    """Find arteries, bone lost without infill, and the mass's density.

    Parameters
    ----------
    spine : Spine
        From `canalrisk.anatomy.build_spine`.
    image : (nx, ny, nz) ndarray of float32, optional
        CT on the spine's grid, HU.
    artery_flags : mapping, optional
        What angiography says of the vertebral arteries: ``left``, ``right`` to ``normal``, ``dominant``,
        ``hypoplastic``, ``single`` or ``absent``.

    Returns
    -------
    Surroundings
    """
    vessels = prepare_vessels(spine, flags=artery_flags)
    lysis = find_lysis(spine)
    density, noted = measure_density(spine, image)
    findings = [*vessels.findings, *lysis.findings, *noted]
    for level, lost in zip(spine.levels, lysis.volume.tolist(), strict=True):
        if lost > LYSIS_MM3:
            message = (
                f"{lost:.0f} mm3 of bone beside the mass is missing against the mirrored side, with no mass there."
            )
            findings.append(Finding("BONE-LYSIS", "warning", level, message))
    today = {"bone_lysed_mirror": lysis.volume, **density}
    return Surroundings(vessels, today, tuple(findings), tissue_distance(spine))
