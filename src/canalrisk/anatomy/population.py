"""What healthy cords and canals measure: one reader of the table of 203 adults."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import UsageError

SEXES: Final = ("F", "M")


@dataclass(frozen=True, eq=False)
class Population:
    """One quantity at one level over healthy adults: mm, mm2 or fractions.

    `percentiles` (k,) between 0 and 1, increasing, and their `values` (k,).
    """

    n: int
    mean: float
    sd: float
    percentiles: NDArray[np.float64]
    values: NDArray[np.float64]

    def z(self, x: float) -> float:
        """How many standard deviations `x` lies above the mean."""
        return (x - self.mean) / self.sd

    def percentile(self, x: float) -> float:
        """Share of healthy adults below `x`, between the table's outermost percentiles.

        What lies beyond them gets the outermost: 203 adults say no more of the tails.
        """
        return float(np.interp(x, self.values, self.percentiles)) if np.isfinite(x) else float("nan")


def population(level: str, quantity: str, *, sex: str | None = None) -> Population | None:
    """Healthy values of one quantity at one level.

    Parameters
    ----------
    level : str
        Vertebra (``C5``, `C1` to `T2`) or disc (``C5/6``, `C2/3` to `C7/T1`).
    quantity : str
        ``cord_area``, ``cord_ap``, ``cord_rl``, ``cord_eccentricity``, ``cord_compression_ratio``,
        ``cord_solidity``, ``cord_canal_ratio``, and ``canal_area``, ``canal_ap``, ``canal_rl``,
        ``canal_eccentricity``, ``canal_solidity`` of the Spinal Cord Toolbox's canal, which is near the dural sac.
    sex : {"F", "M"}, optional
        Both where not given. The source gives discs for both sexes together only: they serve for either.

    Returns
    -------
    Population or None
        None where the source has no such level or quantity.

    Raises
    ------
    UsageError
        If `sex` is none of them.

    Notes
    -----
    Age is not used: the adults are 19 to 52 years old (three quarters under 31), and from C2 to C7 no quantity of the
    cord correlates with age by more than |r| = 0.10, none of the canal by more than 0.24 (its width at C7).

    References
    ----------
    Valosek, Bedard et al. 2024, Imaging Neuroscience 2:1-15, doi:10.1162/imag_a_00075 (203 adults).
    """
    check_sex(sex)
    rows = _rows()
    return rows.get((level, sex or "all", quantity)) or rows.get((level, "all", quantity))


def check_sex(sex: str | None) -> None:
    """Refuse a sex that the table does not know.

    Raises
    ------
    UsageError
        If `sex` is neither ``F``, ``M`` nor None.
    """
    if sex not in (None, *SEXES):
        raise UsageError(f"sex {sex!r} is unknown", where="sex", fix='use "F" or "M", or leave it out')


def levels() -> tuple[str, ...]:
    """Levels of the table: vertebrae, then discs."""
    return tuple(dict.fromkeys(level for level, _, _ in _rows()))


@cache
def _rows() -> dict[tuple[str, str, str], Population]:
    text = (files("canalrisk.anatomy") / "data" / "healthy_morphometry.csv").read_text("utf-8")
    reader = csv.DictReader(line for line in text.splitlines() if not line.startswith("#"))
    found = {}
    for row in reader:
        known = {int(key[1:]) / 100: float(cell) for key, cell in row.items() if key[0] == "p" and cell}
        found[row["level"], row["sex"], row["quantity"]] = Population(
            n=int(row["n"]),
            mean=float(row["mean"]),
            sd=float(row["sd"]),
            percentiles=np.array(list(known)),
            values=np.array(list(known.values())),
        )
    return found
