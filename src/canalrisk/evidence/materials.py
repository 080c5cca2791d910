"""Published material sets A (default), B (stiff bracket) and C (soft bracket), by structure."""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from canalrisk.errors import UsageError
from canalrisk.evidence.table import Evidence, number, read_csv, recalled_findings, value
from canalrisk.findings import Finding


@dataclass(frozen=True)
class Structure:
    """One structure of a material set.

    `parameters` maps ``mu``, ``alpha``, ``E``, ``nu`` to Evidence in the source's units; `thickness` (mm) is
    given for membranes and None otherwise; it has its own status, usually weaker than the modulus.
    """

    name: str
    law: str
    parameters: Mapping[str, Evidence]
    thickness: Evidence | None

    def parameter(self, name: str) -> Evidence:
        """Return one parameter.

        Raises
        ------
        UsageError
            The set gives no such parameter for this structure.
        """
        if name not in self.parameters:
            raise UsageError(
                f"'{self.name}' has no parameter '{name}'",
                where=f"law '{self.law}'",
                fix=f"it has {', '.join(self.parameters) or 'none'}",
            )
        return self.parameters[name]

    def mpa(self, name: str) -> float:
        """Return a modulus in MPa (or a pure number), converted from the source's units."""
        row = self.parameter(name)
        return row.value * {"kPa": 1e-3, "MPa": 1.0, "GPa": 1e3, "1": 1.0}[row.units]

    @property
    def status(self) -> str:
        """Weakest status among parameters and thickness."""
        all_rows = [*self.parameters.values(), *([self.thickness] if self.thickness else [])]
        return "RECALLED" if any(row.status == "RECALLED" for row in all_rows) else "VERIFIED"

    def findings(self, *, where: str = "") -> tuple[Finding, ...]:
        """Return one Finding per recalled number of this structure."""
        all_rows = [*self.parameters.values(), *([self.thickness] if self.thickness else [])]
        return recalled_findings(all_rows, where=where or self.name)


@dataclass(frozen=True)
class MaterialSet:
    """A material set; index it by structure name: ``material_set("A")["white matter"]``."""

    name: str
    structures: Mapping[str, Structure]

    def __getitem__(self, structure: str) -> Structure:
        if structure not in self.structures:
            near = difflib.get_close_matches(structure, self.structures, n=1, cutoff=0.4)
            raise UsageError(
                f"material set {self.name} has no structure '{structure}'",
                where="evidence/data/materials.csv",
                fix=f"did you mean '{near[0]}'?" if near else f"it has {', '.join(self.structures)}",
            )
        return self.structures[structure]

    def __contains__(self, structure: object) -> bool:
        return structure in self.structures

    def __iter__(self) -> Iterator[str]:
        return iter(self.structures)


def material_sets() -> tuple[str, ...]:
    """Return the names of the material sets: A (default), B, C."""
    return tuple(sorted({row["set"] for row in read_csv("materials")} - {"any"}))


@cache
def material_set(name: str) -> MaterialSet:
    """Return one material set by structure and parameter.

    Parameters
    ----------
    name : {"A", "B", "C"}
        A: Ogden cord of J Orthop Surg Res 2021 16:737 (default); B: stiff linear bracket (RECALLED);
        C: soft linear bracket (porcine indentation). The rigid mass is in every set.

    Returns
    -------
    MaterialSet

    Raises
    ------
    UsageError
        Unknown set.
    """
    if name not in material_sets():
        raise UsageError(
            f"no material set '{name}'", where="evidence/data/materials.csv", fix=f"choose {', '.join(material_sets())}"
        )
    table = [row for row in read_csv("materials") if row["set"] in (name, "any")]
    structures: dict[str, Structure] = {}
    for structure in dict.fromkeys(row["structure"] for row in table):
        mine = [row for row in table if row["structure"] == structure]
        parameters = {
            row["quantity"]: value("materials", row["key"]) for row in mine if not math.isnan(number(row["value"]))
        }
        thickness = next((_thickness(row) for row in mine if row["thickness_mm"]), None)
        structures[structure] = Structure(structure, mine[0]["law"], MappingProxyType(parameters), thickness)
    return MaterialSet(name, MappingProxyType(structures))


def _thickness(row: Mapping[str, str]) -> Evidence:
    return Evidence(
        quantity="thickness",
        value=number(row["thickness_mm"]),
        low=number(row["thickness_low"]),
        high=number(row["thickness_high"]),
        units="mm",
        n=None,
        source=row["source"],
        status=row["thickness_status"],
        context="membrane thickness",
        interval="range",
        doi_or_url=row["doi_or_url"],
        key=f"{row['set']}/{row['structure']}/thickness",
        structure=row["structure"],
    )
