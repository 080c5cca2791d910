"""Wall time, processor time and peak memory of `canalrisk morphometry`: the whole command, then stage by stage.

usage: python benchmarks/morphometry.py [SEG [MASS]] [--pad NX NY NZ] [--runs 2]

Without SEG the demo's phantom at 0.5 mm is measured. --pad puts it into the middle of an otherwise empty scan of that
many voxels. The first run of the command compiles what is not compiled yet; the last one is what a user waits for.
On a busy machine only the processor time means something, and that too grows with the load.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

COMMAND = "import sys; from canalrisk.cli import main; sys.exit(main())"
STAGES = """
import resource, sys, time
class Stages:
    def __init__(self): self.wall, self.cpu = time.perf_counter(), time.process_time()
    def done(self, name):
        wall, cpu = time.perf_counter(), time.process_time()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"  {name:<26} {wall - self.wall:7.1f} {cpu - self.cpu:7.1f} {peak:7.0f}", flush=True)
        self.wall, self.cpu = time.perf_counter(), time.process_time()
stages = Stages()
from pathlib import Path
from canalrisk import subject
from canalrisk._jit import one_blas_thread
from canalrisk.cli import morphometry
stages.done("imports")
labelmap = subject.read = morphometry.opt.read_labels(sys.argv[1], labels="auto", mass=sys.argv[2])
stages.done("reading")
with one_blas_thread():
    cropped = subject.to_spine(labelmap)
    stages.done("cropping")
    from canalrisk.anatomy import build_spine
    spine = build_spine(cropped)
    stages.done("anatomy")
    surroundings = subject.find_surroundings(spine, image=cropped.image)
    stages.done("arteries, roots")
    prepared = subject.prepare(spine, surroundings=surroundings)
    stages.done("sections, stations")
    subject.measure(prepared)
    stages.done("measuring once")
    subject.measure_with_intervals(prepared)
    stages.done("measuring with intervals")
result = subject.measure_subject(subject.Subject(cropped, spine, prepared), intervals=False)
stages.done("(measured again)")
morphometry.write_measured(result, out=Path(sys.argv[3]) / "stages", qc=False)
stages.done("writing numbers")
from canalrisk.report.qc import render_qc
stages.done("imports for pictures")
render_qc(result)
stages.done("pictures")
"""


def phantom_files(folder: Path) -> tuple[Path, Path]:
    """Write the demo's phantom and its mass."""
    from canalrisk.imaging import write_labels, write_mask
    from canalrisk.phantom import demo_labelmap

    labelmap = demo_labelmap(spacing=0.5)
    write_labels(replace(labelmap, mass=None), path=folder / "neck.nii.gz")
    write_mask(labelmap.mass, grid=labelmap.grid, path=folder / "mass.nii.gz")
    return folder / "neck.nii.gz", folder / "mass.nii.gz"


def padded(path: Path, shape: list[int], folder: Path) -> Path:
    """Write a map into the middle of an empty one."""
    import nibabel as nib

    image = nib.load(path)
    values = np.asanyarray(image.dataobj)
    low = [(n - m) // 2 for n, m in zip(shape, values.shape, strict=True)]
    if min(low) < 0:
        sys.exit(f"--pad {shape} is smaller than the map, {values.shape}")
    whole = np.zeros(shape, values.dtype)
    whole[tuple(slice(a, a + m) for a, m in zip(low, values.shape, strict=True))] = values
    affine = image.affine.copy()
    affine[:3, 3] -= affine[:3, :3] @ low
    nib.save(nib.Nifti1Image(whole, affine), folder / f"large-{path.name}")
    return folder / f"large-{path.name}"


def run(words: list[str]) -> tuple[float, float, float]:
    """Wall and processor seconds and peak MB of a process of its own."""
    start = time.perf_counter()
    process = subprocess.Popen(words)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"{words[1:3]} failed")
    return time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="*", type=Path, metavar="SEG [MASS]")
    parser.add_argument("--pad", nargs=3, type=int, metavar=("NX", "NY", "NZ"))
    parser.add_argument("--runs", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = options.files or list(phantom_files(folder))
        if options.pad:
            files = [padded(path, options.pad, folder) for path in files]
        mass = ["--mass", str(files[1])] if len(files) > 1 else []
        print(f"  {'':<26} {'wall s':>7} {'cpu s':>7} {'peak MB':>7}    load {os.getloadavg()[0]:.1f}")
        for flags in ([], ["--no-intervals"], ["--no-intervals", "--no-qc"]):
            for number in range(options.runs if not flags else 1):
                out = folder / f"out{len(flags)}{number}"
                words = [sys.executable, "-c", COMMAND, "morphometry", str(files[0]), *mass, "--out", str(out), "-q"]
                wall, cpu, peak = run([*words, *flags])
                print(f"  {' '.join(['command', *flags])[:26]:<26} {wall:7.1f} {cpu:7.1f} {peak:7.0f}", flush=True)
        if len(files) > 1:
            run([sys.executable, "-c", STAGES, *map(str, files[:2]), name])


if __name__ == "__main__":
    main()
