"""Label tables as data: those of the tools people use, and a user's own TOML."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from functools import cache
from importlib import resources
from typing import Any

from canalrisk.errors import LabelError, UsageError
from canalrisk.imaging.dseg import read_dseg
from canalrisk.imaging.labelmap import LabelTable
from canalrisk.imaging.names import safe_name
from canalrisk.imaging.vocabulary import is_structure

_LARGEST_TOML = 1_000_000  # bytes; a table of every bone in the body is far smaller


@cache
def list_tables() -> tuple[LabelTable, ...]:
    """Return all label tables that come with the package, sorted by name.

    Returns
    -------
    tuple of LabelTable
        `source` names the upstream file and the month it was read.
    """
    folder = resources.files("canalrisk.imaging") / "tables"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".json")), key=lambda f: f.name)
    return tuple(_from_json(json.loads(f.read_text(encoding="utf-8"))) for f in files)


def load_table(name: str | os.PathLike[str]) -> LabelTable:
    """Return the table called `name`, or read a user's TOML.

    A TOML table has ``name``, optionally ``version`` and ``source``, and a section ``[entries]`` whose keys
    are integers and whose values are names of our vocabulary (``canalrisk labels`` prints them).

    Parameters
    ----------
    name : str or path-like
        Name of a table of the package, or path of a file ending in ``.toml``, or in ``.tsv`` (BIDS dseg).

    Raises
    ------
    UsageError
        If no table is called so; the nearest name is suggested.
    LabelError
        If the TOML or TSV cannot be used; the line or key is named.
    """
    text = os.fsdecode(name)
    if text.lower().endswith(".toml"):
        return _from_toml(text)
    if text.lower().endswith(".tsv"):
        return read_dseg(text)
    tables = {table.name: table for table in list_tables()}
    if text in tables:
        return tables[text]
    near = difflib.get_close_matches(text, tables, n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'? " if near else ""
    raise UsageError(
        f"no label table is called '{safe_name(text)}'",
        where="--labels",
        fix=f"{hint}use auto, the path of a .toml or .tsv file, or one of: {', '.join(tables)}",
    )


def _from_json(raw: dict[str, Any]) -> LabelTable:
    entries = dict.fromkeys(_integers(raw["ignore"]), "ignore")
    entries |= {int(key): name for key, name in raw["entries"].items()}
    source = f"{raw['source']} ({raw['source_date']}). {raw['notes']}"
    return LabelTable(raw["name"], raw["version"], dict(sorted(entries.items())), source)


def _integers(ranges: str) -> list[int]:
    """Integers of a text like ``1-24 51-78 80``."""
    values: list[int] = []
    for piece in ranges.split():
        first, _, last = piece.partition("-")
        values.extend(range(int(first), int(last or first) + 1))
    return values


def _from_toml(path: str) -> LabelTable:
    shown = safe_name(path)

    def refuse(what: str, fix: str, key: str = "") -> LabelError:
        return LabelError(what, where=f"{shown}{', key ' + key if key else ''}", fix=fix)

    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST_TOML + 1)
        if len(data) > _LARGEST_TOML:
            raise refuse("the label table is larger than 1 MB", "give a TOML file with name and [entries]")
        raw = tomllib.loads(data.decode("utf-8"))
    except (OSError, ValueError) as error:  # ValueError covers TOML, UTF-8 and a NUL in the path
        reason = type(error).__name__ if isinstance(error, OSError) else str(error).splitlines()[0]
        raise refuse(
            f"the label table cannot be read ({reason})", "give a readable TOML file with [entries]"
        ) from error
    for key in raw:
        if key not in ("name", "version", "source", "entries"):
            raise refuse("unknown key in the label table", "use name, version, source and [entries]", safe_name(key))
    entries = raw.get("entries")
    if not isinstance(entries, dict) or not entries:
        raise refuse("the label table has no entries", 'add a section [entries] with lines like 1 = "vertebra:C1"')
    return LabelTable(
        name=safe_name(str(raw.get("name", shown))),
        version=safe_name(str(raw.get("version", "unversioned"))),
        entries={_key(key, refuse): _structure(key, name, refuse) for key, name in entries.items()},
        source=f"user table {shown}",
    )


def _key(key: str, refuse: Any) -> int:
    if not key.isascii() or not key.isdigit() or int(key) == 0:
        raise refuse(
            "a label must be a positive integer", 'write for example 1 = "vertebra:C1"', f"entries.{safe_name(key)}"
        )
    return int(key)


def _structure(key: str, name: Any, refuse: Any) -> str:
    if isinstance(name, str) and is_structure(name):
        return name
    known = sorted({entry for table in list_tables() for entry in table.entries.values()})
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.4)
    hint = f"did you mean '{near[0]}'?" if near else "see canalrisk labels"
    raise refuse(f"'{safe_name(str(name))}' is not a structure we know", hint, f"entries.{safe_name(key)}")
