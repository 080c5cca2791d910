"""A nearly incompressible brick with fibres along z, stretched along them: force against the closed form."""

import numpy as np

from canalrisk.fem import FibreReinforced, Load, Model, Supports, prepare, set_dofs, solve
from canalrisk.mesh import brick

MU, K1, K2 = 0.010, 0.040, 1.5  # MPa, MPa, 1
STRETCH = 1.15


def main() -> tuple[float, float]:
    mesh = brick((2, 2, 4), size=(5.0, 5.0, 10.0))
    sides = [set_dofs(mesh, "x0", axes=(0,)), set_dofs(mesh, "y0", axes=(1,)), set_dofs(mesh, "z0", axes=(2,))]
    top = set_dofs(mesh, "z1", axes=(2,))
    model = Model(
        mesh=mesh,
        materials=(FibreReinforced(MU, 1e4 * MU, k1=K1, k2=K2),),
        fibres=np.tile((0.0, 0.0, 1.0), (len(mesh.cells), 1)),
        supports=Supports(fixed=np.concatenate([*sides, top])),
    )
    pulled = np.where(np.isin(model.supports.fixed, top), 10.0 * (STRETCH - 1.0), 0.0)
    state = solve(prepare(model), [Load(prescribed=pulled)])[0]
    force = float(state.reactions[mesh.node_sets["z1"], 2].sum())

    strain = STRETCH**2 - 1.0
    nominal = MU * (STRETCH - STRETCH**-2) + 2.0 * K1 * STRETCH * strain * np.exp(K2 * strain**2)
    expected = 25.0 * float(nominal)
    print(f"force {force:.5f} N, closed form {expected:.5f} N")
    return force, expected


if __name__ == "__main__":
    main()
