"""The stated intervals cover the clean value in at least 85 % of redrawn segmentations, Dice 0.85 to 0.95."""

import interval_coverage as coverage
import numpy as np
import pytest

from canalrisk.phantom import sample_neck, voxelise

LEAST = 0.85


def test_a_redrawn_map_is_covered():
    labelmap, truth = coverage.clean(voxelise(sample_neck(3), spacing=1.2))
    found, dice, edge = coverage.case(labelmap, kind="noise", seed=1)
    assert all(0.8 < value < 0.97 for value in dice.values())
    assert all(0.2 < value < 3.0 for value in edge.values())
    # Values of one map hang together: all of them count here, each index by itself in the slow test.
    everything = np.concatenate(
        [np.asarray(part) for part in coverage.together([coverage.rows_of(found, truth)]).values()]
    )
    assert len(everything) > 150
    assert coverage.covered(everything) >= LEAST
    # An interval ten times too narrow is found out.
    narrow = everything.copy()
    narrow[:, 2:] = narrow[:, 1:2] + 0.1 * (narrow[:, 2:] - narrow[:, 1:2])
    assert coverage.covered(narrow) < LEAST


@pytest.mark.slow
def test_every_index_is_covered():
    labelmap, truth = coverage.clean(voxelise(sample_neck(3), spacing=1.0))
    rows = coverage.together(
        coverage.rows_of(coverage.case(labelmap, kind=kind, seed=seed)[0], truth)
        for seed in range(4)
        for kind in coverage.KINDS
    )
    short = {name: coverage.covered(part) for name, part in rows.items() if coverage.covered(part) < LEAST}
    assert not short, short
