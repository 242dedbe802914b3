"""The run folder of a store: document, input, finished tiles, failures and sessions of its computation.

::

    STORE/zarr.json             root of the result; `stmgpu_complete` is set last
    STORE/<array>/...           the result
    STORE/run/run.json          document: settings, catalogue, code, tiling
    STORE/run/catalog/          the catalogue, which every worker reads
    STORE/run/trajectories.npz  the trajectories screened with it, if any
    STORE/run/tiles/ID.json     marker of a finished tile: its files with their hashes; renamed into place last
    STORE/run/tiles/ID.npz      results of a tile (tiles of an ephemeris are whole shards of the result)
    STORE/run/failed/ID.json    reason why a tile failed
    STORE/run/sessions/*.json   command, machine, versions and times of each session
    STORE/run/manifest.json     every file of the finished result with its hash

Any number of processes may work on one store: the bytes of a tile do not depend on the process that computes it, files
appear whole, and the result is written under a lock.
"""

from __future__ import annotations

import fcntl
import hashlib
import io
import json
import logging
import shutil
import zipfile
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.errors import StoreError
from stmgpu.files import replacing
from stmgpu.store.document import RunDocument, read_document
from stmgpu.store.run_input import RunInput, read_run_input, write_run_input
from stmgpu.store.writing import RUN, check_root, create_group, is_ours, mark_root, staged

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Marker:
    """Record of a finished tile: its files (path below the store: size, SHA-256) and its summary."""

    tile: str
    files: dict[str, tuple[int, str]]
    summary: dict[str, Any]


class RunStore:
    """The run folder of a store. Open one with :func:`create_run` or :func:`open_run`.

    Parameters
    ----------
    folder : Path
        Folder of the store.
    document : RunDocument
        Contents of ``run.json``.
    """

    def __init__(self, folder: Path, document: RunDocument) -> None:
        self.folder, self.document = folder, document

    @property
    def kind(self) -> str:
        """Kind of the store."""
        return self.document.kind

    @property
    def run_folder(self) -> Path:
        """Folder with the records of the run, apart from the result."""
        return self.folder / RUN

    def run_input(self) -> RunInput:
        """Input of the run: catalogue and trajectories, or the files of a study."""
        return read_run_input(self.run_folder, self.document.run_input)

    @property
    def complete(self) -> bool:
        """Whether the result is complete."""
        return check_root(self.folder, unfinished=True)[1]

    # ------------------------------------------------------------------------------------------------- tiles
    def markers(self) -> dict[str, Marker]:
        """Finished tiles by id. Unreadable markers, and those with missing files, are left out."""
        markers = {}
        for path in sorted((self.run_folder / "tiles").glob("*.json")):
            marker = self.marker(path.stem)
            if marker is not None:
                markers[path.stem] = marker
        return markers

    def marker(self, tile: str) -> Marker | None:
        """Marker of a finished tile; None if the tile has to be computed (again)."""
        path = self.run_folder / "tiles" / f"{tile}.json"
        try:
            marker = _marker(json.loads(path.read_text(encoding="utf-8")))
            sizes = {name: (self.folder / name).stat().st_size for name in marker.files}
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            _LOG.warning("the marker %s cannot be read; the tile is computed again", path)
            return None
        if any(sizes[name] != size for name, (size, _) in marker.files.items()):
            _LOG.warning("the files of tile %s are not of the size that its marker says; it is computed again", tile)
            return None
        return marker

    def write_tile(self, tile: str, arrays: Mapping[str, np.ndarray], summary: Mapping[str, Any]) -> None:
        """Write the results of a tile, then mark it as done."""
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]  # keywords are arrays by name
        data = buffer.getvalue()
        name = f"{RUN}/tiles/{tile}.npz"
        with self.unless_done(tile):
            with replacing(self.folder / name) as file:
                file.write(data)
            self.mark(tile, {name: (len(data), hashlib.sha256(data).hexdigest())}, summary)

    def read_tile(self, marker: Marker) -> dict[str, np.ndarray]:
        """Results of a tile; :class:`StoreError` if the file differs from the one that was marked."""
        name = f"{RUN}/tiles/{marker.tile}.npz"
        try:
            ((name, (_, digest)),) = marker.files.items()
            data = (self.folder / name).read_bytes()
            if hashlib.sha256(data).hexdigest() != digest:
                raise ValueError("its hash is not that of its marker")
            with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
                return dict(arrays)
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise StoreError(f"{self.folder / name} is damaged: {error}") from error

    def mark(self, tile: str, files: Mapping[str, tuple[int, str]], summary: Mapping[str, Any]) -> None:
        """Mark a tile as done, after its files are written."""
        self._write_json(self._marker_path(tile), {"tile": tile, "files": files, "summary": summary})
        (self.run_folder / "failed" / f"{tile}.json").unlink(missing_ok=True)

    def forget(self, tile: str) -> None:
        """Delete the record of a tile, so that it is computed again."""
        self._marker_path(tile).unlink(missing_ok=True)
        (self.run_folder / "failed" / f"{tile}.json").unlink(missing_ok=True)

    def fail(self, tile: str, reason: str) -> None:
        """Record the reason why a tile failed."""
        self._write_json(self.run_folder / "failed" / f"{tile}.json", {"tile": tile, "reason": reason})

    def failures(self) -> dict[str, str]:
        """Reasons of the tiles that could not be computed, by id."""
        reasons = {}
        for path in sorted((self.run_folder / "failed").glob("*.json")):
            document = _json(path)
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

    def _marker_path(self, tile: str) -> Path:
        return self.run_folder / "tiles" / f"{tile}.json"

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
        mark_root(self.folder, self.kind)
        (self.run_folder / "manifest.json").unlink(missing_ok=True)
        self.document = document
        self._write_json(self.run_folder / "run.json", document.to_json())

    def tidy(self) -> None:
        """Remove files left by killed writers; call it under the lock, when all tiles are done."""
        for path in [
            *self.run_folder.glob("tiles/.*"),
            *self.run_folder.glob("failed/.*"),
            *self.folder.rglob("*.partial"),
            *self.run_folder.glob("result.partial-*"),
        ]:
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)

    def write_manifest(self, files: Mapping[str, tuple[int, str]]) -> None:
        """Write the hash of every file of the result."""
        self._write_json(self.run_folder / "manifest.json", {"files": dict(sorted(files.items()))})

    def add_session(self, name: str, document: Mapping[str, Any]) -> None:
        """Write the record of a session; the same name replaces an earlier record."""
        self._write_json(self.run_folder / "sessions" / f"{name}.json", document)

    def sessions(self) -> list[dict[str, Any]]:
        """Records of all sessions, by time."""
        return sorted(
            (_json(p) for p in (self.run_folder / "sessions").glob("*.json")), key=lambda s: str(s.get("begin", ""))
        )

    def _write_json(self, path: Path, document: Mapping[str, Any]) -> None:
        with replacing(path) as file:
            file.write((json.dumps(document, indent=1, allow_nan=False) + "\n").encode())


def create_run(
    path: str | os.PathLike[str], document: RunDocument, run_input: RunInput, *, overwrite: bool = False
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

    Raises
    ------
    StoreError
        If the path exists or cannot be written.
    """
    target = Path(path)
    with staged(target, overwrite=overwrite) as folder:
        create_group(folder)
        create_group(folder / RUN)
        for name in ("tiles", "failed", "sessions"):
            (folder / RUN / name).mkdir()
        write_run_input(run_input, folder / RUN)
        text = json.dumps(document.to_json(), indent=1, allow_nan=False) + "\n"
        (folder / RUN / "run.json").write_text(text, encoding="utf-8")
        mark_root(folder, document.kind)
    return RunStore(target, document)


def open_run(path: str | os.PathLike[str]) -> RunStore:
    """Open the run of an existing store.

    Raises
    ------
    StoreError
        If there is no store, its schema is newer, it was not computed in tiles, or its document is damaged.
    """
    folder = Path(path)
    attributes, _ = check_root(folder, unfinished=True)
    document = _json(folder / RUN / "run.json")
    if not document:
        raise StoreError(f"{folder} has no readable {RUN}/run.json: it was not computed in tiles, or it is damaged")
    run = RunStore(folder, read_document(folder, document))
    if run.kind != attributes["stmgpu_kind"]:
        raise StoreError(
            f"{folder} is damaged: its root says {attributes['stmgpu_kind']!r}, its {RUN}/run.json {run.kind!r}"
        )
    return run


def has_run(path: str | os.PathLike[str]) -> bool:
    """Whether a path is a store of this package with a run folder."""
    folder = Path(path)
    return is_ours(folder) and (folder / RUN / "run.json").is_file()


def _marker(document: Mapping[str, Any]) -> Marker:
    files = {str(name): (int(size), str(digest)) for name, (size, digest) in document["files"].items()}
    if any(".." in Path(name).parts or Path(name).is_absolute() for name in files):
        raise ValueError("a file outside the store")
    return Marker(str(document["tile"]), files, dict(document["summary"]))


def _json(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return document if isinstance(document, dict) else {}
