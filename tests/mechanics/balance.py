"""Forces on a converged cord, recomputed in NumPy from displacements, fields and pressures."""

from __future__ import annotations

import numpy as np
import pytest

from canalrisk.mechanics.obstacle_fields import FieldBox, mass_fields, wall_field

CORNERS = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])


def obstacle_signs_and_fields(spine, grown, model):
    """Last mass and wall as the simulation made them: name -> (sign, spline)."""
    mesh = model.tube.mesh
    surface = np.concatenate((mesh.points[np.unique(mesh.surface)], mesh.points[mesh.surface].mean(axis=1)))
    box = FieldBox(spine, points=mesh.points)
    mass = mass_fields(spine, grown, box=box, surface=surface, frames=model.outlines).snapshots[-1]
    lining = model.materials
    wall, _ = wall_field(spine, box=box, surface=surface, flavum_mm=lining.flavum_mm, dura_mm=lining.dura_mm)
    return {"mass": (1.0, mass), "wall": (-1.0, wall)}


def contact_force_and_moment(model, state, name, sign, field):
    """Force and moment of one obstacle on the cord, from 2 x 2 points and undeformed areas written out here."""
    mesh, contact = model.tube.mesh, state.contacts[name]
    x, rest, faces = mesh.points + state.u, mesh.points[mesh.surface], mesh.surface
    force, moment = np.zeros(3), np.zeros(3)
    for point, (a, b) in enumerate(CORNERS / np.sqrt(3.0)):
        shape = 0.25 * (1 + CORNERS[:, 0] * a) * (1 + CORNERS[:, 1] * b)
        da = 0.25 * CORNERS[:, 0] * (1 + CORNERS[:, 1] * b)
        db = 0.25 * CORNERS[:, 1] * (1 + CORNERS[:, 0] * a)
        area = np.linalg.norm(np.cross(np.tensordot(rest, da, (1, 0)), np.tensordot(rest, db, (1, 0))), axis=1)
        place = np.tensordot(x[faces], shape, (1, 0))
        value, gradient = field.value_gradient(place)
        assert contact.gap[:, point] == pytest.approx(sign * value, abs=1e-9)
        # The wall's fat resists before the wall does; only the mass touches at its surface alone.
        if name == "mass":
            assert np.abs(value[contact.pressure[:, point] > 0]).max() < 0.03
        push = (contact.pressure[:, point] * area)[:, None] * sign * gradient
        push[contact.pressure[:, point] <= 0] = 0.0
        force += push.sum(axis=0)
        moment += np.cross(place, push).sum(axis=0)
    return force, moment


def end_force_and_moment(model, state):
    """Force and moment of the end springs on the cord."""
    springs = model.system.model.supports.springs
    stretch = np.einsum("sd,sd->s", springs.directions, state.u[springs.nodes])
    pull = -(springs.stiffness * stretch)[:, None] * springs.directions
    x = model.tube.mesh.points + state.u
    return pull.sum(axis=0), np.cross(x[springs.nodes], pull).sum(axis=0)
