"""A membrane tube with a soft core, inflated by a dead radial load: hoop stretch against the closed form."""

import numpy as np
from scipy.optimize import brentq

from canalrisk.fem import Load, Membrane, Model, NeoHookean, Supports, dofs, prepare, solve
from canalrisk.mesh import elliptic_cylinder

YOUNG, POISSON, THICKNESS, RADIUS, LENGTH = 2.0, 0.3, 0.1, 5.0, 10.0  # MPa, 1, mm, mm, mm
PRESSURE = 0.010  # MPa on the undeformed area


def main() -> tuple[float, float]:
    mesh = elliptic_cylinder((12, 2, 4), half_width=RADIUS, half_depth=RADIUS, length=LENGTH)
    wall = mesh.node_sets["lateral"]
    axis = np.flatnonzero(np.linalg.norm(mesh.points[:, :2], axis=1) < 1e-9)
    along = dofs(np.arange(len(mesh.points)), axes=(2,))
    model = Model(
        mesh=mesh,
        materials=(NeoHookean(1e-6, 1e-6),),
        membranes=(Membrane(mesh.surface, YOUNG, POISSON, THICKNESS),),
        supports=Supports(fixed=np.concatenate([along, dofs(axis, axes=(0, 1))])),
    )
    share = np.full(len(wall), 2.0 * np.pi * RADIUS * LENGTH / (48 * 4))
    share[np.isin(wall, mesh.node_sets["ends"])] *= 0.5
    forces = np.zeros_like(mesh.points)
    forces[wall, :2] = PRESSURE * share[:, None] * mesh.points[wall, :2] / RADIUS
    state = solve(prepare(model), [Load(forces=forces)])[0]
    stretch = float(np.linalg.norm((mesh.points + state.u)[wall, :2], axis=1).mean() / RADIUS)

    # Ends fixed along the tube: the hoop force E h / (1 - nu^2) (l^2 - 1) / 2 l per length carries load times radius.
    stiffness = YOUNG * THICKNESS / (1.0 - POISSON**2)
    expected = brentq(lambda hoop: stiffness * 0.5 * (hoop**2 - 1.0) * hoop - PRESSURE * RADIUS, 1.0, 3.0)
    print(f"hoop stretch {stretch:.5f}, closed form {expected:.5f}")
    return stretch, float(expected)


if __name__ == "__main__":
    main()
