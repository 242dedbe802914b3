"""What a file is that was given instead of a store, and which command reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stmgpu.catalog.reader import detect_format
from stmgpu.errors import CatalogError, WrongStoreError
from stmgpu.messages.kinds import kind_of
from stmgpu.screen.csv_table import CSV_COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

_HEAD = 1 << 16
_TABLE = ",".join(list(CSV_COLUMNS.values())[:3])


def no_store(path: Path) -> WrongStoreError:
    """Error for a path that is no folder.

    Parameters
    ----------
    path : Path
        A file, or a path with nothing there.

    Returns
    -------
    WrongStoreError
        It says what the file is, as far as its beginning shows, and what to do with it.
    """
    if not path.exists():
        return WrongStoreError(f"there is no store at {path}; check the path")
    return WrongStoreError(f"{path} is a file, and a store is a folder, such as day.zarr; {_what_it_is(path)}")


def _what_it_is(path: Path) -> str:
    store = next((folder for folder in path.absolute().parents if (folder / "zarr.json").exists()), None)
    if store is not None:
        while (store.parent / "zarr.json").exists():  # arrays have metadata of their own
            store = store.parent
        return f"it belongs to the store {store}: give that"
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return "check the path"
    if path.suffix == ".toml":
        return "if it is a scenario, `stmgpu evolve` reads it"
    if head.decode("latin-1").startswith(_TABLE):
        return "it is a table of conjunctions: give the store that was written with it"
    kind = kind_of(head)
    if kind is not None:
        return str(kind)
    try:
        form = detect_format(head)
    except CatalogError:
        return "check the path"
    named = f"a catalogue ({form.upper()})" if form in ("tle", "csv", "kvn") else f"{form.upper()}, perhaps a catalogue"
    return f"it is {named}, which `stmgpu catalog summary` reads"
