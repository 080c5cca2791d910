"""P1 (imposed indentation) and P2 (sphere contact) against other programs, in one run, each in a process of its own.

usage: python benchmarks/reference_problems.py [--problems P1 P2] [--sizes S] [--programs canalrisk single ngsolve]

"single" is canalrisk with factors in single precision. Peers: pip install scikit-fem ngsolve pypardiso. Every program
solves the same mesh and material to a relative residual of 1e-6; the peers' systems go to PARDISO, analysed once.
scikit-fem has the displacement formulation, whose force differs (it locks); the peers' contact is a penalty whose force
is a few per cent low; both are cheaper than what canalrisk solves. Only ratios are worth quoting.
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
    command = [sys.executable, str(HERE / "peers" / script), problem, size, str(limit), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if lines:
        return json.loads(lines[-1])
    said = [*done.stderr.strip().splitlines(), "no answer"][-1 if not done.stderr.strip() else -2]
    return {"program": program, "problem": problem, "size": size, "iterations": 0, "converged": False, "notes": said}


def line(row: dict, ours: float | None) -> str:
    """Format a row of the table; a run that did not end shows what its iterations cost and why it has no total."""
    head = f"{row['problem'] + ' ' + row['size']:<8}{row['program']:<24}"
    its = row["iterations"]
    if not its:
        return head + row["notes"]
    each = f"{its:9d}{row['factorisations'] or its:8d}{row['assembly'] / its:13.3f}{row['linear'] / its:11.3f}"
    if not row["converged"]:
        return f"{head}{row['formulation']:<14}{'':8}{each}{'':16}{row['memory']:7.0f}  {row['notes']}"
    ratio = f"{row['total'] / ours:7.1f}" if ours else f"{'':7}"
    return f"{head}{row['formulation']:<14}{row['force']:8.4f}{each}{row['total']:9.2f}{ratio}{row['memory']:7.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", nargs="+", default=["P1", "P2"], choices=["P1", "P2"])
    parser.add_argument("--sizes", nargs="+", default=["S"], choices=["S", "M", "L"])
    parser.add_argument("--programs", nargs="+", default=list(PROGRAMS), choices=list(PROGRAMS))
    parser.add_argument(
        "--limit",
        type=float,
        default=1800.0,
        help="seconds after which a run is given up (what its iterations cost is shown)",
    )
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
                if program == "canalrisk" and row["converged"]:
                    ours = row["total"]
                print(line(row, ours), flush=True)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
