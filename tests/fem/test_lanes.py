"""Eight lanes against NumPy: arithmetic, elementary functions, principal axes."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from canalrisk._jit import kernel
from canalrisk.fem.kernels import functions, lanes


@kernel
def arithmetic(a, out):  # type: ignore[no-untyped-def]
    """One of each operation on the two vectors of `a`."""
    v, w = lanes.load(a, 0), lanes.load(a, 1)
    lanes.store(2.0 * v - w / 3.0 + (-v) * w, out, 0)
    lanes.store(lanes.root(lanes.absolute(v)), out, 1)
    lanes.store(lanes.choose(v, v, w), out, 2)
    lanes.store(lanes.greater(v, w) - lanes.lesser(v, w), out, 3)
    lanes.transpose(a, 0, 1, out, 4)
    return lanes.total(v), lanes.lowest(w)


@kernel
def elementary(x, logs, grown):  # type: ignore[no-untyped-def]
    """Fill logarithms and exponentials less one."""
    for k in range(len(x)):
        lanes.store(functions.logarithm(lanes.absolute(lanes.load(x, k))), logs, k)
        lanes.store(functions.exponential_less_one(lanes.load(x, k)), grown, k)


@kernel
def axes(b, out):  # type: ignore[no-untyped-def]
    """Principal axes of the tensors b (6, 8)."""
    functions.principal_axes(
        lanes.load(b, 0), lanes.load(b, 1), lanes.load(b, 2), lanes.load(b, 3), lanes.load(b, 4), lanes.load(b, 5), out
    )


def test_arithmetic_is_that_of_numpy() -> None:
    a = np.random.default_rng(0).normal(size=(8, 8))
    out = np.empty((12, 8))
    total, lowest = arithmetic(a, out)
    v, w = a[0], a[1]
    assert out[0] == pytest.approx(2 * v - w / 3 - v * w, rel=1e-14, abs=1e-15)
    assert out[1] == pytest.approx(np.sqrt(np.abs(v)), rel=1e-15)
    assert np.array_equal(out[2], np.where(v > 0, v, w))
    assert np.array_equal(out[3], np.abs(v - w))
    assert np.array_equal(out[4:], a.T)
    assert total == pytest.approx(v.sum(), rel=1e-14)
    assert lowest == w.min()
    a[1, 3] = np.nan
    assert np.isnan(arithmetic(a, out)[1])


def test_elementary_functions_to_two_units_in_the_last_place() -> None:
    # NumPy's extended precision is the reference.
    rng = np.random.default_rng(1)
    near = 10.0 ** rng.uniform(-15, 0, 4000) * rng.choice((-1, 1), 4000)
    for x in (near, 1.0 + near, 10.0 ** rng.uniform(-3, 2.8, 4000), rng.uniform(-600, 600, 4000)):
        x = x[x != 0][: len(x) // 8 * 8 - 8].reshape(-1, 8)
        logs, grown = np.empty_like(x), np.empty_like(x)
        elementary(x, logs, grown)
        for got, expected in (
            (logs, np.log(np.abs(x.astype(np.longdouble)))),
            (grown, np.expm1(x.astype(np.longdouble))),
        ):
            assert np.abs(got - expected).max(initial=0, where=expected == 0) == 0
            with np.errstate(invalid="ignore", divide="ignore"):
                relative = np.abs((got - expected) / expected)
            assert relative[expected != 0].max() < 2 * np.finfo(float).eps


def test_principal_axes_of_equal_and_different_stretches() -> None:
    values = np.array(
        [(1, 1, 1), (2, 2, 1), (1, 2, 2), (3, 1, 0.5), (1, 1 + 1e-9, 1), (1, 1 + 1e-14, 2), (5, 4, 3), (1e-3, 1, 9)]
    )
    for seed in range(20):
        turn = Rotation.random(8, rng=seed).as_matrix() if seed else np.tile(np.eye(3), (8, 1, 1))
        b = np.einsum("qia,qa,qja->qij", turn, values, turn)
        flat = np.ascontiguousarray([b[:, i, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2))])
        out = np.empty((12, 8))
        axes(flat, out)
        found, vectors = out[:3].T, np.moveaxis(out[3:].reshape(3, 3, 8), -1, 0)
        assert vectors @ np.swapaxes(vectors, 1, 2) == pytest.approx(np.tile(np.eye(3), (8, 1, 1)), abs=1e-14)
        assert np.einsum("qia,qa,qja->qij", vectors, found, vectors) == pytest.approx(b, abs=1e-14 * 9)
        assert np.sort(found) == pytest.approx(np.sort(values), abs=1e-14 * 9)
