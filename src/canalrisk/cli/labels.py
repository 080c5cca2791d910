"""`canalrisk labels`: which label tables are known and what their integers mean."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from canalrisk.cli import _options as opt
from canalrisk.cli._console import out, print_json
from canalrisk.imaging import list_tables, load_table


def labels(
    name: Annotated[str | None, typer.Argument(help="Show this table's integers.")] = None,
    json: opt.Json = False,
) -> int:
    """List the label tables, or the integers of one of them."""
    if name is None:
        tables = list_tables()
        if json:
            print_json(
                [{"name": t.name, "version": t.version, "source": t.source, "labels": len(t.entries)} for t in tables]
            )
            return 0
        view = Table("name", "version", "labels", "source", title="Label tables (--labels NAME)")
        for table in tables:
            view.add_row(*map(escape, (table.name, table.version, str(len(table.entries)), table.source)))
    else:
        table = load_table(name)
        if json:
            print_json({"name": table.name, "version": table.version, "source": table.source, "entries": table.entries})
            return 0
        view = Table("integer", "structure", title=f"{escape(table.name)} {escape(table.version)}")
        for value, structure in sorted(table.entries.items()):
            view.add_row(str(value), escape(structure))
    out.print(view)
    return 0
