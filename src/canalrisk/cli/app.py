"""Assemble the commands and turn errors into three lines and an exit code."""

from __future__ import annotations

import sys

import click
import typer

from canalrisk import __version__
from canalrisk.cli import assess, labels, phantom, sweep
from canalrisk.cli._console import INTERRUPTED, report_error
from canalrisk.errors import CanalriskError

app = typer.Typer(
    name="canalrisk",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Canal and foraminal compromise, cord mechanics and risk from a segmented calcified mass of the "
        "cervical spine.\n\n[bold]Research use. Not a diagnosis.[/bold]\n\n"
        "Start with [bold]canalrisk demo --out demo-out[/bold], then [bold]canalrisk assess SEG --mass MASS --out OUT[/bold]."
    ),
    epilog="Exit codes: 0 done, 2 usage, 3 input refused, 4 numerical failure, 5 missing extra, 130 interrupted.",
)
app.command("demo")(assess.demo)
app.command("assess")(assess.assess)
app.command("phantom")(phantom.phantom)
app.command("labels")(labels.labels)
app.command("sweep")(sweep.sweep)


def _version(show: bool) -> None:
    if show:
        typer.echo(f"canalrisk {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Hold the options that come before a command."""


def run(argv: list[str]) -> int:
    """Run one command; every error a user can cause leaves through here."""
    command = typer.main.get_command(app)
    try:
        status = command.main(args=argv, prog_name="canalrisk", standalone_mode=False)
    except CanalriskError as error:
        return report_error(error, as_json="--json" in argv)
    except click.exceptions.NoArgsIsHelpError as error:
        typer.echo(error.ctx.get_help() if error.ctx else "")
        return 2
    except click.UsageError as error:
        sys.stderr.write(f"error: {error.format_message()}\n  where: command line\n  do:    see canalrisk --help\n")
        return 2
    except (KeyboardInterrupt, click.exceptions.Abort):
        sys.stderr.write("interrupted; nothing half-written was left behind\n")
        return INTERRUPTED
    return int(status or 0)
