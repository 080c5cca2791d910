"""The samples of a sweep, in an order that depends on the design alone."""

from __future__ import annotations

import itertools
import math
import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.stats import qmc

from canalrisk.errors import UsageError

if TYPE_CHECKING:
    from canalrisk.sweep.spec import Parameter, SweepSpec, Value

_MOST_SAMPLES = 1_000_000


def design_rows(spec: SweepSpec) -> tuple[dict[str, Value], ...]:
    """Values of the varied parameters, one dictionary per sample.

    Parameters
    ----------
    spec : SweepSpec
        Checked sweep.

    Returns
    -------
    tuple of dict
        ``grid``: all combinations, the last parameter fastest. ``sobol``: a scrambled sequence (scipy.stats.qmc)
        carried through each parameter's inverse distribution; listed values are equally likely.

    Raises
    ------
    UsageError
        If a parameter cannot be used in this design.
    """
    if spec.design.kind == "grid":
        levels = [_levels(name, parameter) for name, parameter in spec.parameters.items()]
        if math.prod(map(len, levels)) > _MOST_SAMPLES:
            raise UsageError("the grid has more than a million samples", where="design", fix="use kind = 'sobol'")
        return tuple(dict(zip(spec.parameters, row, strict=True)) for row in itertools.product(*levels))
    count = spec.design.samples or 0
    sequence = qmc.Sobol(len(spec.parameters), scramble=True, seed=spec.design.seed)
    with warnings.catch_warnings():
        # That a count other than a power of two unbalances the sequence is said in the store (design_note).
        warnings.filterwarnings("ignore", message="The balance properties", category=UserWarning)
        unit = sequence.random(count)
    columns = [_quantiles(p, unit[:, i]) for i, p in enumerate(spec.parameters.values())]
    return tuple(dict(zip(spec.parameters, row, strict=True)) for row in zip(*columns, strict=True))


def design_note(spec: SweepSpec) -> str:
    """Return what a reader of a Sobol analysis must know about the design; empty where there is nothing."""
    count = spec.design.samples or 0
    if spec.design.kind == "sobol" and count & (count - 1):
        return f"{count} samples is not a power of two: the Sobol sequence is not balanced"
    return ""


def _levels(name: str, parameter: Parameter) -> list[Value]:
    if parameter.values is not None:
        return list(parameter.values)
    if parameter.steps is None or parameter.low is None or parameter.high is None:
        raise UsageError(
            f"'{name}' has no levels for a grid", where=f"parameters.{name}", fix="give values, or low, high and steps"
        )
    if parameter.distribution == "log-uniform":
        return [float(v) for v in np.geomspace(parameter.low, parameter.high, parameter.steps)]
    if parameter.distribution != "uniform":
        raise UsageError(
            f"a {parameter.distribution} distribution has no grid", where=f"parameters.{name}", fix="use kind = 'sobol'"
        )
    return [float(v) for v in np.linspace(parameter.low, parameter.high, parameter.steps)]


def _quantiles(parameter: Parameter, unit: NDArray[np.float64]) -> list[Value]:
    if parameter.values is not None:
        index = np.minimum((unit * len(parameter.values)).astype(int), len(parameter.values) - 1)
        return [parameter.values[i] for i in index]
    low, high = parameter.low, parameter.high
    if parameter.distribution == "normal":
        mean, sd = parameter.mean or 0.0, parameter.sd or 1.0
        a = -np.inf if low is None else (low - mean) / sd
        b = np.inf if high is None else (high - mean) / sd
        values = stats.truncnorm.ppf(unit, a, b, loc=mean, scale=sd)
    elif parameter.distribution == "triangular":
        width = (high or 0.0) - (low or 0.0)
        values = stats.triang.ppf(unit, ((parameter.mode or 0.0) - (low or 0.0)) / width, loc=low, scale=width)
    elif parameter.distribution == "log-uniform":
        values = stats.loguniform.ppf(unit, low, high)
    else:
        values = stats.uniform.ppf(unit, loc=low, scale=(high or 0.0) - (low or 0.0))
    return [float(v) for v in values]
