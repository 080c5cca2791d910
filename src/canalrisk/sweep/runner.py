"""Run a sweep, or go on with one that was interrupted."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import xarray as xr

from canalrisk.errors import UsageError
from canalrisk.imaging import safe_name
from canalrisk.provenance import configuration_hash, versions
from canalrisk.sweep.design import design_note, design_rows
from canalrisk.sweep.evaluate import BaseCase, evaluate_case, load_base
from canalrisk.sweep.execute import Evaluate, Submit, Task, Work, here, on_dask
from canalrisk.sweep.identity import code_digest
from canalrisk.sweep.outcome import OK, PARTIAL, Outcome
from canalrisk.sweep.parameters import configure
from canalrisk.sweep.spec import SweepSpec, Value
from canalrisk.sweep.store import SweepStore

Progress = Callable[[float, str], None]


def run_sweep(
    spec: SweepSpec,
    *,
    store: str | os.PathLike[str],
    scheduler: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
    evaluate: Evaluate = evaluate_case,
) -> xr.Dataset:
    """Run every sample of a sweep that the store does not hold yet.

    Parameters
    ----------
    spec : SweepSpec
        From `read_spec`.
    store : str or path-like
        Folder of the zarr store. An unfinished store of the same sweep is continued; a finished one is returned.
    scheduler : str, optional
        Address of a running Dask scheduler, e.g. ``tcp://node1:8786``.
    workers : int, optional
        Processes of the local cluster, one per core by default; 0 runs in this process, without Dask.
    progress : callable, optional
        Called as ``progress(fraction, message)``.
    overwrite : bool
        Start anew even if the store holds another sweep.
    evaluate : callable
        ``evaluate(case, values) -> xarray.Dataset``; importable by the workers. The whole line by default.

    Returns
    -------
    xarray.Dataset
        Dimension ``sample``; varied parameters as coordinates; ``status`` and ``reason`` per sample.

    Raises
    ------
    UsageError
        If the store belongs to another sweep, other inputs or another version of the code, or a value is out of range.
    InputRefused
        If the base case cannot be read.
    MissingExtra
        If Dask is needed and not installed.

    Notes
    -----
    Killed at any moment, a sweep loses the tasks in flight. The first task of a run goes alone: it fills the cache of
    compiled code, which several processes should not fill at once.

    From a script, call this under ``if __name__ == "__main__":``, because worker processes import the script.
    """
    path = Path(store)
    say = progress or (lambda fraction, message: None)
    rows = design_rows(spec)
    _check_values(spec, rows)
    case = load_base(spec.base)
    identity = _identity(spec, rows, case, evaluate)
    if overwrite and path.exists():
        _remove(path)
    opened = SweepStore.open(path)
    if opened is not None and opened.identity != identity:
        raise UsageError(
            "the store holds another sweep: inputs, configuration, code or library versions differ",
            where=safe_name(path),
            fix="use a new store, or repeat with overwrite to start anew",
        )
    tasks = _tasks(spec, rows, opened)
    if tasks:
        work = Work(evaluate, case, spec.outputs.variables)
        with _executor(work, workers=workers, scheduler=scheduler, progress=say) as submit:
            _run(spec, path, opened, rows, tasks, submit, identity=identity, progress=say)
    finished = SweepStore.open(path)
    if finished is None:
        raise UsageError("the sweep has no samples", where="parameters", fix="give at least one value")
    say(1.0, f"{len(rows)} samples stored")
    return finished.dataset()


def _check_values(spec: SweepSpec, rows: Sequence[dict[str, Value]]) -> None:
    """Let the configuration classes refuse what no run could use, before anything runs."""
    for number, row in enumerate(rows):
        try:
            configure({**spec.fixed, **row})
        except UsageError as error:
            raise UsageError(error.what, where=f"sample {number}, {error.where}", fix=error.fix) from error


def _identity(spec: SweepSpec, rows: Sequence[dict[str, Value]], case: BaseCase, evaluate: Evaluate) -> str:
    plain = spec.model_dump(mode="json", exclude={"name": True, "base": {"segmentation", "mass", "labels"}})
    function = f"{evaluate.__module__}.{evaluate.__qualname__}"
    return configuration_hash(plain, list(rows), case.identity, code_digest(), versions(), function)


def _tasks(spec: SweepSpec, rows: Sequence[dict[str, Value]], opened: SweepStore | None) -> list[Task]:
    """Whole tasks with at least one sample to do; a half-written task runs again from its start."""
    batch = spec.design.batch
    pending = range(len(rows)) if opened is None else opened.pending()
    starts = sorted({batch * (sample // batch) for sample in pending})
    return [Task(s, tuple({**spec.fixed, **row} for row in rows[s : s + batch])) for s in starts]


def _executor(
    work: Work, *, workers: int | None, scheduler: str | None, progress: Progress
) -> AbstractContextManager[Submit]:
    if workers == 0 and scheduler is None:
        return here(work)
    progress(0.0, "starting workers")
    return on_dask(work, workers=workers, scheduler=scheduler, code=code_digest())


def _run(
    spec: SweepSpec,
    path: Path,
    opened: SweepStore | None,
    rows: Sequence[dict[str, Value]],
    tasks: list[Task],
    submit: Submit,
    *,
    identity: str,
    progress: Progress,
) -> None:
    """Commit tasks as they finish; the first sample that ran lays out the store, failures before it wait in memory."""
    early: list[tuple[Task, list[Outcome]]] = []
    for done, (task, outcomes) in _counted(_first_alone(tasks, submit, until_ok=opened is None), tasks, progress):
        if opened is None:
            early.append((task, outcomes))
            layout = next((o for o in outcomes if o.status in (OK, PARTIAL)), None)
            if layout is None and done < len(tasks):
                continue
            opened = SweepStore.create(
                path,
                attrs=_attrs(spec, identity),
                rows=rows,
                batch=spec.design.batch,
                layout=layout or Outcome(OK),
                parameter_attrs={name: _parameter_attrs(name) for name in rows[0]},
            )
            for waiting, results in early:
                opened.commit(waiting.first, results)
        else:
            opened.commit(task.first, outcomes)


def _first_alone(tasks: list[Task], submit: Submit, *, until_ok: bool) -> Iterator[tuple[Task, list[Outcome]]]:
    """Run the first task alone, on an empty store the next ones too until a sample succeeds; then all others."""
    number = 0
    while number < len(tasks):
        task, outcomes = next(iter(submit(tasks[number : number + 1])))
        number += 1
        yield task, outcomes
        if not until_ok or any(o.status in (OK, PARTIAL) for o in outcomes):
            break
    yield from submit(tasks[number:])


def _counted(
    results: Iterator[tuple[Task, list[Outcome]]], tasks: list[Task], progress: Progress
) -> Iterator[tuple[int, tuple[Task, list[Outcome]]]]:
    """Count results and report how far the run is and how long the rest may take."""
    total = sum(len(task.values) for task in tasks)
    samples = bad = 0
    start = time.monotonic()
    progress(0.0, f"0 of {total} samples")
    for done, (task, outcomes) in enumerate(results, start=1):
        yield done, (task, outcomes)
        samples += len(outcomes)
        bad += sum(o.status != OK for o in outcomes)
        left = (time.monotonic() - start) / samples * (total - samples)
        text = f"{samples} of {total} samples" + (f", {bad} not ok" if bad else "")
        progress(samples / total, text + (f", about {max(1, round(left / 60))} min left" if samples < total else ""))


def _attrs(spec: SweepSpec, identity: str) -> dict[str, Any]:
    return {
        "title": spec.name,
        "sweep_identity": identity,
        "design": spec.design.model_dump_json(),
        "design_note": design_note(spec),
        "fixed": configuration_text(spec.fixed),
        "parameters": spec.model_dump_json(include={"parameters"}, exclude_unset=True),
        "code_sha256": code_digest(),
        "versions": configuration_text(versions()),
        "openblas_coretype": os.environ.get("OPENBLAS_CORETYPE", ""),
        "use": "research use, not a diagnosis",
    }


def configuration_text(values: dict[str, Any]) -> str:
    """Canonical JSON of plain values."""
    import json

    return json.dumps(values, sort_keys=True)


def _parameter_attrs(name: str) -> dict[str, str]:
    endings = {"_years": "year", "_mm": "mm", "_mm3": "mm3", "_mm_per_year": "mm/year"}
    units = next((u for e, u in sorted(endings.items(), key=lambda p: -len(p[0])) if name.endswith(e)), "1")
    return {
        "units": units,
        "long_name": name.replace("_", " "),
        "definition": "varied by the design; see Scenario, CordSettings and MassSpec",
    }


def _remove(path: Path) -> None:
    """Remove a store, and nothing that is not one."""
    if SweepStore.open(path) is not None:
        shutil.rmtree(path)
