"""One hexahedron in uniaxial stress, plane strain and simple shear, for each material."""

from __future__ import annotations

from functools import partial

import numpy as np
from scipy.optimize import brentq

from canalrisk.fem import FibreReinforced, LinearElastic, Load, Material, Ogden, Settings, dofs, stress_strain
from canalrisk.fem.assemble import evaluate
from canalrisk.verify.check import Check, Problem
from canalrisk.verify.core import TIGHT, body, brick, on, solved
from canalrisk.verify.laws import MATERIALS, piola

# Fibres lie along the load, so that the free sides contract alike.
AXIS = np.array([0.0, 0.0, 1.0])
# Residual of the solver, times the ratio of bulk to shear modulus, as a stress.
ROUNDING = 1e-7

# Set A of material constants: mu in MPa (Abaqus' convention) and alpha.
WHITE, GRAY = (4.0e-3, 12.5), (4.1e-3, 14.7)
# Nominal stress, kPa, of the incompressible solids: strain, then white uniaxial, white plane strain, gray, gray.
TABLE = (
    (-0.20, -3.178, -12.966, -3.569, -18.508),
    (-0.10, -1.183, -2.463, -1.213, -2.785),
    (0.10, 1.594, 1.738, 1.807, 1.934),
    (0.20, 5.038, 5.155, 6.659, 6.749),
    (0.30, 12.982, 13.059, 20.239, 20.292),
)
HALF_DIGIT = 0.0005
# Bulk over shear modulus of the two solutions from which the incompressible one is extrapolated. At 1e5 the stress is
# off by less than alpha sigma / kappa = 7e-4; the square of that is left after extrapolation.
BULK = (1e5, 2e5)
LEFT = 1e-6


def nominal_stress(law: Material, strain: float, *, plane: bool, settings: Settings = TIGHT) -> float:
    """Axial force over undeformed area, MPa, of a unit cube stretched along z; free in x, and in y unless `plane`."""
    mesh = brick((1, 1, 1))
    top = dofs(on(mesh, 2, 1.0), axes=(2,))
    across = dofs(np.arange(8), axes=(1,)) if plane else dofs(on(mesh, 1, 0.0), axes=(1,))
    fixed = np.concatenate([dofs(on(mesh, 2, 0.0), axes=(2,)), dofs(on(mesh, 0, 0.0), axes=(0,)), across, top])
    system = body(mesh, law, fixed=fixed, fibre=AXIS)
    state = solved(system, [Load(prescribed=np.where(np.isin(fixed, top), strain, 0.0))], settings=settings)[0]
    return float(state.reactions[on(mesh, 2, 1.0), 2].sum())


def _incompressible(mu: float, alpha: float, strain: float, *, plane: bool) -> float:
    near, nearer = (
        nominal_stress(Ogden(mu, alpha, bulk * mu), strain, plane=plane, settings=Settings(tolerance=1e-8))
        for bulk in BULK
    )
    return 2.0 * nearer - near


def uniaxial(name: str, source: str, *, law: Material) -> tuple[Check, ...]:
    """Nominal stress at 25 % extension and compression; the free stretch from a scalar equation of the same law."""
    checks = []
    for stretch in (1.25, 0.75):

        def lateral(free: float, stretch: float = stretch) -> float:
            return float(piola(law, np.diag([free, free, stretch]), AXIS)[0, 0])

        across = brentq(lateral, 0.5, 2.0, xtol=1e-15, rtol=1e-14)
        expected = float(piola(law, np.diag([across, across, stretch]), AXIS)[2, 2])
        got = nominal_stress(law, stretch - 1.0, plane=False)
        checks.append(Check(name, f"nominal stress at stretch {stretch}, MPa", expected, got, ROUNDING, source))
    return tuple(checks)


def simple_shear(name: str, source: str, *, law: Material) -> tuple[Check, ...]:
    """Shear stress at amount 0.6, and Rivlin's universal relation between it and the normal stresses."""
    amount = 0.6
    mesh = brick((1, 1, 1))
    system = body(mesh, law)
    u = amount * mesh.points[:, [1, 0, 0]] * [1.0, 0.0, 0.0]
    at = evaluate(system, u, touches=(), forces=None, tangent=False)
    # Principal stretches l and 1 / l with l - 1 / l = amount.
    stretch = 0.5 * amount + np.sqrt(1.0 + 0.25 * amount**2)
    expected = _difference(law, stretch) / (stretch + 1 / stretch)
    force = float(at.residual[on(mesh, 1, 1.0), 0].sum())
    cauchy = stress_strain(system, u).cauchy[0, 0]
    return (
        Check(name, f"shear stress at amount {amount}, MPa", float(expected), force, 1e-12, source),
        Check(
            name, "(sigma_xx - sigma_yy) / sigma_xy", amount, float((cauchy[0] - cauchy[1]) / cauchy[3]), 1e-12,
            "universal for isotropic solids: Rivlin 1948, Phil Trans R Soc A 241:379",
        ),
    )  # fmt: skip


def _difference(law: Material, stretch: float) -> float:
    """Difference of the greatest and the least principal stress at stretches l, 1 / l, 1."""
    if isinstance(law, Ogden):
        return float(sum(2 * mu / a * (stretch**a - stretch**-a) for mu, a in law.terms))
    if isinstance(law, LinearElastic):
        return float(4 * law.shear * np.log(stretch))
    # Neo-Hookean and Mooney-Rivlin alike: the second invariant equals the first.
    return law.shear * (stretch**2 - stretch**-2)


def ogden_table(name: str, source: str) -> tuple[Check, ...]:
    """White and gray matter of set A against the table's twenty values, all within half a unit of the last digit."""
    checks = []
    for strain, *values in TABLE:
        for column, expected in enumerate(values):
            mu, alpha = (WHITE, GRAY)[column // 2]
            got = 1e3 * _incompressible(mu, alpha, strain, plane=column % 2 == 1)
            tissue, way = ("white", "gray")[column // 2], ("uniaxial", "plane strain")[column % 2]
            checks.append(
                Check(name, f"{tissue}, {way}, strain {strain:+.2f}, kPa", expected, got,
                      HALF_DIGIT / abs(expected) + LEFT, source)
            )  # fmt: skip
    return tuple(checks)


PROBLEMS = (
    *(
        Problem(
            f"uniaxial-{kind}", "single element", "free sides: lateral stress zero fixes the lateral stretch",
            "Ogden 1984, Non-linear Elastic Deformations, ch. 4; law written as tensors", partial(uniaxial, law=law), 0,
        )
        for kind, law in MATERIALS.items()
    ),
    *(
        Problem(
            f"simple-shear-{kind}", "single element",
            "isochoric; sigma_xy = (sigma_1 - sigma_2) / (l + 1/l) with l - 1/l = amount",
            "Ogden 1984, Non-linear Elastic Deformations, ch. 4", partial(simple_shear, law=law), 0,
        )
        for kind, law in MATERIALS.items()
        if not isinstance(law, FibreReinforced)
    ),
    Problem(
        "ogden-table", "single element",
        "nominal stress 2 mu/a (l^(a-1) - l^-(1+a/2)) uniaxial, 2 mu/a (l^(a-1) - l^-(1+a)) in plane strain (Abaqus)",
        "closed form, tabulated in the project's mechanics dossier (white 4.0 kPa, 12.5; gray 4.1 kPa, 14.7)",
        ogden_table, 0,
    ),
)  # fmt: skip
