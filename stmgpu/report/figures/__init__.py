"""Figures of results: the only package that imports matplotlib. :mod:`stmgpu.plot` is its door."""
