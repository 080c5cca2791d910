"""Compression indices on 12 057 cord slices of patients and controls, 112 of them marked as compressed by hand.

The bounds were written down before any area under the curve was computed. A compressed cord is flat by definition, so
that AP/RL and the AP diameter against healthy adults must tell it from others well (0.8, what is called good
discrimination); area and solidity change later and less (0.7, fair). Every lower limit over scans must exceed chance.
"""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from canalrisk.morphometry.sct import sct_compromise

BOUNDS = {
    "compression ratio AP/RL": 0.80,
    "AP diameter, z-score": 0.80,
    "area, z-score": 0.70,
    "solidity": 0.70,
}


@pytest.fixture(scope="module")
def benchmark():
    path = Path(__file__).parents[2] / "benchmarks" / "compressed_slices.py"
    spec = importlib.util.spec_from_file_location("compressed_slices", path)
    module = importlib.util.module_from_spec(spec)
    # A dataclass looks its module up by name.
    import sys

    sys.modules["compressed_slices"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def found(benchmark, shared):
    table = benchmark.read(shared / "data" / "morphometry")
    scores = benchmark.indices(table)
    return {name: benchmark.separation(name, scores[name], table) for name in BOUNDS}


@pytest.mark.parametrize("name", BOUNDS)
def test_index_separates_compressed_slices(found, name):
    assert found[name].auc > BOUNDS[name]
    assert found[name].low > 0.5


def test_separation_is_the_share_of_pairs(benchmark):
    # Two scans; three compressed slices against three others by hand: 1 > 0, 0.5; 2 > all but 2 (a tie); 0 > none.
    table = {
        "is_compressed": np.array([1.0, 0.0, 1.0, 0.0, 1.0, 0.0]),
        "scan": np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]),
        "VertLevel": np.array([5.0, 5.0, 5.0, 5.0, 6.0, 6.0]),
    }
    score = np.array([1.0, 0.5, 2.0, 0.2, 0.0, 2.0])
    one = benchmark.separation("hand", score, table)
    assert one.auc == pytest.approx((2 + 2.5 + 0) / 9)
    assert one.level == pytest.approx((2 + 2 + 0) / (4 + 1))
    assert 0.0 <= one.low <= one.auc <= one.high <= 1.0


def test_toolbox_compromise_by_hand():
    # Sections 5 mm apart: references are at 10, 15, 20 and 25 mm.
    s = 5.0 * np.arange(13)
    diameter = np.array([8.0, 7.0, 7.2, 7.4, 7.6, 6.0, 4.0, 6.0, 8.0, 8.2, 8.4, 8.6, 9.0])
    value, above, below = sct_compromise(diameter, 6, s=s)
    assert above == pytest.approx(np.mean([8.0, 8.2, 8.4, 8.6]))
    assert below == pytest.approx(np.mean([7.6, 7.4, 7.2, 7.0]))
    assert value == pytest.approx(1 - 4.0 / np.mean([above, below]))


def test_toolbox_compromise_takes_one_side_twice_and_needs_one():
    s = 5.0 * np.arange(9)
    diameter = np.array([8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 4.0, 8.0, np.nan])
    value, above, below = sct_compromise(diameter, 6, s=s)
    assert np.isnan(above)
    assert (value, below) == (0.5, 8.0)
    assert np.isnan(sct_compromise(diameter[5:], 1, s=s[5:])[0])
    assert np.isnan(sct_compromise(diameter, 8, s=s)[0])
