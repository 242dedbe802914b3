"""Errors that stmgpu raises. Messages name the problem, the value, what is allowed and the cure."""

from __future__ import annotations


class StmgpuError(Exception):
    """Base of all errors of this package; the command line turns it into exit code 1."""


class InputError(StmgpuError, ValueError):
    """A file, option or argument that cannot be used as given; exit code 2 on the command line."""


class CatalogError(InputError):
    """A catalogue that cannot be read: empty, of unknown format, or with more than half of its records rejected."""


class BackendError(StmgpuError, RuntimeError):
    """A backend that is missing, was built from other sources, or failed to run."""


class KernelContractError(BackendError):
    """A kernel launched with an array of the wrong type, size or layout."""


class CapacityError(StmgpuError, RuntimeError):
    """A run that would need more memory than it may use."""


class StoreError(StmgpuError, RuntimeError):
    """A store that is missing, damaged, unfinished, or of a newer schema."""
