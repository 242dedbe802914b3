"""Files that a study was begun with, inside its store, so that any worker reads the same ones later."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stmgpu.errors import InputError, StoreError
from stmgpu.files import file_hash

INPUTS = "inputs"
"""Folder of the files, inside the run folder."""


@dataclass(frozen=True)
class StudyInputs:
    """Input files by the names that they have in the store, and their SHA-256.

    Attributes
    ----------
    files, hashes
        where they are now, and what they hold.
    """

    files: Mapping[str, Path]
    hashes: Mapping[str, str]

    @staticmethod
    def of(paths: Mapping[str, Path]) -> StudyInputs:
        """The files of a study; :class:`InputError` where one cannot be read."""
        hashes = {}
        for name, path in paths.items():
            try:
                hashes[name] = file_hash(path)[1]
            except OSError as error:
                raise InputError(f"cannot read {path}, which a scenario names: {error.strerror}") from error
        return StudyInputs(dict(paths), hashes)

    def __len__(self) -> int:
        return len(self.files)

    def digest(self) -> str:
        """SHA-256 over all names and contents."""
        text = "".join(f"{name}\0{digest}\0" for name, digest in sorted(self.hashes.items()))
        return hashlib.sha256(text.encode()).hexdigest()

    def write(self, folder: Path) -> None:
        """Copy the files into a run folder."""
        (folder / INPUTS).mkdir()
        for name, path in self.files.items():
            try:
                source = path.open("rb")
            except OSError as error:
                raise InputError(f"cannot read {path}, which a scenario names: {error.strerror}") from error
            with source, (folder / INPUTS / name).open("wb") as target:
                shutil.copyfileobj(source, target)
            if file_hash(folder / INPUTS / name)[1] != self.hashes[name]:
                raise InputError(f"{path} changed while it was read; run the command again")


def read_inputs(folder: Path, document: Mapping[str, Any]) -> StudyInputs:
    """The files of a run folder; :class:`StoreError` where they are not those that the run was begun with."""
    if not isinstance(document["files"], Mapping):
        raise StoreError(f"{folder} is damaged: its input files are {document['files']!r}")
    hashes = {str(name): str(digest) for name, digest in document["files"].items()}
    if any(Path(name).name != name for name in hashes):
        raise StoreError(f"{folder} is damaged: an input file lies outside the store")
    files = {name: folder / INPUTS / name for name in hashes}
    for name, path in files.items():
        try:
            digest = file_hash(path)[1]
        except OSError as error:
            raise StoreError(f"{path} cannot be read ({error.strerror}); run again into another store") from error
        if digest != hashes[name]:
            raise StoreError(f"{path} is damaged (its hash is another); run again into another store")
    return StudyInputs(files, hashes)
