"""Synthetic spines and masses with known answers."""
