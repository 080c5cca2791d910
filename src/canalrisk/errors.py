"""Errors people see: three lines (what, where, what to do) and an exit code.

The codes are those of the design's section 8: 2 usage, 3 input refused, 4 numerical failure,
5 missing extra.
"""

from __future__ import annotations


class CanalriskError(Exception):
    """Base of every error that a user can cause or cure.

    Parameters
    ----------
    what : str
        What is wrong, one line.
    where : str
        File name, voxel, key or flag; never a full path (paths carry patients' names).
    fix : str
        What to do, one line.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", fix: str = "") -> None:
        self.what, self.where, self.fix = what, where, fix
        super().__init__(what)

    def __str__(self) -> str:
        return "\n".join((self.what, f"  where: {self.where}", f"  do:    {self.fix}"))

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword arguments are lost by the default pickling; Dask sends errors between processes.
        return (_rebuild, (type(self), self.what, self.where, self.fix))


def _rebuild(kind: type[CanalriskError], what: str, where: str, fix: str) -> CanalriskError:
    return kind(what, where=where, fix=fix)


class UsageError(CanalriskError):
    """A flag, key or argument that makes no sense."""

    exit_code = 2


class InputRefused(CanalriskError):
    """The input cannot be read as what it claims to be."""

    exit_code = 3


class GeometryError(InputRefused):
    """Affine, shape or physical size that cannot be used."""


class LabelError(InputRefused):
    """Labels that are missing, duplicated, unknown or not integral."""


class UnitError(InputRefused):
    """A quantity in the wrong unit."""


class NumericalFailure(CanalriskError):
    """A computation that did not reach its tolerance. Never replaced by a number."""

    exit_code = 4


class MissingExtra(CanalriskError):
    """An optional dependency is not installed."""

    exit_code = 5


def require(module: str, *, extra: str) -> object:
    """Import `module` or raise `MissingExtra` naming the extra that brings it.

    Parameters
    ----------
    module : str
        Dotted module name.
    extra : str
        Name of the extra of this package.

    Returns
    -------
    module
        The imported module.

    Raises
    ------
    MissingExtra
        If the import fails.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingExtra(
            f"'{module}' is not installed",
            where=f"extra '{extra}'",
            fix=f'pip install "canalrisk[{extra}]"',
        ) from error
