"""Canal and foraminal compromise, cord mechanics and risk from a segmented calcified mass."""

__version__ = "0.1.0"
