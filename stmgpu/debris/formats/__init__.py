"""Strict readers of file formats, without physics."""
