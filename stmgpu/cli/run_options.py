"""Options of the commands that compute into a store, and the report of how a run ended."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import logging
import os
import typing
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stmgpu.choices import ExecutorName, IfExists
from stmgpu.cli import common
from stmgpu.cli.common import note, say
from stmgpu.cli.exit_codes import STOPPED
from stmgpu.cli.invocation import INVOCATION
from stmgpu.cli.results import result
from stmgpu.errors import InputError, StmgpuError, counted

if TYPE_CHECKING:
    from stmgpu.distribute import Outcome
    from stmgpu.distribute.executors import Executor, RunOptions
    from stmgpu.distribute.jobs import RunPlan
    from stmgpu.progress import Report

_RUN, _CLUSTER = "Running", "Dask cluster"
_WINDOW_ONLY, _STUDY_ONLY, _ROWS_ONLY = ("tile_hours", "chunk_objects"), ("runs_per_tile",), ("rows_per_tile",)
_NEW_STORE = ("overwrite", "resume", "append")


@dataclass(frozen=True)
class RunChoices:
    """Values of the run options of a command; the annotations are the options themselves."""

    backend: common.Backend = "auto"
    threads: common.Threads = None
    executor: Annotated[
        ExecutorName, typer.Option(rich_help_panel=_RUN, help="Executor that computes the tiles of the store.")
    ] = "serial"
    task: Annotated[
        str | None,
        typer.Option(
            metavar="I/N",
            rich_help_panel=_RUN,
            help="Share I of N of the tiles for slurm-array, I counted from 0. Default: from SLURM_ARRAY_TASK_ID.",
        ),
    ] = None
    tile_hours: Annotated[
        float | None,
        typer.Option(rich_help_panel=_RUN, help="Length of a tile in hours. Default: chosen from the amount of work."),
    ] = None
    chunk_objects: Annotated[
        int | None,
        typer.Option(
            min=1,
            rich_help_panel=_RUN,
            help="Cut the catalogue into chunks of at most this many objects. "
            "Default: only if it does not fit into the memory of a worker.",
        ),
    ] = None
    runs_per_tile: Annotated[
        int | None,
        typer.Option(
            min=1,
            rich_help_panel=_RUN,
            help="Runs evolved side by side in a tile; more than one is meant for GPUs. Default: 1, or as stored.",
        ),
    ] = None
    rows_per_tile: Annotated[
        int | None,
        typer.Option(
            min=1,
            rich_help_panel=_RUN,
            help="Conjunctions in a tile. Default: 65536, fewer where several processes share them.",
        ),
    ] = None
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            rich_help_panel=_RUN,
            help="Print the plan with estimates of memory, disk space and time; write nothing.",
        ),
    ] = False
    overwrite: Annotated[bool, typer.Option("--overwrite", rich_help_panel=_RUN, help="Replace an existing store.")] = (
        False
    )
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            rich_help_panel=_RUN,
            help="Resume the store at --out; fail if there is none. Without this option, a matching store is "
            "resumed and a missing one created.",
        ),
    ] = False
    append: Annotated[
        bool,
        typer.Option(
            "--append",
            rich_help_panel=_RUN,
            help="Extend the store at --out (a longer window, more runs), computing only the new part.",
        ),
    ] = False
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            rich_help_panel=_CLUSTER,
            help="Local workers. Default: one for each GPU or core, as far as memory allows.",
        ),
    ] = None
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            rich_help_panel=_CLUSTER,
            help="An existing scheduler (tls://host:port or tcp://host:port), or slurm: the ranks of this srun step.",
        ),
    ] = None
    tls_ca: Annotated[Path | None, typer.Option(rich_help_panel=_CLUSTER, help="Certificate authority, PEM file.")] = (
        None
    )
    tls_cert: Annotated[Path | None, typer.Option(rich_help_panel=_CLUSTER, help="Client certificate, PEM file.")] = (
        None
    )
    tls_key: Annotated[
        Path | None, typer.Option(rich_help_panel=_CLUSTER, help="Key of the client certificate, PEM file.")
    ] = None
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure",
            rich_help_panel=_CLUSTER,
            help="Allow tcp:// to another machine: anyone who can reach the scheduler can run code as its owner.",
        ),
    ] = False

    @property
    def need_a_store(self) -> bool:
        """Whether options are set that have no meaning without a store."""
        return self != RunChoices(backend=self.backend, threads=self.threads, dry_run=self.dry_run)

    def options(self, out: Path | None, *, progress: Report | None = None) -> RunOptions:
        """Options of the run.

        Raises
        ------
        InputError
            If options contradict each other, or there is no store to resume.
        """
        from stmgpu.distribute import Tiling
        from stmgpu.distribute.executors import RunOptions

        return RunOptions(
            self._executor(),
            Tiling(self.tile_hours, self.chunk_objects, self.runs_per_tile, self.rows_per_tile),
            self._if_exists(out),
            self.backend,
            self.threads,
            progress,
            common.stopping,
        )

    def _executor(self) -> Executor:
        from stmgpu.distribute import Dask, Serial, SlurmArray

        task = task_of(self.task)
        if self.executor != "slurm-array" and task is not None:
            raise InputError("--task belongs to the executor slurm-array; add --executor slurm-array")
        if self.executor != "dask" and (self.scheduler is not None or self.workers is not None or self.insecure):
            raise InputError("--scheduler, --workers and --insecure belong to the executor dask; add --executor dask")
        if self.executor == "serial":
            return Serial()
        if self.executor == "slurm-array":
            return SlurmArray(task)
        if not logging.getLogger("stmgpu").isEnabledFor(logging.DEBUG):
            from stmgpu.distribute.cluster import quiet

            quiet()
        return Dask(
            self.workers,
            scheduler=self.scheduler,
            tls_ca=self.tls_ca,
            tls_cert=self.tls_cert,
            tls_key=self.tls_key,
            insecure=self.insecure,
        )

    def _if_exists(self, out: Path | None) -> IfExists:
        if self.overwrite and (self.resume or self.append):
            other = "--resume" if self.resume else "--append"
            raise InputError(f"{other} and --overwrite contradict each other; give one of them")
        if self.resume and out is not None and not os.path.lexists(out):
            raise InputError(f"there is no store at {out} to resume; check the path, or omit --resume to create it")
        return "overwrite" if self.overwrite else "append" if self.append else "resume"


def window_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the run options of a screening or an ephemeris to a command, which gets them as ``choices``."""
    return _with_choices(command, leave_out=_STUDY_ONLY + _ROWS_ONLY)


def study_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the run options of a study to a command, which gets them as ``choices``."""
    return _with_choices(command, leave_out=_WINDOW_ONLY + _ROWS_ONLY)


def assessment_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the run options of an assessment to a command, which gets them as ``choices``."""
    return _with_choices(command, leave_out=_WINDOW_ONLY + _STUDY_ONLY + _NEW_STORE)


def _with_choices(command: Callable[..., None], leave_out: tuple[str, ...]) -> Callable[..., None]:
    hints = typing.get_type_hints(RunChoices, include_extras=True)
    own_hints = typing.get_type_hints(command, include_extras=True)
    options = [
        inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name])
        for f in dataclasses.fields(RunChoices)
        if f.name not in leave_out
    ]
    parameters = [
        p.replace(annotation=own_hints[p.name])
        for p in inspect.signature(command).parameters.values()
        if p.name != "choices"
    ]
    names = {p.name for p in options}

    @functools.wraps(command)
    def with_choices(*args: Any, **arguments: Any) -> None:
        chosen = {name: arguments.pop(name) for name in names & arguments.keys()}
        command(*args, **arguments, choices=RunChoices(**chosen))

    parameters.extend(options)
    with_choices.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_choices.__annotations__ = {p.name: p.annotation for p in parameters}
    return with_choices


def task_of(text: str | None) -> tuple[int, int] | None:
    """(i, n) of 'i/n'."""
    if text is None:
        return None
    parts = text.split("/")
    if len(parts) != 2 or not all(p.isdecimal() and len(p) < 10 for p in parts) or not int(parts[0]) < int(parts[1]):
        raise InputError(f"--task {text!r} is not a share; use i/n with i from 0 to n - 1, such as 0/4")
    return int(parts[0]), int(parts[1])


def plan_summary(plan: RunPlan) -> dict[str, Any]:
    """A planned run in plain numbers: tiles, needs and settings."""
    from stmgpu.distribute import resources

    document, needs = plan.document, plan.estimate
    return {
        "kind": document.kind,
        "tiles": document.tiles,
        **document.tiling.to_json(),
        "memory_bytes": needs.memory_bytes,
        "memory_free_bytes": resources.memory_bytes(),
        "disk_bytes": needs.disk_bytes,
        "core_seconds": needs.core_seconds,
        "cores": resources.cores(),
        "settings": document.settings.to_json(),
        "arithmetic": document.arithmetic,
    }


def _tile_text(facts: dict[str, Any]) -> str:
    """What a tile of a planned run holds."""
    if facts["rows_per_tile"] is not None:
        return f"{min(facts['rows_per_tile'], facts['settings']['rows']):,} conjunctions"
    chunk, window_h = facts["chunk_objects"], facts["settings"]["duration_s"] / 3600.0
    objects = "all objects" if chunk is None else f"chunks of {chunk} objects"
    return f"{min(facts['tile_hours'], window_h):g} h of {objects}"


def print_plan(plan: RunPlan, options: RunOptions) -> None:
    """Print tiles, memory, disk and time of a planned run, and its settings."""
    facts = {**plan_summary(plan), "executor": options.executor.name}
    cores, settings = facts["cores"], facts["settings"]
    lines = [
        f"tiles         {facts['tiles']}, each {_tile_text(facts)}",
        f"memory        about {facts['memory_bytes'] / 2**20:,.0f} MiB a worker "
        f"({facts['memory_free_bytes'] / 2**20:,.0f} MiB free)",
        f"disk          about {facts['disk_bytes'] / 1e6:,.0f} MB",
        f"time          about {facts['core_seconds']:,.0f} s of one core, {facts['core_seconds'] / cores:,.0f} s on "
        f"the {counted(cores, 'core')} of this machine",
        f"executor      {facts['executor']}",
        *(f"{name:<13} {value}" for name, value in settings.items() if name not in ("start_jd", "start_fr")),
        f"arithmetic    {facts['arithmetic']}",
    ]
    result(facts, lines)


def concluded(outcome: Outcome, out: Path) -> bool:
    """Whether the store is complete; reports what is left, and ends the command if tiles failed."""
    done = outcome.tiles - len(outcome.missing)
    note(f"tiles computed now: {outcome.computed}; done: {done} of {outcome.tiles}; {out}")
    if outcome.failed:
        reasons: dict[str, list[str]] = {}
        for tile, reason in outcome.failed.items():
            reasons.setdefault(reason, []).append(tile)
        for reason, tiles in list(reasons.items())[: common.SHOWN_REJECTIONS]:
            more = f" and {len(tiles) - 1} more" if len(tiles) > 1 else ""
            say(f"tile {tiles[0]}{more} failed: {reason}")
        raise StmgpuError(
            f"{counted(len(outcome.failed), 'tile')} failed, {done} of {outcome.tiles} are done and kept in {out}; "
            f"fix the cause, then {INVOCATION.resume()}"
        )
    if outcome.complete:
        return True
    result({"complete": False, "store": out, "tiles": outcome.tiles, "tiles_done": done}, ())
    if outcome.stopped:
        say(INVOCATION.how_to_resume())
        raise typer.Exit(STOPPED)
    note(
        f"{counted(len(outcome.missing), 'other tile', verb='belong')} to other tasks; the task that computes the last "
        "one completes the store. If a task was cancelled, submit the same array again: it computes what is missing"
    )
    if outcome.orphans:
        lost = sum(len(ids) for ids in outcome.orphans.values())
        tasks = ", ".join(str(task) for task in sorted(outcome.orphans))
        say(
            f"{lost} of them {'belongs' if lost == 1 else 'belong'} to tasks of this array that were cancelled or have "
            f"failed (counted from 0: {tasks}), so nobody will compute {'it' if lost == 1 else 'them'}; submit the "
            "same array again"
        )
    return False
