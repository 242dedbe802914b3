"""Provenance of results: code, packages, machine and the history of a store."""

from __future__ import annotations

import getpass
import json
import os
import platform
import socket
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stmgpu.store.code_identity import package_version
from stmgpu.store.run import RunStore, has_run, open_run
from stmgpu.store.schema import ASSESSMENT
from stmgpu.store.writing import check_root, is_ours, reading

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGES = (
    "numpy",
    "scipy",
    "xarray",
    "zarr",
    "sgp4",
    "pymsis",
    "h5py",
    "pydantic",
    "dask",
    "distributed",
    "cupy-cuda12x",
    "cupy-cuda13x",
)


def session_record(*, device: str, executor: str, code: Mapping[str, str]) -> dict[str, Any]:
    """Command, machine, versions and begin of a session that works on a store, as plain values."""
    return {
        "begin": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "command": sys.argv,
        "executor": executor,
        "device": device,
        **worker(),
        "slurm": {
            k: v
            for k, v in sorted(os.environ.items())
            if k
            in (
                "SLURM_JOB_ID",
                "SLURM_ARRAY_JOB_ID",
                "SLURM_ARRAY_TASK_ID",
                "SLURM_JOB_PARTITION",
                "SLURM_RESTART_COUNT",
            )
        },
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": {name: version for name in PACKAGES if (version := package_version(name))},
        "code": dict(code),
    }


def worker() -> dict[str, Any]:
    """Machine, user and number of this process."""
    return {"host": socket.gethostname(), "user": _user(), "process": os.getpid()}


def provenance(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Provenance of a store.

    Parameters
    ----------
    path : path-like
        Folder of a store, finished or not.

    Returns
    -------
    dict
        'store', 'kind', 'schema', 'complete', 'attributes' of the root; for a store that was computed in tiles also
        'settings', 'catalog', 'code', 'tiling', 'tiles_done', 'tile_seconds', 'failed', 'sessions'. 'assessment' has
        the same of the assessment in a store of conjunctions.

    Raises
    ------
    StoreError
        If there is no store, or its schema is newer.
    """
    folder = Path(path)
    with reading(folder):
        facts = _provenance(folder)
    if is_ours(folder / ASSESSMENT):
        facts["assessment"] = provenance(folder / ASSESSMENT)
    return facts


def _provenance(folder: Path) -> dict[str, Any]:
    attributes, complete = check_root(folder, unfinished=True)
    facts: dict[str, Any] = {
        "store": str(folder),
        "kind": attributes["stmgpu_kind"],
        "schema": attributes["stmgpu_schema"],
        "complete": complete,
        "attributes": {k: v for k, v in attributes.items() if not k.startswith("stmgpu_")},
    }
    if isinstance(facts["attributes"].get("certificate"), str):
        facts["attributes"]["certificate"] = json.loads(facts["attributes"]["certificate"])
    if has_run(folder):
        run: RunStore = open_run(folder)
        facts["attributes"].pop("scenarios", None)  # of an ensemble; the settings have them
        markers = run.markers()
        facts |= {name: value for name, value in run.document.to_json().items() if name != "kind"}
        facts |= {
            "tiles_done": len(markers),
            "failed": run.failures(),
            "sessions": run.sessions(),
            "tile_seconds": round(sum(float(m.summary.get("wall_s", 0.0)) for m in markers.values()), 3),
        }
    return facts


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no entry in the password file
        return str(os.getuid())
