"""Findings: what a reader of the numbers must know, as data and not as log lines."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["info", "warning", "serious"]


@dataclass(frozen=True)
class Finding:
    """One thing a reader of the numbers must know.

    Parameters
    ----------
    code : str
        Stable, upper case, hyphenated: ``MCC-ONE-SIDED``.
    severity : {"info", "warning", "serious"}
        `serious` findings head the report.
    where : str
        Level, side, label or file name. Never a path.
    message : str
        One sentence for a clinician or an engineer.
    """

    code: str
    severity: Severity
    where: str
    message: str

    def as_dict(self) -> dict[str, str]:
        """Return the finding as a plain dictionary, ready for JSON."""
        return asdict(self)
