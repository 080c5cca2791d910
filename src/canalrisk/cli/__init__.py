"""The command line: a thin parser over the Python functions of the same names."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv : sequence of str, optional
        Arguments without the program's name; `sys.argv` where not given.

    Returns
    -------
    int
        0 done; 2 usage; 3 input refused; 4 numerical failure; 5 missing extra; 130 interrupted.
    """
    from canalrisk.cli.app import run

    return run(list(sys.argv[1:] if argv is None else argv))
