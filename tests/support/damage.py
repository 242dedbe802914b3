"""Random damage to a store, and its undoing."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

Damage = Callable[[random.Random, list[Path]], list[Path]]
"""Damages a store, given its files; the result are the files that were touched."""


def files_of(store: Path) -> list[Path]:
    """Every file but the lock."""
    return sorted(path for path in store.rglob("*") if path.is_file() and path.name != "lock")


def _two(rng: random.Random, files: list[Path]) -> tuple[Path, Path]:
    """Two files with different contents."""
    one = rng.choice(files)
    data = one.read_bytes()
    return one, rng.choice([file for file in files if file.read_bytes() != data])


def _swap(one: Path, other: Path) -> list[Path]:
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)
    return [one, other]


def _edit(change: Callable[[random.Random, bytes], bytes]) -> Damage:
    def damage(rng: random.Random, files: list[Path]) -> list[Path]:
        file = rng.choice([file for file in files if file.stat().st_size])
        file.write_bytes(change(rng, file.read_bytes()))
        return [file]

    return damage


def _flip(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def _delete(rng: random.Random, files: list[Path]) -> list[Path]:
    file = rng.choice(files)
    file.unlink()
    return [file]


def _swap_chunks(rng: random.Random, files: list[Path]) -> list[Path]:
    """Chunks of variables or tiles, of one size where there are any: neither size nor checksum tells them apart."""
    chunks = [file for file in files if file.suffix != ".json"]
    contents = {file: file.read_bytes() for file in chunks}
    pairs = [(f, g) for f in chunks for g in chunks if f < g and contents[f] != contents[g]]
    alike = [(f, g) for f, g in pairs if len(contents[f]) == len(contents[g])]
    return _swap(*rng.choice(alike or pairs))


def _swap_metadata(rng: random.Random, files: list[Path]) -> list[Path]:
    arrays = [file for file in files if file.name == "zarr.json"]
    return _swap(*_two(rng, arrays if len(arrays) > 2 else [file for file in files if file.suffix == ".json"]))


def _duplicate(rng: random.Random, files: list[Path]) -> list[Path]:
    one, other = _two(rng, [file for file in files if file.suffix != ".json"])
    shutil.copyfile(one, other)
    return [other]


def _folder(rng: random.Random, files: list[Path]) -> list[Path]:
    file = rng.choice(files)
    file.unlink()
    file.mkdir()
    return [file]


def _link(rng: random.Random, files: list[Path]) -> list[Path]:
    one, other = _two(rng, files)
    one.unlink()
    one.symlink_to(other)
    return [one]


DAMAGES: dict[str, Damage] = {
    "cut to nothing": _edit(lambda _, __: b""),
    "cut": _edit(lambda rng, data: data[: rng.randrange(len(data))]),
    "flip a bit": _edit(_flip),
    "append": _edit(lambda rng, data: data + rng.randbytes(rng.randrange(1, 9))),
    "append a line": _edit(lambda _, data: data + b"\n"),
    "delete": _delete,
    "swap two files": lambda rng, files: _swap(*_two(rng, files)),
    "swap two chunks of one size": _swap_chunks,
    "swap metadata": _swap_metadata,
    "another chunk": _duplicate,
    "a folder": _folder,
    "a link": _link,
}


@contextmanager
def damaged(store: Path, kind: str, rng: random.Random) -> Iterator[str]:
    """Damage a store for the length of a block; yields a description of what was done."""
    files = files_of(store)
    kept = {file: file.read_bytes() for file in files}
    touched = DAMAGES[kind](rng, files)
    try:
        yield f"{kind}: {', '.join(str(file.relative_to(store)) for file in touched)}"
    finally:
        for file in touched:
            if file.is_symlink():
                file.unlink()
            elif file.is_dir():
                file.rmdir()
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(kept[file])
