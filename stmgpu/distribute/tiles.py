"""Work as a list of tiles: a stretch of time, and one or two chunks of the catalogue. Plain data, no I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stmgpu.errors import InputError


@dataclass(frozen=True)
class Tile:
    """One piece of work.

    Attributes
    ----------
    id
        what its files are called; the same work always has the same id.
    first, last
        blocks (hours) of a screening, or time indices of an ephemeris, from the first up to, not including, the last.
    left, right
        stretches of the catalogue (first, behind the last object) whose pairs are screened; equal where it is the
        pairs within one chunk, and for an ephemeris.
    """

    id: str
    first: int
    last: int
    left: tuple[int, int]
    right: tuple[int, int]


@dataclass(frozen=True)
class Tiling:
    """How a run is cut: hours a tile, objects a chunk (None: the whole catalogue), and how many tiles that makes."""

    tile_hours: float
    chunk_objects: int | None
    tiles: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values for ``run.json``."""
        return {"tile_hours": self.tile_hours, "chunk_objects": self.chunk_objects, "tiles": self.tiles}


@dataclass(frozen=True)
class Estimate:
    """What a run needs, about: tiles, memory of one worker, disk, and seconds of one core."""

    tiles: int
    memory_bytes: float
    disk_bytes: float
    core_seconds: float


def chunks(objects: int, chunk_objects: int | None) -> list[tuple[int, int]]:
    """Stretches of a catalogue of at most that many objects, of about equal length."""
    if chunk_objects is None or chunk_objects >= objects:
        return [(0, objects)]
    return [(k, min(k + chunk_objects, objects)) for k in range(0, objects, chunk_objects)]


def screening_tiles(
    blocks: int, blocks_per_tile: int, objects: int, chunk_objects: int | None, duration_s: float
) -> list[Tile]:
    """Tiles of a screening: pairs of chunks one after the other, each through all the hours.

    The last tile in time has the window's length in its id, since a longer window ends elsewhere.
    """
    parts = chunks(objects, chunk_objects)
    tiles = []
    for i, left in enumerate(parts):
        for j, right in enumerate(parts[i:], i):
            for first in range(0, blocks, blocks_per_tile):
                last = min(first + blocks_per_tile, blocks)
                name = f"h{first:05d}-{last:05d}"
                if last == blocks:
                    name += f"-end{duration_s:.6f}".rstrip("0").rstrip(".")
                if len(parts) > 1:
                    name += f"-c{i:03d}x{j:03d}"
                tiles.append(Tile(name, first, last, left, right))
    return tiles


def ephemeris_tiles(times: int, times_per_tile: int, objects: int, chunk_objects: int | None) -> list[Tile]:
    """Tiles of an ephemeris: chunks of objects one after the other, each through all times."""
    tiles = []
    for part in chunks(objects, chunk_objects):
        for first in range(0, times, times_per_tile):
            last = min(first + times_per_tile, times)
            tiles.append(Tile(f"t{first:08d}-{last:08d}-o{part[0]:07d}-{part[1]:07d}", first, last, part, part))
    return tiles


def share(tiles: list[Tile], task: tuple[int, int] | None) -> list[Tile]:
    """The tiles of task i of n: every n-th, so that all tasks get work of the same kind."""
    if task is None:
        return tiles
    number, count = task
    if not 0 <= number < count:
        raise InputError(f"task {number} of {count} is impossible; tasks are numbered from 0 to {count - 1}")
    return tiles[number::count]
