"""Errors of `measure` on the analytic neck against closed forms, by voxel size and pose.

    python benchmarks/accuracy.py OUT.csv [0.3 0.5 0.8 slices] [--poses 3]
    python benchmarks/accuracy.py OUT.csv --figure docs/accuracy.png

The neck is that of tests/anatomy/torus.py: an elliptic canal, sac and cord about an arc, foramina that are tubes with a
waist, a ball of 6 mm radius on the canal's posterior wall. Each pose is a scanner's grid: upright (slices: the thick
axis along each of the patient's axes) or turned at random. One line per pose and quantity is appended to OUT.csv as
soon as it is known, poses already there are skipped; then the worst and the mean error per quantity are printed.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

TESTS = Path(__file__).parents[1] / "tests"
sys.path[:0] = [str(TESTS / "anatomy"), str(TESTS / "morphometry")]

import known_neck  # noqa: E402

COLUMNS = ("spacing", "pose", "quantity", "worst", "mean")
GROUPS = {
    "areas and volumes, %": ("canal_area", "sac_area", "cord_area", "foramen_area", "mass_volume"),
    "diameters and clearances, mm": (
        "canal_ap",
        "canal_rl",
        "cord_ap",
        "cord_rl",
        "foramen_height",
        "foramen_width",
        "mass_cord_clearance",
        "sac_min",
    ),
}


def poses(name: str, count: int) -> dict[str, known_neck.Pose]:
    spacing = known_neck.SPACINGS[name]
    if name == "slices":
        upright = {
            f"thick {axis}": known_neck.upright(spacing, slices_along=k)
            for k, axis in enumerate(("right", "anterior", "cranial"))
        }
    else:
        upright = {"upright": known_neck.upright(spacing)}
    return upright | {f"oblique {seed}": known_neck.oblique(spacing, seed=seed) for seed in range(count)}


def add(path: Path, name: str, label: str, pose: known_neck.Pose) -> None:
    begin = time.perf_counter()
    found = known_neck.errors(known_neck.measured(known_neck.scanned(pose)))
    with path.open("a", newline="") as file:
        rows = csv.writer(file)
        for quantity, error in found.items():
            rows.writerow((name, label, quantity, f"{np.abs(error).max():.5f}", f"{error.mean():.5f}"))
    print(f"{name} {label}: {time.perf_counter() - begin:.0f} s", flush=True)


def read(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        path.write_text(",".join(COLUMNS) + "\n")
    with path.open() as file:
        return list(csv.DictReader(file))


def table(rows: list[dict[str, str]]) -> dict[tuple[str, str], tuple[float, float]]:
    """Worst error and worst mean over the poses, by quantity and spacing; areas and volumes in per cent."""
    out: dict[tuple[str, str], tuple[float, float]] = {}
    for row in rows:
        scale = 100.0 if "area" in row["quantity"] or "volume" in row["quantity"] else 1.0
        key = row["quantity"], row["spacing"]
        worst, mean = scale * float(row["worst"]), scale * float(row["mean"])
        before = out.get(key, (0.0, 0.0))
        out[key] = max(before[0], worst), mean if abs(mean) > abs(before[1]) else before[1]
    return out


def show(rows: list[dict[str, str]]) -> None:
    values = table(rows)
    names = [name for name in known_neck.SPACINGS if any(row["spacing"] == name for row in rows)]
    print("\n| quantity | " + " | ".join(names) + " |\n|---|" + "---|" * len(names))
    for quantity in dict.fromkeys(row["quantity"] for row in rows):
        unit = "%" if "area" in quantity or "volume" in quantity else "mm"
        cells = [
            "{:.2f} ({:+.2f})".format(*values[quantity, name]) if (quantity, name) in values else "" for name in names
        ]
        print(f"| `{quantity}`, {unit} | " + " | ".join(cells) + " |")


def draw(rows: list[dict[str, str]], path: Path) -> None:
    values = table(rows)
    names = [name for name in known_neck.SPACINGS if any(row["spacing"] == name for row in rows)]
    labels = ["0.4 x 0.4\nx 1.5" if name == "slices" else name for name in names]
    figure, axes = plt.subplots(1, len(GROUPS), figsize=(10.0, 4.2), layout="constrained")
    limits = {"areas and volumes, %": (1, 1, 2, 1), "diameters and clearances, mm": (0.1, 0.1, 0.2, 0.2)}
    for panel, (title, quantities) in zip(axes, GROUPS.items(), strict=True):
        for quantity in quantities:
            worst = [values.get((quantity, name), (np.nan,))[0] for name in names]
            panel.plot(range(len(names)), worst, "o-", markersize=4, linewidth=1, label=quantity.replace("_", " "))
        asked = dict(zip(known_neck.SPACINGS, limits[title], strict=True))
        panel.step(range(len(names)), [asked[n] for n in names], "k--", where="mid", linewidth=1, label="asked for")
        panel.set_xticks(range(len(names)), labels)
        panel.set_yscale("log")
        panel.set_xlabel("voxel edge, mm")
        panel.set_title(f"largest error: {title}", fontsize=10)
        panel.legend(fontsize=7, frameon=False)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("spacings", nargs="*")
    parser.add_argument("--poses", type=int, default=3)
    parser.add_argument("--figure", type=Path)
    asked = parser.parse_args()
    done = {(row["spacing"], row["pose"]) for row in read(asked.out)}
    for name in asked.spacings:
        for label, pose in poses(name, asked.poses).items():
            if (name, label) not in done:
                add(asked.out, name, label, pose)
    rows = read(asked.out)
    show(rows)
    if asked.figure:
        draw(rows, asked.figure)


if __name__ == "__main__":
    main()
