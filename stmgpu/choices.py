"""Choices that the library and the command line both offer."""

from __future__ import annotations

from typing import Literal

BackendName = Literal["auto", "cpu", "cuda", "reference"]
"""Names of the backends; ``auto`` takes the first that works of cuda, cpu and reference."""

ExecutorName = Literal["serial", "dask", "slurm-array"]
"""Names of the executors."""

ElementSets = Literal["nearest", "newest"]
"""Which element set of an object with several is used: the one nearest to the middle of the window, or the newest."""

MAX_AGE_DAYS = 14.0
"""Age beyond which elements are called old unless the user says otherwise [d]; positions are good for a few days."""

IfExists = Literal["resume", "overwrite", "append"]
"""Treatment of a store that is already there: resume it, replace it, or enlarge it."""

OperationMode = Literal["i", "a"]
"""Operation mode of SGP4: improved, or as the AFSPC code does."""

OemFrame = Literal["teme", "eme2000", "gcrf"]
"""Frames in which ephemerides are written as OEM."""

CurvedRows = Literal["all", "refuted", "tests", "none"]
"""Encounters of which 2D-Nc is computed, see :func:`stmgpu.risk.validity.best_probability`."""

SlowMethods = Literal["stated", "all"]
"""Conjunctions for which methods of curved and slow encounters are used: those with stated covariances, or all."""
