"""What the commands that compute share: how tiles are computed, how a run ended."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from stmgpu.cli import common
from stmgpu.cli.common import ExecutorName, note, say
from stmgpu.errors import StmgpuError

if TYPE_CHECKING:
    from stmgpu.distribute import Execution, Outcome


def execution_of(context: typer.Context) -> Execution:
    """How to compute the tiles, from the options of a command."""
    from stmgpu.distribute import Execution

    given = context.params
    names = {f.name for f in dataclasses.fields(Execution)} - {"executor", "backend", "task"}
    if given["executor"] is ExecutorName.DASK and not logging.getLogger("stmgpu").isEnabledFor(logging.DEBUG):
        from stmgpu.distribute.cluster import quiet

        quiet()
    return Execution(
        executor=given["executor"].value,
        backend=given["backend"],
        task=common.task_of(given["task"]),
        **{name: given[name] for name in names & given.keys()},
    )


def concluded(outcome: Outcome, out: Path) -> bool:
    """Whether the store is complete; says what is left, and ends the command where that is no success."""
    done = outcome.tiles - len(outcome.missing)
    note(f"{outcome.computed} tiles computed now, {done} of {outcome.tiles} done; {out}")
    if outcome.failed:
        reasons: dict[str, list[str]] = {}
        for tile, reason in outcome.failed.items():
            reasons.setdefault(reason, []).append(tile)
        for reason, tiles in list(reasons.items())[: common.SHOWN_REJECTIONS]:
            more = f" and {len(tiles) - 1} more" if len(tiles) > 1 else ""
            say(f"tile {tiles[0]}{more} failed: {reason}")
        raise StmgpuError(
            f"{len(outcome.failed)} tiles failed, {done} of {outcome.tiles} are done and kept in {out}; "
            "mend the cause and run the same command again"
        )
    if outcome.complete:
        return True
    if outcome.stopped:
        raise typer.Exit(common.STOPPED)
    note(
        f"the other {len(outcome.missing)} tiles belong to other tasks; whoever computes the last one finishes the "
        "store"
    )
    return False


@contextlib.contextmanager
def quiet_fonts() -> Iterator[None]:
    """Matplotlib lists the machine's fonts on its first run and says so in the log; nobody asked."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
