"""Provenance of a page: sources, command, hashes, versions and licence of what it shows."""

from __future__ import annotations

import platform
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stmgpu.store.code_identity import package_version

if TYPE_CHECKING:
    from collections.abc import Mapping

Fact = dict[str, Any]
"""``label`` and ``value``, with ``code`` where the value is code."""


def provenance_facts(facts: Mapping[str, Any], licence: str) -> list[Fact]:
    """What a page says about where its numbers come from.

    The user and the machine's name are left out, since pages are passed on; the store has them. So is the time of
    writing: the same result gives the same page, byte for byte. Commands keep their paths as they were typed.

    Parameters
    ----------
    facts : mapping
        Provenance of the store, see :func:`stmgpu.store.provenance`.
    licence : str
        What is known of the licence of the data.

    Returns
    -------
    list of dict
        ``label`` and ``value``, and ``code`` (True) for commands and hashes.
    """
    rows = [
        _row(
            "Result",
            f"{Path(facts['store']).name}, a store of kind {facts['kind']}, schema {facts['schema']}",
        )
    ]
    rows += _command_rows(facts)
    catalog = facts.get("catalog") or {}
    attributes = facts["attributes"]
    source = catalog.get("source") or attributes.get("catalog_source")
    if source:
        rows.append(_row("Catalogue", Path(source).name))
        if "epoch_first" in catalog:
            words = [str(catalog[f"epoch_{name}"])[:19].replace("T", " ") for name in ("first", "median", "last")]
            rows.append(_row("Epochs of elements", f"{words[0]} to {words[2]} UTC, median {words[1]}"))
        rows.append(_code("SHA-256 of the catalogue", catalog.get("sha256") or attributes.get("catalog_sha256", "")))
    read = catalog.get("files") or source  # a study of a built-in population reads no file
    if read and (digest := catalog.get("digest") or attributes.get("catalog_digest")):
        rows.append(_code("Digest of the input", digest))
    rows += [_code(f"SHA-256 of {name}", digest) for name, digest in (catalog.get("files") or {}).items()]
    assessed = (facts.get("assessment") or {}).get("attributes") or {}
    rows += [
        _row(label, str(assessed.get(name, "")))
        for label, name in (("Covariances", "covariance_model"), ("Hard-body radii", "hard_body_rule"))
    ]
    code = facts.get("code") or {}
    rows += [_code(f"Digest of the {name}", code[name]) for name in ("sources", "kernels") if name in code]
    rows += _machine_rows(facts)
    rows.append(_row("This page", f"written by stmgpu {package_version('stmgpu')}, Python {platform.python_version()}"))
    rows.append(_row("Licence of the data", licence))
    return [row for row in rows if row["value"]]


def _command_rows(facts: Mapping[str, Any]) -> list[Fact]:
    rows = []
    sessions = list(facts.get("sessions") or ())
    if sessions and sessions[0].get("command"):
        rows.append(_code("Command that makes it again", _command(sessions[0]["command"])))
    further = (facts.get("assessment") or {}).get("sessions") or ()
    if further and further[0].get("command"):
        rows.append(_code("Command of the assessment", _command(further[0]["command"])))
    return rows


def _command(words: list[str]) -> str:
    """A command line with the program's name alone instead of its path."""
    return shlex.join([Path(words[0]).name, *words[1:]])


def _machine_rows(facts: Mapping[str, Any]) -> list[Fact]:
    sessions = list(facts.get("sessions") or ())
    if not sessions:
        return []
    first, last = sessions[0], sessions[-1]
    packages = ", ".join(f"{name} {version}" for name, version in first.get("packages", {}).items())
    version = (first.get("code") or {}).get("version", "")
    return [
        _row(
            "Computed",
            f"{first.get('begin', '')[:19].replace('T', ' ')} UTC, {len(sessions)} session{'s' * (len(sessions) > 1)}",
        ),
        _row("Device", str(last.get("device", ""))),
        _row("Versions", f"stmgpu {version}, Python {first.get('python', '')}, {packages}"),
    ]


def _row(label: str, value: str) -> Fact:
    return {"label": label, "value": value}


def _code(label: str, value: str) -> Fact:
    return {"label": label, "value": value, "code": True}
