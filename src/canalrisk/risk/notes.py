"""Findings that every risk carries, whatever the case."""

from __future__ import annotations

from canalrisk import evidence
from canalrisk.findings import Finding
from canalrisk.risk.catalogue import NOT_CALIBRATED


def general_findings() -> list[Finding]:
    """Return the calibration note and the assumed priors, one Finding for all of them."""
    assumed = evidence.rows("risk", prefix="prior.", status="ASSUMED")
    false_finding = evidence.value("risk", "radic.mri.root_compression_without_clinical_substrate")
    return [
        Finding(
            "RISK-NOT-CALIBRATED",
            "serious",
            "risk",
            f"Every risk is {NOT_CALIBRATED}: no cohort with imaging and outcome exists; slopes come from OPLL, "
            "rheumatoid and degenerative series. Research use only.",
        ),
        Finding(
            "RISK-PRIORS-ASSUMED",
            "info",
            "evidence table 'risk', rows 'prior.'",
            f"{len(assumed)} quantities that no publication gives were drawn from stated priors; "
            "risk_myelopathy_prevalent_by_prior shows what hangs on them.",
        ),
        Finding(
            "RISK-FALSE-FINDING",
            "info",
            "foramina",
            f"{false_finding.value:.0%} of patients with radiculopathy also show a compressed root without clinical "
            "substrate (Kuijper 2011): reported beside the radiculopathy risk, not added to it.",
        ),
    ]
