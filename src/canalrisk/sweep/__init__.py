"""Designs, runner and store."""
