"""A screening as a job in tiles: how it is cut, what a tile computes, how the tiles become the result."""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.distribute.tiles import Estimate, Tile, Tiling, screening_tiles
from stmgpu.errors import InputError, StoreError
from stmgpu.screen.conjunctions import build_dataset
from stmgpu.screen.engine import BYTES_PER_CELL_ROW, BYTES_PER_OBJECT_ROW, Screener
from stmgpu.screen.parts import Part, merge_parts
from stmgpu.screen.plan import BLOCK_NODES, NODE_STEP_S, Plan, candidates_per_s, cost_ns, make_plan
from stmgpu.screen.settings import ScreeningSettings
from stmgpu.store.result import write_result
from stmgpu.store.run_input import StudyInputs
from stmgpu.validation import Fields

if TYPE_CHECKING:
    from stmgpu.backend import Backend
    from stmgpu.store.run import Marker, RunStore

BLOCK_HOURS = BLOCK_NODES * NODE_STEP_S / 3600.0


@dataclass(frozen=True)
class Grain:
    """How finely a window is cut by default: tiles, and least and most seconds of one core that a tile takes, about.

    Below, a tile's files and the overheads of small arrays show; above, more is lost where a worker dies.
    """

    tiles: int
    least_s: float
    most_s: float


ALONE, SHARED = Grain(24, 1.0, 20.0), Grain(96, 0.25, 20.0)
"""For one process, and for several, of which the last one to end should not keep the others waiting."""

_PROCESS_BYTES = 280e6
_BYTES_PER_OBJECT = 8 * (6 * (BLOCK_NODES + 3) + 35 + 11 + 10) + 2 * (BLOCK_NODES + 3) + 900
"""States and codes of a block, constants, elements, resonance tables; names and columns of the catalogue."""


class ScreeningJob:
    """A screening in a store.

    Parameters
    ----------
    run
        a store of kind 'conjunctions'.
    """

    def __init__(self, run: RunStore) -> None:
        self.run = run
        population = run.run_input()
        if isinstance(population, StudyInputs):
            raise StoreError(f"{run.folder} is damaged: a screening works on a catalogue")
        self.catalog = population
        settings = ScreeningSettings.from_json(Fields(run.document["settings"], "settings"))
        self.plan = make_plan(settings, len(self.catalog))
        tiling = run.document["tiling"]
        self.tiles = cut(self.plan, len(self.catalog), tiling["tile_hours"], tiling["chunk_objects"])[1]
        self._screener: tuple[Any, Screener] | None = None

    def compute(self, tile: Tile, backend: Backend) -> None:
        """Screen a tile and keep what it found."""
        begin = time.perf_counter()
        screener, objects = self._screener_of(tile, backend)
        part = screener.run(tile.first, tile.last)
        events = dataclasses.replace(part.events, first=objects[part.events.first], second=objects[part.events.second])
        part = dataclasses.replace(part, events=events, failed_object=objects[part.failed_object])
        summary = {
            "events": len(events),
            "candidates": part.candidates,
            "unrefined": part.unrefined,
            "certificate": asdict(part.certificate),
            "seconds": part.seconds,
            "device": backend.device,
            "wall_s": round(time.perf_counter() - begin, 4),
        }
        self.run.write_tile(tile.id, part.to_arrays(), summary)

    def _screener_of(self, tile: Tile, backend: Backend) -> tuple[Screener, np.ndarray]:
        """The screener of a tile's chunks, kept for the next tile, and the objects it works on."""
        key = (tile.left, tile.right, id(backend))
        objects = np.arange(*tile.left)
        split = None
        if tile.left != tile.right:
            split = len(objects)
            objects = np.concatenate([objects, np.arange(*tile.right)])
        if self._screener is None or self._screener[0] != key:
            self._screener = None  # two of them need not fit into memory
            whole = len(objects) == len(self.catalog)
            chosen = self.catalog if whole else self.catalog[objects]
            any_trajectory = self.catalog.any_trajectory
            screener = Screener(chosen, self.plan, backend, split, with_trajectory=any_trajectory)
            self._screener = (key, screener)
        return self._screener[1], objects

    def finish(self, markers: dict[str, Marker], backend: Backend) -> None:
        """Tell the minima of all tiles apart and write the result."""
        self._screener = None
        parts = []
        for marker in markers.values():
            try:
                parts.append(Part.from_arrays(self.run.read_tile(marker), marker.summary))
            except (StoreError, KeyError, TypeError, ValueError, AttributeError) as error:
                self.run.forget(marker.tile)
                raise StoreError(
                    f"{error}; its tile is forgotten: run the same command again, which computes it anew"
                ) from error
        whole, followed = merge_parts(parts, self.catalog, self.plan, backend)
        write_result(self.run, build_dataset(whole, followed, self.catalog, self.plan))


def cut(plan: Plan, objects: int, tile_hours: float, chunk_objects: int | None) -> tuple[Tiling, list[Tile]]:
    """Cut a window into tiles of whole hours."""
    if not (math.isfinite(tile_hours) and tile_hours > 0.0):
        raise InputError(f"tiles of {tile_hours} hours are impossible; give a positive number")
    blocks = max(1, math.ceil(tile_hours / BLOCK_HOURS - 1e-9))
    tiles = screening_tiles(plan.blocks, blocks, objects, chunk_objects, plan.duration_s)
    return Tiling(blocks * BLOCK_HOURS, chunk_objects, len(tiles)), tiles


def choose(
    plan: Plan,
    objects: int,
    tile_hours: float | None,
    chunk_objects: int | None,
    memory_bytes: float,
    threads: int,
    grain: Grain = ALONE,
) -> tuple[Tiling, list[Tile]]:
    """The tiling that was asked for, or one that fits the memory of a worker."""
    if chunk_objects is not None and chunk_objects < 1:
        raise InputError(f"chunks of {chunk_objects} objects are impossible; give 1 or more")
    if chunk_objects is None and memory_of(plan, objects, threads) > memory_bytes:
        chunk_objects = objects
        while chunk_objects > 1 and memory_of(plan, 2 * chunk_objects, threads) > memory_bytes:
            chunk_objects = -(-chunk_objects // 2)
        if memory_of(plan, 2 * chunk_objects, threads) > memory_bytes:
            raise InputError(
                f"{memory_bytes / 2**20:.0f} MiB of memory a worker are not enough for any tile; use fewer workers"
            )
    if tile_hours is None:
        hour_s = cost_ns(plan.step_s, plan.threshold_km, objects) * 1e-9 * 3600.0
        wanted = max(grain.least_s / hour_s, math.ceil(plan.blocks / grain.tiles))
        tile_hours = max(1, math.floor(min(grain.most_s / hour_s, wanted)))
    return cut(plan, objects, tile_hours, chunk_objects)


def memory_of(plan: Plan, objects: int, threads: int) -> float:
    """Memory of a worker that screens tiles of so many objects, about [bytes]."""
    rows = max(2 * threads, (10 << 20) // (BYTES_PER_OBJECT_ROW * objects + BYTES_PER_CELL_ROW * plan.cells))
    return (
        _PROCESS_BYTES
        + objects * _BYTES_PER_OBJECT
        + rows * (BYTES_PER_OBJECT_ROW * objects + 2 * BYTES_PER_CELL_ROW * plan.cells)
    )


def estimate(plan: Plan, objects: int, tiling: Tiling, threads: int) -> Estimate:
    """What a screening needs, about; events and candidates are those of a catalogue like the real one."""
    chunk = objects if tiling.chunk_objects is None else min(2 * tiling.chunk_objects, objects)
    events = candidates_per_s(1e-3, plan.threshold_km, objects) * plan.duration_s
    pairs = 1 if tiling.chunk_objects is None else 2  # every two chunks are searched together for the pairs across
    return Estimate(
        tiling.tiles,
        memory_of(plan, chunk, threads),
        200.0 * events + 300.0 * objects,
        pairs * cost_ns(plan.step_s, plan.threshold_km, objects) * 1e-9 * plan.duration_s,
    )
