from __future__ import annotations

import numpy as np
import pytest

from canalrisk.errors import UsageError
from canalrisk.fem import Load, Model, NeoHookean, Ogden, Supports, dofs, prepare, solve, stress_strain
from canalrisk.fem.assemble import evaluate
from canalrisk.fem.kernels import constitutive
from canalrisk.fem.materials import material_table
from conftest import block

LAWS = (
    NeoHookean(0.3, 7.0),
    NeoHookean(0.3, 7.0, "quadratic"),
    Ogden(0.4, 12.5, 9.0),
    Ogden((0.3, 0.2, -0.05), (1.3, 5.0, -2.0), 9.0, "quadratic"),
)


def _tangent(law: NeoHookean | Ogden, stretch: np.ndarray) -> np.ndarray:
    b = np.array([*stretch**2, 0.0, 0.0, 0.0])
    tau, c, work = np.empty(6), np.empty((6, 6)), np.empty((10, 6))
    constitutive.isochoric(material_table([law])[0], b, float(np.prod(stretch)), tau, c, True, work)
    return c


def test_ogden_with_alpha_two_is_neo_hookean() -> None:
    # W = mu/2 (sum lbar^2 - 3) for alpha = 2: the neo-Hookean law by definition of Abaqus' convention.
    rng = np.random.default_rng(3)
    f = np.eye(3) + 0.3 * rng.normal(size=(3, 3))
    left = f @ f.T
    b = left[[0, 1, 2, 0, 1, 0], [0, 1, 2, 1, 2, 2]].copy()
    results = []
    for law in (NeoHookean(0.3, 1.0), Ogden(0.3, 2.0, 1.0)):
        tau, c, work = np.empty(6), np.empty((6, 6)), np.empty((10, 6))
        energy = constitutive.isochoric(material_table([law])[0], b, np.linalg.det(f), tau, c, True, work)
        results.append(np.concatenate(([energy], tau, c.ravel())))
    assert np.allclose(results[0], results[1], rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("gap", [0.0, 1e-14, 1e-9, 1e-6, 1e-4, 3e-3])
def test_nearly_equal_stretches_lose_no_digits(gap: float) -> None:
    # The tangent is smooth: between stretches that differ by `gap` and equal ones it changes by O(alpha^2 gap).
    law = Ogden(1.0, 12.5, 1.0)
    equal = _tangent(law, np.array([1.1, 1.1, 1.1]))
    near = _tangent(law, np.array([1.1, 1.1 * (1 + gap), 1.1 * (1 - gap)]))
    assert np.abs(near - equal).max() <= 200.0 * gap + 2e-14 * 200
    # Small-strain limit at equal stretches: shear modulus mu.
    assert equal[3, 3] == pytest.approx(1.0, rel=1e-12)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: f"{type(law).__name__}-{law.volumetric}")
def test_element_tangent_and_force_are_derivatives(law: NeoHookean | Ogden) -> None:
    mesh = block(1, 1, 1)
    rng = np.random.default_rng(1)
    points = mesh.points + 0.1 * rng.normal(size=mesh.points.shape)
    system = prepare(Model(mesh=_moved(mesh, points), materials=(law,)))
    u = 0.12 * rng.normal(size=points.shape)
    at = evaluate(system, u, touches=(), forces=None, tangent=True)
    assert at.valid
    dense = _dense(system)
    h = 1e-6
    columns, slopes = [], []
    for k in range(24):
        step = np.zeros(24)
        step[k] = h
        plus, minus = (
            evaluate(system, u + s * step.reshape(8, 3), touches=(), forces=None, tangent=False) for s in (1, -1)
        )
        columns.append((plus.residual - minus.residual).ravel() / (2 * h))
        slopes.append((plus.energy - minus.energy) / (2 * h))
    assert np.abs(np.array(columns).T - dense).max() < 1e-7 * np.abs(dense).max()
    assert np.abs(np.array(slopes) - at.residual.ravel()).max() < 1e-7 * np.abs(at.residual).max()
    assert np.abs(dense - dense.T).max() < 1e-15 * np.abs(dense).max()


INTEGER = Ogden((0.3, 0.2, -0.05), (2.0, 4.0, -2.0), 1.0)


def _complex_stress(f: np.ndarray) -> tuple[complex, np.ndarray]:
    """Isochoric energy and Kirchhoff stress of INTEGER in matrix powers of b, written without principal axes.

    For even integer alpha the sum of stretches^alpha is tr b^(alpha/2), and
    tau = sum 2 mu/alpha dev(J^(-alpha/3) b^(alpha/2)).
    """
    jacobian, b = np.linalg.det(f), f @ f.T
    energy, tau = 0.0j, np.zeros((3, 3), complex)
    for mu, alpha in zip((0.3, 0.2, -0.05), (2, 4, -2), strict=True):
        power = jacobian ** (-alpha / 3) * np.linalg.matrix_power(b, alpha // 2)
        energy += 2 * mu / alpha**2 * (np.trace(power) - 3)
        tau += 2 * mu / alpha * (power - np.trace(power) / 3 * np.eye(3))
    return energy, tau


def test_ogden_against_complex_steps() -> None:
    # A complex step has no cancellation: derivatives to rounding (Squire and Trapp 1998).
    rng = np.random.default_rng(7)
    pairs = [(0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2)]
    row = material_table([INTEGER])[0]
    for _ in range(5):
        f = np.eye(3) + 0.35 * rng.normal(size=(3, 3))
        if np.linalg.det(f) < 0.2:
            f = np.eye(3) + 0.1 * f
        b = np.array([(f @ f.T)[p] for p in pairs])
        tau, c, work = np.empty(6), np.empty((6, 6)), np.empty((10, 6))
        energy = constitutive.isochoric(row, b, float(np.linalg.det(f)), tau, c, True, work)
        plain, stress = _complex_stress(f)
        scale = np.abs(c).max()
        assert energy == pytest.approx(plain.real, rel=1e-12)
        assert tau == pytest.approx([stress.real[p] for p in pairs], abs=1e-13 * scale)
        for column, (i, j) in enumerate(pairs):
            # A shear strain rate of engineering size 1: the column that the element multiplies.
            rate = np.zeros((3, 3))
            rate[i, j] += 0.5
            rate[j, i] += 0.5
            stepped, moved = _complex_stress((np.eye(3) + 1e-40j * rate) @ f)
            assert stepped.imag / 1e-40 == pytest.approx(np.sum(stress.real * rate), abs=1e-13 * scale)
            lie = moved.imag / 1e-40 - rate @ stress.real - stress.real @ rate
            assert c[:, column] == pytest.approx([lie[p] for p in pairs], abs=1e-12 * scale)


def _moved(mesh, points):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(mesh, points=points)


def _dense(system) -> np.ndarray:  # type: ignore[no-untyped-def]
    p = system.pattern
    n = len(p.order)
    full = np.zeros((n, 3, n, 3))
    for i in range(n):
        for k in range(p.pointer[i], p.pointer[i + 1]):
            a, b = p.order[i], p.order[p.column[k]]
            full[a, :, b, :] = system.matrix[k].reshape(3, 3)
            full[b, :, a, :] = system.matrix[k].reshape(3, 3).T
    return full.reshape(3 * n, 3 * n)


# Nominal stress, kPa, of an incompressible Ogden solid, Abaqus' convention: evidence/MECHANICS.md section 1.
WHITE, GRAY = (4.0e-3, 12.5), (4.1e-3, 14.7)
TABLE = [
    (WHITE, -0.20, -3.178, -12.966),
    (WHITE, 0.10, 1.594, 1.738),
    (WHITE, 0.30, 12.982, 13.059),
    (GRAY, -0.20, -3.569, -18.508),
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


def test_impossible_constants_are_refused() -> None:
    for make in (lambda: NeoHookean(-1.0, 1.0), lambda: Ogden((1.0, 1.0), (2.0,), 1.0), lambda: Ogden(1.0, 0.0, 1.0)):
        with pytest.raises(UsageError):
            make()
