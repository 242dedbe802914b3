"""Document of a run, ``run.json``: its settings, input, code and tiling.

A document is checked once, when it is read; all other code works with its attributes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np

from stmgpu.errors import InputError, StoreError
from stmgpu.registry import Registry
from stmgpu.store.schema import KINDS, Kind
from stmgpu.validation import Fields, number, whole_number

if TYPE_CHECKING:
    from stmgpu.propagate.screening_objects import ScreeningObjects

_COMPARED = ("kind", "settings", "catalog", "code")
_NOT_COMPARED = ("catalog.source", "catalog.sha256", "catalog.rejected", "catalog.sets", "catalog.sets_not_used")
_DIGEST, _EXPLAINING = "catalog.digest", "catalog.sets"  # the digest says whether the physics is equal
_DERIVED = "settings.notes"  # notes follow from all the rest


class RunSettings(Protocol):
    """Settings of a kind of run: everything that its result depends on, besides its input and the code."""

    @classmethod
    def from_json(cls, fields: Fields) -> Self:
        """Settings from plain values; :class:`InputError` names a field that is missing or wrong."""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""


_SETTINGS: Registry[type[RunSettings]] = Registry(
    {
        "conjunctions": "stmgpu.screen.settings:ScreeningSettings",
        "ephemeris": "stmgpu.propagate.settings:EphemerisSettings",
        "ensemble": "stmgpu.debris.study.settings:EnsembleSettings",
        "assessment": "stmgpu.risk.settings:AssessmentSettings",
    }
)


def register_kind(kind: str, settings: type[RunSettings], schema: Kind) -> None:
    """Add a kind of run, so that its documents and stores can be read.

    Parameters
    ----------
    kind : str
        Name of the kind, as in ``run.json``.
    settings : type
        Class of its settings.
    schema : Kind
        Variables of its result.
    """
    _SETTINGS.register(kind, settings)
    KINDS[kind] = schema


def settings_type(kind: str) -> type[RunSettings]:
    """Class of the settings of a kind of run.

    Raises
    ------
    InputError
        If no such kind is known.
    """
    if kind not in _SETTINGS:
        raise InputError(f"runs of kind {kind!r} are unknown; import the module that registers it")
    return _SETTINGS[kind]


@dataclass(frozen=True)
class Tiling:
    """Size of the tiles of a run. The result does not depend on it.

    Parameters
    ----------
    tile_hours : float, optional
        Length of a tile of a screening or an ephemeris [h]; default by the work in it.
    chunk_objects : int, optional
        Objects in a chunk of the catalogue; default all of them, fewer where they do not fit a worker's memory.
    runs_per_tile : int, optional
        Runs of a study that are evolved side by side; more than one pays on a GPU. Default 1.
    rows_per_tile : int, optional
        Conjunctions of a tile of an assessment; default 65,536, fewer where several processes share them.

    Raises
    ------
    InputError
        If a value is not positive.

    Examples
    --------
    >>> Tiling(tile_hours=2)
    Tiling(tile_hours=2.0, chunk_objects=None, runs_per_tile=None, rows_per_tile=None)
    """

    tile_hours: float | None = None
    chunk_objects: int | None = None
    runs_per_tile: int | None = None
    rows_per_tile: int | None = None

    def __post_init__(self) -> None:
        if self.tile_hours is not None:
            tile_hours = number("tile_hours", self.tile_hours)
            if not (math.isfinite(tile_hours) and tile_hours > 0.0):
                raise InputError(f"tiles of {tile_hours} hours are not possible; use a positive number")
            object.__setattr__(self, "tile_hours", tile_hours)
        units = {"chunk_objects": "objects a chunk", "runs_per_tile": "runs a tile", "rows_per_tile": "rows a tile"}
        for name, unit in units.items():
            value = getattr(self, name)
            if value is None:
                continue
            if not isinstance(value, bool) and isinstance(value, int | np.integer) and value < 1:
                raise InputError(f"{value} {unit} are not possible; use 1 or more")
            object.__setattr__(self, name, whole_number(name, value, 1))

    @classmethod
    def from_json(cls, fields: Fields) -> Tiling:
        """Tiling from plain values; :class:`InputError` names a field that is wrong."""
        return cls(
            fields.number("tile_hours") if fields.has("tile_hours") else None,
            fields.whole_number("chunk_objects", 1) if fields.has("chunk_objects") else None,
            fields.whole_number("runs_per_tile", 1) if fields.has("runs_per_tile") else None,
            fields.whole_number("rows_per_tile", 1) if fields.has("rows_per_tile") else None,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``run.json``."""
        return asdict(self)


@dataclass(frozen=True)
class TrajectoriesIdentity:
    """Digest and size of the trajectories of a screening."""

    digest: str
    objects: int
    samples: int

    @classmethod
    def from_json(cls, fields: Fields) -> TrajectoriesIdentity:
        """Identity from plain values; :class:`InputError` names a field that is missing or wrong."""
        return cls(fields.text("digest"), fields.whole_number("objects"), fields.whole_number("samples"))


@dataclass(frozen=True)
class CatalogIdentity:
    """Digest, size and source of a catalogue, and of the trajectories beside it.

    Attributes
    ----------
    digest : str
        Digest of everything that the numbers depend on.
    objects, rejected : int
        Objects in all, and records that were not read.
    source, sha256 : str
        Name and digest of the file.
    epochs : tuple of str
        First, median and last epoch of the elements; empty without elements.
    trajectories : TrajectoriesIdentity or None
        Trajectories, if there are any.
    sets : str
        Rule by which one of several element sets was chosen; empty where no object has several.
    sets_not_used : int
        Element sets that are not used.
    """

    digest: str
    objects: int
    source: str = ""
    sha256: str = ""
    rejected: int = 0
    epochs: tuple[str, ...] = ()
    trajectories: TrajectoriesIdentity | None = None
    sets: str = ""
    sets_not_used: int = 0

    @classmethod
    def of(cls, objects: ScreeningObjects) -> CatalogIdentity:
        """Identity of screening objects."""
        epochs, t, not_used = np.sort(objects.catalog.epoch), objects.trajectories, objects.catalog.sets_not_used
        n = len(epochs)
        return cls(
            objects.digest(),
            len(objects),
            objects.source,
            objects.sha256,
            objects.rejected_count,
            (str(epochs[0]), str(epochs[(n - 1) // 2]), str(epochs[-1])) if n else (),
            TrajectoriesIdentity(t.digest(), len(t), len(t.time_ns)) if objects.any_trajectory else None,
            objects.catalog.sets or "newest" if not_used else "",
            not_used,
        )

    @classmethod
    def from_json(cls, fields: Fields) -> CatalogIdentity:
        """Identity from plain values; :class:`InputError` names a field that is missing or wrong."""
        names = ("epoch_first", "epoch_median", "epoch_last")
        return cls(
            fields.text("digest"),
            fields.whole_number("objects"),
            fields.text("source"),
            fields.text("sha256"),
            fields.whole_number("rejected"),
            tuple(fields.text(name) for name in names) if names[0] in fields else (),
            TrajectoriesIdentity.from_json(fields.table("trajectories")) if fields.has("trajectories") else None,
            fields.text("sets") if fields.has("sets") else "",
            fields.whole_number("sets_not_used") if fields.has("sets_not_used") else 0,
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``run.json``."""
        return {
            "digest": self.digest,
            "objects": self.objects,
            "source": self.source,
            "sha256": self.sha256,
            "rejected": self.rejected,
            **dict(zip(("epoch_first", "epoch_median", "epoch_last"), self.epochs, strict=bool(self.epochs))),
            **({} if self.trajectories is None else {"trajectories": asdict(self.trajectories)}),
            **({"sets": self.sets, "sets_not_used": self.sets_not_used} if self.sets_not_used else {}),
        }


@dataclass(frozen=True)
class FilesIdentity:
    """Digest of the input files of a study, the SHA-256 of each, and the objects of the largest population."""

    digest: str
    files: Mapping[str, str]
    objects: int

    @classmethod
    def from_json(cls, fields: Fields) -> FilesIdentity:
        """Identity from plain values; :class:`InputError` names a field that is missing or wrong."""
        files = fields.texts("files")
        if any(Path(name).name != name for name in files):
            raise InputError(f"{fields.path('files')} names a file outside the store")
        return cls(fields.text("digest"), files, fields.whole_number("objects"))

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``run.json``."""
        return {"digest": self.digest, "files": dict(self.files), "objects": self.objects}


InputIdentity = CatalogIdentity | FilesIdentity
"""Identity of the input of a run."""


@dataclass(frozen=True)
class RunDocument:
    """Document of a run: settings, input, code and tiles.

    Parameters
    ----------
    kind : str
        Kind of the store.
    settings : RunSettings
        Everything that the result depends on, besides input and code.
    arithmetic : str
        'kernels', whose results agree to the byte on every backend that runs them, or 'reference'.
    run_input : CatalogIdentity or FilesIdentity
        Identity of the catalogue or of the input files.
    code : mapping of str
        Identity of the code, see :func:`stmgpu.store.code_identity.code_identity`.
    tiling : Tiling
        Size of the tiles.
    tiles : int
        Number of tiles.
    """

    kind: str
    settings: RunSettings
    arithmetic: str
    run_input: InputIdentity
    code: Mapping[str, str]
    tiling: Tiling
    tiles: int

    @classmethod
    def from_json(cls, document: object) -> RunDocument:
        """Document from plain values.

        Raises
        ------
        InputError
            If a field is missing or wrong; the message names it.
        """
        fields = Fields(document)
        kind, settings, catalog = fields.text("kind"), fields.table("settings"), fields.table("catalog")
        tiling = fields.table("tiling")
        return cls(
            kind,
            settings_type(kind).from_json(settings),
            settings.text("arithmetic"),
            FilesIdentity.from_json(catalog) if "files" in catalog else CatalogIdentity.from_json(catalog),
            fields.texts("code"),
            Tiling.from_json(tiling),
            tiling.whole_number("tiles", 1),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values for ``run.json``."""
        return {
            "kind": self.kind,
            "settings": self.settings.to_json() | {"arithmetic": self.arithmetic},
            "catalog": self.run_input.to_json(),
            "code": dict(self.code),
            "tiling": self.tiling.to_json() | {"tiles": self.tiles},
        }

    def with_settings(self, settings: RunSettings) -> RunDocument:
        """The same run with other settings, such as a longer window."""
        return replace(self, settings=settings)

    def with_tiles(self, tiles: int) -> RunDocument:
        """The same run with another number of tiles."""
        return replace(self, tiles=tiles)

    def differences(self, wanted: RunDocument, *, ignore: tuple[str, ...] = ()) -> list[str]:
        """Differences from a requested document, each as ``name: stored ..., requested ...``; tilings are not compared.

        Parameters
        ----------
        wanted : RunDocument
            Document of the requested computation.
        ignore : tuple of str
            Names of fields that may differ, such as ``settings.duration_s``.
        """
        stored, requested = ({name: d[name] for name in _COMPARED} for d in (self.to_json(), wanted.to_json()))
        held, now = _flat(stored, requested), _flat(requested, stored)
        skipped = {*_NOT_COMPARED, _DERIVED, *ignore}
        if held.get(_DIGEST) != now.get(_DIGEST):
            skipped.discard(_EXPLAINING)
        names = sorted((held.keys() | now.keys()) - skipped, key=lambda name: (name != "kind", name))
        return [
            f"{name}: stored {held.get(name)!r}, requested {now.get(name)!r}"
            for name in names
            if held.get(name) != now.get(name)
        ]

    def tiling_differences(self, wanted: Mapping[str, object]) -> list[str]:
        """Differences from requested tile sizes, given by the names of `Tiling`."""
        held = self.tiling.to_json()
        return [
            f"tiling.{name}: stored {held[name]!r}, requested {value!r}"
            for name, value in wanted.items()
            if value != held[name]
        ]


def refuse_differences(folder: Path, differences: list[str], *, can_grow: bool = False) -> None:
    """Raise :class:`InputError` for any differences of a store; ``can_grow``: it is shorter, and equal otherwise."""
    if differences:
        listed = "\n  ".join(differences)
        option = "--append to extend it" if can_grow else "--overwrite"
        raise InputError(
            f"{folder} contains a different computation; choose another path, or use {option}:\n  {listed}"
        )


def read_document(folder: Path, document: object) -> RunDocument:
    """Document of the store in ``folder``; :class:`StoreError` names the field that is missing or wrong."""
    try:
        return RunDocument.from_json(document)
    except InputError as error:
        raise StoreError(f"{folder} is damaged: in its run.json, {error}") from error


def _flat(document: Mapping[str, Any], other: object, prefix: str = "") -> dict[str, Any]:
    """Values of nested tables by their full names; lists of named tables that both documents have, by these names."""
    values: dict[str, Any] = {}
    for name, value in document.items():
        counterpart = other.get(name) if isinstance(other, Mapping) else None
        named, named_other = _by_name(value), _by_name(counterpart)
        if isinstance(value, Mapping):
            values |= _flat(value, counterpart, f"{prefix}{name}.")
        elif named and named_other:
            values[f"{prefix}{name}"] = list(named)
            for key in named.keys() & named_other.keys():
                values |= _flat(named[key], named_other[key], f"{prefix}{name.removesuffix('s')} {key!r}.")
        else:
            values[f"{prefix}{name}"] = value
    return values


def _by_name(value: object) -> dict[str, Mapping[str, Any]]:
    """Tables of a list by their names; empty for anything else."""
    if not isinstance(value, list) or not all(
        isinstance(item, Mapping) and isinstance(item.get("name"), str) for item in value
    ):
        return {}
    return {item["name"]: item for item in value}
