"""Projections of a unit into other formats, one file each: unit to bytes, pure."""
