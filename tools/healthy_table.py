"""Derive `anatomy/data/healthy_morphometry.csv` from the tables of 203 healthy adults.

Usage: python tools/healthy_table.py FOLDER > src/canalrisk/anatomy/data/healthy_morphometry.csv
with FOLDER holding healthy_controls_per_subject_level.csv (one row per subject and vertebral level) and
healthy_controls_per_PAM50_slice_percentiles.csv (percentiles over subjects per template slice).
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

PERCENTILES = (1, 5, 10, 25, 50, 75, 90, 95, 99)
# Our names of the source's columns. "canal" is what the Spinal Cord Toolbox segments on T2w images.
COLUMNS = {
    "area_cord": "cord_area",
    "AP_cord": "cord_ap",
    "RL_cord": "cord_rl",
    "ecc_cord": "cord_eccentricity",
    "solidity_cord": "cord_solidity",
    "area_canal": "canal_area",
    "AP_canal": "canal_ap",
    "RL_canal": "canal_rl",
    "ecc_canal": "canal_eccentricity",
    "solidity_canal": "canal_solidity",
    "cord_to_canal_area_ratio": "cord_canal_ratio",
}
LEVELS = ("C1", "C2", "C3", "C4", "C5", "C6", "C7", "T1", "T2")
DISCS = {"C2/3": "C2", "C3/4": "C3", "C4/5": "C4", "C5/6": "C5", "C6/7": "C6", "C7/T1": "C7"}
# Template slices are 0.5 mm apart: 2.5 mm about a disc.
HALF_SLICES = 2
# 5th to 95th percentile of a normal distribution, in standard deviations.
WIDTH_90 = 3.2897

HEADER = """\
# Healthy cord and canal per vertebral level and disc, 203 adults of 19-52 years (spine-generic), over subjects.
# Derived by tools/healthy_table.py from github spinalcordtoolbox/PAM50-normalized-metrics (commit 61c5a21), MIT licence
# (healthy_morphometry.LICENSE). Valosek, Bedard et al. 2024, Imaging Neuroscience 2:1-15, doi:10.1162/imag_a_00075.
# Units: mm, mm2, fractions; diameters are axes of the ellipse of equal second moments. Status: DERIVED.
# "canal" is the canal of the Spinal Cord Toolbox on T2w images, near the dural sac, not the bony canal.
# Vertebral levels: medians over a subject's slices of the level. Discs: mean of five template slices, the median over
# subjects for the mean and (p95 - p05) / 3.29 for the standard deviation; both sexes only."""


def main() -> None:
    """Write the table to standard output."""
    folder = Path(sys.argv[1])
    write = csv.writer(sys.stdout, lineterminator="\n").writerow
    sys.stdout.write(HEADER + "\n")
    write(["level", "sex", "quantity", "n", "mean", "sd", *(f"p{p:02d}" for p in PERCENTILES)])
    for row in (*of_levels(folder), *of_discs(folder)):
        write(row)


def of_levels(folder: Path) -> Iterator[list[str]]:
    """Rows of the vertebral levels, both sexes and each."""
    with (folder / "healthy_controls_per_subject_level.csv").open() as file:
        subjects = list(csv.DictReader(file))
    for level in LEVELS:
        for sex in ("all", "F", "M"):
            chosen = [row for row in subjects if row["level"] == level and sex in ("all", row["sex"])]
            values = {name: np.array([float(row[column]) for row in chosen]) for column, name in COLUMNS.items()}
            values["cord_compression_ratio"] = values["cord_ap"] / values["cord_rl"]
            for name, x in values.items():
                numbers = [x.mean(), x.std(ddof=1), *np.percentile(x, PERCENTILES)]
                yield [level, sex, name, str(len(x)), *(f"{v:.4g}" for v in numbers)]


def of_discs(folder: Path) -> Iterator[list[str]]:
    """Rows of the discs, which the first table does not have."""
    with (folder / "healthy_controls_per_PAM50_slice_percentiles.csv").open() as file:
        slices = list(csv.DictReader(file))
    for disc, above in DISCS.items():
        lowest = min(int(row["slice"]) for row in slices if row["level"] == above)
        near = [row for row in slices if abs(int(row["slice"]) - lowest) <= HALF_SLICES]
        for column, name in COLUMNS.items():
            if f"{column}_p50" not in near[0]:
                continue
            known = {p: np.mean([float(row[f"{column}_p{p:02d}"]) for row in near]) for p in (5, 25, 50, 75, 95)}
            n = min(int(row["n_canal" if "canal" in column else "n_cord"]) for row in near)
            numbers = [known[50], (known[95] - known[5]) / WIDTH_90]
            cells = [f"{known[p]:.4g}" if p in known else "" for p in PERCENTILES]
            yield [disc, "all", name, str(n), *(f"{v:.4g}" for v in numbers), *cells]


if __name__ == "__main__":
    main()
