"""A stiff block hung between eight prestrained ligaments and pushed sideways: force against the closed form."""

import numpy as np

from canalrisk.fem import Load, Model, NeoHookean, Supports, Trusses, prepare, set_dofs, solve, truss_tensions
from canalrisk.mesh import brick

EA, REACH, PRESTRAIN = 0.5, 3.0, 0.02  # N, mm, 1
PUSH = 1.2  # mm


def main() -> tuple[float, float]:
    mesh = brick((2, 2, 2), size=(2.0, 2.0, 2.0))
    left, right = (np.array([n for n in mesh.node_sets[s] if n in corners(mesh.points)]) for s in ("x0", "x1"))
    away = np.repeat(np.array([(-REACH, 0.0, 0.0), (REACH, 0.0, 0.0)]), 4, axis=0)
    held = np.concatenate([left, right])
    ligaments = Trusses(
        nodes=np.stack((held, np.full(8, -1)), axis=1),
        stiffness=np.full(8, EA),
        anchors=mesh.points[held] + away,
        prestrain=PRESTRAIN,
    )
    # The top and bottom faces move together in y; nothing but the ligaments holds the block in x and z.
    fixed = np.concatenate([set_dofs(mesh, "y0", axes=(1,)), set_dofs(mesh, "y1", axes=(1,))])
    model = Model(mesh=mesh, materials=(NeoHookean(1e4, 1e4),), supports=Supports(fixed=fixed), trusses=ligaments)
    system = prepare(model)
    state = solve(system, [Load(prescribed=np.full(len(fixed), PUSH))])[0]
    force = float(state.reactions[:, 1].sum())

    rest, length = REACH / (1.0 + PRESTRAIN), float(np.hypot(REACH, PUSH))
    tension = EA * (length / rest - 1.0)
    expected = 8.0 * tension * PUSH / length
    pull = truss_tensions(system.trusses, system.points + state.u)
    print(f"force {force:.5f} N, closed form {expected:.5f} N; ligaments carry {pull.min():.4f} to {pull.max():.4f} N")
    return force, expected


def corners(points: np.ndarray) -> np.ndarray:
    """Nodes at the corners of the block."""
    return np.flatnonzero(np.isin(points, (0.0, 2.0)).all(axis=1))


if __name__ == "__main__":
    main()
