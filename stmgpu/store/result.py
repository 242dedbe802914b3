"""Write the result of a run: stage its files, then move them into the store, the root last."""

from __future__ import annotations

import secrets
import shutil
from typing import TYPE_CHECKING, Any

from stmgpu.store.assessment import assessed_digest, digest_of, drop_assessment
from stmgpu.store.ephemeris import create_ephemeris, finish_ephemeris
from stmgpu.store.manifest import fingerprints
from stmgpu.store.schema import ASSESSMENT, RUN
from stmgpu.store.writing import PARTIAL, ROOT, prepare, result_files, write_group, writing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import xarray as xr

    from stmgpu.store.records import Fingerprint
    from stmgpu.store.run import RunStore
    from stmgpu.typing import Ints, Strings, Times


def write_result(run: RunStore, ds: xr.Dataset) -> None:
    """Write a Dataset as the result of a run and mark the store as complete; call it under the run's lock."""
    prepared = prepare(ds, run.kind)
    run.tidy()
    staging = _staging(run)
    try:
        with writing(run.folder):
            write_group(staging, prepared, run.kind, ds)
            _complete(run, staging, fingerprints(staging, result_files(staging)))
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def place_arrays(run: RunStore, objects: Ints, times: Times, *, names: Strings) -> None:
    """Create the arrays of an ephemeris in its store, before any shard is written."""
    staging = _staging(run)
    try:
        with writing(run.folder):
            create_ephemeris(staging, objects, times, names=names)
            names_of_files = [name for name in result_files(staging) if name != ROOT]
            files = fingerprints(staging, names_of_files)
            with run.locked():
                if not run.complete:
                    _move(run, staging, names_of_files)
                    run.register(files)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def complete_ephemeris(
    run: RunStore,
    files: Mapping[str, Fingerprint],
    objects: Ints,
    times: Times,
    *,
    names: Strings,
    attrs: Mapping[str, Any],
) -> None:
    """Complete an ephemeris after all its shards (with their hashes) are written; call it under the run's lock."""
    run.tidy()
    staging = _staging(run)
    try:
        with writing(run.folder):
            finish_ephemeris(create_ephemeris(staging, objects, times, names=names), attrs)
            _complete(run, staging, {**files, **fingerprints(staging, result_files(staging))})
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _staging(run: RunStore) -> Path:
    return run.run_folder / f"{PARTIAL}{secrets.token_hex(4)}"


def _complete(run: RunStore, staging: Path, files: Mapping[str, Fingerprint]) -> None:
    """Move staged files into the store, the manifest and the root last; remove files of no result."""
    for name in result_files(run.folder):
        if name not in files:
            (run.folder / name).unlink()
    _move(run, staging, [name for name in result_files(staging) if name != ROOT])
    for folder in sorted(
        (
            p
            for p in run.folder.rglob("*")
            if p.is_dir() and p.relative_to(run.folder).parts[0] not in (RUN, ASSESSMENT)
        ),
        reverse=True,
    ):
        if not any(folder.iterdir()):
            folder.rmdir()
    if assessed_digest(run.folder) != digest_of(files):
        drop_assessment(run.folder)
    run.write_manifest(files)
    (staging / ROOT).replace(run.folder / ROOT)


def _move(run: RunStore, staging: Path, names: list[str]) -> None:
    for name in names:
        target = run.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (staging / name).replace(target)
