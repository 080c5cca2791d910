"""A BIDS ``dseg.tsv`` as a label table: the dictionary that travels with a segmentation."""

from __future__ import annotations

import csv
import os

from canalrisk.errors import LabelError
from canalrisk.imaging.labelmap import LabelTable
from canalrisk.imaging.names import safe_name
from canalrisk.imaging.spoken import structure_of

_LARGEST = 1_000_000  # bytes


def read_dseg(path: str | os.PathLike[str]) -> LabelTable:
    """Read a table of ``index`` and ``name`` (other columns are passed over).

    Parameters
    ----------
    path : str or path-like
        Tab-separated, UTF-8, with a header line; what `write_labels` puts beside a label map is one.

    Returns
    -------
    LabelTable
        Names are understood as those of segments are (`structure_of`); a name that is no structure we know is ignored,
        and index 0 is the background.

    Raises
    ------
    LabelError
        Unreadable; no such columns; an index that is no whole number or occurs twice; no name understood.

    References
    ----------
    BIDS specification 1.10, imaging derivatives, "Common image-derived labels".
    """
    shown = safe_name(path)
    fix = "give a tab-separated file with the columns index and name"
    try:
        with open(path, "rb") as file:
            data = file.read(_LARGEST + 1)
        text = data.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        raise LabelError("the label table cannot be read", where=shown, fix=fix) from error
    if len(data) > _LARGEST:
        raise LabelError("the label table is larger than 1 MB", where=shown, fix=fix)
    rows = csv.DictReader(text.splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
    if not {"index", "name"} <= set(rows.fieldnames or ()):
        raise LabelError("the label table lacks the columns index and name", where=shown, fix=fix)
    entries: dict[int, str] = {}
    for row in rows:
        index = (row["index"] or "").strip()
        where = f"{shown}, line {rows.line_num}"
        if not index.isascii() or not index.isdigit() or len(index) > 9:
            raise LabelError("an index is no whole number", where=where, fix=fix)
        if int(index) in entries:
            raise LabelError(f"the index {int(index)} occurs twice", where=where, fix="keep one line per index")
        entries[int(index)] = structure_of(row["name"] or "") or "ignore"
    entries.pop(0, None)
    if not set(entries.values()) - {"ignore"}:
        raise LabelError(
            "no name of the label table is a structure we know",
            where=shown,
            fix="use names such as 'C5 vertebra', 'spinal cord' (docs/input.md)",
        )
    return LabelTable(shown, "unversioned", dict(sorted(entries.items())), f"BIDS table {shown}")
