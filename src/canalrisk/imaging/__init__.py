"""Label maps: readers, writers, tables, geometry checks."""

from canalrisk.imaging.labelmap import LabelMap, LabelTable
from canalrisk.imaging.names import safe_name
from canalrisk.imaging.read import read_labels
from canalrisk.imaging.tables import list_tables, load_table
from canalrisk.imaging.write import write_field, write_labels, write_mask

__all__ = [
    "LabelMap",
    "LabelTable",
    "list_tables",
    "load_table",
    "read_labels",
    "safe_name",
    "write_field",
    "write_labels",
    "write_mask",
]
