"""A cord squeezed between mass and wall, and one that is not: flag, forces, and where the cord ends up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from balance import contact_force_and_moment, end_force_and_moment, obstacle_signs_and_fields
from synthetic import ellipse_distance, neck, sphere, timeline

from canalrisk.mechanics import CordSettings, simulate_cord
from canalrisk.mechanics.model import build_model

# 0.85 mm of room in front of and behind the cord, dura included; then 0.35 mm of dura.
NARROW = (9.0, 4.6)
DURA = 0.35
SETTINGS = CordSettings(margin_mm=12.0)


@pytest.fixture(scope="module")
def spine():
    # With the flavum segmented the canal ends at it, so the wall is the ellipse less the dura all round.
    narrow = neck(canal=NARROW)
    return replace(narrow, soft={"flavum": narrow.canal})


@pytest.fixture(scope="module")
def grown(spine):
    """A ball behind the cord, 0.25 mm deep at first and then 2.55 mm: three times the room in front."""
    return timeline(spine, [sphere(spine, centre=(0, -12.0, 46.5), radius=r) for r in (8.5, 10.8)])


@pytest.fixture(scope="module")
def squeezed(spine, grown):
    return simulate_cord(spine, grown, SETTINGS)


def test_flag_is_raised_when_the_wall_is_reached_and_not_before(squeezed):
    data = squeezed.dataset
    assert list(data.mechanics_status.values) == [0, 0], list(data.mechanics_reason.values)
    assert list(data.cord_touched.values) == [1, 1]
    assert list(data.cord_two_sided.values) == [0, 1]
    assert float(data.wall_force[0]) == 0.0
    wall = squeezed.states[-1].contacts["wall"]
    # Not only its layer of fat: the wall itself carries load.
    assert wall.gap.min() < 0.0
    assert float(data.wall_force[1]) > 0.5 * float(data.contact_force[1]) > 0.1


def test_wall_gives_back_what_mass_and_ends_do_not_balance(spine, grown, squeezed):
    model, state = build_model(spine, grown, settings=SETTINGS), squeezed.states[-1]
    total, turn = end_force_and_moment(model, state)
    forces = {}
    for name, (sign, field) in obstacle_signs_and_fields(spine, grown, model).items():
        forces[name], moment = contact_force_and_moment(model, state, name, sign, field)
        total, turn = total + forces[name], turn + moment
    data = squeezed.dataset.isel(time=-1)
    assert np.linalg.norm(forces["wall"]) == pytest.approx(float(data.wall_force), rel=1e-9)
    assert np.linalg.norm(forces["mass"]) == pytest.approx(float(data.contact_force), rel=1e-9)
    # The ball pushes forwards, the wall back.
    assert forces["mass"][1] > 0.0 > forces["wall"][1]
    # Residual tolerance of a converged state: 1e-6 of the sum of element forces, which is some tens of the contact's.
    assert np.linalg.norm(total) < 1e-4 * np.linalg.norm(forces["mass"])
    x = model.tube.mesh.points + state.u
    assert np.linalg.norm(turn) < 1e-4 * np.linalg.norm(forces["mass"]) * np.abs(x).max()


def test_cord_stays_inside_the_wall_which_it_would_otherwise_leave(spine, grown, squeezed):
    def outside(result):
        moved = (
            result.mesh.points[np.unique(result.mesh.surface)] + result.displacement[-1][np.unique(result.mesh.surface)]
        )
        return float((ellipse_distance(moved[:, 0], moved[:, 1], *NARROW) + DURA).max())

    # 0.02 mm of penetration are allowed at the contact points; nodes lie up to a tenth of a face beyond them.
    assert outside(squeezed) < 0.05
    free = simulate_cord(spine, grown, replace(SETTINGS, wall=False))
    assert float(free.dataset.cord_two_sided[-1]) == 0.0
    assert outside(free) > 0.5
