"""Finite-strain finite elements with contact against fields."""
