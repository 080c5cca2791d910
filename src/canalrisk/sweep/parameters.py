"""The vocabulary of a sweep: every number of scenario, model and mass that may be fixed or varied.

Names are those of the dataclasses they fill: `Scenario` (``doubling_time_years``, ``bone_speed``, ...),
`CordSettings` (``material_set``, ``poisson``, ``preset``, ...), `Settings` (``draws``, ``seed``, ``mechanics``), and
for a mass placed by the phantom tool ``mass_volume_mm3``, ``mass_level``, ``mass_side``, ``mass_site`` and more;
``phantom_seed`` draws another healthy neck.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from canalrisk.errors import UsageError
from canalrisk.growth.timeline import Scenario

if TYPE_CHECKING:
    from canalrisk.mechanics.settings import CordSettings
    from canalrisk.sweep.spec import SweepSpec, Value

MASS = {
    "mass_volume_mm3": "float",
    "mass_level": "str",
    "mass_side": "str",
    "mass_site": "str",
    "mass_seed": "int",
    "mass_reach_canal_mm": "float",
    "mass_indent_cord_mm": "float",
}
"""Fields of `canalrisk.phantom.MassSpec` behind the prefix ``mass_``."""
_MASS_NEEDS = frozenset({"mass_volume_mm3", "mass_level", "mass_side", "mass_site"})
_PHANTOM = {"phantom_seed": "int"}
# One store has one shape: what changes the number of times or of variables cannot vary within it.
_FIXED_ONLY = ("n_times", "mechanics", "name")


@dataclass(frozen=True)
class SampleConfig:
    """One sample's configuration, sorted by what it goes to."""

    scenario: Scenario
    cord: CordSettings
    options: dict[str, Any]
    """Of `canalrisk.case.Settings`, without `cord`."""
    mass: dict[str, Any]
    phantom_seed: int | None


def vocabulary() -> dict[str, str]:
    """Every name that may be fixed or varied, with its type as text."""
    from canalrisk.mechanics.settings import CordSettings

    names: dict[str, str] = {field.name: str(field.type) for field in fields(Scenario)}
    names |= {field.name: str(field.type) for field in fields(CordSettings)}
    return names | {"mechanics": "bool", "draws": "int", "seed": "int"} | MASS | _PHANTOM


def check_names(spec: SweepSpec, *, where: str) -> None:
    """Refuse names and types that no sample could use."""
    from canalrisk.sweep.spec import nearest

    known = vocabulary()
    for section in ("fixed", "parameters"):
        for name, given in getattr(spec, section).items():
            key = f"{where}, key {section}.{name}"
            if name not in known:
                raise UsageError(f"unknown parameter '{name}'", where=key, fix=nearest(name, sorted(known)))
            if section == "parameters" and name in _FIXED_ONLY:
                raise UsageError(f"'{name}' cannot vary within one store", where=key, fix="set it under [fixed]")
            if section == "parameters" and name in spec.fixed:
                raise UsageError(f"'{name}' is both fixed and varied", where=key, fix="remove one of the two")
            values = (given,) if section == "fixed" else given.values
            if values is None:
                if "float" not in known[name]:
                    raise UsageError(f"'{name}' is not a real number", where=key, fix="give values = [...]")
            else:
                for value in values:
                    _check_type(value, known[name], key)
    names = set(spec.fixed) | set(spec.parameters)
    if spec.base.phantom is None and "phantom_seed" in names:
        raise UsageError("phantom_seed needs a phantom", where=where, fix="set base.phantom or remove phantom_seed")
    if names & set(MASS) and not names >= _MASS_NEEDS:
        raise UsageError(
            "a placed mass needs volume, level, side and site",
            where=where,
            fix="give mass_volume_mm3, mass_level, mass_side and mass_site, fixed or varied",
        )


def configure(values: Mapping[str, Value]) -> SampleConfig:
    """Sort one sample's values into scenario, model and mass.

    Parameters
    ----------
    values : mapping
        Names of `vocabulary`.

    Returns
    -------
    SampleConfig

    Raises
    ------
    UsageError
        From the dataclasses themselves, where a value is out of range.
    """
    from canalrisk.mechanics.settings import CordSettings

    left: dict[str, Any] = dict(values)

    def take(names: Any) -> dict[str, Any]:
        return {name: left.pop(name) for name in list(left) if name in names}

    mass, phantom = take(MASS), take(_PHANTOM)
    scenario = take({field.name for field in fields(Scenario)})
    cord = take({field.name for field in fields(CordSettings)})
    return SampleConfig(
        scenario=Scenario(**scenario),
        cord=CordSettings(**cord),
        options=left,
        mass=mass,
        phantom_seed=phantom.get("phantom_seed"),
    )


def _check_type(value: Value, kind: str, key: str) -> None:
    boolean = isinstance(value, bool)
    fits = (
        ("bool" in kind and boolean)
        or ("str" in kind and isinstance(value, str))
        or ("int" in kind and isinstance(value, int) and not boolean)
        or ("float" in kind and isinstance(value, int | float) and not boolean)
    )
    if not fits:
        raise UsageError(f"{value!r} is not a {kind.split(' ')[0]}", where=key, fix=f"give a value of type {kind}")
