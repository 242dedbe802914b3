"""An ephemeris as a job in tiles: every tile computes and writes whole shards of it."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.distribute.tiles import Estimate, Tile, Tiling, ephemeris_tiles
from stmgpu.errors import InputError, StoreError
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.propagate.settings import EphemerisSettings
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.store.ephemeris import shard_lengths, write_block
from stmgpu.store.result import complete_ephemeris, place_arrays
from stmgpu.time import format_utc, to_datetime64
from stmgpu.validation import Fields

if TYPE_CHECKING:
    from stmgpu.backend import Backend
    from stmgpu.store.run import Marker, RunStore

MAX_TIMES = 10_000_000
"""Longest ephemeris of one store [times]: 115 days at one second."""

TILE_BYTES = 192e6
"""States of a tile by default; computing and packing them takes about four times that."""

_STATE_BYTES = 49
_OBJECTS_AT_ONCE = 256
_PROCESS_BYTES = 280e6


class EphemerisJob:
    """An ephemeris in a store.

    Parameters
    ----------
    run
        a store of kind 'ephemeris'.
    """

    def __init__(self, run: RunStore) -> None:
        self.run = run
        objects = run.run_input()
        if not isinstance(objects, ScreeningObjects) or objects.any_trajectory:
            raise StoreError(f"{run.folder} is damaged: an ephemeris is propagated from elements alone")
        self.catalog = objects.catalog
        self.settings = EphemerisSettings.from_json(Fields(run.document["settings"], "settings"))
        self.times_s = self.settings.times_s
        tiling = run.document["tiling"]
        self.tiles = cut(len(self.catalog), self.settings, tiling["tile_hours"], tiling["chunk_objects"])[1]
        self._propagator: tuple[Any, SGP4Propagator] | None = None

    @property
    def times(self) -> np.ndarray:
        """All times of the ephemeris, UTC, datetime64[ns]."""
        return to_datetime64(*self.settings.window.parts, self.times_s)

    def prepare(self) -> None:
        """Put the arrays into the store; those that are there already stay what they are."""
        place_arrays(self.run, self.catalog.norad_id, self.times, names=self.catalog.name)

    def compute(self, tile: Tile, backend: Backend) -> None:
        """Propagate a tile and write its shards."""
        begin = time.perf_counter()
        key = (tile.left, id(backend))
        if self._propagator is None or self._propagator[0] != key:
            span = (0.0, float(self.times_s[-1]))
            self._propagator = (
                key,
                SGP4Propagator(
                    self.catalog[slice(*tile.left)], backend, self.settings.window.parts, span, self.settings.mode
                ),
            )
        propagator = self._propagator[1]
        states, codes = (backend.get(a) for a in propagator.grid(self.times_s[tile.first : tile.last]))
        position, velocity, codes = _by_object(states, codes, np.argsort(propagator.order))
        computed = time.perf_counter()
        with self.run.unless_done(tile.id):
            files = write_block(self.run.folder, tile.left[0], tile.first, position, velocity, codes)
            now = time.perf_counter()
            summary = {
                "times": [tile.first, tile.last],
                "objects": list(tile.left),
                "device": backend.device,
                "wall_s": round(now - begin, 4),
                "write_s": round(now - computed, 4),
            }
            self.run.mark(tile.id, files, summary)

    def finish(self, markers: dict[str, Marker], backend: Backend) -> None:
        """Mark the ephemeris as complete."""
        files = {name: entry for marker in markers.values() for name, entry in marker.files.items()}
        c = self.run.document["catalog"]
        complete_ephemeris(
            self.run,
            files,
            self.catalog.norad_id,
            self.times,
            names=self.catalog.name,
            attrs={
                "start": format_utc(self.settings.start),
                "step_s": self.settings.step_s,
                "catalog_source": c["source"],
                "catalog_sha256": c["sha256"],
                "catalog_digest": c["digest"],
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


def cut(
    objects: int, settings: EphemerisSettings, tile_hours: float | None, chunk_objects: int | None
) -> tuple[Tiling, list[Tile]]:
    """Cut an ephemeris into tiles of whole shards; what is asked for is rounded up to them."""
    if tile_hours is not None and not (math.isfinite(tile_hours) and tile_hours > 0.0):
        raise InputError(f"tiles of {tile_hours} hours are impossible; give a positive number")
    if chunk_objects is not None and chunk_objects < 1:
        raise InputError(f"chunks of {chunk_objects} objects are impossible; give 1 or more")
    times, step_s = settings.count, settings.step_s
    shard_objects, shard_times = shard_lengths(objects, times)
    if chunk_objects is None:
        chunk_objects = max(1, int(TILE_BYTES / (shard_times * _STATE_BYTES) // shard_objects)) * shard_objects
    chunk_objects = -(-chunk_objects // shard_objects) * shard_objects
    if tile_hours is None:
        per_tile = max(1, int(TILE_BYTES / (min(chunk_objects, objects) * _STATE_BYTES) // shard_times)) * shard_times
    else:
        per_tile = max(1, math.ceil(tile_hours * 3600.0 / step_s / shard_times - 1e-9)) * shard_times
    tiles = ephemeris_tiles(times, per_tile, objects, chunk_objects)
    return Tiling(per_tile * step_s / 3600.0, None if chunk_objects >= objects else chunk_objects, len(tiles)), tiles


def estimate(objects: int, settings: EphemerisSettings, tiling: Tiling) -> Estimate:
    """What an ephemeris needs, about: 25 million states a second and core, and a third of that to pack them."""
    chunk = objects if tiling.chunk_objects is None else tiling.chunk_objects
    per_tile = min(chunk, objects) * min(tiling.tile_hours * 3600.0 / settings.step_s, settings.count) * _STATE_BYTES
    states = float(objects) * settings.count
    return Estimate(
        tiling.tiles,
        _PROCESS_BYTES + objects * 900.0 + 4.0 * per_tile,
        states * _STATE_BYTES,
        states / 25e6 + states * _STATE_BYTES / 250e6,
    )
