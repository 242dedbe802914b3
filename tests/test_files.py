"""Input of bounded size from every kind of source, and files that are written whole or not at all."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import stmgpu as stm
from stmgpu.compression import Limits
from stmgpu.errors import InputError, StoreError
from stmgpu.files import read_content, replacing


def test_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_an_error_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.csv"]


def test_a_full_disk_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with pytest.raises(StoreError, match=r"cannot write .*a\.csv: No space left"), replacing(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "write",
    [
        lambda path: stm.write_catalog(stm.synthetic_catalog(5), path, format="csv"),
        lambda path: stm.write_csv(stm.screen(stm.synthetic_catalog(5), hours=1, backend="reference"), path),
    ],
)
def test_links_and_devices_are_not_replaced(tmp_path: Path, write: Callable[..., Any]) -> None:
    target, link, pipe = tmp_path / "target", tmp_path / "link", tmp_path / "pipe"
    target.write_bytes(b"old")
    link.symlink_to(target)
    os.mkfifo(pipe)
    for path in (link, pipe, tmp_path):
        with pytest.raises(InputError, match="not an ordinary file"):
            write(path)
    assert target.read_bytes() == b"old"
    assert link.is_symlink()


def test_content_is_the_same_from_every_source(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbfline one\n"
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    for source in (path, str(path), data, bytearray(data), memoryview(data), io.BytesIO(data), gzip.compress(data)):
        content = read_content(source, kind="ephemeris", limits=Limits(100))
        assert content.data == b"line one\n"
    assert read_content(path, kind="ephemeris", limits=Limits(100)).name == str(path)
    assert read_content(path, kind="ephemeris", limits=Limits(100)).sha256 == hashlib.sha256(data).hexdigest()
    packed = gzip.compress(data)
    assert read_content(packed, kind="ephemeris", limits=Limits(100)).sha256 == hashlib.sha256(packed).hexdigest()
    assert read_content(io.StringIO("\udcff é"), kind="ephemeris", limits=Limits(100)).data == b"\xff \xc3\xa9"


def test_no_more_than_the_limit_is_read_or_unpacked() -> None:
    class Endless(io.RawIOBase):
        read_bytes = 0

        def read(self, size: int = -1) -> bytes:
            assert size >= 0
            self.read_bytes += size
            return b"x" * size

    stream = Endless()
    with pytest.raises(InputError, match=r"larger than 1000 bytes; check that it is an ephemeris$"):
        read_content(stream, kind="ephemeris", limits=Limits(1000))
    assert stream.read_bytes == 1001
    bomb = gzip.compress(b"\0" * 5_000_000)
    with pytest.raises(InputError, match=r"larger than 100000 bytes when unpacked; check what it is$"):
        read_content(bomb, kind="catalogue", limits=Limits(100_000))
    assert len(read_content(b"x" * 10, kind="catalogue", limits=Limits(10)).data) == 10


def test_sources_that_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "absent", tmp_path, "bad\0name"):
        with pytest.raises(InputError, match=r"^ephemeris file .* cannot be read: .*; check the path"):
            read_content(path, kind="ephemeris", limits=Limits(10))
    with pytest.raises(InputError, match="pass content as bytes, not as text"):
        read_content("line 1\nline 2", kind="ephemeris", limits=Limits(10))
    with pytest.raises(InputError, match="ephemeris source is a NoneType; give a path, bytes or an open file"):
        read_content(None, kind="ephemeris", limits=Limits(10))  # type: ignore[arg-type]


def test_addresses_are_called_by_their_name(tmp_path: Path) -> None:
    for address in ("https://example.org/gp?a=1&b=2", Path("https://example.org/gp?a=1&b=2"), "ftp://example.org/x"):
        with pytest.raises(InputError, match=r"//example.org/\S+' is a URL, and stmgpu does not download; fetch it"):
            read_content(address, kind="catalogue")
    with pytest.raises(InputError, match=r"curl -o FILE 'https://example.org/gp\?a=1&b=2'$"):
        read_content("https://example.org/gp?a=1&b=2", kind="catalogue")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be"])
def test_unicode_of_any_width(encoding: str) -> None:
    text = "OBJECT_NAME = Ñandú 衛星\n"
    assert read_content(text.encode(encoding), kind="catalogue").data == text.encode()
    assert read_content(text.encode(encoding), kind="catalogue", text=False).data == text.encode(encoding)


def test_text_cut_within_a_character() -> None:
    with pytest.raises(InputError, match="begins as UTF-16 text but is not"):
        read_content("abc".encode("utf-16")[:-1], kind="catalogue")
