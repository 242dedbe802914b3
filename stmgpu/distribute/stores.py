"""Create, resume, enlarge or reject the store of a run, and copy tiles from other stores."""

from __future__ import annotations

import os
import secrets
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

from stmgpu.distribute.jobs import JOBS, RunPlan, job_of
from stmgpu.errors import InputError, StoreError
from stmgpu.store.assessment import drop_assessment
from stmgpu.store.check import check_store
from stmgpu.store.document import RunDocument, refuse_differences
from stmgpu.store.run import RunStore, create_run, has_run, open_run
from stmgpu.store.writing import result_files

if TYPE_CHECKING:
    from pathlib import Path

    from stmgpu.distribute.executors import RunOptions


def open_or_create(plan: RunPlan, path: Path, options: RunOptions) -> RunStore:
    """Create the store of a run, or open one that holds the same computation.

    Raises
    ------
    InputError
        If the path holds another computation, or no store of a run.
    StoreError
        If the store is damaged or cannot be written.
    """
    if JOBS[plan.document.kind].part:
        return _open_part(plan, path, options)
    overwrite = options.if_exists == "overwrite"
    if overwrite or not os.path.lexists(path):
        try:
            return create_run(path, plan.document, plan.run_input, overwrite=overwrite)
        except StoreError:
            if overwrite or not has_run(path):  # another client may have created it a moment ago
                raise
    run = _matching(plan.document, path, options)
    run.restore_input(plan.run_input)
    if options.if_exists == "append":
        _append(run, plan.document)
    return run


def check_store_of(plan: RunPlan, path: Path, options: RunOptions) -> None:
    """Raise the errors of :func:`open_or_create` for a store of another computation, without writing anything."""
    if not JOBS[plan.document.kind].part and os.path.lexists(path) and options.if_exists != "overwrite":
        _matching(plan.document, path, options)


def _open_part(plan: RunPlan, path: Path, options: RunOptions) -> RunStore:
    """Open the part of a store that holds the same computation, or replace what is there."""
    with open_run(path.parent).locked():  # tasks of an array do this at the same time
        if options.if_exists != "overwrite" and has_run(path) and not _outdated(plan, path, options):
            return open_run(path)
        return create_run(path, plan.document, plan.run_input, overwrite=True, part=True)


def _outdated(plan: RunPlan, path: Path, options: RunOptions) -> bool:
    """Whether the part of a store at a path holds another computation, or a damaged result."""
    try:
        run = open_run(path)
        if run.document.differences(plan.document) or run.document.tiling_differences(
            prescribed(plan.document, options)
        ):
            return True
        run.restore_input(plan.run_input)
        return run.complete and bool(check_store(path))
    except StoreError:
        return True


def _matching(document: RunDocument, path: Path, options: RunOptions) -> RunStore:
    """Open the store at a path; :class:`InputError` if it holds another computation."""
    if not has_run(path):
        raise InputError(
            f"{path} exists but contains no run that can be resumed; choose another path, or use --overwrite if it "
            "is a store of stmgpu"
        )
    run = open_run(path)
    ignore = (f"settings.{JOBS[run.kind].grows_by.field}",) if options.if_exists == "append" else ()
    differences = run.document.differences(document, ignore=ignore)
    differences += run.document.tiling_differences(prescribed(document, options))
    growth = JOBS[run.kind].grows_by
    longer = [difference.startswith(f"settings.{growth.field}: ") for difference in differences] == [True] and (
        growth.extent(document.settings) > growth.extent(run.document.settings)
    )
    refuse_differences(path, differences, can_grow=longer)
    return run


def prescribed(document: RunDocument, options: RunOptions) -> dict[str, object]:
    """Tile sizes prescribed by the options, with their values in a planned document."""
    planned = document.tiling.to_json()
    return {name: planned[name] for name, value in options.tiling.to_json().items() if value is not None}


def _append(run: RunStore, document: RunDocument) -> None:
    """Enlarge a store: keep unchanged tiles and remove the files of all others."""
    growth = JOBS[run.kind].grows_by
    requested = growth.extent(document.settings)
    with run.locked():  # tasks of an array do this at the same time
        run.document = open_run(run.folder).document
        extent = growth.extent(run.document.settings)
        if requested < extent:
            raise InputError(
                f"{run.folder} holds {extent:,.12g} {growth.unit}; --append cannot shorten it to {requested:,.12g}"
            )
        if requested == extent:
            return
        job_of(run).check_growth()
        enlarged = RunStore(run.folder, run.document.with_settings(document.settings))
        tiles = {tile.id for tile in job_of(enlarged).tiles}
        run.reopen(enlarged.document.with_tiles(len(tiles)))
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
        drop_assessment(run.folder)


def bring_in(run: RunStore, part: RunStore) -> None:
    """Copy the finished tiles of another store of the same run.

    Raises
    ------
    InputError
        If the other store holds another computation, or has another tiling.
    StoreError
        If one of its files is damaged.
    """
    differences = run.document.differences(part.document)
    differences += run.document.tiling_differences(part.document.tiling.to_json())
    refuse_differences(part.folder, differences)
    done = run.markers()
    for tile in part.marked():
        if tile in done:
            continue
        marker = part.read_marker(tile)
        for name in marker.files:
            target = run.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
            with suppress(FileNotFoundError):
                shutil.copyfile(part.folder / name, temporary)
            if difference := marker.files[name].difference(temporary, whole=True):
                temporary.unlink(missing_ok=True)
                raise StoreError(f"{part.folder} is damaged: {name} {difference}; see `stmgpu check`")
            temporary.replace(target)
        run.mark(tile, marker.files, marker.summary)
