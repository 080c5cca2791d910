"""Equilibrium of a converged cord, recomputed in NumPy from displacements, fields and pressures."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic import neck, sphere, timeline

from canalrisk.mechanics import CordSettings, simulate_cord
from canalrisk.mechanics.model import build_model
from canalrisk.mechanics.obstacle_fields import FieldBox, mass_fields, wall_field
from canalrisk.mechanics.outputs import section_values


@pytest.fixture(scope="module")
def case():
    """A ball off the midline that pushes the cord against the wall: nothing balances by symmetry."""
    spine = neck(radius=90.0)
    grown = timeline(spine, [sphere(spine, centre=(-3.0, -11.0, 46.0), radius=r) for r in (8.0, 9.5)])
    settings = CordSettings(margin_mm=15.0)
    result = simulate_cord(spine, grown, settings)
    return spine, grown, build_model(spine, grown, settings=settings), result


def test_forces_and_moments_on_the_cord_add_up_to_nothing(case):
    spine, grown, model, result = case
    state, mesh = result.states[-1], model.tube.mesh
    assert state.converged, state.reason
    assert np.array_equal(mesh.points, result.mesh.points)
    surface = np.concatenate((mesh.points[np.unique(mesh.surface)], mesh.points[mesh.surface].mean(axis=1)))
    box = FieldBox(spine, points=mesh.points)
    mass = mass_fields(spine, grown, box=box, surface=surface, frames=model.outlines).snapshots[-1]
    lining = model.materials
    wall, _ = wall_field(spine, box=box, surface=surface, flavum_mm=lining.flavum_mm, dura_mm=lining.dura_mm)

    # 2 x 2 Gauss points of the deformed faces and their undeformed areas, from shape functions written out here.
    g = 1.0 / np.sqrt(3.0)
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
    x, faces = mesh.points + state.u, mesh.surface
    force, moment, size = np.zeros(3), np.zeros(3), {}
    for name, field, sign in (("mass", mass, 1.0), ("wall", wall, -1.0)):
        contact = state.contacts[name]
        total = np.zeros(3)
        for point, (a, b) in enumerate(g * corners):
            shape = 0.25 * (1 + corners[:, 0] * a) * (1 + corners[:, 1] * b)
            da = 0.25 * corners[:, 0] * (1 + corners[:, 1] * b)
            db = 0.25 * corners[:, 1] * (1 + corners[:, 0] * a)
            rest = mesh.points[faces]
            area = np.linalg.norm(np.cross(np.tensordot(rest, da, (1, 0)), np.tensordot(rest, db, (1, 0))), axis=1)
            place = np.tensordot(x[faces], shape, (1, 0))
            value, gradient = field.value_gradient(place)
            touching = contact.pressure[:, point] > 0
            assert contact.gap[:, point] == pytest.approx(sign * value, abs=1e-9)
            push = (contact.pressure[:, point] * area)[:, None] * sign * gradient
            total += push[touching].sum(axis=0)
            moment += np.cross(place, push)[touching].sum(axis=0)
            if name == "mass":
                assert np.abs(value[touching]).max() < 0.03
        assert total == pytest.approx(contact.force, abs=1e-9)
        size[name] = np.linalg.norm(total)
        force += total
    springs = model.system.model.supports.springs
    stretch = np.einsum("sd,sd->s", springs.directions, state.u[springs.nodes])
    pull = -(springs.stiffness * stretch)[:, None] * springs.directions
    force += pull.sum(axis=0)
    moment += np.cross(x[springs.nodes], pull).sum(axis=0)
    assert size["mass"] > 0.05
    assert np.linalg.norm(force) < 1e-4 * size["mass"]
    # Moments about the grid's origin, tens of mm away.
    assert np.linalg.norm(moment) < 1e-4 * size["mass"] * np.abs(x).max()


def test_a_cord_shrunk_across_loses_that_area_in_every_slice(case):
    _, _, model, _ = case
    frame, size = model.tube.outlines, model.tube.mesh.section_size
    origin, tangent = np.repeat(frame.origins, size, axis=0), np.repeat(frame.tangent, size, axis=0)
    offset = model.tube.mesh.points - origin
    across = offset - np.einsum("nd,nd->n", offset, tangent)[:, None] * tangent
    loss = section_values(model.observer, -0.1 * across)["cord_area_loss_predicted"]
    assert loss == pytest.approx(1.0 - 0.9**2, abs=2e-3)
    assert section_values(model.observer, 0.0 * across)["cord_area_loss_predicted"] == pytest.approx(0.0, abs=1e-12)
