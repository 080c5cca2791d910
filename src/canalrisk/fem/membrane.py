"""Membranes on faces of the mesh: pia and dura."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from canalrisk.errors import UsageError

Array = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Membrane:
    """St Venant-Kirchhoff membrane in plane stress on quads.

    Parameters
    ----------
    quads : (k, 4) ndarray of int64
        Faces of hexahedra of the mesh.
    young : float
        Young's modulus, MPa.
    poisson : float
        Poisson's ratio.
    thickness : float
        mm.
    residual : float
        Share of the full stiffness that the tension field keeps in wrinkled and slack states.
    law : {"tension-field", "full"}
        The relaxed energy of a sheet that wrinkles instead of resisting compression (Pipkin 1986), or the full law,
        whose compression stiffness makes a stiff sheet on soft tissue buckle in a pattern that depends on the mesh.
    prestrain : float
        Engineering strain, equal in all directions, at which the sheet sits on the undeformed body: 0.01 is taut, -0.01
        has slack to take up. The body's start is then not in equilibrium; the first load finds it.
    """

    quads: Index
    young: float
    poisson: float
    thickness: float
    residual: float = 1e-3
    law: Literal["tension-field", "full"] = "tension-field"
    prestrain: float = 0.0

    def __post_init__(self) -> None:
        """Refuse constants without a positive stiffness."""
        good = self.young > 0 and -1 < self.poisson <= 0.5 and self.thickness > 0 and self.prestrain > -1
        if not (good and 0 <= self.residual <= 1 and self.law in ("tension-field", "full")):
            raise UsageError(
                f"membrane of {self.young} MPa, nu {self.poisson}, {self.thickness} mm, prestrain {self.prestrain}, "
                f"residual {self.residual}, law {self.law!r}",
                where="fem.Membrane",
                fix="give positive modulus and thickness, nu to 0.5, a residual from 0 to 1, 'tension-field' or 'full'",
            )


def membrane_properties(membranes: Sequence[Membrane]) -> Array:
    """Per quad what the kernel reads: stiffness E h (N/mm), Poisson's ratio, residual share, stretch at rest, (k, 4).

    The full law is the tension field whose residual share is all of it.
    """
    rows = [
        np.tile(
            (m.young * m.thickness, m.poisson, 1.0 if m.law == "full" else m.residual, 1.0 + m.prestrain),
            (len(m.quads), 1),
        )
        for m in membranes
        if len(m.quads)
    ]
    return np.concatenate(rows) if rows else np.zeros((0, 4))
