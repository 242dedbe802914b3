"""Check a store: every file against its hash, every record against its seal, with a cure for each finding."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.errors import StoreError
from stmgpu.store.assessment import assessed_digest, result_digest
from stmgpu.store.document import read_document
from stmgpu.store.manifest import MANIFEST, SEALED_SINCE, Manifest, described, manifest_of, walk
from stmgpu.store.reading import arrays_of, check_arrays
from stmgpu.store.records import read_record
from stmgpu.store.run import DOCUMENT, RunStore, clear_place, has_run, marker_name, open_run
from stmgpu.store.schema import ASSESSMENT, RUN
from stmgpu.store.writing import KIND, ROOT, SCHEMA, is_ours, read_root, reading, result_files, unfinished_root

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping

    from stmgpu.store.records import Fingerprint

_AGAIN = "rerun the command that made the store, without --overwrite: it computes what is missing"
_REPAIR = "`stmgpu check --repair`, then rerun the command that made the store, without --overwrite"
_ANEW = "rerun the command into another store, or with --overwrite"
_INPUT = (
    "rerun the command that made the store with the same input, without --overwrite: it writes the file again; or into "
    "another store"
)
_ASSESS = "run `stmgpu assess` again: it computes what is missing or damaged"
_FOREIGN = "move it elsewhere"

_TRANSIENT = (f"{RUN}/lock", f"{RUN}/running/")
"""Files that no record lists."""


@dataclass(frozen=True)
class Finding:
    """Problem of a store.

    Attributes
    ----------
    what : str
        The problem.
    cure : str
        How to fix it.
    """

    what: str
    cure: str

    def __str__(self) -> str:
        return f"{self.what}; {self.cure}"


def check_store(path: str | os.PathLike[str], *, repair: bool = False) -> list[Finding]:
    """Compare every file of a store with its hash.

    Parameters
    ----------
    path : path-like
        Folder of the store.
    repair : bool
        Remove damaged records and the mark of completeness, so that rerunning the command computes the damaged tiles
        again and writes the result anew. Intact files are not touched.

    Returns
    -------
    list of Finding
        Problems with their cures; empty for an intact and complete store.

    Raises
    ------
    StoreError
        If there is no store, its root cannot be read, or its schema is newer.

    Examples
    --------
    >>> check_store("week.zarr")  # doctest: +SKIP
    []
    """
    folder = Path(path)
    with reading(folder):
        findings = _check(folder, repair=repair)
    part = folder / ASSESSMENT
    if is_ours(part):
        with reading(part):
            inner = _check(part, repair=repair)
        inner += _foreign_assessment(folder)
        findings += [Finding(f"assessment: {finding.what}", _ASSESS) for finding in inner]
    return findings


def _check(folder: Path, *, repair: bool) -> list[Finding]:
    if not is_ours(folder) and (folder / DOCUMENT).is_file():
        return _check_root(folder, repair=repair)
    attributes, complete = read_root(folder)
    schema = attributes[SCHEMA]
    if not has_run(folder):
        if not complete:
            return [Finding("unfinished", _ANEW)]
        manifest, findings = _manifest(folder, schema, _ANEW)
        strays = [] if findings else _strays(folder, manifest.files, schema)
        return [*findings, *_check_result(folder, manifest, _ANEW), *strays]
    try:
        run = open_run(folder, verify=False)
    except StoreError as error:
        return [Finding(str(error), _ANEW)]
    manifest, findings = _manifest(folder, schema, _REPAIR)
    listing = not findings
    tiles, damaged, listed = _check_tiles(run, _record_names(folder, "tiles") | _within(manifest.records, "tiles"))
    records, spoilt = _check_records(run, _record_names(folder, "sessions") | _within(manifest.records, "sessions"))
    findings += tiles + records
    findings += [Finding(text, _INPUT) for text in _differences(folder, run.input_files())]
    others = {name: fingerprint for name, fingerprint in manifest.files.items() if name not in listed}
    if complete:
        findings += _check_result(folder, replace(manifest, files=others), _REPAIR)
    else:
        findings += [Finding(text, _AGAIN) for text in _differences(folder, others)]
        if schema >= SEALED_SINCE and (folder / ROOT).read_bytes() != unfinished_root(run.kind, schema):
            findings.append(Finding(f"{ROOT} has other contents", _REPAIR))
    try:
        run.run_input()
    except StoreError as error:
        findings += [] if any(f.cure == _INPUT for f in findings) else [Finding(str(error), _ANEW)]
    known = {*manifest.files, *run.input_files(), *listed, *_record_names(folder, "sessions"), DOCUMENT, MANIFEST}
    known |= {marker_name(name.stem) for name in (folder / RUN / "tiles").glob("*.json")}
    findings += _strays(folder, known, schema, complete=complete) if listing else []
    mendable = bool(findings)
    if not complete:
        done, total = len(run.markers()), run.document.tiles
        findings.append(Finding(f"unfinished: {done} of {total} tiles are done", _AGAIN))
    for tile, reason in run.failures().items():
        findings.append(Finding(f"tile {tile} failed: {reason}", f"fix the cause; {_AGAIN}"))
    if repair and mendable:
        with run.locked():
            _clear(folder, [*known, *spoilt])
            for tile in damaged:
                run.forget(tile)
            for name in spoilt:
                (folder / name).unlink(missing_ok=True)
            run.reopen(run.document)
    return findings


def _foreign_assessment(folder: Path) -> list[Finding]:
    """Finding about an assessment that stands on other conjunctions than those of a complete store."""
    try:
        same = not read_root(folder)[1] or assessed_digest(folder) == result_digest(folder)
    except StoreError:  # of the store itself, which has its own finding
        return []
    return [] if same else [Finding("it is one of other conjunctions", _ASSESS)]


def _check_root(folder: Path, *, repair: bool) -> list[Finding]:
    """Finding about a root that cannot be read; the document of the run has what it takes to write another."""
    try:
        document = read_document(folder, read_record(folder, DOCUMENT))
    except StoreError as error:
        return [Finding(f"{ROOT} is missing or cannot be read, and {error}", _ANEW)]
    if repair:
        _clear(folder, [ROOT])
        run = RunStore(folder, document)
        with run.locked():
            run.reopen(document)
    return [Finding(f"{ROOT} is missing or cannot be read", _REPAIR)]


def _clear(folder: Path, names: Iterable[str]) -> None:
    """Remove links from a store, and empty folders in the places of files."""
    for name in [*walk(folder)]:
        if (folder / name).is_symlink():
            clear_place(folder / name)
    for name in names:
        clear_place(folder / name)


def verify(path: str | os.PathLike[str]) -> None:
    """Read every chunk of a store, one shard at a time; :class:`StoreError` names the first damaged array."""
    folder = Path(path)
    kind = check_arrays(folder)[KIND]
    for name, array in arrays_of(folder, kind).items():
        with reading(folder, name):
            shape = array.shards or array.chunks
            for index in np.ndindex(*(-(-n // s) for n, s in zip(array.shape, shape, strict=True))):
                _ = array[tuple(slice(i * s, (i + 1) * s) for i, s in zip(index, shape, strict=True))]


def _manifest(folder: Path, schema: int, cure: str) -> tuple[Manifest, list[Finding]]:
    """Manifest of a store, an empty one where it is damaged, and findings about it."""
    try:
        manifest = manifest_of(folder, schema)
    except StoreError as error:
        return Manifest(), [Finding(str(error), cure)]
    if manifest is None:
        return Manifest(), [Finding(f"{MANIFEST} is missing", cure)]
    return manifest, []


def _check_tiles(run: RunStore, names: Iterable[str]) -> tuple[list[Finding], list[str], set[str]]:
    """Findings about tiles, the ids of those that are damaged, and the files that intact markers list."""
    findings, damaged, listed = [], [], set()
    for name in sorted(names):
        tile = Path(name).stem
        try:
            files = run.read_marker(tile).files
        except StoreError as error:
            damaged.append(tile)
            listed.add(f"{RUN}/tiles/{tile}.npz")
            findings.append(Finding(f"tile {tile}: its marker cannot be read ({error})", _REPAIR))
            continue
        listed |= files.keys()
        wrong = list(_differences(run.folder, files))
        if wrong:
            damaged.append(tile)
            findings += [Finding(f"tile {tile}: {text}", _REPAIR) for text in wrong]
    return findings, damaged, listed


def _check_records(run: RunStore, names: Iterable[str]) -> tuple[list[Finding], list[str]]:
    """Findings about the records of sessions, and the damaged ones that are there."""
    findings, spoilt = [], []
    for name in sorted(names):
        try:
            run.record(name)
        except StoreError as error:
            findings.append(Finding(str(error), f"restore it from a copy, or do without it: {_REPAIR}"))
            if (run.folder / name).is_file():
                spoilt.append(name)
    return findings, spoilt


def _check_result(folder: Path, manifest: Manifest, cure: str) -> list[Finding]:
    """Findings about the files of a complete result; without a manifest its chunks are read."""
    if not manifest.files:
        try:
            verify(folder)
        except StoreError as error:
            return [Finding(str(error), cure)]
        return []
    missing = [] if ROOT in manifest.files else [f"{ROOT} says that the store is complete, {MANIFEST} that it is not"]
    return [Finding(text, cure) for text in [*missing, *_differences(folder, manifest.files)]]


def _differences(folder: Path, files: Mapping[str, Fingerprint]) -> Iterator[str]:
    """Differences of files from their fingerprints, every byte compared, and links in their places."""
    for name, fingerprint in files.items():
        difference = fingerprint.difference(folder / name, whole=True)
        if difference:
            yield f"{described(name)} {difference}"


def _strays(folder: Path, known: Iterable[str], schema: int, *, complete: bool = True) -> list[Finding]:
    """Findings about symbolic links, and files that no record lists."""
    found = set(walk(folder) if schema >= SEALED_SINCE else result_files(folder))
    if is_ours(folder / ASSESSMENT):  # which is checked by itself
        found = {name for name in found if not name.startswith(f"{ASSESSMENT}/")}
    links = [name for name in sorted(found) if (folder / name).is_symlink()]
    findings = [Finding(f"{described(name)} is a symbolic link", "put the file itself in its place") for name in links]
    for name in sorted(found - {*known, *links, ROOT, MANIFEST}):
        if name.startswith((*_TRANSIENT, f"{RUN}/failed/", f"{RUN}/result.partial-")) or Path(name).name[0] == ".":
            continue
        if name.endswith(".npz") and Path(name).parent.as_posix() == f"{RUN}/tiles":
            what = f"tile {Path(name).stem}: there are data without a marker, from a run that was killed"
            findings.append(Finding(what, _AGAIN))
        elif complete or name.startswith(f"{RUN}/"):
            findings.append(Finding(f"{name} is not part of the store", _FOREIGN))
        else:
            findings.append(Finding(f"{name}: there are data without a marker, from a run that was killed", _AGAIN))
    return findings


def _record_names(folder: Path, kind: str) -> set[str]:
    """Paths of the records of a kind that are there."""
    return {f"{RUN}/{kind}/{path.name}" for path in (folder / RUN / kind).glob("*.json")}


def _within(records: Iterable[str], kind: str) -> set[str]:
    """Those of some records that are of a kind."""
    return {name for name in records if name.startswith(f"{RUN}/{kind}/")}
