"""Mixtures of solved neighbours: exact where places are affine, and the same whatever the order."""

from __future__ import annotations

import numpy as np
import pytest

from canalrisk.fem.neighbours import mixture, spread


def test_an_affine_family_is_spanned() -> None:
    """Places p0 + B q in general position mix to any other inside; the damping leaves 2 % of the nearest's distance."""
    random = np.random.default_rng(5)
    base, directions = random.normal(size=40), random.normal(size=(40, 4))
    parameters = random.uniform(-1.0, 1.0, size=(12, 4))
    places = [base + directions @ q for q in parameters]
    goal = base + directions @ (0.1 * parameters[0] + 0.2 * parameters[5])
    found = mixture(goal, places, else_from=np.inf)
    assert found is not None
    which, weights = found
    assert weights.sum() == pytest.approx(1.0)
    nearest = min(np.linalg.norm(p - goal) for p in places)
    assert np.linalg.norm(sum(w * places[k] for k, w in zip(which, weights, strict=True)) - goal) < 0.02 * nearest


def test_what_comes_no_nearer_is_no_mixture() -> None:
    far = [np.array((5.0, 0.0)), np.array((5.0, 1.0))]
    assert mixture(np.zeros(2), far, else_from=1.0) is None
    which, weights = mixture(np.zeros(2), far, else_from=np.inf) or ([], np.zeros(0))
    assert len(which) == len(weights) == 2
    same = mixture(far[1], far, else_from=1.0)
    assert same is not None
    assert same[0] == [1]


def test_order_spans_first_and_does_not_hang_on_the_order_given() -> None:
    random = np.random.default_rng(3)
    points = [random.uniform(-1.0, 1.0, size=3) for _ in range(20)]
    points.append(points[4].copy())  # a tie
    order = spread(points, origin=np.zeros(3))
    assert sorted(order) == list(range(21))
    # The first lies farthest from the origin, and gaps to those before never grow.
    assert order[0] == int(np.argmax([np.linalg.norm(p) for p in points]))
    taken, gaps = [np.zeros(3)], []
    for k in order:
        gaps.append(min(np.linalg.norm(points[k] - t) for t in taken))
        taken.append(points[k])
    assert (np.diff(gaps) <= 1e-12).all()
    shuffled = random.permutation(21)
    again = spread([points[k] for k in shuffled], origin=np.zeros(3))
    assert np.array_equal([points[shuffled[k]] for k in again], [points[k] for k in order])
    # Without an origin the middle comes first.
    assert np.array_equal(
        points[spread(points, origin=None)[0]], min(points, key=lambda p: np.linalg.norm(p - np.mean(points, axis=0)))
    )
    assert spread([], origin=None) == []
