from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pytest

from canalrisk.errors import UsageError
from canalrisk.fem import Membrane, Model, NeoHookean, System, prepare
from canalrisk.fem.assemble import evaluate
from canalrisk.fem.kernels.surface import relaxed
from canalrisk.mesh.hexmesh import HexMesh
from conftest import block, dense_matrix

EH, NU, REST = 3.0, 0.3, 1e-3


def _law(e11: float, e22: float, e12: float) -> tuple[float, np.ndarray, np.ndarray]:
    s, c = np.empty(3), np.empty((3, 3))
    return relaxed(e11, e22, e12, EH, NU, REST, s, c), s, c


def test_three_states() -> None:
    # Taut: plane stress. Wrinkled: uniaxial. Slack: only the residual share. Closed forms of the relaxed energy.
    plane = EH / (1 - NU**2)
    _, taut, _ = _law(0.02, 0.01, 0.0)
    assert taut == pytest.approx([plane * 0.023, plane * 0.016, 0.0])
    energy, wrinkled, _ = _law(0.02, -0.05, 0.0)
    full = 0.5 * plane * (0.02**2 + 0.05**2 - 2 * NU * 0.02 * 0.05)
    assert energy == pytest.approx((1 - REST) * 0.5 * EH * 0.02**2 + REST * full)
    assert wrinkled[0] == pytest.approx((1 - REST) * EH * 0.02 + REST * plane * (0.02 - NU * 0.05))
    assert wrinkled[1] == pytest.approx(REST * plane * (-0.05 + NU * 0.02))
    _, slack, _ = _law(-0.02, -0.03, 0.0)
    assert slack[0] == pytest.approx(REST * plane * (-0.02 - NU * 0.03))


def test_pure_shear_wrinkles() -> None:
    # Principal strains +-g: uniaxial tension at 45 degrees, energy E h g^2 / 2 instead of E h g^2 / (1 + nu).
    g = 0.01
    energy, s, _ = _law(0.0, 0.0, g)
    assert energy == pytest.approx((1 - REST) * EH * g**2 / 2 + REST * EH * g**2 / (1 + NU))
    assert s[0] == pytest.approx((1 - REST) * EH * g / 2)
    assert s[0] == pytest.approx(s[1])


@pytest.mark.parametrize("strain", [(0.02, 0.01, 0.004), (0.02, -0.05, 0.01), (-0.02, -0.03, 0.002), (0.0, 0.0, 0.01)])
def test_law_is_consistent(strain: tuple[float, float, float]) -> None:
    _, s, c = _law(*strain)
    h = 1e-7
    for k, weight in enumerate((1.0, 1.0, 0.5)):
        step = np.zeros(3)
        step[k] = h
        (e1, s1, _), (e0, s0, _) = _law(*(strain + step)), _law(*(strain - step))
        # The third strain is twice e12.
        assert (e1 - e0) / (2 * h) * weight == pytest.approx(s[k], abs=1e-8 * EH)
        assert (s1 - s0) / (2 * h) * weight == pytest.approx(c[:, k], abs=1e-6 * EH)


@pytest.mark.parametrize("law", ["tension-field", "full"])
@pytest.mark.parametrize("prestrain", [0.0, 0.04, -0.03])
def test_membrane_element_tangent(law: Literal["tension-field", "full"], prestrain: float) -> None:
    mesh = block(1, 1, 1)
    membrane = Membrane(mesh.surface, 30.0, NU, 0.1, law=law, prestrain=prestrain)
    system = prepare(Model(mesh=mesh, materials=(NeoHookean(1e-6, 1e-6),), membranes=(membrane,)))
    rng = np.random.default_rng(4)
    u = 0.1 * rng.normal(size=mesh.points.shape)
    at = evaluate(system, u, touches=(), forces=None, tangent=True)
    dense, h = dense_matrix(system), 1e-6
    for k in range(24):
        step = np.zeros(24)
        step[k] = h
        plus, minus = (
            evaluate(system, u + s * step.reshape(8, 3), touches=(), forces=None, tangent=False) for s in (1, -1)
        )
        column = (plus.residual - minus.residual).ravel() / (2 * h)
        assert np.abs(column - dense[:, k]).max() < 1e-7 * np.abs(dense).max()
        assert (plus.energy - minus.energy) / (2 * h) == pytest.approx(at.residual.ravel()[k], abs=1e-7)
    assert np.abs(dense - dense.T).max() < 1e-15 * np.abs(dense).max()


def _flat(**options: Any) -> tuple[HexMesh, System]:
    """Sheet on the face x = 1 of a block that is all but absent."""
    mesh = block(2, 2, 2)
    side = mesh.surface[(mesh.points[mesh.surface][:, :, 0] == 1.0).all(axis=1)]
    membrane = Membrane(side, 30.0, NU, 0.1, **options)
    return mesh, prepare(Model(mesh=mesh, materials=(NeoHookean(1e-9, 1e-9),), membranes=(membrane,)))


def test_full_law_resists_compression_and_the_tension_field_does_not() -> None:
    # Equal compression in both directions: S = E h / (1 - nu) times the Green strain, first Piola (1 + e) S.
    e = -0.03
    green = 0.5 * ((1 + e) ** 2 - 1)
    expected = 3.0 / (1 - NU) * green * (1 + e)
    for law, share in (("full", 1.0), ("tension-field", REST)):
        mesh, system = _flat(law=law)
        at = evaluate(system, mesh.points * [0.0, e, e], touches=(), forces=None, tangent=False)
        top = mesh.points[:, 2] == 1.0
        assert at.residual[top, 2].sum() == pytest.approx(share * expected, rel=1e-5)


def test_prestrain_pulls_on_the_undeformed_body() -> None:
    # The natural sheet is 1 / (1 + p) of the body's size: on the undeformed body its line tension (Cauchy) is S.
    for p in (0.02, -0.02):
        mesh, system = _flat(law="full", prestrain=p)
        at = evaluate(system, np.zeros_like(mesh.points), touches=(), forces=None, tangent=False)
        top = mesh.points[:, 2] == 1.0
        assert at.residual[top, 2].sum() == pytest.approx(3.0 / (1 - NU) * 0.5 * ((1 + p) ** 2 - 1), rel=1e-6)
        free = -p / (1 + p)
        at = evaluate(system, free * mesh.points * [0.0, 1.0, 1.0], touches=(), forces=None, tangent=False)
        assert np.abs(at.residual).max() < 1e-8


def test_impossible_membranes_are_refused() -> None:
    quads = block(1, 1, 1).surface
    for options in ({"thickness": 0.0}, {"poisson": 0.7}, {"prestrain": -1.0}, {"residual": 2.0}, {"law": "taut"}):
        with pytest.raises(UsageError):
            Membrane(quads, **({"young": 1.0, "poisson": 0.3, "thickness": 0.1} | options))


def test_stretched_sheet_narrows_freely() -> None:
    # A sheet on a very soft block under uniaxial stretch: its force is E h w e (1 + e) ... with e the Green strain.
    mesh, system = _flat()
    e = 0.05
    green = 0.5 * ((1 + e) ** 2 - 1)
    lateral = np.sqrt(1 - 2 * NU * green)
    u = mesh.points * [0.0, lateral - 1.0, e]
    at = evaluate(system, u, touches=(), forces=None, tangent=False)
    top = mesh.points[:, 2] == 1.0
    # First Piola stress (1 + e) S with S = E h green on a width of 1.
    assert at.residual[top, 2].sum() == pytest.approx(3.0 * green * (1 + e), rel=1e-6)
    assert np.abs(at.residual[:, 1]).max() < 1e-8
