"""P1 (imposed indentation) and P2 (sphere contact) against other programs, in one run, each in a process of its own.

usage: python benchmarks/reference_problems.py [--problems P1 P2] [--sizes S] [--programs canalrisk single ngsolve]

"single" is canalrisk with factors in single precision. Peers: pip install scikit-fem ngsolve pypardiso. Every program
solves the same mesh and material to a relative residual of 1e-6. scikit-fem has the displacement formulation, whose
force differs (it locks); the peers' contact is a penalty whose force is a few per cent low; both are cheaper than what
canalrisk solves. Only ratios are worth quoting.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PROGRAMS = {
    "canalrisk": ("canalrisk_q1p0.py",),
    "single": ("canalrisk_q1p0.py", "single"),
    "ngsolve": ("ngsolve_q1p0.py",),
    "skfem": ("skfem_displacement.py",),
}


def run(program: str, problem: str, size: str, *, limit: float) -> dict:
    script, *more = PROGRAMS[program]
    command = [sys.executable, str(HERE / "peers" / script), problem, size, *more]
    row = {"program": program, "problem": problem, "size": size, "converged": False}
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return {**row, "notes": f"stopped after {limit:.0f} s"}
    lines = done.stdout.strip().splitlines()
    return json.loads(lines[-1]) if lines else {**row, "notes": done.stderr.strip().splitlines()[-1][:120]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=["P1", "P2"], choices=["P1", "P2"])
    parser.add_argument("--sizes", nargs="+", default=["S"], choices=["S", "M", "L"])
    parser.add_argument("--programs", nargs="+", default=list(PROGRAMS), choices=list(PROGRAMS))
    parser.add_argument("--limit", type=float, default=1800.0, help="seconds after which a run is given up")
    parser.add_argument("--json", type=Path, help="write the figures there as well")
    options = parser.parse_args()

    print(f"{os.cpu_count()} cores, OPENBLAS_CORETYPE {os.environ.get('OPENBLAS_CORETYPE', 'not set')}")
    head = f"{'problem':<8}{'program':<24}{'formulation':<14}{'F, N':>8}{'newtons':>9}{'factor.':>8}"
    print(head + f"{'assembly/it':>13}{'linear/it':>11}{'total s':>9}{'ratio':>7}{'MB':>7}")
    rows = []
    for problem in options.problems:
        for size in options.sizes:
            ours = None
            for program in options.programs:
                row = run(program, problem, size, limit=options.limit)
                rows.append(row)
                name = f"{problem} {size}"
                if not row["converged"]:
                    print(f"{name:<8}{row['program']:<24}{row['notes']}", flush=True)
                    continue
                ours = row["total"] if program == "canalrisk" else ours
                ratio = f"{row['total'] / ours:7.1f}" if ours else f"{'':7}"
                its = max(row["iterations"], 1)
                print(
                    f"{name:<8}{row['program']:<24}{row['formulation']:<14}{row['force']:8.4f}{its:9d}"
                    f"{row['factorisations'] or its:8d}{row['assembly'] / its:13.3f}{row['linear'] / its:11.3f}"
                    f"{row['total']:9.2f}{ratio}{row['memory']:7.0f}",
                    flush=True,
                )
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
