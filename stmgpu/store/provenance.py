"""Where a result comes from: code, packages, machine; and a store's whole story."""

from __future__ import annotations

import getpass
import hashlib
import importlib.metadata
import json
import os
import platform
import socket
import sys
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from stmgpu.backend import source
from stmgpu.store.run import RunStore, has_run, open_run
from stmgpu.store.zarrio import check_root, reading

PACKAGES = ("numpy", "scipy", "xarray", "zarr", "sgp4", "pymsis", "h5py", "pydantic", "dask", "distributed",
            "cupy-cuda12x", "cupy-cuda13x")
_ARITHMETIC = ("backend", "catalog", "debris", "propagate", "screen", "constants.py", "frames.py", "time.py")


@cache
def code_identity() -> dict[str, str]:
    """What the numbers of a result depend on: version, digest of the kernels, digest of the Python sources above them.

    Two versions with the same digests give the same bytes; a run is only resumed by the code that began it.
    """
    package = Path(__file__).resolve().parent.parent
    total = hashlib.sha256()
    for name in _ARITHMETIC:
        path = package / name
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path] * path.is_file():
            total.update(file.relative_to(package).as_posix().encode() + b"\0" + file.read_bytes())
    return {"version": _version("stmgpu"), "kernels": source.digest(), "sources": total.hexdigest()}


def session(command: list[str] | None, device: str, executor: str) -> dict[str, Any]:
    """Who works on a store from now on: plain values."""
    return {
        "begin": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "command": command if command is not None else sys.argv,
        "executor": executor,
        "device": device,
        "host": socket.gethostname(),
        "user": _user(),
        "process": os.getpid(),
        "slurm": {k: v for k, v in sorted(os.environ.items())
                  if k in ("SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_JOB_PARTITION",
                           "SLURM_RESTART_COUNT")},
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := _version(name))},
        "code": code_identity(),
    }


def provenance(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Everything a store says of where it comes from.

    Parameters
    ----------
    path
        folder of a store, finished or not.

    Returns
    -------
    dict with 'store', 'kind', 'schema', 'complete', 'attributes' of the root; and for a store that was computed in
    tiles also 'settings', 'catalog', 'code', 'tiling', 'tiles_done', 'tile_seconds', 'failed', 'sessions'.

    Raises
    ------
    StoreError
        there is no store, or it is of a newer schema.
    """
    folder = Path(path)
    with reading(folder):
        return _provenance(folder)


def _provenance(folder: Path) -> dict[str, Any]:
    attributes, complete = check_root(folder, unfinished=True)
    found: dict[str, Any] = {"store": str(folder), "kind": attributes["stmgpu_kind"],
                             "schema": attributes["stmgpu_schema"], "complete": complete,
                             "attributes": {k: v for k, v in attributes.items() if not k.startswith("stmgpu_")}}
    if isinstance(found["attributes"].get("certificate"), str):
        found["attributes"]["certificate"] = json.loads(found["attributes"]["certificate"])
    if has_run(folder):
        run: RunStore = open_run(folder)
        found["attributes"].pop("scenarios", None)  # of an ensemble; the settings have them
        markers = run.markers()
        found |= {name: run.document[name] for name in ("settings", "catalog", "code", "tiling")}
        found |= {"tiles_done": len(markers), "failed": run.failures(), "sessions": run.sessions(),
                  "tile_seconds": round(sum(float(m.summary.get("wall_s", 0.0)) for m in markers.values()), 3)}
    return found


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no entry in the password file
        return str(os.getuid())
