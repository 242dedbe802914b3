"""Screening in tiles: hours of the window, and chunks of the catalogue where memory is short."""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import gpu_memory_bytes
from stmgpu.distribute import resources
from stmgpu.distribute.executors import USABLE, RunOptions
from stmgpu.distribute.jobs.base import Growth, Job, RunPlan, read_or_forget
from stmgpu.distribute.tiles import Estimate, chunks
from stmgpu.errors import InputError, StoreError
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.screen.conjunctions import build_dataset
from stmgpu.screen.engine import BYTES_PER_CELL_ROW, BYTES_PER_OBJECT_ROW, Screener, device_bytes
from stmgpu.screen.parts import Part, merge_parts
from stmgpu.screen.plan import BLOCK_NODES, NODE_STEP_S, Plan, candidates_per_s, cost_ns, make_plan
from stmgpu.screen.settings import ScreeningSettings
from stmgpu.store.document import RunDocument, Tiling
from stmgpu.store.result import write_result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.backend import Backend
    from stmgpu.store.run import Marker, RunStore
    from stmgpu.typing import Bools, Ints

BLOCK_HOURS = BLOCK_NODES * NODE_STEP_S / 3600.0


@dataclass(frozen=True)
class TileBudget:
    """Default size of tiles.

    Smaller tiles show the overheads of files and of small arrays; larger ones lose more where a worker dies.

    Attributes
    ----------
    tiles : int
        Number of tiles.
    least_s, most_s : float
        Least and most seconds of one core in a tile, about.
    """

    tiles: int
    least_s: float
    most_s: float


SINGLE, PARALLEL = TileBudget(24, 1.0, 20.0), TileBudget(96, 0.25, 20.0)
"""Budgets for one process, and for several, which should end at about the same time."""

_TILES_PER_PROCESS = 4
"""Tiles of each of many processes, so that none waits long for the last ones."""

_PROCESS_BYTES = 280e6
_BYTES_PER_OBJECT = 8 * (6 * (BLOCK_NODES + 3) + 35 + 11 + 10) + 2 * (BLOCK_NODES + 3) + 900
"""States and codes of a block, constants, elements, resonance tables; names and columns of the catalogue."""


@dataclass(frozen=True)
class ScreeningTile:
    """Tile of a screening: pairs of one or two chunks of the catalogue in some blocks of the window.

    Attributes
    ----------
    id : str
        Name of its files.
    blocks : tuple of int
        First block (hour), and the one behind the last.
    left, right : tuple of int
        First and behind the last object of the two chunks; equal for the pairs within one chunk.
    """

    id: str
    blocks: tuple[int, int]
    left: tuple[int, int]
    right: tuple[int, int]


class ScreeningJob(Job[ScreeningTile]):
    """Screening of all objects against all others, in a store of kind 'conjunctions'.

    Parameters
    ----------
    run : RunStore
        Store to work on.
    """

    kind = "conjunctions"
    grows_by = Growth("duration_s", "seconds", lambda settings: settings.window.duration_s)

    def __init__(self, run: RunStore) -> None:
        super().__init__(run)
        objects, settings = run.run_input(), run.document.settings
        if not isinstance(objects, ScreeningObjects) or not isinstance(settings, ScreeningSettings):
            raise StoreError(f"{run.folder} is damaged: a screening works on a catalogue")
        self.catalog = objects.with_primaries(settings.primaries)
        self.screening_plan = make_plan(settings, len(objects))
        self.tiles = cut(self.screening_plan, self.catalog.is_primary, run.document.tiling)[1]
        self._screener: tuple[object, Screener] | None = None

    @classmethod
    def plan(cls, run_input: ScreeningObjects, settings: ScreeningSettings, options: RunOptions) -> RunPlan:
        """Plan a screening: the chosen interval, tiles that fit the memory, and its estimated needs."""
        plan, objects = make_plan(settings, len(run_input)), len(run_input)
        is_primary = run_input.with_primaries(settings.primaries).is_primary
        workers, threads = options.plan_workers(lambda n: memory_of(plan, objects, n))
        tiling, tiles = choose(
            plan,
            is_primary,
            options.tiling,
            memory_bytes=resources.memory_bytes() * USABLE / workers,
            gpu_bytes=gpu_memory_bytes(options.backend) * USABLE,
            threads=threads,
            budget=parallel_budget(options.executor.processes(workers)) if options.executor.parallel else SINGLE,
        )
        document = cls.document(run_input, plan.settings, tiling=tiling, tiles=len(tiles), backend=options.backend)
        return RunPlan(document, run_input, estimate(plan, is_primary, tiling, threads))

    @classmethod
    def memory_of(cls, document: RunDocument, threads: int) -> float:
        """Estimated memory of a worker [bytes]."""
        assert isinstance(document.settings, ScreeningSettings)
        objects = document.run_input.objects
        return memory_of(make_plan(document.settings, objects), document.tiling.chunk_objects or objects, threads)

    def check_growth(self) -> None:
        """Refuse to enlarge a screening of trajectories."""
        if self.catalog.any_trajectory:
            raise InputError(
                f"{self.run.folder} screens trajectories, and what their tiles hold depends on the window; "
                "--append cannot lengthen it: screen the longer window into another store"
            )

    def compute(self, tile: ScreeningTile, backend: Backend) -> None:
        """Screen a tile and write its events."""
        begin = time.perf_counter()
        screener, objects = self._screener_of(tile, backend)
        part = screener.run(*tile.blocks)
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

    def _screener_of(self, tile: ScreeningTile, backend: Backend) -> tuple[Screener, Ints]:
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
            self._screener = (key, Screener(chosen, self.screening_plan, backend, split=split))
        return self._screener[1], objects

    def finish(self, markers: dict[str, Marker], backend: Backend) -> None:
        """Merge the events of all tiles and write the result."""
        self._screener = None
        parts = [read_or_forget(self.run, tile, marker, Part.from_arrays) for tile, marker in markers.items()]
        whole, followed = merge_parts(parts, self.catalog, self.screening_plan, backend)
        write_result(self.run, build_dataset(whole, followed, self.catalog, self.screening_plan))


def cut(plan: Plan, is_primary: Bools, tiling: Tiling) -> tuple[Tiling, list[ScreeningTile]]:
    """Tiles of a screening of whole blocks, and the tiling with the hours rounded up to them."""
    assert tiling.tile_hours is not None
    blocks = max(1, math.ceil(tiling.tile_hours / BLOCK_HOURS - 1e-9))
    tiles = screening_tiles(
        plan.blocks,
        blocks,
        chunks=chunks(len(is_primary), tiling.chunk_objects),
        duration_s=plan.duration_s,
        is_primary=is_primary,
    )
    return Tiling(blocks * BLOCK_HOURS, tiling.chunk_objects), tiles


def screening_tiles(
    blocks: int,
    blocks_per_tile: int,
    *,
    chunks: Sequence[tuple[int, int]],
    duration_s: float,
    is_primary: Bools | None = None,
) -> list[ScreeningTile]:
    """Tiles of a screening: pairs of chunks one after the other, each through the whole window.

    The last tile in time has the window's length [s] in its id, since a longer window ends elsewhere. Pairs of chunks
    without a primary have no tile.
    """
    tiles = []
    searched = [is_primary is None or bool(is_primary[first:last].any()) for first, last in chunks]
    for i, left in enumerate(chunks):
        for j, right in enumerate(chunks[i:], i):
            if not (searched[i] or searched[j]):
                continue
            for first in range(0, blocks, blocks_per_tile):
                last = min(first + blocks_per_tile, blocks)
                name = f"h{first:05d}-{last:05d}"
                if last == blocks:
                    name += f"-end{duration_s:.6f}".rstrip("0").rstrip(".")
                if len(chunks) > 1:
                    name += f"-c{i:03d}x{j:03d}"
                tiles.append(ScreeningTile(name, (first, last), left, right))
    return tiles


def choose(
    plan: Plan,
    is_primary: Bools,
    tiling: Tiling,
    *,
    memory_bytes: float,
    threads: int,
    gpu_bytes: float = math.inf,
    budget: TileBudget = SINGLE,
) -> tuple[Tiling, list[ScreeningTile]]:
    """Complete a tiling.

    Parameters
    ----------
    plan : Plan
        Plan of the screening.
    is_primary : ndarray, bool, shape (n,)
        Whether each object is a primary.
    tiling : Tiling
        Prescribed sizes.
    memory_bytes : float
        Memory of a worker [bytes], which chunks must fit.
    threads : int
        Threads of a worker.
    gpu_bytes : float
        Memory of its GPU [bytes].
    budget : TileBudget
        Size of tiles whose hours are not prescribed.

    Raises
    ------
    InputError
        If the memory is too small for any tile.
    """
    chunk_objects, tile_hours = tiling.chunk_objects, tiling.tile_hours
    objects, primaries = len(is_primary), int(np.count_nonzero(is_primary))

    def fits(objects: int) -> bool:
        return memory_of(plan, objects, threads) <= memory_bytes and device_bytes(plan, objects) <= gpu_bytes

    if chunk_objects is None and not fits(objects):
        chunk_objects = objects
        while chunk_objects > 1 and not fits(2 * chunk_objects):
            chunk_objects = -(-chunk_objects // 2)
        if not fits(2 * chunk_objects):
            raise InputError(
                f"{min(memory_bytes, gpu_bytes) / 2**20:.0f} MiB of memory a worker are not enough for any tile; use "
                "fewer workers"
            )
    if tile_hours is None:
        hour_s = cost_ns(plan.step_s, plan.threshold_km, objects, primaries) * 1e-9 * 3600.0
        wanted = max(budget.least_s / hour_s, math.ceil(plan.blocks / budget.tiles))
        tile_hours = max(1, math.floor(min(budget.most_s / hour_s, wanted)))
    return cut(plan, is_primary, Tiling(tile_hours, chunk_objects))


def parallel_budget(processes: int) -> TileBudget:
    """Budget for that many processes."""
    return dataclasses.replace(PARALLEL, tiles=max(PARALLEL.tiles, _TILES_PER_PROCESS * processes))


def memory_of(plan: Plan, objects: int, threads: int) -> float:
    """Estimated memory of a worker that screens tiles of that many objects [bytes]."""
    rows = max(2 * threads, (10 << 20) // (BYTES_PER_OBJECT_ROW * objects + BYTES_PER_CELL_ROW * plan.cells))
    return (
        _PROCESS_BYTES
        + objects * _BYTES_PER_OBJECT
        + rows * (BYTES_PER_OBJECT_ROW * objects + 2 * BYTES_PER_CELL_ROW * plan.cells)
    )


def estimate(plan: Plan, is_primary: Bools, tiling: Tiling, threads: int) -> Estimate:
    """Estimated needs of a screening, with the events and candidates of a catalogue like the real one."""
    objects, primaries = len(is_primary), int(np.count_nonzero(is_primary))
    chunk = objects if tiling.chunk_objects is None else min(2 * tiling.chunk_objects, objects)
    events = candidates_per_s(1e-3, plan.threshold_km, objects, primaries) * plan.duration_s
    pairs = 1 if tiling.chunk_objects is None else 2  # every two chunks are searched together for the pairs across
    return Estimate(
        memory_of(plan, chunk, threads),
        200.0 * events + 300.0 * objects,
        pairs * cost_ns(plan.step_s, plan.threshold_km, objects, primaries) * 1e-9 * plan.duration_s,
    )
