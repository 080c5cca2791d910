"""How well the package's compression indices tell compressed from other slices in the DCM slice table.

usage: python benchmarks/compressed_slices.py FOLDER [--markdown]

FOLDER holds cord_compression_per_slice_PAM50.csv.gz: shape of 12 057 cord slices in template space, 112 of them marked
as compressed by hand. It has no subject key, but its rows fall into 42 runs of consecutive slices, each of which is
taken for one scan: intervals resample scans, because neighbouring slices say nearly the same thing. References of
the MSCC lie within the run too.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canalrisk.anatomy.population import population
from canalrisk.morphometry.sct import sct_compromise

Array = NDArray[np.float64]

FILE = "cord_compression_per_slice_PAM50.csv.gz"
LEVELS = ("C1", "C2", "C3", "C4", "C5", "C6", "C7", "T1", "T2")
SLICE_MM = 0.5
DRAWS = 10_000


@dataclass(frozen=True)
class Separation:
    """Area under the ROC curve of one index.

    `low`, `high`: 95 % interval over scans; `level`: among slices of the same vertebral level; `spread`: 95 % half
    width if slices were independent (DeLong).
    """

    name: str
    auc: float
    low: float
    high: float
    level: float
    spread: float


def read(folder: Path) -> dict[str, Array]:
    """Columns of the slices between C1 and T2, with the number of the run that each belongs to as `scan`."""
    with gzip.open(folder / FILE, "rt") as file:
        rows = list(csv.DictReader(file))
    table = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    table["scan"] = np.concatenate(([0.0], np.cumsum(np.diff(table["slice"]) != 1)))
    kept = table["VertLevel"] <= len(LEVELS)
    return {name: column[kept] for name, column in table.items()}


def indices(table: dict[str, Array]) -> dict[str, Array]:
    """Our indices of every slice, signed so that more is more compressed."""
    ratio = table["diameter_AP"] / table["diameter_RL"]
    return {
        "compression ratio AP/RL": -ratio,
        "compression ratio, z-score": -z_scores(ratio, table, "cord_compression_ratio"),
        "AP diameter": -table["diameter_AP"],
        "AP diameter, z-score": -z_scores(table["diameter_AP"], table, "cord_ap"),
        "area": -table["area"],
        "area, z-score": -z_scores(table["area"], table, "cord_area"),
        "transverse diameter, z-score": -z_scores(table["diameter_RL"], table, "cord_rl"),
        "eccentricity": table["eccentricity"],
        "solidity": -table["solidity"],
        "solidity, z-score": -z_scores(table["solidity"], table, "cord_solidity"),
        "MSCC as the Spinal Cord Toolbox, within the run": mscc(table),
    }


def z_scores(values: Array, table: dict[str, Array], quantity: str) -> Array:
    """Against the healthy adults of the same vertebral level."""
    healthy = [population(level, quantity) for level in LEVELS]
    at = table["VertLevel"].astype(int) - 1
    mean, sd = (np.array([getattr(one, part) for one in healthy]) for part in ("mean", "sd"))
    return (values - mean[at]) / sd[at]


def mscc(table: dict[str, Array]) -> Array:
    """Maximum spinal cord compression with every slice in turn as the site."""
    found = np.full(len(table["scan"]), np.nan)
    for scan in np.unique(table["scan"]):
        here = np.flatnonzero(table["scan"] == scan)
        s = SLICE_MM * table["slice"][here]
        for k in range(len(here)):
            found[here[k]] = sct_compromise(table["diameter_AP"][here], k, s=s)[0]
    return found


def separation(name: str, score: Array, table: dict[str, Array], *, seed: int = 0) -> Separation:
    """Area under the curve of one score and its uncertainty."""
    known = np.isfinite(score)
    score, case = score[known], table["is_compressed"][known] > 0
    scan = np.unique(table["scan"][known], return_inverse=True)[1]
    level = table["VertLevel"][known]
    place = np.searchsorted(np.sort(score[~case]), score[case], "left") + np.searchsorted(
        np.sort(score[~case]), score[case], "right"
    )
    auc = float(place.mean() / (2 * (~case).sum()))
    # Wins of the compressed slices of scan i over the others of scan j: a resampled AUC is a ratio of two forms.
    count = scan.max() + 1
    wins = np.zeros((count, count))
    for i in np.unique(scan[case]):
        mine = score[case & (scan == i)][:, None]
        better = (mine > score[~case]) + 0.5 * (mine == score[~case])
        wins[i] = np.bincount(scan[~case], better.sum(axis=0), minlength=count)
    cases, others = (np.bincount(scan[which], minlength=count) for which in (case, ~case))
    weight = np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), size=DRAWS).astype(float)
    drawn = weight[weight @ cases > 0]
    aucs = np.einsum("ti,ij,tj->t", drawn, wins, drawn) / ((drawn @ cases) * (drawn @ others))
    low, high = np.percentile(aucs, [2.5, 97.5])
    return Separation(name, auc, float(low), float(high), _same_level(score, case, level), _delong(score, case))


def _same_level(score: Array, case: NDArray[np.bool_], level: Array) -> float:
    wins = pairs = 0.0
    for one in np.unique(level[case]):
        mine, other = score[case & (level == one)][:, None], score[~case & (level == one)]
        wins += float(((mine > other) + 0.5 * (mine == other)).sum())
        pairs += mine.size * other.size
    return wins / pairs


def _delong(score: Array, case: NDArray[np.bool_]) -> float:
    """1.96 standard errors after DeLong, DeLong and Clarke-Pearson 1988, Biometrics 44:837-845."""
    pairs = (score[case][:, None] > score[~case]) + 0.5 * (score[case][:, None] == score[~case])
    spread = pairs.mean(axis=1).var(ddof=1) / case.sum() + pairs.mean(axis=0).var(ddof=1) / (~case).sum()
    return float(1.96 * np.sqrt(spread))


def main(arguments: list[str] | None = None) -> list[Separation]:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args(arguments)
    table = read(options.folder)
    found = [separation(name, score, table) for name, score in indices(table).items()]
    scans, marked = (len(np.unique(table["scan"][which])) for which in (slice(None), table["is_compressed"] > 0))
    print(
        f"{len(table['slice'])} slices C1 to T2, {int(table['is_compressed'].sum())} compressed; "
        f"{scans} runs, {marked} with compressed slices\n"
    )
    between = " | " if options.markdown else "  "
    edge = "| " if options.markdown else ""
    print(f"{edge}{'index':<48}{between}AUC  {between}over scans   {between}same level{between}slices alone")
    if options.markdown:
        print("|---|---|---|---|---|")
    for one in found:
        print(
            f"{edge}{one.name:<48}{between}{one.auc:.3f}{between}{one.low:.2f} to {one.high:.2f} {between}"
            f"{one.level:.3f}     {between}+-{one.spread:.3f}"
        )
    return found


if __name__ == "__main__":
    main()
