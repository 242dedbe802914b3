"""Manifest of a store: every file of the result with its fingerprint, and the records that vouch for all others.

The manifest is a sealed record itself. It names the other records (the document of the run, markers of tiles, sessions)
and these list the files of their own: the input of the run, the results of a tile. Together they cover every file of a
complete store but the lock and notes about tiles in work.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from stmgpu.errors import StoreError, counted
from stmgpu.store.records import FILES, Fingerprint, files_of, read_record, write_record
from stmgpu.store.schema import RUN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MANIFEST = f"{RUN}/manifest.json"
"""Path of the manifest below the store."""

SEALED_SINCE = 4
"""Schema version from which on records are sealed and the manifest covers the run."""

_METADATA = "zarr.json"


@dataclass(frozen=True)
class Manifest:
    """Files of a store that exist once for all, and names of its records.

    Attributes
    ----------
    files : mapping of Fingerprint
        Files of the result by path below the store.
    records : frozenset of str
        Paths of the sealed records.
    """

    files: Mapping[str, Fingerprint] = field(default_factory=dict)
    records: frozenset[str] = frozenset()

    def write(self, folder: Path) -> None:
        """Write the manifest of the store in `folder`."""
        write_record(folder, MANIFEST, {FILES: dict(sorted(self.files.items())), "records": sorted(self.records)})


def read_manifest(folder: Path, *, seal: bool) -> Manifest:
    """Manifest of a store.

    Parameters
    ----------
    folder : Path
        Folder of the store.
    seal : bool
        Whether the store is of a version that seals it.

    Raises
    ------
    StoreError
        If the manifest is missing or damaged.
    """
    document = read_record(folder, MANIFEST, seal=seal)
    records = document.get("records", [])
    if not isinstance(records, list) or (not seal and FILES not in document):
        raise StoreError(f"{folder} is damaged: {MANIFEST} cannot be read (it lists no files)")
    return Manifest(files_of(folder, MANIFEST, document), frozenset(map(str, records)))


def manifest_of(folder: Path, schema: int) -> Manifest | None:
    """Manifest of a store to compare with.

    A result without its run folder has none: the checksums of its chunks and the metadata in its root must do. Results
    that an older version wrote may lack it.
    """
    seal = schema >= SEALED_SINCE
    present = (folder / RUN).exists() if seal else (folder / MANIFEST).exists()
    return read_manifest(folder, seal=seal) if present else None


def check_files(folder: Path, files: Mapping[str, Fingerprint], *, whole: bool = False) -> None:
    """Compare files with their fingerprints: metadata by hash, all others by size and last bytes.

    Parameters
    ----------
    folder : Path
        Folder of the store.
    files : mapping of Fingerprint
        Files to compare, by path below the store.
    whole : bool
        Compare every byte of all of them.

    Raises
    ------
    StoreError
        If one differs; the message names the variable and the file.
    """
    wrong = []
    for name, fingerprint in files.items():
        difference = fingerprint.difference(folder / name, whole=whole or name.endswith(_METADATA))
        if difference:
            wrong.append(f"{described(name)} {difference}")
    if wrong:
        more = f", and {counted(len(wrong) - 1, 'more file', verb='differ')}" if len(wrong) > 1 else ""
        raise StoreError(f"{folder} is damaged: {wrong[0]}{more}; `stmgpu check` lists what is wrong")


def described(name: str) -> str:
    """Name of a file with the variable to which it belongs."""
    parts = name.split("/")
    if parts[0] == RUN:
        parts = parts[2:] if parts[1:2] == ["catalog"] else []
    variable = "/".join(parts[:-1]).partition("/c/")[0].removesuffix("/c")
    return f"{variable}: its file {name}" if variable else name


def result_of(files: Mapping[str, Fingerprint]) -> dict[str, Fingerprint]:
    """Those of some files that belong to the result and not to the run."""
    return {name: fingerprint for name, fingerprint in files.items() if not name.startswith(f"{RUN}/")}


def fingerprints(folder: Path, names: Iterable[str]) -> dict[str, Fingerprint]:
    """Fingerprints of files by path below a folder."""
    return {name: Fingerprint.of(folder / name) for name in names}


def walk(folder: Path) -> Iterator[str]:
    """Paths below a folder of everything that is not a folder; links are not followed."""
    for root, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(root) / name).is_symlink()]
        yield from (Path(root, name).relative_to(folder).as_posix() for name in (*names, *links))
