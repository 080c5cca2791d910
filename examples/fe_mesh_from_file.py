"""A mesh from a file of another program (Abaqus here), supported by the names in the file: bar in tension."""

import tempfile
from pathlib import Path

import numpy as np

from canalrisk.fem import Load, Model, NeoHookean, Supports, prepare, set_dofs, solve, stress_strain
from canalrisk.mesh import read_hex_mesh

MU, STRETCH = 0.010, 1.3  # MPa, 1
FILE = """*HEADING
Bar of 20 x 10 x 10 mm from two hexahedra, coordinates in cm
*NODE
1, 0., 0., 0.
2, 1., 0., 0.
3, 2., 0., 0.
4, 0., 1., 0.
5, 1., 1., 0.
6, 2., 1., 0.
7, 0., 0., 1.
8, 1., 0., 1.
9, 2., 0., 1.
10, 0., 1., 1.
11, 1., 1., 1.
12, 2., 1., 1.
*ELEMENT, TYPE=C3D8H, ELSET=BAR
1, 1, 2, 5, 4, 7, 8, 11, 10
2, 2, 3, 6, 5, 8, 9, 12, 11
*NSET, NSET=ROOT
1, 4, 7, 10
*NSET, NSET=TIP
3, 6, 9, 12
*NSET, NSET=FRONT
1, 2, 3, 7, 8, 9
*NSET, NSET=FLOOR
1, 2, 3, 4, 5, 6
"""


def main() -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bar.inp"
        path.write_text(FILE)
        mesh = read_hex_mesh(path, unit="cm")
    tip = set_dofs(mesh, "TIP", axes=(0,))
    held = [set_dofs(mesh, name, axes=(axis,)) for axis, name in enumerate(("ROOT", "FRONT", "FLOOR"))]
    supports = Supports(fixed=np.concatenate([*held, tip]))
    system = prepare(Model(mesh=mesh, materials=(NeoHookean(MU, 1e4 * MU),), supports=supports))
    values = np.where(np.isin(supports.fixed, tip), 20.0 * (STRETCH - 1.0), 0.0)
    state = solve(system, [Load(prescribed=values)])[0]
    stress = float(stress_strain(system, state.u).von_mises.mean())

    expected = MU * (STRETCH**2 - 1.0 / STRETCH)
    print(f"von Mises stress {1e3 * stress:.4f} kPa, closed form {1e3 * expected:.4f} kPa")
    return stress, expected


if __name__ == "__main__":
    main()
