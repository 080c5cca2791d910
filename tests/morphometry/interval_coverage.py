"""Do the intervals hold? Label maps redrawn with a known Dice are measured, with that Dice stated as their error.

As a script it writes the table of docs/uncertainty.md:

    python tests/morphometry/interval_coverage.py --spacing 0.8 --seeds 4
    python tests/morphometry/interval_coverage.py --map FILE --seeds 1
"""

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from canalrisk.anatomy import build_spine
from canalrisk.errors import CanalriskError
from canalrisk.imaging import read_labels
from canalrisk.morphometry import edge_from_dice, measure, measure_with_intervals, prepare
from canalrisk.morphometry.detectable import indices_of
from canalrisk.phantom import founding_case, sample_neck, voxelise
from canalrisk.phantom.damage import KINDS, damaged, dice_of, structure_masks

DICE = (0.85, 0.95)


def clean(labelmap):
    """A healthy map with the founding case's mass, and what it measures."""
    labelmap = replace(labelmap, mass=founding_case(build_spine(labelmap)))
    return labelmap, measure(prepare(build_spine(labelmap)))


def case(labelmap, *, kind, seed):
    """One redrawn map, measured: Dataset with intervals, Dice and edge error of every structure."""
    masks = structure_masks(labelmap)
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    bad = damaged(labelmap, kind=kind, dice={name: rng.uniform(*DICE) for name in masks}, seed=seed)
    redrawn = structure_masks(bad)
    dice = {name: dice_of(redrawn[name], mask) for name, mask in masks.items()}
    spine = build_spine(bad)
    edge = {name: edge_from_dice(value, getattr(spine, name), grid=spine.grid) for name, value in dice.items()}
    return measure_with_intervals(spine, edge_mm=edge), dice, edge


def rows_of(found, truth):
    """Per index, place by place where both know it: true value, value, low, high; 0 against 0 proves nothing."""
    rows = {}
    for name in indices_of(found):
        if name not in truth or f"{name}_low" not in found:
            continue
        parts = [truth[name], found[name], found[f"{name}_low"], found[f"{name}_high"]]
        common = [np.intersect1d(truth[d].values, found[d].values) for d in truth[name].dims]
        at = dict(zip(truth[name].dims, common, strict=True))
        values = np.stack([part.sel(at).values.ravel() for part in parts], axis=1)
        known = np.isfinite(values).all(axis=1) & (np.abs(values[:, :2]).max(axis=1) > 0)
        rows[name] = values[known].tolist()
    return rows


def covered(rows):
    """Share of rows (n, 4) whose true value lies in the interval."""
    true, _, low, high = np.asarray(rows).T
    slack = 1e-9 + 1e-6 * np.abs(true)
    return float(((true >= low - slack) & (true <= high + slack)).mean())


def together(parts):
    """Rows of several cases, by index."""
    out = {}
    for part in parts:
        for name, rows in part.items():
            out.setdefault(name, []).extend(rows)
    return {name: rows for name, rows in out.items() if rows}


def table(rows):
    """Markdown: index, number of values, share covered, half-width over value."""
    lines = ["| index | values | covered | half the interval / value |", "|---|---:|---:|---:|"]
    for name, part in rows.items():
        true, _, low, high = np.asarray(part).T
        wide = np.median(0.5 * (high - low) / np.maximum(np.abs(true), 1e-9))
        lines.append(f"| `{name}` | {len(part)} | {covered(part):.0%} | {wide:.2f} |")
    return "\n".join(lines)


def main(argv):
    parser = argparse.ArgumentParser()
    parser.add_argument("--map", help="label map of a healthy neck; a phantom where not given")
    parser.add_argument("--spacing", type=float, default=0.8)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--cases", default="coverage.jsonl", help="one line per case; a rerun goes on from there")
    given = parser.parse_args(argv)
    healthy = read_labels(given.map) if given.map else voxelise(sample_neck(3), spacing=given.spacing)
    labelmap, truth = clean(healthy)
    log = Path(given.cases)
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    for seed in range(given.seeds):
        for kind in KINDS:
            if any(one["seed"] == seed and one["kind"] == kind for one in done):
                continue
            one = {"seed": seed, "kind": kind}
            try:
                found, dice, edge = case(labelmap, kind=kind, seed=seed)
                one |= {"dice": dice, "edge_mm": edge, "rows": rows_of(found, truth)}
            except CanalriskError as refusal:
                one["refused"] = refusal.what
            done.append(one)
            with log.open("a") as file:
                file.write(json.dumps(one) + "\n")
            sys.stderr.write(f"{kind} {seed}: {one.get('refused') or one['dice']}\n")
    sys.stdout.write(table(together(one["rows"] for one in done if "rows" in one)) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
