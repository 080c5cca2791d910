"""What the clinic knows and no image holds: it leaves Findings and changes no number."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from canalrisk.errors import UsageError
from canalrisk.findings import Finding

CLINICAL_KEYS = (
    "mjoa",
    "t2_signal",
    "radicular_signs",
    "sep_mep_abnormal",
    "duration_years",
    "sex",
    "disease",
    "vertebral_artery",
)


def clinical_findings(clinical: Mapping[str, Any] | None) -> list[Finding]:
    """Return what the clinical facts mean for reading the risks.

    Parameters
    ----------
    clinical : mapping or None
        Keys of `CLINICAL_KEYS`.

    Raises
    ------
    UsageError
        Unknown key, or an mJOA outside 0-18.

    Notes
    -----
    Bednarik 2008: radiculopathy and abnormal evoked potentials predicted early, T2 signal late onset; the
    coefficients were not published, so they cannot be applied.
    """
    facts = dict(clinical or {})
    for key in facts:
        if key not in CLINICAL_KEYS:
            near = difflib.get_close_matches(key, CLINICAL_KEYS, n=1, cutoff=0.4)
            fix = f"did you mean '{near[0]}'?" if near else f"use {', '.join(CLINICAL_KEYS)}"
            raise UsageError(f"unknown clinical key '{key}'", where="clinical", fix=fix)
    found = []
    mjoa = facts.get("mjoa")
    if mjoa is not None:
        if not 0 <= float(mjoa) <= 18:
            raise UsageError(f"mJOA {mjoa} is not between 0 and 18", where="clinical", fix="give the total score")
        if float(mjoa) <= 17:
            found.append(
                Finding(
                    "RISK-STATE-KNOWN",
                    "serious",
                    f"mJOA {float(mjoa):g}",
                    "The patient already has the endpoint of the prevalent model (mJOA <= 17): the prevalent risk "
                    "answers a question that the examination has answered.",
                )
            )
    early = [key for key in ("radicular_signs", "sep_mep_abnormal", "t2_signal") if facts.get(key)]
    if early:
        found.append(
            Finding(
                "RISK-MODIFIER-NOT-APPLIED",
                "warning",
                ", ".join(early),
                "Known to bring myelopathy forward or to go with it (Bednarik 2008), but without published "
                "coefficients: the incident risk is an average over patients with and without it.",
            )
        )
    return found
