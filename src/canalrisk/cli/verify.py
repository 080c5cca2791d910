"""`canalrisk verify`: the finite-element core against problems with known answers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from canalrisk.cli import _options as opt
from canalrisk.cli._console import err, out, print_json, progress_bar
from canalrisk.errors import NumericalFailure, UsageError

if TYPE_CHECKING:
    from canalrisk.verify import Check, Outcome, Problem

FAILED = "[bold red]FAILED[/bold red]"
# Off a terminal (a file, a log) rich would fold everything to 80 columns.
WIDTH = 132


def verify(
    only: Annotated[
        str | None, typer.Option("--only", metavar="NAME", help="One problem, or all whose name or family begins so.")
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="List problems with theory and source; run nothing.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Only what takes seconds.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Finer meshes too; several minutes.")] = False,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Run the verification problems of the finite-element core: expected, obtained, error, observed order.

    Exit code 0 if every problem passes, 4 otherwise. The first run compiles the kernels, which takes a minute.
    """
    from canalrisk.verify import run, select

    if quick and full:
        raise UsageError("both --quick and --full", where="--quick, --full", fix="give one of them")
    problems = select(level="quick" if quick else "full" if full else "default", only=only)
    if show:
        print_json([_told(problem) for problem in problems]) if json else _print(_list(problems))
        return 0
    started = time.monotonic()
    with progress_bar(quiet=quiet or json) as progress:
        outcomes = run(problems, progress=progress)
    failed = [outcome for outcome in outcomes if not outcome.passed]
    if json:
        print_json({"passed": not failed, "problems": [_answer(outcome) for outcome in outcomes]})
    elif not quiet:
        _print(_table(outcomes))
        checks = sum(len(outcome.checks) for outcome in outcomes)
        err.print(f"[dim]{len(outcomes)} problems, {checks} checks, {time.monotonic() - started:.0f} s[/dim]")
    if failed and not json:
        raise NumericalFailure(
            f"{len(failed)} of {len(outcomes)} verification problems failed",
            where=", ".join(outcome.problem.name for outcome in failed),
            fix="report it with the table, the versions of 'canalrisk --version' and numba, and the processor",
        )
    return NumericalFailure.exit_code if failed else 0


def _print(table: Table) -> None:
    (out if out.is_terminal else Console(width=WIDTH)).print(table)


def _table(outcomes: Sequence[Outcome]) -> Table:
    # Without frame and with the problem's name on a line of its own it fits a terminal of 100 columns.
    table = Table(title="Verification of the finite-element core", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("problem, quantity", overflow="fold")
    for heading in ("expected", "obtained", "error", "tolerance", "order", "s"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("")
    for outcome in outcomes:
        mark = "" if outcome.checks else FAILED
        table.add_row(
            f"[bold]{escape(outcome.problem.name)}[/bold]", "", "", "", "", "", f"{outcome.seconds:.1f}", mark
        )
        if outcome.reason:
            table.add_row(f"  {escape(outcome.reason)}")
        for check in outcome.checks:
            table.add_row(
                f"  {escape(check.quantity)}",
                f"{'>= ' if check.at_least else ''}{check.expected:.6g}",
                f"{check.obtained:.6g}",
                f"{check.error:.1e}",
                f"{check.tolerance:.1e}",
                _order(check),
                "",
                "[green]ok[/green]" if check.passed else FAILED,
            )
    return table


def _order(check: Check) -> str:
    if check.order is None:
        return ""
    wanted = f" ({check.least_order:g})" if check.least_order is not None else ""
    return f"{check.order:.2f}{wanted}"


def _list(problems: Sequence[Problem]) -> Table:
    table = Table("problem", "family", "theory", "source", title="Verification problems")
    for problem in problems:
        table.add_row(*map(escape, (problem.name, problem.family, problem.theory, problem.source)))
    return table


def _told(problem: Problem) -> dict[str, Any]:
    level = ("quick", "default", "full")[problem.level]
    return {
        "name": problem.name, "family": problem.family, "level": level, "theory": problem.theory,
        "source": problem.source,
    }  # fmt: skip


def _answer(outcome: Outcome) -> dict[str, Any]:
    checks = [
        {
            "quantity": check.quantity,
            "expected": check.expected,
            "obtained": _finite(check.obtained),
            "error": _finite(check.error),
            "tolerance": _finite(check.tolerance),
            "order": None if check.order is None else _finite(check.order),
            "least_order": check.least_order,
            "at_least": check.at_least,
            "source": check.source,
            "passed": check.passed,
        }
        for check in outcome.checks
    ]
    return {
        "name": outcome.problem.name, "family": outcome.problem.family, "passed": outcome.passed,
        "reason": outcome.reason, "seconds": round(outcome.seconds, 3), "checks": checks,
    }  # fmt: skip


def _finite(value: float) -> float | None:
    """JSON has no NaN: what is not a number is null."""
    return float(value) if abs(value) < float("inf") else None
