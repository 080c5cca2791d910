"""Seconds per stage of one case, cold and warm in one run: where the time of `canalrisk assess` goes.

usage: python benchmarks/stages.py [--spacing 0.6] [--preset coarse]

The first pass includes loading compiled code from the cache (or compiling it); the second is what a sweep pays.
Only the ratios are worth quoting: the machine's speed drifts.
"""

from __future__ import annotations

import argparse
import resource
import time
from collections.abc import Callable
from typing import Any

from canalrisk.anatomy import build_spine
from canalrisk.growth import grow
from canalrisk.growth.timeline import Scenario
from canalrisk.mechanics import CordSettings, simulate_cord
from canalrisk.morphometry import measure, prepare
from canalrisk.phantom import demo_labelmap


def timed(table: dict[str, float], stage: str, work: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    result = work()
    table[stage] = time.perf_counter() - start
    return result


def one_pass(spacing: float, preset: str) -> dict[str, float]:
    table: dict[str, float] = {}
    labelmap = timed(table, "phantom", lambda: demo_labelmap(spacing=spacing))
    spine = timed(table, "anatomy", lambda: build_spine(labelmap))
    prepared = timed(table, "sections", lambda: prepare(spine))
    timeline = timed(table, "growth", lambda: grow(spine, scenario=Scenario()))
    timed(table, "morphometry", lambda: [measure(prepared, snapshot) for snapshot in timeline.snapshots])
    timed(table, "mechanics", lambda: simulate_cord(spine, timeline, settings=CordSettings(preset=preset)))
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spacing", type=float, default=0.6, help="voxel edge of the phantom, mm")
    parser.add_argument("--preset", default="coarse", help="cord mesh")
    options = parser.parse_args()

    cold = one_pass(options.spacing, options.preset)
    warm = one_pass(options.spacing, options.preset)
    print(f"{'stage':<12} {'first s':>8} {'again s':>8} {'share':>6}")
    total = sum(warm.values())
    for stage in warm:
        print(f"{stage:<12} {cold[stage]:8.1f} {warm[stage]:8.1f} {warm[stage] / total:6.0%}")
    print(f"{'all':<12} {sum(cold.values()):8.1f} {total:8.1f}")
    print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
