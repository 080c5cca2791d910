"""Pictures of the report, each from arrays to an inline image."""
