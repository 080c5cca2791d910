"""Compiled kernels: arrays and status codes in and out, nothing else."""
