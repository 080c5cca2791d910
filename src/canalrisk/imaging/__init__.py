"""Label maps: readers, tables, geometry checks."""
