"""A kind of job that counts: its result is the square of each number below a limit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from stmgpu.backend import Backend
from stmgpu.distribute.executors import RunOptions
from stmgpu.distribute.jobs import Growth, Job, RunPlan, register
from stmgpu.distribute.tiles import Estimate
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.store.document import RunDocument, Tiling
from stmgpu.store.result import write_result
from stmgpu.store.run import Marker, RunStore
from stmgpu.store.schema import Kind
from stmgpu.validation import Fields
from stmgpu.variables import Variable

PER_TILE = 10


@dataclass(frozen=True)
class SquaresSettings:
    limit: int

    @classmethod
    def from_json(cls, fields: Fields) -> SquaresSettings:
        return cls(fields.whole_number("limit", 1))

    def to_json(self) -> dict[str, Any]:
        return {"limit": self.limit}


@dataclass(frozen=True)
class SquaresTile:
    first: int
    last: int

    @property
    def id(self) -> str:
        return f"n{self.first:04d}-{self.last:04d}"


class SquaresJob(Job[SquaresTile]):
    kind = "squares"
    grows_by = Growth("limit", "numbers", lambda settings: settings.limit)

    def __init__(self, run: RunStore) -> None:
        super().__init__(run)
        assert isinstance(run.document.settings, SquaresSettings)
        self.limit = run.document.settings.limit
        self.tiles = tiles_of(self.limit)

    @classmethod
    def plan(cls, run_input: ScreeningObjects, settings: SquaresSettings, options: RunOptions) -> RunPlan:
        tiles = len(tiles_of(settings.limit))
        document = cls.document(run_input, settings, tiling=Tiling(), tiles=tiles, backend=options.backend)
        return RunPlan(document, run_input, Estimate(1e6, 1e6, 1.0))

    @classmethod
    def memory_of(cls, document: RunDocument, threads: int) -> float:  # noqa: ARG003  # other kinds depend on them
        return 1e6

    def compute(self, tile: SquaresTile, backend: Backend) -> None:
        numbers = np.arange(tile.first, tile.last)
        self.run.write_tile(tile.id, {"square": numbers * numbers}, {"wall_s": 0.0})

    def finish(self, markers: dict[str, Marker], backend: Backend) -> None:
        squares = np.concatenate([self.run.read_tile(markers[tile.id])["square"] for tile in self.tiles])
        write_result(self.run, xr.Dataset({"square": ("number", squares)}))


def tiles_of(limit: int) -> Sequence[SquaresTile]:
    return [SquaresTile(k, min(k + PER_TILE, limit)) for k in range(0, limit, PER_TILE)]


register(
    SquaresJob,
    settings=SquaresSettings,
    schema=Kind("squares", {"square": Variable(("number",), "int64", "square of a number", "1")}, {"number": (64, 64)}),
)
