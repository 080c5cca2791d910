"""Swept hexahedral meshes."""
