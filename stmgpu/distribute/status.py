"""Progress of a run in a store: tiles that are done, in work, failed and missing, and who works on them."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from stmgpu.distribute.jobs import job_of
from stmgpu.errors import StoreError, WrongStoreError
from stmgpu.store.run import RunStore, has_run, marker_name, open_run
from stmgpu.store.schema import ASSESSMENT
from stmgpu.store.writing import KIND, check_root, is_ours, reading

if TYPE_CHECKING:
    import os

_CLOCK_S = 2.0
"""Seconds by which clocks of the system and of processes may differ."""


def status(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Progress of the run in a store; it only reads, so call it at any time.

    Parameters
    ----------
    path : path-like
        Folder of a store, finished, being computed or damaged.

    Returns
    -------
    dict
        'store', 'kind', 'state' ('complete', 'running', 'unfinished' or 'damaged') and 'problems'; for a store that is
        computed in tiles also 'tiles' (numbers of 'all', 'done', 'running', 'failed', 'damaged' and 'missing'),
        'last_tile' (time of the last finished tile), 'running' (tile, user, host, process and since when), 'failed'
        (reasons by tile), 'damaged' and 'missing' (tiles), and 'sessions' with their 'state': 'running', 'ended' or
        'killed'; 'unknown' if it did not end and runs on another machine. 'assessment' has the same of the assessment
        in a store of conjunctions.

    Raises
    ------
    WrongStoreError
        If there is no store.
    """
    folder = Path(path)
    facts: dict[str, Any] = {"store": str(folder), "kind": None, "state": "damaged", "problems": []}
    try:
        with reading(folder):
            attributes, complete = check_root(folder, unfinished=True)
            facts |= {"kind": attributes[KIND], "state": "complete" if complete else "unfinished"}
            if has_run(folder):
                facts |= _of_run(open_run(folder), facts["problems"])
    except WrongStoreError:
        raise
    except StoreError as error:
        facts["problems"].append(str(error))
    if facts["problems"]:
        facts["state"] = "damaged"
    elif facts["state"] == "unfinished" and _works(facts):
        facts["state"] = "running"
    if is_ours(folder / ASSESSMENT):
        facts["assessment"] = status(folder / ASSESSMENT)
    return facts


def _works(facts: dict[str, Any]) -> bool:
    """Whether somebody works on a store, as far as can be seen from here."""
    return bool(facts.get("running")) or any(s["state"] == "running" for s in facts.get("sessions", ()))


def _of_run(run: RunStore, problems: list[str]) -> dict[str, Any]:
    """Facts about the tiles and sessions of a run."""
    done = set(run.markers())
    damaged = sorted(set(run.marked()) - done)
    failed = {tile: reason for tile, reason in run.failures().items() if tile not in done}
    running = [note for note in _notes(run) if note["tile"] not in done]
    seen = done | set(damaged) | failed.keys() | {note["tile"] for note in running}
    missing = []
    try:
        missing = [tile.id for tile in job_of(run).tiles if tile.id not in seen]
    except StoreError as error:  # the input, without which the names of tiles are not known
        problems.append(str(error))
    problems += [f"tile {tile} is damaged; see `stmgpu check`" for tile in damaged]
    total = run.document.tiles
    counts = {"done": len(done), "running": len(running), "failed": len(failed), "damaged": len(damaged)}
    times = [(run.folder / marker_name(tile)).stat().st_mtime for tile in done]
    return {
        "tiles": {"all": total, **counts, "missing": max(total - sum(counts.values()), 0)},
        "last_tile": datetime.fromtimestamp(max(times), UTC).isoformat(timespec="seconds") if times else None,
        "running": running,
        "failed": failed,
        "damaged": damaged,
        "missing": missing,
        "sessions": [_session(record) for record in run.sessions()],
    }


def _notes(run: RunStore) -> list[dict[str, Any]]:
    """Notes about tiles in work, without those that a killed process left on this machine."""
    notes = []
    for path in sorted((run.run_folder / "running").glob("*.json")):
        with suppress(OSError, ValueError):  # removed or written at this moment
            note = {"tile": path.stem, **json.loads(path.read_text(encoding="utf-8"))}
            if alive(note, "since") is not False:
                notes.append(note)
    return notes


def _session(record: dict[str, Any]) -> dict[str, Any]:
    """Who, where and since when a session works, and how it ended."""
    names = ("begin", "end", "user", "host", "process", "executor", "command", "tiles", "failed")
    state = "ended" if "end" in record else {True: "running", False: "killed", None: "unknown"}[alive(record, "begin")]
    return {name: record.get(name) for name in names} | {"state": state}


def alive(record: dict[str, Any], begin: str) -> bool | None:
    """Whether the process of a record lives; None if it is one of another machine."""
    if record.get("host") != socket.gethostname():
        return None
    try:
        started = float(psutil.Process(int(record["process"])).create_time())
        return started <= datetime.fromisoformat(str(record[begin])).timestamp() + _CLOCK_S  # or its number was reused
    except psutil.AccessDenied:
        return True
    except (psutil.NoSuchProcess, KeyError, ValueError, TypeError):
        return False
