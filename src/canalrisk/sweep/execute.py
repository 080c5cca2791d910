"""Where tasks run: here, one after another, or on Dask. The numbers are the same."""

from __future__ import annotations

import logging
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import xarray as xr

from canalrisk._jit import one_thread
from canalrisk.errors import MissingExtra, UsageError, require
from canalrisk.sweep.outcome import LOST, Outcome, clean_reason, from_dataset, from_error

Evaluate = Callable[[Any, Mapping[str, Any]], xr.Dataset]
Submit = Callable[[Sequence["Task"]], Iterator[tuple["Task", list[Outcome]]]]

_DEATHS = 1  # a task whose worker died once more is recorded as lost


@dataclass(frozen=True)
class Task:
    """A fixed batch: consecutive samples, computed in order by one worker, one chunk of the store."""

    first: int
    values: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Work:
    """What every task needs: how to evaluate a sample, the base case, and which outputs to keep."""

    evaluate: Evaluate
    case: Any
    outputs: tuple[str, ...]


def run_task(work: Work, task: Task) -> list[Outcome]:
    """Run one task, single-threaded, so that its bits do not depend on where it runs.

    Raises
    ------
    MissingExtra, UsageError
        What would stop every sample stops the sweep: a missing extra, or an output that does not exist.
    """
    outcomes = []
    with one_thread():
        for values in task.values:
            try:
                dataset = work.evaluate(work.case, values)
            except MissingExtra:
                raise
            except Exception as error:  # a failed sample is a row with its reason, whatever it was
                outcomes.append(from_error(error))
            else:
                outcomes.append(from_dataset(dataset, names=work.outputs))
    return outcomes


@contextmanager
def here(work: Work) -> Iterator[Submit]:
    """Run tasks in this process."""
    yield lambda tasks: ((task, run_task(work, task)) for task in tasks)


@contextmanager
def on_dask(work: Work, *, workers: int | None, scheduler: str | None, code: str) -> Iterator[Submit]:
    """Run tasks on a Dask cluster: a local one of spawned single-threaded processes, or the one at `scheduler`.

    Parameters
    ----------
    work : Work
        Sent once to every worker, also to those that join or return later.
    workers : int, optional
        Processes of the local cluster; one per core by default.
    scheduler : str, optional
        Address of a running scheduler.
    code : str
        Digest of our code; workers that run other code are refused.
    """
    distributed: Any = require("distributed", extra="sweep")
    dask: Any = require("dask", extra="sweep")
    # One task on a worker at a time: a task merely waiting on a worker that dies would share the blame.
    settings = {"distributed.scheduler.allowed-failures": _DEATHS, "distributed.scheduler.worker-saturation": 1.0}
    with dask.config.set(settings):
        if scheduler is None:
            cluster = distributed.LocalCluster(
                n_workers=workers or os.cpu_count() or 1,
                threads_per_worker=1,
                processes=True,
                dashboard_address=":0",
                silence_logs=logging.ERROR,
            )
        else:
            cluster = None
        try:
            client = distributed.Client(cluster if cluster is not None else scheduler, timeout=30)
        except (OSError, TimeoutError, ValueError) as error:
            raise UsageError(
                "no Dask scheduler answers", where="--scheduler", fix="start one, or leave the flag out"
            ) from error
        try:
            # Data scattered to a worker die with it; a plugin also reaches workers that come later.
            client.register_plugin(_setup_plugin(distributed, work), name=_PLUGIN)
            if scheduler is not None:
                _same_code(client, code)
            yield lambda tasks: _windowed(client, distributed, tasks)
        finally:
            client.close()
            if cluster is not None:
                cluster.close()


_PLUGIN = "canalrisk-sweep"


def _setup_plugin(distributed: Any, work: Work) -> Any:
    class SweepWork(distributed.WorkerPlugin):  # type: ignore[misc]  # an extra, imported late: untyped here
        def __init__(self) -> None:
            self.work = work

    return SweepWork()


def _run_on_worker(task: Task) -> list[Outcome]:
    distributed: Any = require("distributed", extra="sweep")
    return run_task(distributed.get_worker().plugins[_PLUGIN].work, task)


def _same_code(client: Any, code: str) -> None:
    from canalrisk.sweep.identity import code_digest

    if any(other != code for other in client.run(code_digest).values()):
        raise UsageError(
            "the workers run another version of canalrisk",
            where="--scheduler",
            fix="install the same version everywhere",
        )


def _windowed(client: Any, distributed: Any, tasks: Sequence[Task]) -> Iterator[tuple[Task, list[Outcome]]]:
    """Keep a few tasks per worker in flight, so that a large design does not fill the scheduler."""
    waiting = deque(tasks)
    running: dict[Any, Task] = {}
    finished = distributed.as_completed(raise_errors=False)
    while waiting or running:
        room = 2 * max(1, len(client.nthreads())) - len(running)
        for task in [waiting.popleft() for _ in range(min(room, len(waiting)))]:
            future = client.submit(_run_on_worker, task, pure=False)
            running[future] = task
            finished.add(future)
        future = next(finished)
        task = running.pop(future)
        error = future.exception() if future.status == "error" else None
        if isinstance(error, MissingExtra | UsageError):
            raise error
        if future.status == "finished":
            yield task, future.result()
        else:  # the worker was killed, most often for memory
            reason = clean_reason(f"the worker died ({type(error).__name__})")
            yield task, [Outcome(LOST, reason) for _ in task.values]
        future.release()
