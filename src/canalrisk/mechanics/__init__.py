"""The cord under a growing mass."""
