"""Force of problem P2 with contact at 2 x 2 and 3 x 3 points per face, mesh by mesh: both go to one limit.

usage: python benchmarks/contact_rules.py [S M L]

The limit is extrapolated from the two finest meshes for an error of the order h^2, h the width of a face.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "peers"))

from canalrisk_q1p0 import go
from common import mesh_of

from canalrisk.mesh.cylinder import SIZES


def main(sizes: list[str]) -> int:
    print("mesh  rule  converged  iterations  force N  penetration mm   s")
    failed = 0
    for rule in (2, 3):
        forces = []
        for size in sizes:
            begun = time.perf_counter()
            state = go(mesh_of(size), "P2", precision="single", rule=rule)
            contact = state.contacts["sphere"]
            forces.append(float(contact.force[1]))
            seconds = time.perf_counter() - begun
            print(
                f"{size:5} {rule} x {rule} {state.converged!s:>10} {state.iterations:11d} {forces[-1]:8.4f}"
                f"{contact.penetration:16.4f} {seconds:5.0f}  {state.reason}",
                flush=True,
            )
            failed += not state.converged
        if len(sizes) > 1:
            coarse, fine = (1.0 / SIZES[size][0] for size in sizes[-2:])
            ratio = (coarse / fine) ** 2
            limit = (ratio * forces[-1] - forces[-2]) / (ratio - 1.0)
            print(f"limit for h to 0: {limit:.4f} N", flush=True)
    return 4 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["S", "M"]))
