"""What the terminal shows: progress, errors in three lines, JSON for machines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from canalrisk.errors import CanalriskError

INTERRUPTED = 130

out = Console()
err = Console(stderr=True)

# Off a terminal a bar is noise: say one plain line at most this often.
_PLAIN_LINE_SECONDS = 2.0


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Callable[[float, str], None]]:
    """Yield a ``progress(fraction, message)`` callback: a bar on a terminal, plain lines elsewhere."""
    if quiet:
        yield lambda fraction, message: None
    elif err.is_terminal:
        columns = (TextColumn("{task.description:<44}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
        with Progress(*columns, console=err, transient=True) as bar:
            task = bar.add_task("starting", total=1.0)
            yield lambda fraction, message: bar.update(task, completed=fraction, description=escape(message))
    else:
        yield _plain_lines()


def _plain_lines() -> Callable[[float, str], None]:
    last = time.monotonic()

    def say(fraction: float, message: str) -> None:
        nonlocal last
        if time.monotonic() - last >= _PLAIN_LINE_SECONDS:
            last = time.monotonic()
            sys.stderr.write(f"{fraction:4.0%}  {message}\n")
            sys.stderr.flush()

    return say


def print_json(value: Any) -> None:
    """Write one JSON document to standard output."""
    sys.stdout.write(json.dumps(value, indent=2, allow_nan=False) + "\n")


def report_error(error: CanalriskError, *, as_json: bool) -> int:
    """Say what, where and what to do; return the exit code."""
    if as_json:
        print_json({"error": {"what": error.what, "where": error.where, "do": error.fix, "exit_code": error.exit_code}})
    sys.stderr.write(f"error: {error}\n")
    return error.exit_code
