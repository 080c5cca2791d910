"""The real thing: 32 samples of the embedded demo on the coarse cord mesh, killed half-way and run again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import xarray as xr

from canalrisk.sweep import read_spec, run_sweep, status_counts

SPEC = Path(__file__).parents[2] / "examples" / "sweep_demo.toml"
RUN = (
    "import sys; from canalrisk.sweep import read_spec, run_sweep; run_sweep(read_spec(sys.argv[1]), store=sys.argv[2])"
)


def committed(store: Path) -> int:
    folder = store / "status" / "c"
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def files(store: Path) -> dict[str, bytes]:
    return {str(p.relative_to(store)): p.read_bytes() for p in sorted(store.rglob("*")) if p.is_file()}


@pytest.mark.slow
def test_killed_demo_sweep_equals_an_undisturbed_one(tmp_path: Path) -> None:
    spec = read_spec(SPEC)
    killed, plain = tmp_path / "killed.zarr", tmp_path / "plain.zarr"
    run = subprocess.Popen([sys.executable, "-c", RUN, str(SPEC), str(killed)], stderr=subprocess.DEVNULL)
    limit = time.monotonic() + float(os.environ.get("CANALRISK_SWEEP_LIMIT_S", "3000"))
    while committed(killed) < 16 and run.poll() is None and time.monotonic() < limit:
        time.sleep(0.1)
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    assert 16 <= committed(killed) < 32

    continued = run_sweep(spec, store=killed)
    undisturbed = run_sweep(spec, store=plain)

    assert files(killed) == files(plain)
    xr.testing.assert_identical(continued, undisturbed)
    counts = status_counts(undisturbed)
    assert counts.get("pending", 0) == counts.get("lost", 0) == counts.get("error", 0) == 0
    assert all(reason for reason in undisturbed["reason"].values[undisturbed["status"].values != 0])
