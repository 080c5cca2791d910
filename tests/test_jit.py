from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from canalrisk import _jit

INNER = "from canalrisk._jit import part_kernel\n\n@part_kernel\ndef inner(x):\n    return {factor} * x\n"
OUTER = "from inner import inner\nfrom canalrisk._jit import kernel\n\n@kernel\ndef outer(x):\n    return inner(x)\n"
MAIN = """
import sys
from pathlib import Path
from canalrisk import _jit
_jit._fingerprint = lambda: Path("inner.py").read_text()
from outer import outer
value = outer(2.0)
print(value, sum(outer.stats.cache_hits.values()))
"""


def test_compiled_code_follows_the_sources_of_its_parts(tmp_path: Path) -> None:
    # Only the part's file changes; numba alone would load the old machine code of `outer`.
    (tmp_path / "outer.py").write_text(OUTER)
    answers = []
    for factor in (3.0, 3.0, 5.0):
        (tmp_path / "inner.py").write_text(INNER.format(factor=factor))
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
            "CANALRISK_NUMBA_CACHE": "1",
        }
        environment.pop("NUMBA_CACHE_DIR", None)
        run = subprocess.run(
            [sys.executable, "-c", MAIN], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
        answers.append(run.stdout.split())
    assert answers == [["6.0", "0"], ["6.0", "1"], ["10.0", "0"]]


def test_every_file_with_kernels_is_watched() -> None:
    files = Path(_jit.__file__).parent.rglob("*.py")
    makers = [p for p in files if re.search(r"^@(kernel|pkernel|inline_kernel|part_kernel)$", p.read_text(), re.M)]
    assert len(makers) > 10
    assert set(makers) <= set(_jit.kernel_sources())
