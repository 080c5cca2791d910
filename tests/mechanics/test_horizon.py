"""What a time says depends on the times up to it; opposite pressures add up in the normal force."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import CORD, neck, sphere, timeline

from canalrisk.mechanics import CordSettings, simulate_cord

SETTINGS = CordSettings(preset="coarse", margin_mm=12.0)


@pytest.fixture(scope="module")
def spine():
    return neck()


def _balls(spine, *spheres):
    return np.minimum.reduce([sphere(spine, centre=centre, radius=radius) for centre, radius in spheres])


@pytest.mark.slow
def test_later_times_leave_earlier_numbers_as_they_are(spine):
    # A bar 1.5 mm behind the cord from C6 to C4 fixes the mesh; a ball at C5, and at the last time another at C4.
    x = spine.grid.to_world(np.stack(np.indices(spine.grid.shape), axis=-1))
    across = np.hypot(x[..., 0], x[..., 1] + CORD[1] + 3.5) - 2.0
    bar = np.maximum(across, np.abs(x[..., 2] - 46.5) - 22.0).astype(np.float32)
    at_c5 = [(0, -12.0, 47.0), (0, -12.0, 47.0), (0, -12.0, 64.0)]
    first = np.minimum(bar, _balls(spine, (at_c5[0], 8.8)))
    second = np.minimum(bar, _balls(spine, (at_c5[1], 9.1)))
    third = np.minimum(second, _balls(spine, (at_c5[2], 8.8)))
    short = simulate_cord(spine, timeline(spine, [first, second]), SETTINGS)
    long = simulate_cord(spine, timeline(spine, [first, second, third]), SETTINGS)
    assert (long.dataset.mechanics_status == 0).all(), long.dataset.mechanics_reason.values
    # The last time touches a level that the others do not: their statistics must not hear of it.
    assert len(long.region.names) > len(short.region.names)
    assert short.mesh.n_nodes == long.mesh.n_nodes
    for name, values in short.dataset.data_vars.items():
        if name != "mechanics_reason":
            np.testing.assert_array_equal(long.dataset[name].values[:2], values.values, err_msg=str(name))


def test_opposite_pressures_add_up_in_the_normal_force(spine):
    # Two equal balls press from left and right: by symmetry they cancel in the resultant and not in the normal force.
    away = CORD[0] + 7.5
    mass = _balls(spine, ((-away, 0.0, 46.5), 8.0), ((away, 0.0, 46.5), 8.0))
    data = simulate_cord(spine, timeline(spine, [mass]), SETTINGS).dataset.isel(time=0)
    assert int(data.mechanics_status) == 0, str(data.mechanics_reason.values)
    normal = float(data.contact_normal_force)
    assert normal > 0.0
    assert float(data.contact_force) < 0.02 * normal
    # The pressure's 95th percentile on its area bounds its integral from above, up to the last 5 % of the area.
    assert normal < 1.5 * float(data.contact_pressure_p95) * 1e-3 * float(data.contact_area)
