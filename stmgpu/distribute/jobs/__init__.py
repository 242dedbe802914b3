"""Kinds of jobs in tiles."""
