"""Assessment of the conjunctions in a store, in tiles of rows, into a part of that store."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from stmgpu.distribute.jobs.base import Growth, Job, RunPlan, read_or_forget
from stmgpu.distribute.tiles import Estimate, chunks
from stmgpu.errors import InputError, StoreError
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.risk.assessment import PAIR_COLUMNS, ids_by_designator, pairs_of, result_attributes
from stmgpu.risk.assessor import Assessor
from stmgpu.risk.pair_states import PairPropagator
from stmgpu.risk.settings import AssessmentSettings
from stmgpu.risk.variables import COVARIANCES, STATES, TITLE, VARIABLES
from stmgpu.screen.settings import ScreeningSettings
from stmgpu.screen.variables import ROW
from stmgpu.store.assessment import result_digest
from stmgpu.store.document import RunDocument, Tiling
from stmgpu.store.encounters import terms
from stmgpu.store.reading import open_conjunctions
from stmgpu.store.result import write_result
from stmgpu.store.run import has_run, open_run
from stmgpu.store.run_input import INPUTS, StudyInputs
from stmgpu.store.schema import ASSESSMENT, ENCOUNTERS
from stmgpu.variables import CONVENTIONS, coded

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from stmgpu.backend import Backend
    from stmgpu.distribute.executors import RunOptions
    from stmgpu.risk.pair_states import Pairs
    from stmgpu.store.run import Marker, RunStore
    from stmgpu.variables import Variable

ROWS = 1 << 16
"""Conjunctions of a tile by default."""

_LEAST_ROWS = 1 << 10
_TILES_PER_PROCESS = 4
_PROCESS_BYTES = 350e6
_BYTES_PER_OBJECT = 900
_BYTES_PER_ROW = 6_000
_ROW_NS = 40_000.0
_CODES = "/codes"
_TEXTS = tuple(name for name, variable in VARIABLES.items() if variable.dtype == "text")


@dataclass(frozen=True)
class AssessmentTile:
    """Tile of an assessment: the conjunctions from one row to another.

    Attributes
    ----------
    id : str
        Name of its files. It has a part of the digest of the request, so that nothing of another request is taken for
        this one's.
    first, last : int
        First row, and the one behind the last.
    """

    id: str
    first: int
    last: int


class AssessmentJob(Job[AssessmentTile]):
    """Assessment of conjunctions, in a store of kind 'assessment' inside theirs.

    Parameters
    ----------
    run : RunStore
        Store to work on.
    """

    kind = "assessment"
    part = True
    grows_by = Growth("rows", "conjunctions", lambda settings: settings.rows)

    def __init__(self, run: RunStore) -> None:
        super().__init__(run)
        settings = run.document.settings
        if not isinstance(settings, AssessmentSettings):
            raise StoreError(f"{run.folder} is damaged: its settings are not those of an assessment")
        self.settings, self.store = settings, run.folder.parent
        if settings.conjunctions != result_digest(self.store):
            raise StoreError(f"{run.folder} assesses other conjunctions than {self.store} holds; assess them again")
        self.tiles = row_tiles(settings, run.document.tiling)
        self._pairs: Pairs | None = None
        self._assessor: tuple[int, Assessor] | None = None

    @classmethod
    def plan(cls, run_input: StudyInputs, settings: AssessmentSettings, options: RunOptions) -> RunPlan:
        """Plan an assessment: its tiles, and its estimated needs."""
        rows = options.tiling.rows_per_tile
        if rows is None:
            workers, _ = options.plan_workers(lambda _: _PROCESS_BYTES + ROWS * _BYTES_PER_ROW)
            share = _TILES_PER_PROCESS * options.executor.processes(workers)
            rows = max(_LEAST_ROWS, min(ROWS, -(-settings.rows // share))) if options.executor.parallel else ROWS
        tiling = Tiling(rows_per_tile=rows)
        tiles = row_tiles(settings, tiling)
        document = cls.document(run_input, settings, tiling=tiling, tiles=len(tiles), backend=options.backend)
        needs = Estimate(cls.memory_of(document, 1), 400.0 * settings.rows + 100_000.0, settings.rows * _ROW_NS * 1e-9)
        return RunPlan(document, run_input, needs)

    @classmethod
    def memory_of(cls, document: RunDocument, threads: int) -> float:  # noqa: ARG003  # other kinds depend on them
        """Estimated memory of a worker [bytes]."""
        return _PROCESS_BYTES + (document.tiling.rows_per_tile or ROWS) * _BYTES_PER_ROW

    def check_growth(self) -> None:
        """Refuse to enlarge an assessment, which follows its conjunctions."""
        raise InputError(f"{self.run.folder} follows its conjunctions and cannot be enlarged; assess them again")

    def compute(self, tile: AssessmentTile, backend: Backend) -> None:
        """Assess a tile and write its columns."""
        begin = time.perf_counter()
        assessor = self._assessor_on(backend)
        if self._pairs is None:
            self._pairs = pairs_of(open_conjunctions(self.store, PAIR_COLUMNS))
        found = assessor.run(self._pairs[tile.first : tile.last])
        arrays: dict[str, np.ndarray[Any, Any]] = {}
        for name, values in found.columns.items():
            if name in _TEXTS:
                arrays[name], arrays[name + _CODES] = coded(values)
            else:
                arrays[name] = values
        arrays |= found.states.gcrf(self._pairs[tile.first : tile.last].tca)
        if not assessor.source.is_model:
            arrays |= {
                "covariance_1": terms(found.covariance_1.matrix),
                "covariance_2": terms(found.covariance_2.matrix),
            }
        summary = {"rows": tile.last - tile.first, "device": backend.device}
        self.run.write_tile(tile.id, arrays, summary | {"wall_s": round(time.perf_counter() - begin, 4)})

    def finish(self, markers: dict[str, Marker], backend: Backend) -> None:
        """Join the columns of all tiles and write the result."""
        self._assessor = None
        parts = [read_or_forget(self.run, tile.id, markers[tile.id], _parsed) for tile in self.tiles]
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        specs = {**VARIABLES, **{f"{ENCOUNTERS}/{name}": spec for name, spec in {**STATES, **COVARIANCES}.items()}}
        places = {name.rpartition("/")[2]: name for name in specs}
        variables = {places[name]: _variable(specs[places[name]], columns[name]) for name in places if name in columns}
        attrs = {
            "Conventions": CONVENTIONS,
            "title": TITLE,
            **self.settings.attributes(self.run.run_folder / INPUTS),
            **result_attributes(columns),
        }
        write_result(self.run, xr.Dataset(variables, attrs=attrs))

    def _assessor_on(self, backend: Backend) -> Assessor:
        """What assesses rows on a backend, kept for the next tile."""
        if self._assessor is None or self._assessor[0] != id(backend):
            screening, inputs = open_run(self.store), self.run.run_folder / INPUTS
            objects, request = screening.run_input(), screening.document.settings
            if not isinstance(objects, ScreeningObjects) or not isinstance(request, ScreeningSettings):
                raise StoreError(f"{self.store} is damaged: a screening works on a catalogue")
            propagator = PairPropagator(objects, request.window, request.mode, backend)
            s = self.settings
            source = s.source(inputs, norad_ids=ids_by_designator(objects))
            assessor = Assessor(propagator, source, s.rule(inputs), s.limits(inputs), **s.methods())
            self._assessor = id(backend), assessor
        return self._assessor[1]


def plan_assessment(path: str | os.PathLike[str], settings: AssessmentSettings, options: RunOptions) -> RunPlan:
    """Plan the assessment of the conjunctions in a store.

    Parameters
    ----------
    path : path-like
        Store of a screening.
    settings : AssessmentSettings
        Sources by name, or files.
    options : RunOptions
        Executor and tiling.

    Raises
    ------
    InputError
        If the store is not one of a finished screening, or a source is unknown or wrong.
    StoreError
        If there is no store, or it is damaged.
    """
    folder = Path(path)
    con = open_conjunctions(folder, ("tca",))
    if not has_run(folder):
        raise InputError(
            f"{folder} has no record of what was screened; assess its conjunctions in Python with stmgpu.assess and "
            "the catalogue, or screen into a store with `stmgpu screen --out`"
        )
    settings.attributes()  # sources that are unknown, and files that are wrong, are errors of the request
    named, files = settings.files()
    chosen = replace(named, conjunctions=result_digest(folder), rows=con.sizes[ROW])
    return AssessmentJob.plan(StudyInputs.of(files, objects=chosen.rows), chosen, options)


def place_of(path: str | os.PathLike[str]) -> Path:
    """Folder of the assessment in a store of conjunctions."""
    return Path(path) / ASSESSMENT


def row_tiles(settings: AssessmentSettings, tiling: Tiling) -> Sequence[AssessmentTile]:
    """Tiles of an assessment; one, if there are no rows."""
    mark = settings.digest()[:8]
    return [
        AssessmentTile(f"r{first:09d}-{last:09d}-{mark}", first, last)
        for first, last in chunks(settings.rows, tiling.rows_per_tile)
    ]


def _variable(spec: Variable, values: np.ndarray[Any, Any]) -> xr.Variable:
    """A column as it is written; texts keep their variable length."""
    return xr.Variable(spec.dims, values, spec.attrs(), spec.encoding()) if spec.dtype == "text" else spec.of(values)


def _parsed(arrays: Mapping[str, np.ndarray[Any, Any]], _: Mapping[str, Any]) -> dict[str, np.ndarray[Any, Any]]:
    """Columns of a tile as it was written."""
    return {
        name: values.astype(np.dtypes.StringDType())[arrays[name + _CODES]] if name + _CODES in arrays else values
        for name, values in arrays.items()
        if not name.endswith(_CODES)
    }
