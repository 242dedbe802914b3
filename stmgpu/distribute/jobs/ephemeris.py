"""Ephemeris in tiles, each of which is whole shards of the result."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.distribute.jobs.base import Growth, Job, RunPlan
from stmgpu.distribute.tiles import Estimate, chunks
from stmgpu.errors import InputError, StoreError
from stmgpu.propagate.grids import grid_on_host
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.propagate.settings import EphemerisSettings
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.propagate.variables import sets_attributes
from stmgpu.store.document import CatalogIdentity, RunDocument, Tiling
from stmgpu.store.ephemeris import shard_lengths, write_block
from stmgpu.store.result import complete_ephemeris, place_arrays
from stmgpu.time import format_utc, to_datetime64

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.backend import Backend
    from stmgpu.distribute.executors import RunOptions
    from stmgpu.store.run import Marker, RunStore

MAX_TIMES = 10_000_000
"""Longest ephemeris of one store [times]: 115 days at one second."""

TILE_BYTES = 192e6
"""States of a tile by default; computing and packing them takes about four times that."""

_STATE_BYTES = 49
_OBJECTS_AT_ONCE = 256
_PROCESS_BYTES = 280e6


@dataclass(frozen=True)
class EphemerisTile:
    """Tile of an ephemeris: whole shards of some objects at some times.

    Attributes
    ----------
    times, objects : tuple of int
        Index of the first, and behind the last.
    """

    times: tuple[int, int]
    objects: tuple[int, int]

    @property
    def id(self) -> str:
        """Name of its marker."""
        return f"t{self.times[0]:08d}-{self.times[1]:08d}-o{self.objects[0]:07d}-{self.objects[1]:07d}"


class EphemerisJob(Job[EphemerisTile]):
    """Ephemeris of a catalogue, in a store of kind 'ephemeris'.

    Parameters
    ----------
    run : RunStore
        Store to work on.
    """

    kind = "ephemeris"
    grows_by = Growth("duration_s", "seconds", lambda settings: settings.window.duration_s)

    def __init__(self, run: RunStore) -> None:
        super().__init__(run)
        objects, settings = run.run_input(), run.document.settings
        if not isinstance(objects, ScreeningObjects) or objects.any_trajectory:
            raise StoreError(f"{run.folder} is damaged: an ephemeris is propagated from elements alone")
        if not isinstance(settings, EphemerisSettings):
            raise StoreError(f"{run.folder} is damaged: its settings are not those of an ephemeris")
        self.catalog, self.settings = objects.catalog, settings
        self.times_s = settings.times_s
        self.tiles = cut(len(self.catalog), settings, run.document.tiling)[1]
        self._propagator: tuple[object, SGP4Propagator] | None = None

    @classmethod
    def plan(cls, run_input: ScreeningObjects, settings: EphemerisSettings, options: RunOptions) -> RunPlan:
        """Plan an ephemeris: its tiles, and its estimated needs."""
        duration_s, step_s = settings.window.duration_s, settings.step_s
        if duration_s / step_s > MAX_TIMES:
            raise InputError(
                f"{duration_s / 3600.0:g} hours in steps of {step_s:g} s are {duration_s / step_s:.3g} times; a store "
                f"holds at most {MAX_TIMES:,}: shorten the window or lengthen the step"
            )
        tiling, tiles = cut(len(run_input), settings, options.tiling)
        document = cls.document(run_input, settings, tiling=tiling, tiles=len(tiles), backend=options.backend)
        return RunPlan(document, run_input, estimate(len(run_input), settings, tiling))

    @classmethod
    def memory_of(cls, document: RunDocument, threads: int) -> float:  # noqa: ARG003  # other kinds depend on them
        """Estimated memory of a worker [bytes]."""
        return 4.0 * TILE_BYTES + _PROCESS_BYTES

    @property
    def times(self) -> np.ndarray:
        """All times of the ephemeris, UTC, datetime64[ns]."""
        return to_datetime64(*self.settings.window.parts, self.times_s)

    def prepare(self) -> None:
        """Create the arrays in the store; existing ones are kept."""
        place_arrays(self.run, self.catalog.norad_id, self.times, names=self.catalog.name)

    def compute(self, tile: EphemerisTile, backend: Backend) -> None:
        """Propagate a tile and write its shards."""
        begin = time.perf_counter()
        key = (tile.objects, id(backend))
        if self._propagator is None or self._propagator[0] != key:
            span = (0.0, float(self.times_s[-1]))
            self._propagator = (
                key,
                SGP4Propagator(
                    self.catalog[slice(*tile.objects)], backend, self.settings.window.parts, span, self.settings.mode
                ),
            )
        propagator = self._propagator[1]
        states, codes = grid_on_host(propagator, backend, self.times_s[slice(*tile.times)])
        position, velocity, codes = _by_object(states, codes, np.argsort(propagator.order))
        computed = time.perf_counter()
        with self.run.unless_done(tile.id):
            block = (tile.objects[0], tile.times[0])
            files = write_block(self.run.folder, block, position=position, velocity=velocity, error_code=codes)
            now = time.perf_counter()
            summary = {
                "times": list(tile.times),
                "objects": list(tile.objects),
                "device": backend.device,
                "wall_s": round(now - begin, 4),
                "write_s": round(now - computed, 4),
            }
            self.run.mark(tile.id, files, summary)

    def finish(self, markers: dict[str, Marker], backend: Backend) -> None:
        """Mark the ephemeris as complete."""
        files = {name: entry for marker in markers.values() for name, entry in marker.files.items()}
        identity = self.run.document.run_input
        assert isinstance(identity, CatalogIdentity)
        complete_ephemeris(
            self.run,
            files,
            self.catalog.norad_id,
            self.times,
            names=self.catalog.name,
            attrs={
                "start": format_utc(self.settings.start),
                "step_s": self.settings.step_s,
                "catalog_source": identity.source,
                "catalog_sha256": identity.sha256,
                "catalog_digest": identity.digest,
                **sets_attributes(self.catalog),
            },
        )


def _by_object(states: np.ndarray, codes: np.ndarray, place: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """States [T, 6, n_pad] and codes [T, n_pad] as position and velocity [n, T, 3] and codes [n, T].

    A few objects at a time, which then lie in the cache: five times as fast as transposing the whole.
    """
    objects, times = len(place), states.shape[0]
    position, velocity = np.empty((objects, times, 3)), np.empty((objects, times, 3))
    by_object = np.empty((objects, times), np.int8)
    for k in range(0, objects, _OBJECTS_AT_ONCE):
        some = slice(k, k + _OBJECTS_AT_ONCE)
        block = states[:, :, place[some]]
        position[some], velocity[some] = block[:, :3].transpose(2, 0, 1), block[:, 3:].transpose(2, 0, 1)
        by_object[some] = codes[:, place[some]].T
    return position, velocity, by_object


def cut(objects: int, settings: EphemerisSettings, tiling: Tiling) -> tuple[Tiling, list[EphemerisTile]]:
    """Tiles of an ephemeris of whole shards, and the tiling with its sizes rounded up to them."""
    tile_hours, chunk_objects = tiling.tile_hours, tiling.chunk_objects
    times, step_s = settings.count, settings.step_s
    shard_objects, shard_times = shard_lengths(objects, times)
    if chunk_objects is None:
        chunk_objects = max(1, int(TILE_BYTES / (shard_times * _STATE_BYTES) // shard_objects)) * shard_objects
    chunk_objects = -(-chunk_objects // shard_objects) * shard_objects
    if tile_hours is None:
        per_tile = max(1, int(TILE_BYTES / (min(chunk_objects, objects) * _STATE_BYTES) // shard_times)) * shard_times
    else:
        per_tile = max(1, math.ceil(tile_hours * 3600.0 / step_s / shard_times - 1e-9)) * shard_times
    tiles = ephemeris_tiles(times, per_tile, chunks(objects, chunk_objects))
    return Tiling(per_tile * step_s / 3600.0, None if chunk_objects >= objects else chunk_objects), tiles


def ephemeris_tiles(times: int, times_per_tile: int, chunks: Sequence[tuple[int, int]]) -> list[EphemerisTile]:
    """Tiles of an ephemeris: chunks of objects one after the other, each through all times."""
    return [
        EphemerisTile((first, min(first + times_per_tile, times)), part)
        for part in chunks
        for first in range(0, times, times_per_tile)
    ]


def estimate(objects: int, settings: EphemerisSettings, tiling: Tiling) -> Estimate:
    """Estimated needs of an ephemeris: 25 million states per core and second, a fifth of that to compress."""
    chunk = objects if tiling.chunk_objects is None else tiling.chunk_objects
    per_tile = (
        min(chunk, objects)
        * min((tiling.tile_hours or math.inf) * 3600.0 / settings.step_s, settings.count)
        * _STATE_BYTES
    )
    states = float(objects) * settings.count
    return Estimate(
        _PROCESS_BYTES + objects * 900.0 + 4.0 * per_tile,
        states * _STATE_BYTES,
        states / 25e6 + states * _STATE_BYTES / 250e6,
    )
