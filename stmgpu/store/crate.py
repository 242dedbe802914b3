"""Export of a store as an RO-Crate 1.1: a folder with a description of contents and provenance in JSON-LD.

Peroni, Soiland-Reyes et al., RO-Crate Metadata Specification 1.1 (2020); every session is a ``CreateAction`` with the
software as its instrument, following the Process Run Crate profile.
"""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from stmgpu.errors import InputError, StoreError
from stmgpu.store import check_store, provenance
from stmgpu.store.document import FilesIdentity
from stmgpu.store.run import has_run, open_run
from stmgpu.store.run_input import INPUTS
from stmgpu.store.writing import check_outside

if TYPE_CHECKING:
    from collections.abc import Iterator

METADATA = "ro-crate-metadata.json"


def write_crate(store: str | os.PathLike[str], crate: str | os.PathLike[str]) -> Path:
    """Copy a complete store into a new folder and add its description.

    Parameters
    ----------
    store : path-like
        Folder of a complete store.
    crate : path-like
        Folder to create.

    Returns
    -------
    Path
        The description.

    Raises
    ------
    InputError
        If the folder exists, or would lie inside a store.
    StoreError
        If the store is damaged or incomplete.
    """
    source, target = Path(store).absolute(), Path(crate)
    if os.path.lexists(target):
        raise InputError(f"{target} already exists; choose a new folder")
    check_outside(target)
    findings = check_store(source)
    if findings:
        more = f" ({len(findings)} findings in all; `stmgpu check` lists them)" if len(findings) > 1 else ""
        raise StoreError(f"{source} is damaged or incomplete and was not exported: {findings[0]}{more}")
    facts = provenance(source)
    path = target / METADATA
    inputs: list[dict[str, Any]] = []
    run = open_run(source) if has_run(source) else None
    if run is not None and isinstance(run.document.run_input, FilesIdentity):
        folder = (run.run_folder / INPUTS).relative_to(source.parent).as_posix()
        inputs = [
            {"@id": f"{folder}/{quote(name)}", "@type": "File", "name": name, "identifier": f"sha256:{digest}"}
            for name, digest in run.document.run_input.files.items()
        ]
    shutil.copytree(source, target / source.name)
    path.write_text(json.dumps(_metadata(source.name, facts, inputs), indent=2) + "\n", encoding="utf-8")
    return path


def _metadata(name: str, facts: dict[str, Any], inputs: list[dict[str, Any]]) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    code = facts.get("code", {})
    software = {
        "@id": "#stmgpu",
        "@type": "SoftwareApplication",
        "name": "stmgpu",
        "version": code.get("version", ""),
        "identifier": f"kernels sha256:{code.get('kernels', '')}",
    }
    sources = inputs if facts["kind"] == "ensemble" else [_catalog(facts.get("catalog", {}))]
    actions = [
        {
            "@id": f"#session-{number}",
            "@type": "CreateAction",
            "name": " ".join(map(str, session.get("command", []))),
            "startTime": session.get("begin"),
            "endTime": session.get("end", session.get("begin")),
            "instrument": {"@id": "#stmgpu"},
            "object": [{"@id": s["@id"]} for s in sources],
            "result": [{"@id": f"{name}/"}],
            "agent": {"@id": f"#user-{session.get('user', 'unknown')}"},
            "description": f"executor {session.get('executor')}, {session.get('device') or 'Dask workers'}, "
            f"Python {session.get('python')}, {session.get('system')}",
        }
        for number, session in enumerate(facts.get("sessions", []), 1)
    ]
    people = [
        {"@id": f"#user-{user}", "@type": "Person", "name": user}
        for user in sorted({str(s.get("user", "unknown")) for s in facts.get("sessions", [])})
    ]
    settings = [
        {"@id": f"#setting-{quote(key)}", "@type": "PropertyValue", "name": key, "value": value}
        for key, value in _plain(facts.get("settings", {}))
    ]
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": facts["attributes"].get("title", facts["kind"]),
        "description": f"{facts['kind']} computed by stmgpu",
        "datePublished": now,
        "license": "The data's licence is for their owner to state",
        "hasPart": [{"@id": f"{name}/"}, *({"@id": s["@id"]} for s in inputs)],
        "mentions": [{"@id": action["@id"]} for action in actions],
    }
    data = {
        "@id": f"{name}/",
        "@type": "Dataset",
        "name": name,
        "encodingFormat": "Zarr 3",
        "description": json.dumps(facts["attributes"].get("certificate", {})),
        "variableMeasured": [{"@id": s["@id"]} for s in settings],
    }
    about = {
        "@id": METADATA,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    return {
        "@context": "https://w3id.org/ro/crate/1.1/context",
        "@graph": [about, root, data, software, *sources, *people, *actions, *settings],
    }


def _catalog(catalog: dict[str, Any]) -> dict[str, Any]:
    return {
        "@id": "#catalog",
        "@type": "CreativeWork",
        "name": catalog.get("source", "catalogue"),
        "identifier": f"sha256:{catalog.get('sha256', '')}",
        "description": f"{catalog.get('objects', '?')} objects, element epochs {catalog.get('epoch_first', '?')} "
        f"to {catalog.get('epoch_last', '?')}; digest {catalog.get('digest', '')}",
    }


def _plain(settings: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Flatten settings to names and plain values, since nested objects are entities in JSON-LD; lists become text."""
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _plain(value, f"{prefix}{key}.")
        elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
            for number, item in enumerate(value, 1):
                yield from _plain(item, f"{prefix}{key}.{number}.")
        elif value is not None:
            yield prefix + key, json.dumps(value) if isinstance(value, list) else value
