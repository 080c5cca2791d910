"""Assemble the commands and turn errors into three lines and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Annotated

import typer

from canalrisk import __version__
from canalrisk.cli._console import INTERRUPTED, report_error
from canalrisk.errors import CanalriskError, UsageError
from canalrisk.imaging import safe_name

# Command to the module and the function behind it. Only the one that runs is loaded: measuring should not wait for the
# finite elements.
COMMANDS = {
    "demo": ("assess", "demo"),
    "assess": ("assess", "assess"),
    "morphometry": ("morphometry", "morphometry"),
    "compare": ("compare", "compare"),
    "phantom": ("phantom", "phantom"),
    "labels": ("labels", "labels"),
    "sweep": ("sweep", "sweep"),
    "verify": ("verify", "verify"),
}

# Typer keeps its own copy of click in new versions and imports it in old ones; its public BadParameter
# derives from the usage error of whichever it is.
_UsageError = typer.BadParameter.__base__


def _app(names: Iterable[str]) -> typer.Typer:
    """Return the program with some of its commands."""
    app = typer.Typer(
        name="canalrisk",
        add_completion=False,
        rich_markup_mode="rich",
        invoke_without_command=True,
        context_settings={"help_option_names": ["-h", "--help"]},
        help=(
            "Canal and foraminal compromise, cord mechanics and risk from a segmented calcified mass of the "
            "cervical spine.\n\n[bold]Research use. Not a diagnosis.[/bold]\n\n"
            "Start with [bold]canalrisk demo --out demo-out[/bold], then\n"
            "[bold]canalrisk morphometry SEG --mass MASS --out OUT[/bold] for what is there today (seconds), or\n"
            "[bold]canalrisk assess SEG --mass MASS --out OUT[/bold] for mechanics, growth and risk."
        ),
        epilog="Exit codes: 0 done, 2 usage, 3 input refused, 4 numerical failure, 5 missing extra, 130 interrupted.",
    )
    app.callback()(_without_command)
    for name in names:
        module, function = COMMANDS[name]
        app.command(name)(getattr(import_module(f"canalrisk.cli.{module}"), function))
    return app


def _without_command(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Print the version or, without a command, the help."""
    if version:
        typer.echo(f"canalrisk {__version__}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run(argv: list[str]) -> int:
    """Run one command; every error a user can cause leaves through here."""
    try:
        command = typer.main.get_command(_app(argv[:1] if argv[:1] and argv[0] in COMMANDS else COMMANDS))
        status = command.main(args=argv, prog_name="canalrisk", standalone_mode=False)
    except CanalriskError as error:
        return report_error(error, as_json="--json" in argv)
    except _UsageError as error:  # type: ignore[misc]  # the base class is only known at run time
        name = f"canalrisk {argv[0]}" if argv and not argv[0].startswith("-") else "canalrisk"
        sys.stderr.write(f"error: {error.format_message()}\n  where: command line\n  do:    see {name} --help\n")
        return 2
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("interrupted; results of an earlier run, if any, are as they were\n")
        return INTERRUPTED
    except (OSError, MemoryError) as error:
        # The system's own words carry paths, and a path may carry a patient's name: keep only the reason.
        reason = getattr(error, "strerror", None) or type(error).__name__
        refusal = UsageError(
            f"the system refused: {reason}",
            where=safe_name(getattr(error, "filename", None) or "this machine"),
            fix="check room and rights",
        )
        return report_error(refusal, as_json="--json" in argv)
    return int(status or 0)
