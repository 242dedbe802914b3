"""The assessment of conjunctions inside their store: a store of its own, of kind 'assessment'.

It has its own root, run and manifest, and its rows are those of the conjunctions. The digest of the conjunctions'
files that it stands on is part of its settings: an assessment of other conjunctions is left out by readers, dropped
when a new result is written, and replaced by the next one. What is killed on the way never touches the conjunctions.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import shutil
from typing import TYPE_CHECKING

from stmgpu.errors import StoreError
from stmgpu.store.manifest import manifest_of, result_of
from stmgpu.store.records import read_record
from stmgpu.store.schema import ASSESSMENT, RUN
from stmgpu.store.writing import PARTIAL, SCHEMA, check_root, is_ours

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stmgpu.store.records import Fingerprint

_LOG = logging.getLogger(__name__)


def digest_of(files: Mapping[str, Fingerprint]) -> str:
    """Digest of a result, from the fingerprints of its files."""
    entries = sorted(result_of(files).items())
    return hashlib.sha256("".join(f"{name}\0{file.sha256}\0" for name, file in entries).encode()).hexdigest()


def result_digest(folder: Path) -> str:
    """Digest of the result in a complete store; :class:`StoreError` if it has none."""
    attributes, _ = check_root(folder)
    manifest = manifest_of(folder, attributes[SCHEMA])
    if manifest is None:
        raise StoreError(f"{folder} has no manifest, so what its assessment stands on cannot be told; compute it again")
    return digest_of(manifest.files)


def assessed_digest(folder: Path) -> str | None:
    """Digest of the result that the assessment inside a store stands on; None if there is no readable one."""
    if not is_ours(folder / ASSESSMENT):
        return None
    try:
        settings = read_record(folder / ASSESSMENT, f"{RUN}/run.json").get("settings")
    except StoreError:
        return None
    return str(settings.get("conjunctions")) if isinstance(settings, dict) else None


def finished_assessment(folder: Path) -> Path | None:
    """Folder of the complete assessment of the result in a store; None if there is none.

    Raises
    ------
    StoreError
        If the assessment is damaged.
    """
    part = folder / ASSESSMENT
    if not part.exists():
        return None
    if not check_root(part, unfinished=True)[1]:
        _LOG.info("the assessment in %s is unfinished and left out; `stmgpu assess` completes it", folder)
        return None
    if assessed_digest(folder) != result_digest(folder):
        _LOG.warning("the assessment in %s is one of other conjunctions and left out; assess them again", folder)
        return None
    return part


def drop_assessment(folder: Path) -> None:
    """Remove the assessment from a store, if there is one; call it under the lock of the store's run."""
    part = folder / ASSESSMENT
    if not part.exists():
        return
    away = folder / RUN / f"{PARTIAL}{secrets.token_hex(4)}-old"
    part.rename(away)
    shutil.rmtree(away, ignore_errors=True)
    _LOG.warning("the assessment in %s stood on other conjunctions and was removed; assess them again", folder)
