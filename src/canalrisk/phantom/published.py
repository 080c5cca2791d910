"""The published dimensions that healthy necks are drawn from, with source and status of each."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby

from canalrisk.findings import Finding


@dataclass(frozen=True)
class Published:
    """One row of the table.

    Parameters
    ----------
    quantity, level : str
        What and where; level ``all`` holds for every vertebra.
    mean, sd : float
        In `units`; sd is 0 where the source gives none.
    units : str
        ``mm``, ``mm2``, ``deg`` or ``-``.
    status : {"VERIFIED", "DERIVED", "RECALLED"}
        How far the mean can be trusted: read in the source, computed from such numbers, from memory.
    sd_status : str
        The same for the sd; ``ASSUMED`` where the source gives none, or only one pooled over levels, and
        a smaller spread between people was chosen. Empty where sd is 0.
    source : str
        Where it comes from.
    """

    quantity: str
    level: str
    mean: float
    sd: float
    units: str
    status: str
    sd_status: str
    source: str


@cache
def table() -> dict[tuple[str, str], Published]:
    """Return every row by (quantity, level)."""
    text = files("canalrisk.phantom").joinpath("data/published.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return {
        (r["quantity"], r["level"]): Published(
            r["quantity"],
            r["level"],
            float(r["mean"]),
            float(r["sd"] or 0.0),
            r["units"],
            r["status"],
            r["sd_status"],
            r["source"],
        )
        for r in rows
    }


def published(quantity: str, level: str = "all") -> Published:
    """Return the row of a quantity at a level (or its row for all levels).

    Raises
    ------
    KeyError
        If the table has neither.
    """
    rows = table()
    return rows[quantity, level] if (quantity, level) in rows else rows[quantity, "all"]


def recalled_findings() -> tuple[Finding, ...]:
    """Return one Finding per quantity whose number stands on memory alone."""
    rows = sorted((r for r in table().values() if r.status == "RECALLED"), key=lambda r: r.quantity)
    return tuple(
        Finding(
            "PHANTOM-RECALLED",
            "info",
            f"{quantity} at {', '.join(r.level for r in group)}",
            f"The phantom's {quantity.replace('_', ' ')} rests on a recalled, unverified number.",
        )
        for quantity, rows_of in groupby(rows, key=lambda r: r.quantity)
        for group in [list(rows_of)]
    )


def assumed_spread_finding() -> Finding:
    """Return the Finding that names the quantities whose spread between people was assumed."""
    quantities = sorted({row.quantity for row in table().values() if row.sd_status == "ASSUMED"})
    return Finding(
        "PHANTOM-ASSUMED-SPREAD",
        "info",
        ", ".join(quantities),
        "The phantom's spread of these dimensions between people was assumed; only their means are published.",
    )
