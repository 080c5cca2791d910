from __future__ import annotations

import numpy as np

from canalrisk.fem import Load, Model, NeoHookean, Supports, dofs, prepare, solve
from canalrisk.verify.core import brick, faces_on, on
from canalrisk.verify.quadrature import surface_loads


def test_newton_is_quick_where_energies_are_rounding() -> None:
    # Bending to a strain of 5e-5 at nu = 0.4999: the last changes of energy (1e-19 N mm) are far below the rounding
    # of mu V (1e-16), so that only slopes can tell. Trusting energies cost 30 iterations and a halved step.
    mesh = brick((2, 4, 20), size=(0.5, 1.0, 10.0))
    mesh.points[:, 1] -= 0.5
    axis = np.flatnonzero(np.abs(mesh.points).max(axis=1) < 1e-9)
    fixed = np.concatenate(
        [dofs(on(mesh, 2, 0.0), axes=(2,)), dofs(on(mesh, 0, 0.0), axes=(0,)), dofs(axis, axes=(1,))]
    )
    law = NeoHookean.from_young(1.0, poisson=0.4999)
    system = prepare(Model(mesh=mesh, materials=(law,), supports=Supports(fixed=fixed)))
    forces = surface_loads(mesh, faces_on(mesh, 2, 10.0), lambda x: 1e-4 * x[..., 1:2] * [0.0, 0.0, 1.0])
    (state,) = solve(system, [Load(forces=forces)])
    assert state.converged, state.reason
    assert state.iterations <= 6
    assert len(state.record) == 1
