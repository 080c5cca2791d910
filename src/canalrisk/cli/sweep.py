"""`canalrisk sweep`: many cases from one TOML file, resumable, into one zarr store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from canalrisk.cli import _options as opt
from canalrisk.cli._console import err, out, print_json, progress_bar


def sweep(
    spec_file: Annotated[Path, typer.Argument(metavar="SWEEP", help="TOML file: base case, parameters, design.")],
    store: Annotated[Path, typer.Option("--store", help="Zarr store of the results; an unfinished one is continued.")],
    workers: Annotated[
        int | None, typer.Option("--workers", help="Worker processes of the local cluster; one per core by default.")
    ] = None,
    scheduler: Annotated[
        str | None, typer.Option("--scheduler", help="Address of a running Dask scheduler, e.g. tcp://node1:8786.")
    ] = None,
    json: opt.Json = False,
    quiet: opt.Quiet = False,
) -> int:
    """Run a design over scenario and material parameters.

    Killed at any moment, it loses the tasks in flight; the same command continues and ends with the same numbers.

    Example: canalrisk sweep examples/sweep_demo.toml --store sweep.zarr
    """
    from canalrisk.sweep import read_spec, run_sweep, status_counts, summary_table

    spec = read_spec(spec_file)
    with progress_bar(quiet=quiet or json) as progress:
        dataset = run_sweep(spec, store=store, workers=workers, scheduler=scheduler, progress=progress)
    if json:
        print_json({"store": store.name, **status_counts(dataset)})
    elif not quiet:
        out.print(summary_table(dataset))
        err.print(f"results in {store}; open with xarray.open_zarr", markup=False)
    return 0
