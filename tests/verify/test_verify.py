from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from canalrisk.cli import main
from canalrisk.errors import NumericalFailure, UsageError
from canalrisk.fem import NeoHookean
from canalrisk.verify import PROBLEMS, Check, Problem, patch, registry, run, select
from canalrisk.verify.check import refined
from canalrisk.verify.laws import gradient, piola
from canalrisk.verify.manufactured import deformation_gradient, position

DOCS = Path(__file__).parents[2] / "docs" / "verification.md"


def test_quick_run_passes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--quick", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["passed"]
    assert len(answer["problems"]) == len(select(level="quick"))
    assert all(problem["checks"] for problem in answer["problems"])


def test_a_wrong_core_is_found(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    # The closed form of a material 1e-6 stiffer than the one solved stands for a wrong kernel.
    def wrong(law: NeoHookean, f: np.ndarray) -> np.ndarray:
        return piola(replace(law, mu=law.mu * (1 + 1e-6)), f)

    monkeypatch.setattr(patch, "piola", wrong)
    assert main(["verify", "--only", "patch-neo-Hookean"]) == NumericalFailure.exit_code
    shown = capsys.readouterr()
    assert "FAILED" in shown.out
    assert shown.err.splitlines()[-3:][0].startswith("error: 1 of 1")


def test_a_problem_that_does_not_converge_fails_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(name: str, source: str) -> tuple[Check, ...]:
        raise NumericalFailure("load 1 did not converge")

    problem = Problem("stuck", "none", "none", "none", stuck)
    (outcome,) = run([problem])
    assert (outcome.passed, outcome.reason) == (False, "load 1 did not converge")
    monkeypatch.setattr(registry, "PROBLEMS", (problem,))
    assert main(["verify", "--only", "stuck", "--json"]) == NumericalFailure.exit_code


def test_checks_can_fail() -> None:
    good = Check("n", "q", 2.0, 2.0002, 2e-4, "s")
    assert good.error == pytest.approx(1e-4)
    assert good.passed
    assert not replace(good, obtained=2.001).passed
    assert not replace(good, obtained=float("nan")).passed
    assert not replace(good, order=1.8, least_order=2.0).passed
    assert not replace(good, order=float("nan"), least_order=2.0).passed
    assert replace(good, order=1.95, least_order=2.0).passed
    # Orders are lower bounds: more is welcome.
    bound = Check("n", "order", 2.0, 3.0, 0.1, "s", at_least=True)
    assert bound.passed
    assert not replace(bound, obtained=1.85).passed
    # An expected zero is judged absolutely.
    assert Check("n", "q", 0.0, -1e-9, 1e-8, "s").passed


def test_refinement_estimates_the_error_and_sees_the_order() -> None:
    exact = 3.0
    second = refined("n", "q", [exact + 0.5 * h**2 for h in (1.0, 0.5, 0.25)], exact=exact, source="s")
    assert second.passed
    assert second.order == pytest.approx(2.0)
    # Roache's estimate: 1.25 times the true error where the order is exactly the theory's.
    assert second.tolerance == pytest.approx(1.25 * second.error)
    first = refined("n", "q", [exact + 0.5 * h for h in (1.0, 0.5, 0.25)], exact=exact, source="s")
    assert not first.passed
    shifted = refined("n", "q", [exact + 0.1 + 0.5 * h**2 for h in (1.0, 0.5, 0.25)], exact=exact, source="s")
    assert not shifted.passed
    # The closed form's own error is allowed for; no order can be seen against it.
    thin = refined(
        "n", "q", [exact + 0.01 + 0.5 * h**2 for h in (1.0, 0.5, 0.25)], exact=exact, source="s", model=0.004
    )
    assert thin.passed
    assert thin.order is None


def test_manufactured_gradient_is_that_of_the_deformation() -> None:
    points = np.random.default_rng(0).random((5, 3))
    expected = gradient(lambda x: position(x, dilation=0.05), points)
    assert np.abs(deformation_gradient(points, dilation=0.05) - expected).max() < 1e-14


def test_selection() -> None:
    names = [problem.name for problem in PROBLEMS]
    assert len(set(names)) == len(names)
    assert {p.name for p in select(level="quick")} < {p.name for p in select()} < {p.name for p in select(level="full")}
    assert [p.name for p in select(only="ogden-table")] == ["ogden-table"]
    assert all(p.family == "derivatives" for p in select(only="derivatives"))
    with pytest.raises(UsageError):
        select(only="no such problem")
    assert main(["verify", "--quick", "--full"]) == UsageError.exit_code


def test_the_page_tells_every_problem() -> None:
    # docs/verification.md is the output of the command and of its list: a new problem must be told there too.
    page = DOCS.read_text(encoding="utf-8")
    assert [p.name for p in PROBLEMS if f"`{p.name}`" not in page] == []


def test_list_tells_theory_and_source(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert all(row["theory"] and row["source"] for row in listed)
