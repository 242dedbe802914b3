"""Kinds of jobs: one module each, and the table of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stmgpu.distribute.jobs.base import Growth, Job, RunPlan
from stmgpu.errors import InputError, StoreError, WrongStoreError
from stmgpu.registry import Registry
from stmgpu.store.document import RunSettings, register_kind

if TYPE_CHECKING:
    from stmgpu.store.run import RunStore
    from stmgpu.store.schema import Kind

__all__ = ["JOBS", "Growth", "Job", "RunPlan", "job_of", "register"]

JOBS: Registry[type[Job[Any]]] = Registry(
    {
        "conjunctions": "stmgpu.distribute.jobs.screening:ScreeningJob",
        "ephemeris": "stmgpu.distribute.jobs.ephemeris:EphemerisJob",
        "assessment": "stmgpu.distribute.jobs.assessment:AssessmentJob",
        "ensemble": "stmgpu.distribute.jobs.ensemble:EnsembleJob",
    }
)
"""Classes of jobs by kind."""


def register(job: type[Job[Any]], *, settings: type[RunSettings], schema: Kind) -> None:
    """Add a kind of job.

    Call it in the module that defines the class: workers import that module before they compute a tile.

    Parameters
    ----------
    job : type
        Class of the job.
    settings : type
        Class of its settings.
    schema : Kind
        Variables of its result.
    """
    register_kind(job.kind, settings, schema)
    JOBS.register(job.kind, job)


def job_of(run: RunStore) -> Job[Any]:
    """The job of a store.

    Raises
    ------
    StoreError
        If the store's kind is not computed in tiles, or its settings or input are damaged.
    """
    if run.kind not in JOBS:
        raise WrongStoreError(f"{run.folder} holds {run.kind}, which is not computed in tiles")
    try:
        return JOBS[run.kind](run)
    except InputError as error:
        raise StoreError(f"{run.folder} is damaged: its run.json does not describe a computation ({error})") from error
