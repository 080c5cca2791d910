from __future__ import annotations

import numpy as np
import pytest
import twin
from scipy.spatial.transform import Rotation

from canalrisk.errors import UsageError
from canalrisk.fem import (
    FibreReinforced,
    LinearElastic,
    Load,
    Material,
    Model,
    MooneyRivlin,
    NeoHookean,
    Ogden,
    Supports,
    dofs,
    prepare,
    solve,
    stress_strain,
)
from canalrisk.fem.kernels import recover
from canalrisk.fem.materials import material_table
from conftest import block

OGDENS = {
    "Ogden 1": Ogden(0.4, 12.5, 9.0),
    "Ogden 2": Ogden((0.3, 0.2), (1.3, -3.7), 9.0),
    "Ogden 3": Ogden((0.3, 0.2, -0.05), (1.3, 5.0, -2.0), 9.0, "quadratic"),
    "linear": LinearElastic(1.0, 0.49),
}
LAWS: dict[str, Material] = {
    "neo-Hookean": NeoHookean(0.3, 7.0),
    "Mooney-Rivlin": MooneyRivlin(0.13, 0.03, 7.0, "quadratic"),
    **OGDENS,
    "fibres": FibreReinforced(0.1, 7.0, k1=0.5, k2=1.7),
    "dispersed fibres": FibreReinforced(0.1, 7.0, k1=0.5, dispersion=0.2),
}
FIBRE = np.array((0.36, 0.48, 0.8))


def respond(law: Material, f: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energy (8,), Kirchhoff stress (8, 6) and tangent (8, 6, 6) of the kernels at eight gradients `f` (8, 3, 3)."""
    response = np.empty((1, recover.RESPONSE, 8))
    jacobian, stretch, dilatation, pressure = np.empty((1, 8)), np.empty((1, 8)), np.empty(1), np.empty(1)
    lanes = np.ascontiguousarray(f.reshape(1, 8, 9).transpose(0, 2, 1))
    directions = np.repeat(FIBRE[None, :, None], 8, axis=2)
    recover.recover(
        lanes, np.ones((1, 8)), material_table([law]), np.zeros((1, 8), np.int64), directions, True, response,
        jacobian, stretch, dilatation, pressure,
    )  # fmt: skip
    points = response[0].T
    return points[:, 0], points[:, recover.STRESS : recover.TANGENT], points[:, recover.TANGENT :].reshape(8, 6, 6)


def agree(law: Material, f: np.ndarray, *, bound: float) -> None:
    """Compare kernels and twin at (8, 3, 3) gradients, relative to the size of the tangent."""
    energies, stresses, tangents = respond(law, f)
    for e, tau, c, gradient in zip(energies, stresses, tangents, f, strict=True):
        energy, stress, work, tangent = twin.response(law, gradient, FIBRE)
        scale = np.abs(tangent).max()
        assert e == pytest.approx(energy, abs=bound * scale)
        # The twin's stress is itself the derivative of the twin's energy.
        assert stress == pytest.approx(work, abs=bound * scale)
        assert tau == pytest.approx(stress, abs=bound * scale)
        assert c == pytest.approx(tangent, abs=bound * scale)


@pytest.mark.parametrize("law", LAWS.values(), ids=LAWS.keys())
def test_law_against_complex_steps(law: Material) -> None:
    # Bound: rounding of 400-term series; the specification asks 1e-7.
    rng = np.random.default_rng(7)
    f = np.eye(3) + 0.2 * rng.normal(size=(8, 3, 3))
    f[0] = np.eye(3)
    f[1] = Rotation.from_rotvec([0.4, -1.0, 0.3]).as_matrix() @ np.diag([0.7, 1.5, 1.1])
    assert np.linalg.det(f).min() > 0.2
    agree(law, f, bound=1e-12)


@pytest.mark.parametrize("law", OGDENS.values(), ids=OGDENS.keys())
def test_equal_and_nearly_equal_stretches_lose_no_digits(law: Material) -> None:
    turn = Rotation.from_rotvec([0.9, -0.2, 1.4]).as_matrix()
    for first in (1.0, 1.2):
        f = [
            turn @ np.diag([first, first * (1 + gap), first * (1 + sign * gap)]) @ turn.T
            for gap in (0.0, 1e-12, 1e-8, 1e-4)
            for sign in (0.0, -1.0)
        ]
        agree(law, np.array(f), bound=1e-12)


def test_ogden_with_alpha_two_is_neo_hookean() -> None:
    # W = mu/2 (sum lbar^2 - 3) for alpha = 2: the neo-Hookean law by definition of Abaqus' convention.
    f = np.eye(3) + 0.25 * np.random.default_rng(3).normal(size=(8, 3, 3))
    for one, other in zip(respond(NeoHookean(0.3, 1.0), f), respond(Ogden(0.3, 2.0, 1.0), f), strict=True):
        assert one == pytest.approx(other, rel=1e-12, abs=1e-13)


def test_conventions_of_other_programs() -> None:
    # Young's modulus 3 mu at small strain: the set A pair (4 kPa, 12.5) means 12 kPa in Abaqus' convention and 75 kPa
    # in LS-DYNA's (evidence/MECHANICS.md, section 1). FEBio's c is twice Abaqus' mu.
    assert 3 * Ogden(4.0, 12.5, 1.0).shear == pytest.approx(12.0)
    assert 3 * Ogden.from_ls_dyna(4.0, alpha=12.5, kappa=1.0).shear == pytest.approx(75.0)
    assert Ogden.from_febio((8.0, 2.0), m=(12.5, -2.0), kappa=1.0) == Ogden((4.0, 1.0), (12.5, -2.0), 1.0)


def test_linear_elastic_is_hooke_at_rest_and_linear_in_logarithmic_strain() -> None:
    law = LinearElastic(2.0, 0.3)
    assert law.shear == pytest.approx(2.0 / 2.6)
    assert law.kappa == pytest.approx(2.0 / 1.2)
    rest = respond(law, np.tile(np.eye(3), (8, 1, 1)))[2][0]
    hooke = np.diag([2 * law.shear] * 3 + [law.shear] * 3)
    hooke[:3, :3] -= 2 / 3 * law.shear
    assert rest == pytest.approx(hooke, abs=1e-14)
    # Volume-preserving stretch: tau = 2 mu ln V.
    stretch = np.array((1.5, 0.9, 1 / 1.35))
    tau = respond(law, np.tile(np.diag(stretch), (8, 1, 1)))[1][0]
    assert tau[:3] == pytest.approx(2 * law.shear * np.log(stretch))


def test_fibres_pull_and_never_push() -> None:
    # Incompressible uniaxial stretch along the fibre, E = l^2 - 1: dW/dl = mu (l - 1/l^2) + 2 k1 l E exp(k2 E^2), and
    # l dW/dl is the difference between axial and lateral Kirchhoff stress.
    mu, k1, k2 = 0.1, 0.5, 1.7
    law = FibreReinforced(mu, 7.0, k1=k1, k2=k2)
    side = np.cross(FIBRE, (0.0, 0.0, 1.0))
    side /= np.linalg.norm(side)
    for stretch in (0.8, 1.15):
        f = np.tile((stretch - stretch**-0.5) * np.outer(FIBRE, FIBRE) + stretch**-0.5 * np.eye(3), (8, 1, 1))
        tau = respond(law, f)[1][0]
        full = np.array([[tau[0], tau[3], tau[5]], [tau[3], tau[1], tau[4]], [tau[5], tau[4], tau[2]]])
        e = max(stretch**2 - 1, 0.0)
        expected = mu * (stretch**2 - 1 / stretch) + 2 * k1 * stretch**2 * e * np.exp(k2 * e * e)
        assert FIBRE @ full @ FIBRE - side @ full @ side == pytest.approx(expected, rel=1e-12)


# Nominal stress, kPa, of an incompressible Ogden solid, Abaqus' convention: evidence/MECHANICS.md section 1.
WHITE, GRAY = (4.0e-3, 12.5), (4.1e-3, 14.7)
TABLE = [
    (WHITE, -0.20, -3.178, -12.966),
    (WHITE, -0.10, -1.183, -2.463),
    (WHITE, 0.10, 1.594, 1.738),
    (WHITE, 0.20, 5.038, 5.155),
    (WHITE, 0.30, 12.982, 13.059),
    (GRAY, -0.20, -3.569, -18.508),
    (GRAY, -0.10, -1.213, -2.785),
    (GRAY, 0.10, 1.807, 1.934),
    (GRAY, 0.20, 6.659, 6.749),
    (GRAY, 0.30, 20.239, 20.292),
]


@pytest.mark.parametrize(("constants", "strain", "uniaxial", "plane"), TABLE)
def test_ogden_single_element(constants: tuple[float, float], strain: float, uniaxial: float, plane: float) -> None:
    mesh = block(1, 1, 1)
    x, y, z = mesh.points.T
    for sideways, expected in ((False, uniaxial), (True, plane)):
        pinned = [dofs(np.flatnonzero(z == 0), axes=(2,)), dofs(np.flatnonzero(x == 0), axes=(0,))]
        pinned.append(dofs(np.arange(8) if sideways else np.flatnonzero(y == 0), axes=(1,)))
        top = dofs(np.flatnonzero(z == 1), axes=(2,))
        fixed = np.concatenate([*pinned, top])
        law = Ogden(*constants, kappa=2e5 * constants[0])
        system = prepare(Model(mesh=mesh, materials=(law,), supports=Supports(fixed=fixed)))
        values = np.where(np.isin(fixed, top), strain, 0.0)
        state = solve(system, [Load(prescribed=values)])[0]
        assert state.converged, state.reason
        force = state.reactions[z == 1, 2].sum()
        assert 1e3 * force == pytest.approx(expected, rel=1e-3)
        fields = stress_strain(system, state.u)
        # Cauchy = nominal over the deformed area; sides are free in x.
        area = np.prod(1 + state.u[-1, :2])
        assert fields.cauchy[0, :, 2] == pytest.approx(force / area, rel=1e-6)
        assert np.abs(fields.cauchy[0, :, 0]).max() < 1e-6 * abs(force)


@pytest.mark.parametrize(
    "make",
    [
        lambda: NeoHookean(-1.0, 1.0),
        lambda: Ogden((1.0, 1.0), (2.0,), 1.0),
        lambda: Ogden(1.0, 0.0, 1.0),
        lambda: MooneyRivlin(-1.0, 0.5, 1.0),
        lambda: LinearElastic(1.0, 0.5),
        lambda: FibreReinforced(1.0, 1.0, k1=1.0, dispersion=0.5),
        lambda: FibreReinforced(1.0, 1.0, k1=-1.0),
    ],
)
def test_impossible_constants_are_refused(make) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(UsageError):
        make()
