"""Check a store: every file against its hash, every tile against its marker, with a cure for each finding."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.errors import StoreError
from stmgpu.files import file_hash
from stmgpu.store.reading import arrays_of, check_arrays
from stmgpu.store.run import RunStore, has_run, open_run
from stmgpu.store.writing import KIND, RUN, check_root, mark_root, reading, result_files

if TYPE_CHECKING:
    import os

_AGAIN = "run the command that made the store again: it computes what is missing"
_REPAIR = "`stmgpu check --repair`, then rerun the original command to compute the discarded tiles again"


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
        Remove the markers of damaged tiles and the mark of completeness, so that rerunning the command computes those
        tiles again. Intact files are not touched.

    Returns
    -------
    list of Finding
        Problems with their cures; empty for an intact and complete store.

    Raises
    ------
    StoreError
        If there is no store, or its schema is newer.

    Examples
    --------
    >>> check_store("week.zarr")  # doctest: +SKIP
    []
    """
    folder = Path(path)
    with reading(folder):
        return _check(folder, repair=repair)


def _check(folder: Path, *, repair: bool) -> list[Finding]:
    _, complete = check_root(folder, unfinished=True)
    if not has_run(folder):
        cure = "delete the store and make it again"
        return _check_result(folder, cure) if complete else [Finding("unfinished", cure)]
    run = open_run(folder)
    damaged, findings = _check_tiles(run)
    if complete:
        result = _check_result(folder, _REPAIR)
        findings += result
    else:
        result = []
        total = run.document.tiles
        findings.append(Finding(f"unfinished: {len(run.markers()) - len(damaged)} of {total} tiles are done", _AGAIN))
    for tile, reason in run.failures().items():
        findings.append(Finding(f"tile {tile} failed: {reason}", "mend the cause and run the command again"))
    if repair and (damaged or result):
        with run.locked():
            for tile in damaged:
                run.forget(tile)
            mark_root(folder, run.kind)
    return findings


def verify(path: str | os.PathLike[str]) -> None:
    """Read every chunk of a store, one shard at a time; :class:`StoreError` names the first damaged array."""
    folder = Path(path)
    kind = check_arrays(folder)[KIND]
    for name, array in arrays_of(folder, kind).items():
        with reading(folder, name):
            shape = array.shards or array.chunks
            for index in np.ndindex(*(-(-n // s) for n, s in zip(array.shape, shape, strict=True))):
                _ = array[tuple(slice(i * s, (i + 1) * s) for i, s in zip(index, shape, strict=True))]


def _check_tiles(run: RunStore) -> tuple[list[str], list[Finding]]:
    """Tiles whose marker or files are damaged, and findings about them."""
    damaged, findings = [], []
    tiles = run.run_folder / "tiles"
    for path in sorted(tiles.glob("*.json")):
        tile = path.stem
        marker = run.marker(tile)
        if marker is None:
            damaged.append(tile)
            findings.append(
                Finding(
                    f"tile {tile}: its marker cannot be read, or a file that it names is missing or of another size",
                    _REPAIR,
                )
            )
            continue
        changed = [name for name, expected in marker.files.items() if file_hash(run.folder / name) != expected]
        if changed:
            damaged.append(tile)
            findings.append(Finding(f"tile {tile}: {', '.join(changed)} damaged (the hash is another)", _REPAIR))
    for path in sorted(tiles.glob("*.npz")):
        if not path.with_suffix(".json").exists():
            findings.append(
                Finding(f"tile {path.stem}: there are data without a marker, from a run that was killed", _AGAIN)
            )
    try:
        run.run_input()
    except StoreError as error:
        findings.append(Finding(str(error), "delete the store and make it again"))
    return damaged, findings


def _check_result(folder: Path, cure: str) -> list[Finding]:
    """Check the files of the result against the manifest; without a manifest, the chunks against their checksums."""
    try:
        document = json.loads((folder / RUN / "manifest.json").read_text(encoding="utf-8"))
        expected = {str(n): (int(size), str(digest)) for n, (size, digest) in document["files"].items()}
    except FileNotFoundError:
        try:
            verify(folder)
        except StoreError as error:
            return [Finding(str(error), cure)]
        return [Finding(f"{RUN}/manifest.json is missing (the arrays' own checksums are right)", cure)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        return [Finding(f"{RUN}/manifest.json cannot be read: {error}", cure)]
    existing = set(result_files(folder))
    findings = [Finding(f"{name} is missing", cure) for name in sorted(expected.keys() - existing)]
    findings += [
        Finding(f"{name} is not part of the result", "remove it") for name in sorted(existing - expected.keys())
    ]
    for name in sorted(existing & expected.keys()):
        try:
            actual = file_hash(folder / name)
        except OSError as error:
            findings.append(Finding(f"{name} cannot be read: {error.strerror}", cure))
            continue
        if actual != expected[name]:
            difference = (
                f"{actual[0]} bytes instead of {expected[name][0]}" if actual[0] != expected[name][0] else "its hash"
            )
            findings.append(Finding(f"{name} is damaged ({difference})", cure))
    return findings
