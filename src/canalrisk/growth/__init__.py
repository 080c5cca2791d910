"""The mass as it will be."""
