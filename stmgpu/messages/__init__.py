"""Syntax, fields and times of CCSDS messages and other texts."""
