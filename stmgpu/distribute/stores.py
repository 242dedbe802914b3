"""The store that a run works on: made, gone on with, lengthened, refused; tiles brought in from elsewhere."""

from __future__ import annotations

import os
import secrets
import shutil
from typing import TYPE_CHECKING, Any

from stmgpu.distribute.execute import job_of
from stmgpu.errors import InputError, StoreError
from stmgpu.files import file_hash
from stmgpu.store.run import RunStore, create_run, differences, has_run, open_run, refuse_differences
from stmgpu.store.writing import result_files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from stmgpu.distribute.executors import Execution
    from stmgpu.store.run_input import RunInput

_LENGTH = {
    "conjunctions": ("duration_s", "seconds"),
    "ephemeris": ("duration_s", "seconds"),
    "ensemble": ("runs", "runs"),
}
"""What --append may enlarge, by kind, and its unit."""


def open_or_create(
    catalog: RunInput, path: Path, document: dict[str, Any], how: Execution, dry: bool = False
) -> RunStore | None:
    """The store to work on: a new one, or the one that is there if it holds the same computation.

    With ``dry`` nothing is written: what would be refused is refused, and None returned where a store would be made.
    """
    if how.overwrite or not os.path.lexists(path):
        if how.resume:
            raise InputError(
                f"there is no store at {path} to resume; check the path, or leave --resume out"
                if not how.overwrite
                else "--resume and --overwrite contradict each other; give one of them"
            )
        if dry:
            return None
        try:
            return create_run(path, document, catalog, how.overwrite)
        except StoreError:
            if how.overwrite or not has_run(path):  # another client may have created it a moment ago
                raise
    if not has_run(path):
        raise InputError(
            f"{path} exists and holds no computation that could be resumed; choose another path "
            "(or --overwrite, where it is a store of stmgpu)"
        )
    run = open_run(path)
    found = _differences(run.document, document, (f"settings.{_LENGTH[run.kind][0]}",) if how.append else ())
    asked = {"tile_hours": how.tile_hours, "chunk_objects": how.chunk_objects, "runs_per_tile": how.runs_per_tile}
    found += [
        f"tiling.{name}: there {there!r}, now {document['tiling'][name]!r}"
        for name, value in asked.items()
        if value is not None
        and name in document["tiling"]
        and (there := run.document["tiling"].get(name)) != document["tiling"][name]
    ]
    refuse_differences(path, found)
    if how.append and not dry:
        _append(run, document)
    return run


def _differences(there: Mapping[str, Any], wanted: Mapping[str, Any], leave_out: tuple[str, ...] = ()) -> list[str]:
    """As :func:`stmgpu.store.run.differences`, the scenarios of a study by name and key by key."""
    ours, theirs = _by_name(wanted), _by_name(there)
    if ours is None or theirs is None:
        return differences(there, wanted, leave_out)
    pair = []
    for document, scenarios in ((there, theirs), (wanted, ours)):
        common = {f"scenario {name!r}": s for name, s in scenarios.items() if name in ours and name in theirs}
        pair.append({**document, "settings": {**document["settings"], **common, "scenarios": list(scenarios)}})
    return differences(pair[0], pair[1], (*leave_out, "settings.notes"))  # notes follow from all the rest


def _by_name(document: Mapping[str, Any]) -> dict[str, Any] | None:
    """The scenarios of a study; None where the document has none, or nonsense in their place."""
    scenarios = document["settings"].get("scenarios")
    if not isinstance(scenarios, list) or not all(
        isinstance(s, dict) and isinstance(s.get("name"), str) for s in scenarios
    ):
        return None
    return {s["name"]: s for s in scenarios}


def _append(run: RunStore, document: dict[str, Any]) -> None:
    """Lengthen a store's window, or add runs; tiles that stay the same are kept, what remains of others is removed."""
    name, unit = _LENGTH[run.kind]
    wanted = document["settings"][name]
    with run.locked():  # tasks of an array do this at the same time
        run.document = open_run(run.folder).document
        there = run.document["settings"].get(name)
        if not isinstance(there, int | float):
            raise StoreError(f"{run.folder} is damaged: its run.json says {name} = {there!r}")
        if wanted < there:
            raise InputError(f"{run.folder} holds {there:,.12g} {unit}; --append cannot shorten it to {wanted:,.12g}")
        if wanted == there:
            return
        if run.document["catalog"].get("trajectories"):
            raise InputError(
                f"{run.folder} screens trajectories, and what their tiles hold depends on the window; "
                "--append cannot lengthen it: screen the longer window into another store"
            )
        lengthened = RunStore(run.folder, {**run.document, "settings": document["settings"]})
        tiles = {tile.id for tile in job_of(lengthened).tiles}
        run.reopen({**lengthened.document, "tiling": {**run.document["tiling"], "tiles": len(tiles)}})
        for tile in run.failures().keys() - tiles:
            run.forget(tile)
        kept: set[str] = set()
        for tile, marker in run.markers().items():
            if tile in tiles:
                kept |= marker.files.keys()
                continue
            run.forget(tile)
            (run.run_folder / "tiles" / f"{tile}.npz").unlink(missing_ok=True)
        for name in result_files(run.folder):
            if name not in kept and name != "zarr.json":
                (run.folder / name).unlink()


def bring_in(run: RunStore, part: RunStore) -> None:
    """Copy the finished tiles of another store of the same run."""
    found = _differences(run.document, part.document)
    found += [
        f"tiling.{name}: {run.folder} {run.document['tiling'].get(name)!r}, {part.folder} "
        f"{part.document['tiling'].get(name)!r}"
        for name in ("tile_hours", "chunk_objects", "runs_per_tile")
        if run.document["tiling"].get(name) != part.document["tiling"].get(name)
    ]
    refuse_differences(part.folder, found)
    there = run.markers()
    for tile, marker in part.markers().items():
        if tile in there:
            continue
        for name in marker.files:
            target = run.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
            shutil.copyfile(part.folder / name, temporary)
            if file_hash(temporary) != marker.files[name]:
                temporary.unlink()
                raise StoreError(f"{part.folder / name} is damaged; see `stmgpu check {part.folder}`")
            temporary.replace(target)
        run.mark(tile, marker.files, marker.summary)
