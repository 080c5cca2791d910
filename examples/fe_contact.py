"""A flat rigid plate pressed on a brick without friction: contact force against the closed form."""

import numpy as np

from canalrisk.fem import Load, Model, NeoHookean, Obstacle, Supports, prepare, set_dofs, solve
from canalrisk.field import Grid, fit_spline
from canalrisk.mesh import brick

MU = 0.010  # MPa
SHORTENING = 0.25


def plate() -> Obstacle:
    """Everything below y = 0 is plate: a sampled signed distance, negative inside."""
    spacing, count = 1.0, 21
    affine = np.diag((spacing, spacing, spacing, 1.0))
    affine[:3, 3] = -10.0
    grid = Grid((count, count, count), affine)
    height = np.broadcast_to((-10.0 + spacing * np.arange(count))[None, :, None], grid.shape)
    return Obstacle("plate", fit_spline(np.ascontiguousarray(height), grid=grid))


def main() -> tuple[float, float]:
    mesh = brick((3, 3, 3), size=(4.0, 4.0, 4.0))
    held = [set_dofs(mesh, "x0", axes=(0,)), set_dofs(mesh, "z0", axes=(2,)), set_dofs(mesh, "y1", axes=(1,))]
    model = Model(
        mesh=mesh,
        materials=(NeoHookean(MU, 1e3 * MU),),
        supports=Supports(fixed=np.concatenate(held)),
    )
    pressed = Obstacle("plate", plate().spline0, translation=(0.0, 4.0 * SHORTENING, 0.0))
    state = solve(prepare(model), [Load((pressed,))])[0]
    contact = state.contacts["plate"]
    force = float(np.linalg.norm(contact.force))

    stretch = 1.0 - SHORTENING
    expected = 16.0 * MU * (stretch**-2 - stretch)
    print(f"contact force {force:.5f} N, closed form {expected:.5f} N; penetration {contact.penetration:.4f} mm")
    return force, expected


if __name__ == "__main__":
    main()
