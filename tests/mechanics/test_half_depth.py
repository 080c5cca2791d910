"""Half the antero-posterior depth of the cord between two plates, from rest, with nothing tuned (issue 3)."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import CORD, neck, timeline

from canalrisk.fem import solve
from canalrisk.mechanics import CordSettings
from canalrisk.mechanics.model import build_model
from canalrisk.mechanics.plates import plate_loads
from canalrisk.mechanics.region import Region


@pytest.mark.slow
@pytest.mark.parametrize("materials", ["A", "B"])
@pytest.mark.parametrize("preset", ["coarse", "standard"])
def test_half_the_depth_between_plates_converges_from_rest(preset: str, materials: str) -> None:
    spine = neck()
    model = build_model(spine, timeline(spine, [None]), settings=CordSettings(preset=preset, material_set=materials))
    if materials == "A":
        assert model.materials.pia_young == 39.3
    middle = float(np.mean(model.reach))
    apart, closed = plate_loads(model.tube, region=Region(("C5",), middle - 5.0, middle + 5.0), reduction=0.5)
    (state,) = solve(model.system, [closed], origin=apart)
    assert state.converged, (state.reason, state.record)
    assert state.residual <= 1e-6
    # Half of the depth under the plates' flat part is gone; the rest of the cord may have slipped along them.
    x = (model.tube.mesh.points + state.u).reshape(model.tube.mesh.n_sections, -1, 3)
    between = np.abs(x[:, :, 2].mean(axis=1) - middle) < 4.0
    assert between.any()
    depth = np.ptp(x[between][:, :, 1], axis=1)
    assert depth == pytest.approx(CORD[1], abs=0.06)
    # Front and back mirror each other; a cord that slips does so along its axis.
    front, back = state.contacts["plate-ventral"].force[1], state.contacts["plate-dorsal"].force[1]
    assert back > 0.0
    assert front == pytest.approx(-back, rel=0.01)
