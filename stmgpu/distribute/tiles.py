"""Tiles: the units of work of a run. Plain data without I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from stmgpu.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


class Tile(Protocol):
    """Unit of work of a run."""

    @property
    def id(self) -> str:
        """Name of the tile's files; the same work always has the same id."""


AnyTile = TypeVar("AnyTile", bound=Tile)


@dataclass(frozen=True)
class Estimate:
    """Estimated needs of a run: memory of one worker, disk, and seconds of one core."""

    memory_bytes: float
    disk_bytes: float
    core_seconds: float


def chunks(objects: int, chunk_objects: int | None) -> list[tuple[int, int]]:
    """Divide a catalogue into chunks, each given by its first object and the one after its last.

    Examples
    --------
    >>> chunks(10, 4)
    [(0, 4), (4, 8), (8, 10)]
    """
    if chunk_objects is None or chunk_objects >= objects:
        return [(0, objects)]
    return [(k, min(k + chunk_objects, objects)) for k in range(0, objects, chunk_objects)]


def share(tiles: Sequence[AnyTile], task: tuple[int, int] | None) -> list[AnyTile]:
    """Tiles of task i of n: every n-th, so that all tasks get similar work."""
    if task is None:
        return list(tiles)
    check_task(task)
    number, count = task
    return list(tiles[number::count])


def check_task(task: tuple[int, int]) -> None:
    """Raise :class:`InputError` for a task number outside its array."""
    number, count = task
    if not 0 <= number < count:
        raise InputError(f"task {number} of {count} is not possible; use a number from 0 to {count - 1}")
