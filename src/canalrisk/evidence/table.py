"""One reader for the evidence tables: a number never travels without its source and status."""

from __future__ import annotations

import csv
import difflib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from canalrisk.errors import UsageError
from canalrisk.findings import Finding

TABLES = ("risk", "materials", "mechanics")


@dataclass(frozen=True)
class Evidence:
    """One published (or assumed, or recalled) number.

    `value`, `low`, `high` and `sd` are NaN where the source gives none; `interval` says what `low` and `high`
    are (``95% CI``, ``range``, ``uniform`` ...). Units are those of the source: clinical percentages are
    percentages here and become fractions where they are used.
    """

    quantity: str
    value: float
    low: float
    high: float
    units: str
    n: int | None
    source: str
    status: str
    context: str
    sd: float = math.nan
    interval: str = ""
    doi_or_url: str = ""
    key: str = ""
    structure: str = ""
    level: str = ""


def keys(table: str) -> tuple[str, ...]:
    """Return every key of one table, in file order.

    Parameters
    ----------
    table : {"risk", "materials", "mechanics"}
        Table name.

    Returns
    -------
    tuple of str

    Raises
    ------
    UsageError
        Unknown table.
    """
    return tuple(_table(table))


def value(table: str, key: str) -> Evidence:
    """Return one row of the evidence.

    Parameters
    ----------
    table : {"risk", "materials", "mechanics"}
        Table name.
    key : str
        ``myelo.severe_opll.pct_decrease_cord_area.AUC``, ``A/white matter/mu``,
        ``CSA/spinal cord/mid-C5`` (quantity/structure/level; repeats carry ``#2``).

    Returns
    -------
    Evidence
        Units as in the source.

    Raises
    ------
    UsageError
        Unknown table or key; the message names the nearest key.
    """
    table_rows = _table(table)
    if key not in table_rows:
        raise UsageError(
            f"no evidence under the key '{key}'",
            where=f"table '{table}' of {len(table_rows)} rows",
            fix=_hint(key, table_rows),
        )
    return table_rows[key]


def rows(
    table: str,
    *,
    prefix: str = "",
    quantity: str | None = None,
    structure: str | None = None,
    level: str | None = None,
    status: str | None = None,
) -> tuple[Evidence, ...]:
    """Return the rows that match every given filter, in file order (possibly none).

    Parameters
    ----------
    table : {"risk", "materials", "mechanics"}
        Table name.
    prefix : str
        Start of the key.
    quantity, structure, level, status : str, optional
        Exact column values (`structure` and `level` exist in ``mechanics``; `structure` in ``materials``).

    Returns
    -------
    tuple of Evidence

    Raises
    ------
    UsageError
        Unknown table.
    """
    wanted = {"quantity": quantity, "structure": structure, "level": level, "status": status}
    given = {name: text for name, text in wanted.items() if text is not None}
    return tuple(
        row
        for key, row in _table(table).items()
        if key.startswith(prefix) and all(getattr(row, name) == text for name, text in given.items())
    )


def recalled_finding(evidence: Evidence, *, where: str = "") -> Finding | None:
    """Return the Finding that a recalled or assumed number must raise, or None for a sourced one.

    Parameters
    ----------
    evidence : Evidence
        The number used.
    where : str
        Where it was used; the key by default.

    Returns
    -------
    Finding or None
        ``EVIDENCE-RECALLED`` (warning) or ``EVIDENCE-ASSUMED`` (info).
    """
    if evidence.status not in ("RECALLED", "ASSUMED"):
        return None
    number = f"{evidence.value:g}" if not math.isnan(evidence.value) else f"{evidence.low:g} to {evidence.high:g}"
    name = evidence.key or evidence.quantity
    plain = name.replace("/", " ")
    if evidence.status == "RECALLED":
        return Finding(
            "EVIDENCE-RECALLED",
            "warning",
            where or name,
            f"{number} {evidence.units} for '{plain}' is quoted from memory and was not checked in its source.",
        )
    return Finding(
        "EVIDENCE-ASSUMED",
        "info",
        where or name,
        f"{number} {evidence.units} for '{plain}' is an assumption of this project: {evidence.context}.",
    )


def recalled_findings(evidence: Iterable[Evidence], *, where: str = "") -> tuple[Finding, ...]:
    """Return the Findings of `recalled_finding` for several numbers, without repeats, in order."""
    found = (recalled_finding(row, where=where) for row in evidence)
    return tuple(dict.fromkeys(finding for finding in found if finding is not None))


def _hint(key: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(key, list(known), n=1, cutoff=0.3)
    return f"did you mean '{near[0]}'?" if near else "list the keys with canalrisk.evidence.keys(table)"


def read_csv(table: str) -> tuple[dict[str, str], ...]:
    """Return the raw rows of one table as text.

    Raises
    ------
    UsageError
        Unknown table.
    """
    if table not in TABLES:
        raise UsageError(f"no evidence table '{table}'", where="evidence", fix=f"choose one of {', '.join(TABLES)}")
    text = files("canalrisk.evidence").joinpath("data", f"{table}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


def number(text: str) -> float:
    """Return the float in a cell, NaN for an empty one."""
    return float(text) if text else math.nan


@cache
def _table(table: str) -> Mapping[str, Evidence]:
    return MappingProxyType({row["key"]: _evidence(row) for row in read_csv(table)})


def _evidence(row: Mapping[str, str]) -> Evidence:
    return Evidence(
        quantity=row["quantity"],
        value=number(row["value"]),
        low=number(row["low"]),
        high=number(row["high"]),
        units=row["units"],
        n=int(row["n"]) if row["n"] else None,
        source=row["source"],
        status=row["status"],
        context="; ".join(part for part in (row["context"], row["uncertainty"]) if part),
        sd=number(row["sd"]),
        interval=row["interval"],
        doi_or_url=row["doi_or_url"],
        key=row["key"],
        structure=row.get("structure", ""),
        level=row.get("level", ""),
    )
