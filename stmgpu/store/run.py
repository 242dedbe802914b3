"""The run folder of a store: document, input, finished tiles, failures and sessions of its computation.

::

    STORE/zarr.json             root of the result; `stmgpu_complete` is set last
    STORE/<array>/...           the result
    STORE/run/run.json          document: settings, catalogue, code, tiling; the files of the input with their hashes
    STORE/run/catalog/          the catalogue, which every worker reads
    STORE/run/trajectories.npz  the trajectories screened with it, if any
    STORE/run/tiles/ID.json     marker of a finished tile: its files with their hashes; renamed into place last
    STORE/run/tiles/ID.npz      results of a tile (tiles of an ephemeris are whole shards of the result)
    STORE/run/failed/ID.json    reason why a tile failed
    STORE/run/running/ID.json   who computes a tile, and since when; removed when the tile is done
    STORE/run/sessions/*.json   command, machine, versions and times of each session
    STORE/run/manifest.json     every file of the result with its hash, and the names of the records
    STORE/run/lock              lock under which one process writes the result
    STORE/assessment/...        store of the assessment of conjunctions, with a run of its own

The records (``run.json``, markers, sessions, manifest) are sealed, see :mod:`stmgpu.store.records`.

Any number of processes may work on one store: the bytes of a tile do not depend on the process that computes it, files
appear whole, and the result is written under a lock.
"""

from __future__ import annotations

import fcntl
import io
import json
import logging
import secrets
import shutil
import zipfile
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.errors import StoreError, WrongStoreError
from stmgpu.files import replacing
from stmgpu.store.document import RunDocument, read_document
from stmgpu.store.manifest import SEALED_SINCE, Manifest, check_files, fingerprints, read_manifest, walk
from stmgpu.store.records import FILES, Fingerprint, files_of, read_record, write_record
from stmgpu.store.run_input import RunInput, read_run_input, write_run_input
from stmgpu.store.schema import RUN, SCHEMA_VERSION
from stmgpu.store.writing import PARTIAL, SCHEMA, check_root, create_group, is_ours, mark_root, read_root, staged

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

_LOG = logging.getLogger(__name__)

DOCUMENT = f"{RUN}/run.json"
"""Path of the document below the store."""


@dataclass(frozen=True)
class Marker:
    """Record of a finished tile: its files by path below the store, and its summary."""

    tile: str
    files: dict[str, Fingerprint]
    summary: dict[str, Any]


class RunStore:
    """The run folder of a store. Open one with :func:`create_run` or :func:`open_run`.

    Parameters
    ----------
    folder : Path
        Folder of the store.
    document : RunDocument
        Contents of ``run.json``.
    schema : int
        Schema version of the store.
    """

    def __init__(self, folder: Path, document: RunDocument, schema: int = SCHEMA_VERSION) -> None:
        self.folder, self.document, self._seal = folder, document, schema >= SEALED_SINCE

    @property
    def kind(self) -> str:
        """Kind of the store."""
        return self.document.kind

    @property
    def run_folder(self) -> Path:
        """Folder with the records of the run, apart from the result."""
        return self.folder / RUN

    def run_input(self) -> RunInput:
        """Input of the run: catalogue and trajectories, or the files of a study; every byte is checked."""
        check_files(self.folder, self.input_files(), whole=True)
        return read_run_input(self.run_folder, self.document.run_input)

    def input_files(self) -> dict[str, Fingerprint]:
        """Files of the input by path below the store."""
        return files_of(self.folder, DOCUMENT, self.record(DOCUMENT))

    def restore_input(self, run_input: RunInput) -> None:
        """Write damaged files of the input again, as far as the given input has the same bytes."""
        files = self.input_files()
        damaged = [name for name, f in files.items() if f.difference(self.folder / name, whole=True)]
        if not damaged:
            return
        staging = self.run_folder / f"{PARTIAL}{secrets.token_hex(4)}"
        try:
            create_group(staging / RUN)
            write_run_input(run_input, staging / RUN)
            for name in damaged:
                if not files[name].difference(staging / name, whole=True):
                    clear_place(self.folder / name)
                    (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                    (staging / name).replace(self.folder / name)
                    _LOG.warning("%s was damaged; it was written again from the input given now", self.folder / name)
        finally:
            shutil.rmtree(staging, ignore_errors=True)

    def record(self, name: str) -> dict[str, Any]:
        """Fields of a record by its path below the store; :class:`StoreError` if it is missing or damaged."""
        return read_record(self.folder, name, seal=self._seal)

    @property
    def complete(self) -> bool:
        """Whether the result is complete."""
        return check_root(self.folder, unfinished=True)[1]

    # ------------------------------------------------------------------------------------------------- tiles
    def markers(self) -> dict[str, Marker]:
        """Finished tiles by id. Unreadable markers, and those with missing files, are left out."""
        markers = {}
        for tile in self.marked():
            marker = self.marker(tile)
            if marker is not None:
                markers[tile] = marker
        return markers

    def marked(self) -> list[str]:
        """Ids of the tiles that have a marker, damaged or not."""
        return sorted(path.stem for path in (self.run_folder / "tiles").glob("*.json"))

    def marker(self, tile: str) -> Marker | None:
        """Marker of a finished tile; None if the tile has to be computed (again)."""
        if not (self.folder / marker_name(tile)).exists():
            return None
        try:
            marker = self.read_marker(tile)
            check_files(self.folder, marker.files)
        except StoreError as error:
            _LOG.warning("tile %s is computed again: %s", tile, error)
            return None
        return marker

    def read_marker(self, tile: str) -> Marker:
        """Marker of a tile, without a look at its files; :class:`StoreError` if it is damaged."""
        name = marker_name(tile)
        document = self.record(name)
        if not isinstance(document.get("summary"), dict) or not isinstance(document.get(FILES), dict):
            raise StoreError(f"{self.folder} is damaged: {name} is not the marker of a tile")
        return Marker(tile, files_of(self.folder, name, document), document["summary"])

    def write_tile(self, tile: str, arrays: Mapping[str, np.ndarray], summary: Mapping[str, Any]) -> None:
        """Write the results of a tile, then mark it as done."""
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]  # keywords are arrays by name
        data = buffer.getvalue()
        name = f"{RUN}/tiles/{tile}.npz"
        with self.unless_done(tile):
            with replacing(self.folder / name) as file:
                file.write(data)
            self.mark(tile, {name: Fingerprint.of_bytes(data)}, summary)

    def read_tile(self, marker: Marker) -> dict[str, np.ndarray]:
        """Results of a tile; :class:`StoreError` if the file differs from the one that was marked."""
        name = f"{RUN}/tiles/{marker.tile}.npz"
        try:
            ((name, fingerprint),) = marker.files.items()
            data = (self.folder / name).read_bytes()
            if Fingerprint.of_bytes(data).sha256 != fingerprint.sha256:
                raise ValueError("its hash is not that of its marker")
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                return dict(arrays)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise StoreError(f"{self.folder / name} is damaged: {error}") from error

    def mark(self, tile: str, files: Mapping[str, Fingerprint], summary: Mapping[str, Any]) -> None:
        """Mark a tile as done, after its files are written."""
        write_record(self.folder, marker_name(tile), {"tile": tile, FILES: files, "summary": summary})
        (self.run_folder / "failed" / f"{tile}.json").unlink(missing_ok=True)

    def forget(self, tile: str) -> None:
        """Delete the record of a tile, so that it is computed again."""
        (self.folder / marker_name(tile)).unlink(missing_ok=True)
        (self.run_folder / "failed" / f"{tile}.json").unlink(missing_ok=True)

    def fail(self, tile: str, reason: str) -> None:
        """Record the reason why a tile failed."""
        write_record(self.folder, f"{RUN}/failed/{tile}.json", {"tile": tile, "reason": reason})

    def failures(self) -> dict[str, str]:
        """Reasons of the tiles that could not be computed, by id."""
        reasons = {}
        for path in sorted((self.run_folder / "failed").glob("*.json")):
            try:
                document = self.record(f"{RUN}/failed/{path.name}")
            except StoreError as error:
                document = {"reason": f"unknown ({error})"}
            reasons[path.stem] = str(document.get("reason", "unknown"))
        return reasons

    @contextmanager
    def unless_done(self, tile: str) -> Iterator[None]:
        """Ignore errors of writing if another process has finished the same tile in the meantime."""
        try:
            yield
        except (StoreError, OSError):
            if self.marker(tile) is None:
                raise

    # ----------------------------------------------------------------------------------------------- result
    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock under which one process writes the result; the system releases it if the process dies."""
        with (self.run_folder / "lock").open("a", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
            except OSError as error:  # file systems without locks: every finisher writes the same bytes
                _LOG.debug("%s cannot be locked: %s", file.name, error)
            yield

    def reopen(self, document: RunDocument) -> None:
        """Mark the store as unfinished and change its document (a longer window); call it under the lock."""
        files = self.input_files()
        mark_root(self.folder, self.kind)
        self.document, self._seal = document, True
        self._manifest_without_result().write(self.folder)
        write_record(self.folder, DOCUMENT, document.to_json() | {FILES: files})

    def tidy(self) -> None:
        """Remove files left by killed writers; call it under the lock, when all tiles are done."""
        for path in [
            *self.run_folder.glob("tiles/.*"),
            *self.run_folder.glob("failed/.*"),
            *self.run_folder.glob("running/*"),
            *self.folder.rglob("*.partial"),
            *self.run_folder.glob(f"{PARTIAL}*"),
        ]:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def write_manifest(self, files: Mapping[str, Fingerprint]) -> None:
        """Write the manifest of the complete result; call it under the lock."""
        records = self._manifest_without_result().records | {marker_name(tile) for tile in self.markers()}
        Manifest(files, records).write(self.folder)

    def register(self, files: Mapping[str, Fingerprint], *records: str) -> None:
        """Add files and records to the manifest; call it under the lock."""
        manifest = read_manifest(self.folder, seal=self._seal)
        if not (files.items() <= manifest.files.items() and manifest.records.issuperset(records)):
            Manifest({**manifest.files, **files}, manifest.records.union(records)).write(self.folder)

    def check_placed(self) -> None:
        """Raise :class:`StoreError` if a file that is already part of the unfinished result is damaged."""
        check_files(self.folder, read_manifest(self.folder, seal=self._seal).files)

    @contextmanager
    def computing(self, tile: str, worker: Mapping[str, Any]) -> Iterator[None]:
        """Note who computes a tile for the length of a block; a note that cannot be written does not matter."""
        note = self.run_folder / "running" / f"{tile}.json"
        since = datetime.now(UTC).isoformat(timespec="milliseconds")
        with suppress(OSError):
            note.parent.mkdir(exist_ok=True)
            note.write_text(json.dumps({**worker, "since": since}) + "\n", encoding="utf-8")
        try:
            yield
        finally:
            with suppress(OSError):
                note.unlink()

    def _manifest_without_result(self) -> Manifest:
        """Manifest of what there is before any tile: the document and the sessions."""
        sessions = (f"{RUN}/sessions/{path.name}" for path in (self.run_folder / "sessions").glob("*.json"))
        return Manifest({}, frozenset({DOCUMENT, *sessions}))

    def add_session(self, name: str, document: Mapping[str, Any]) -> None:
        """Write the record of a session; the same name replaces an earlier record."""
        record = f"{RUN}/sessions/{name}.json"
        new = not (self.folder / record).exists()
        write_record(self.folder, record, document)
        if new:
            with self.locked():
                self.register({}, record)

    def sessions(self) -> list[dict[str, Any]]:
        """Records of all sessions, by time; damaged ones are left out with a warning."""
        sessions = []
        for path in (self.run_folder / "sessions").glob("*.json"):
            try:
                sessions.append(self.record(f"{RUN}/sessions/{path.name}"))
            except StoreError as error:
                _LOG.warning("%s", error)
        return sorted(sessions, key=lambda session: str(session.get("begin", "")))


def create_run(
    path: str | os.PathLike[str],
    document: RunDocument,
    run_input: RunInput,
    *,
    overwrite: bool = False,
    part: bool = False,
) -> RunStore:
    """Create a store with everything that its tiles need.

    Parameters
    ----------
    path : path-like
        Folder of the store; it must not exist unless ``overwrite``.
    document : RunDocument
        Document of the run.
    run_input : ScreeningObjects or StudyInputs
        Catalogue and trajectories, or the files of a study.
    overwrite : bool
        Replace a store that is already there.
    part : bool
        Whether it is the part of another store; call it under the lock of that store.

    Raises
    ------
    StoreError
        If the path exists or cannot be written.
    """
    target = Path(path)
    with staged(target, overwrite=overwrite, part=part) as folder:
        create_group(folder)
        create_group(folder / RUN)
        for name in ("tiles", "failed", "sessions"):
            (folder / RUN / name).mkdir()
        write_run_input(run_input, folder / RUN)
        files = fingerprints(folder, (name for name in walk(folder) if name.startswith(f"{RUN}/")))
        write_record(folder, DOCUMENT, document.to_json() | {FILES: dict(sorted(files.items()))})
        Manifest(records=frozenset({DOCUMENT})).write(folder)
        mark_root(folder, document.kind)
    return RunStore(target, document)


def open_run(path: str | os.PathLike[str], *, verify: bool = True) -> RunStore:
    """Open the run of an existing store.

    Parameters
    ----------
    path : path-like
        Folder of the store.
    verify : bool
        Compare the root of a complete store with its manifest.

    Raises
    ------
    StoreError
        If there is no store, its schema is newer, it was not computed in tiles, or its document is damaged.
    """
    folder = Path(path)
    attributes, _ = check_root(folder, unfinished=True) if verify else read_root(folder)
    if not (folder / DOCUMENT).exists() and not (folder / RUN / "tiles").exists():
        raise WrongStoreError(f"{folder} has no {DOCUMENT}: it was not computed in tiles; use a store of a run")
    schema = attributes[SCHEMA]
    document = read_record(folder, DOCUMENT, seal=schema >= SEALED_SINCE)
    run = RunStore(folder, read_document(folder, document), schema)
    if run.kind != attributes["stmgpu_kind"]:
        raise StoreError(
            f"{folder} is damaged: its root says {attributes['stmgpu_kind']!r}, its {RUN}/run.json {run.kind!r}"
        )
    return run


def clear_place(path: Path) -> None:
    """Remove a link or an empty folder in the place of a file."""
    if path.is_symlink():
        path.unlink()
    elif path.is_dir():
        with suppress(OSError):  # not empty: somebody's files
            path.rmdir()


def has_run(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a store of this package with a run folder."""
    folder = Path(path)
    return is_ours(folder) and ((folder / DOCUMENT).exists() or (folder / RUN / "tiles").exists())


def marker_name(tile: str) -> str:
    """Path of the marker of a tile below the store."""
    return f"{RUN}/tiles/{tile}.json"
