"""Indices of canal, cord and foramina."""
