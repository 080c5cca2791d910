"""Half the antero-posterior depth of a phantom's cord between two plates, from rest, by mesh and material set.

    python benchmarks/half_depth.py [coarse standard fine]

Nothing is tuned: mesh, tissues, pia and end springs are those of `simulate_cord`, solver settings the defaults.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from canalrisk.fem import solve
from canalrisk.growth.timeline import Scenario, Snapshot, Timeline
from canalrisk.mechanics.model import build_model as build_cord
from canalrisk.mechanics.plates import plate_loads
from canalrisk.mechanics.region import Region
from canalrisk.mechanics.settings import CordSettings
from canalrisk.phantom import build_model, known_spine, sample_neck

REDUCTION = 0.5
HALF_LENGTH_MM = 6.0


def main(presets: list[str]) -> int:
    spine = known_spine(build_model(sample_neck(1), spacing=0.8))
    empty = Timeline(Scenario(n_times=1), (Snapshot(0.0, None, spine.bone, 0.0, 0.0),))
    failed = 0
    print("mesh      set unknowns converged steps iterations factorisations  CPU s  force N  min J  reason")
    for preset in presets:
        for materials in "ABC":
            cord = build_cord(spine, empty, settings=CordSettings(preset=preset, material_set=materials))
            middle = float(np.mean(cord.reach))
            region = Region(("middle",), middle - HALF_LENGTH_MM, middle + HALF_LENGTH_MM)
            apart, closed = plate_loads(cord.tube, region=region, reduction=REDUCTION)
            begin = time.process_time()
            (state,) = solve(cord.system, [closed], origin=apart)
            seconds = time.process_time() - begin
            force = np.linalg.norm(state.contacts["plate-dorsal"].force)
            print(
                f"{preset:9} {materials:3} {state.u.size:8d} {state.converged!s:9} {len(state.record):5d} "
                f"{state.iterations:10d} {state.factorisations:14d} {seconds:6.1f} {force:8.3f} "
                f"{state.min_jacobian:6.3f}  {state.reason}",
                flush=True,
            )
            failed += not state.converged
    return 4 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["coarse", "standard"]))
