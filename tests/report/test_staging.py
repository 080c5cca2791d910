"""Exchanging a results folder: whatever fails, the complete old or the complete new result is there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from canalrisk.errors import UsageError
from canalrisk.report import check_out, output, staging, write_results
from canalrisk.report.staging import ENTRIES, MARKER

DEAD = 2**22 + 1  # above the largest process number that Linux gives
FOLDERS = ("results.zarr", "fields")


class Killed(BaseException):
    """The process ends here: nothing is tidied up."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the same entries in a moment, with the name of the writer in each."""

    def write(result: str, folder: Path) -> None:
        fill(folder, result)

    monkeypatch.setattr(output, "_write_all", write)


def fill(folder: Path, word: str) -> None:
    for name in ENTRIES:
        inside = folder / name
        if name in FOLDERS:
            inside.mkdir()
            inside = inside / "data.json"
        schema = {MARKER: "canalrisk.provenance/1", "summary.json": "canalrisk.summary/1"}.get(name, "")
        inside.write_text(json.dumps({"schema": schema, "of": word}))


def words(folder: Path) -> set[str]:
    """Return whose entries lie in the folder; fails where one is missing or something else is there."""
    assert {p.name for p in folder.iterdir()} == set(ENTRIES) | {"thesis.tex"}
    files = [folder / name / "data.json" if name in FOLDERS else folder / name for name in ENTRIES]
    return {json.loads(file.read_text())["of"] for file in files}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "case"
    folder.mkdir()
    fill(folder, "old")
    (folder / "thesis.tex").write_text("mine")
    return folder


def fail_at(monkeypatch: pytest.MonkeyPatch, entry: str, step: str, error: BaseException) -> None:
    """Let one rename of one entry fail, once: away from the folder or into it."""
    rename, left = Path.rename, [True]

    def failing(self: Path, target: Path) -> Path:
        leaves = Path(target).parent.name == "old"
        if left[0] and self.name == entry and leaves == (step == "away"):
            left[0] = False
            raise error
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("step", ["away", "in"])
def test_failure_at_any_entry_leaves_the_old_result(
    out: Path, monkeypatch: pytest.MonkeyPatch, entry: str, step: str
) -> None:
    fail_at(monkeypatch, entry, step, OSError(28, "No space left on device"))
    with pytest.raises(OSError, match="No space left"):
        write_results("new", out=out, overwrite=True)  # type: ignore[arg-type]
    assert words(out) == {"old"}
    write_results("new", out=out, overwrite=True)  # type: ignore[arg-type]
    assert words(out) == {"new"}


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("step", ["away", "in"])
def test_kill_at_any_entry_is_put_right_by_the_next_run(
    out: Path, monkeypatch: pytest.MonkeyPatch, entry: str, step: str
) -> None:
    with monkeypatch.context() as patch:
        fail_at(patch, entry, step, Killed())
        patch.setattr(output, "discard", lambda *_: False)
        with pytest.raises(Killed):
            write_results("new", out=out, overwrite=True)  # type: ignore[arg-type]
    assert len(stages(out)) == 1
    with pytest.raises(UsageError, match="earlier run"):
        check_out(out)
    assert words(out) == {"old"}


ABSENT = {"report.html", "fields"}  # what `assess` writes and `morphometry` does not


@pytest.mark.parametrize("entry", ENTRIES)
@pytest.mark.parametrize("step", ["away", "in"])
def test_results_without_some_entries_are_exchanged_as_safely(
    out: Path, monkeypatch: pytest.MonkeyPatch, entry: str, step: str
) -> None:
    def fewer(result: str, folder: Path) -> None:
        fill(folder, result)
        (folder / "report.html").unlink()
        (folder / "fields" / "data.json").unlink()
        (folder / "fields").rmdir()

    monkeypatch.setattr(output, "_write_all", fewer)
    with monkeypatch.context() as patch:
        fail_at(patch, entry, step, Killed())
        patch.setattr(output, "discard", lambda *_: False)
        if entry in ABSENT and step == "in":
            write_results("new", out=out, overwrite=True)  # type: ignore[arg-type]
        else:
            with pytest.raises(Killed):
                write_results("new", out=out, overwrite=True)  # type: ignore[arg-type]
            with pytest.raises(UsageError, match="earlier run"):
                check_out(out)
            assert words(out) == {"old"}
    write_results("new", out=out, overwrite=True)  # type: ignore[arg-type]
    assert {p.name for p in out.iterdir()} == set(ENTRIES) - ABSENT | {"thesis.tex"}


def test_kill_after_the_marker_leaves_the_new_result(out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(output, "discard", lambda *_: False)
        write_results("new", out=out, overwrite=True)  # type: ignore[arg-type]
    assert len(stages(out)) == 1
    check_out(out, overwrite=True)
    assert words(out) == {"new"}


def test_old_result_that_cannot_be_put_back_is_kept_for_the_next_run(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename

    def stuck(self: Path, target: Path) -> Path:
        if self.name == "results.zarr" and Path(target).parent == out:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", stuck)
        with pytest.raises(OSError, match="No space left"):
            write_results("new", out=out, overwrite=True)  # type: ignore[arg-type]
        with pytest.raises(UsageError, match="cannot be written"):
            check_out(out, overwrite=True)
    check_out(out, overwrite=True)
    assert words(out) == {"old"}


def stages(folder: Path) -> list[Path]:
    return [p for p in folder.iterdir() if p.name.endswith(".part")]


def test_only_stages_of_dead_runs_of_the_same_folder_are_swept(tmp_path: Path) -> None:
    case = tmp_path / "case"
    dead = staging.new_stage(case, beside=True)
    dead = dead.rename(dead.with_name(dead.name.replace(f"-{os.getpid()}-", f"-{DEAD}-")))
    (dead / "new").mkdir()
    living = dead.with_name(dead.name.replace(f"-{DEAD}-", f"-{os.getppid()}-"))
    living.mkdir()
    others = [staging.new_stage(tmp_path / "case-2", beside=True), tmp_path / ".case.part", tmp_path / "mine.part"]
    for folder in others[1:]:
        folder.mkdir()
    write_results("new", out=case)  # type: ignore[arg-type]
    assert {p.name for p in tmp_path.iterdir()} == {"case", living.name, *(p.name for p in others)}


def test_folder_another_run_is_writing_is_refused(out: Path) -> None:
    stage = staging.new_stage(out, beside=False)
    stage.rename(stage.with_name(stage.name.replace(f"-{os.getpid()}-", f"-{os.getppid()}-")))
    with pytest.raises(UsageError, match="another run"):
        check_out(out, overwrite=True)
