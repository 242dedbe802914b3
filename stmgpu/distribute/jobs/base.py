"""Base of the kinds of jobs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from stmgpu.backend import Backend, Choice, choose
from stmgpu.distribute.tiles import AnyTile, Estimate
from stmgpu.errors import StoreError
from stmgpu.store.code_identity import code_identity
from stmgpu.store.document import RunDocument, RunSettings, Tiling
from stmgpu.store.run_input import RunInput, identity_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from stmgpu.distribute.executors import RunOptions
    from stmgpu.store.run import Marker, RunStore

Parsed = TypeVar("Parsed")


@dataclass(frozen=True)
class Growth:
    """Setting that ``append`` may enlarge.

    Attributes
    ----------
    field : str
        Its name in the settings.
    unit : str
        Its unit, for messages.
    extent : callable
        Its value in settings of the kind.
    """

    field: str
    unit: str
    extent: Callable[[Any], float]


@dataclass(frozen=True)
class RunPlan:
    """A planned run: its document, input and estimated needs."""

    document: RunDocument
    run_input: RunInput
    estimate: Estimate


class Job(ABC, Generic[AnyTile]):
    """A computation in tiles, opened from its store.

    A kind of job is a subclass in a module of its own, registered with :func:`stmgpu.distribute.jobs.register`. Workers
    import that module by name.

    Parameters
    ----------
    run : RunStore
        Store of the job's kind.

    Attributes
    ----------
    kind : str
        Kind of the store.
    grows_by : Growth
        Setting that ``append`` may enlarge.
    tiles : sequence
        All tiles of the run.
    part : bool
        Whether the store is a part of another one, in a folder inside it, that is replaced by another computation.
    policies : str
        SHA-256 of the file of policies that the user named, which workers run from the store; empty for none.
    """

    kind: ClassVar[str]
    grows_by: ClassVar[Growth]
    part: ClassVar[bool] = False
    tiles: Sequence[AnyTile]
    policies: str = ""

    def __init__(self, run: RunStore) -> None:
        self.run = run

    @classmethod
    @abstractmethod
    def plan(cls, run_input: Any, settings: Any, options: RunOptions) -> RunPlan:
        """Plan a run of this kind.

        Raises
        ------
        InputError
            If the settings or the tiling are impossible.
        """

    @classmethod
    @abstractmethod
    def memory_of(cls, document: RunDocument, threads: int) -> float:
        """Estimated memory of a worker with that many threads [bytes]."""

    @abstractmethod
    def compute(self, tile: AnyTile, backend: Backend) -> None:
        """Compute a tile and write it into the store."""

    @abstractmethod
    def finish(self, markers: dict[str, Marker], backend: Backend) -> None:
        """Write the result, once all tiles are done; called under the lock of the run."""

    def prepare(self) -> None:  # most kinds need nothing
        """Prepare the store before tiles are computed; called by every process."""

    def check_growth(self) -> None:  # most kinds may always grow
        """Raise :class:`InputError` if this run cannot be enlarged."""

    @classmethod
    def document(
        cls, run_input: RunInput, settings: RunSettings, *, tiling: Tiling, tiles: int, backend: str
    ) -> RunDocument:
        """Document of a run of this kind."""
        return RunDocument(
            cls.kind,
            settings,
            arithmetic_of(choose(backend)),
            identity_of(run_input),
            code_identity(cls.__module__),
            tiling,
            tiles,
        )


def arithmetic_of(backend: Backend | Choice) -> str:
    """'kernels' for backends that run them, whose results agree to the byte; else 'reference'."""
    return "kernels" if backend.runs_kernels else "reference"


def read_or_forget(
    run: RunStore, tile: str, marker: Marker, parse: Callable[[Mapping[str, np.ndarray], Mapping[str, Any]], Parsed]
) -> Parsed:
    """Read a finished tile; a damaged tile loses its marker, so that it is computed again.

    Parameters
    ----------
    run : RunStore
        Store of the tile.
    tile : str
        Id of the tile.
    marker : Marker
        Its marker.
    parse : callable
        Makes the contents from the tile's arrays and summary.

    Raises
    ------
    StoreError
        If the tile is damaged.
    """
    try:
        return parse(run.read_tile(marker), marker.summary)
    except (StoreError, KeyError, TypeError, ValueError, AttributeError) as error:  # arrays of any names and shapes
        run.forget(tile)
        raise StoreError(f"{error}; its tile was discarded: rerun the same command to compute it again") from error
