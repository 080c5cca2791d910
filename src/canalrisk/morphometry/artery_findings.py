"""What a reader must know of the vertebral arteries beside a mass."""

from __future__ import annotations

from typing import cast

import numpy as np
import xarray as xr

from canalrisk.anatomy.arteries import SIDES
from canalrisk.evidence import value
from canalrisk.findings import Finding, Severity


def vessel_findings(dataset: xr.Dataset) -> tuple[Finding, ...]:
    """Say what a reader must know of the arteries beside a mass.

    Parameters
    ----------
    dataset : xarray.Dataset
        From `canalrisk.morphometry.measure`; one time only.

    Returns
    -------
    tuple of Finding
        ``ARTERY-SOLE-SUPPLY`` (serious), ``ARTERY-SINGLE``, ``ARTERY-DOMINANT-AT-MASS``, ``ARTERY-ENCASED`` (serious),
        ``ARTERY-ABUTTED``.
    """
    findings = []
    for k, side in enumerate(SIDES):
        flag, evidence = (str(dataset[name].values[k]) for name in ("artery_flag", "artery_flag_evidence"))
        at_mass = str(dataset["mass_side"].item()) in (side, "both")
        where, near = f"artery {side}", _nearness(dataset, k)
        if flag == "single":
            findings.append(_single(side, evidence, near, at_mass=at_mass))
        elif flag == "dominant" and at_mass:
            message = f"The mass lies on the side of the dominant vertebral artery ({evidence}).{near}"
            findings.append(Finding("ARTERY-DOMINANT-AT-MASS", "warning", where, message))
        angle = float(dataset["artery_encasement"].values[k])
        limit = value("risk", "vessel.encasement.angle")
        if angle > 0:
            much = angle > limit.value
            name, than = ("encasement", "more") if much else ("abutment", "less")
            message = (
                f"The mass lies on the vertebral artery over {angle:.0f} degrees of its circumference ({name}: {than} "
                f"than {limit.value:g} degrees, a convention from pancreatic cancer).{near}"
            )
            code, severity = ("ARTERY-ENCASED", "serious") if much else ("ARTERY-ABUTTED", "warning")
            findings.append(Finding(code, cast(Severity, severity), where, message))
    return tuple(findings)


def _single(side: str, evidence: str, near: str, *, at_mass: bool) -> Finding:
    known = (
        "The clinic says that this vertebral artery alone feeds the basilar artery"
        if evidence == "clinical"
        else f"Only the {side} vertebral artery is labelled; if there is no other, it alone feeds the basilar artery"
    )
    if at_mass:
        return Finding(
            "ARTERY-SOLE-SUPPLY", "serious", f"artery {side}", f"{known}, and the mass lies on its side.{near}"
        )
    return Finding("ARTERY-SINGLE", "warning", f"artery {side}", f"{known}.{near}")


def _nearness(dataset: xr.Dataset, k: int) -> str:
    gap = float(dataset["artery_clearance"].values[k])
    if not np.isfinite(gap):
        return ""
    level = str(dataset["artery_clearance_level"].values[k])
    how = f"{gap:.1f} mm away" if gap > 0 else f"{-gap:.1f} mm over it"
    return f" The mass is {how} at {level} today."
