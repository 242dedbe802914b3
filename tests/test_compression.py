"""Every compression that is read, by content; limits of size and memory; other archives by their names."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import math
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from stmgpu.compression import ALWAYS_ALLOWED, Limits, unpack
from stmgpu.errors import InputError
from stmgpu.files import read_content

TEXT = b"some text to be packed, " * 100


def zipped(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zip": lambda data: zipped(("folder/a.txt", data), ("__MACOSX/folder/._a.txt", b"x")),
}


def unpacked(data: bytes, max_bytes: int = 1 << 30, max_ratio: float = 200.0, member: str = "") -> bytes:
    return unpack(data, "catalogue 'a'", Limits(max_bytes, max_ratio, raisable=True), member=member)


@pytest.mark.parametrize("name", PACKERS)
def test_told_by_content(name: str) -> None:
    packed = PACKERS[name](TEXT)
    assert unpacked(packed) == TEXT
    assert unpacked(gzip.compress(packed)) == TEXT
    assert unpacked(PACKERS[name](b"")) == b""
    assert len(unpacked(packed, max_bytes=len(TEXT))) == len(TEXT)
    with pytest.raises(
        InputError, match=r"100 bytes when unpacked; .*, or raise the limit \(--max-size-gib, max_bytes\)"
    ):
        unpacked(packed, max_bytes=100)


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz"])
def test_several_streams_after_one_another(name: str) -> None:
    assert unpacked(PACKERS[name](TEXT) + PACKERS[name](b"more") * 3) == TEXT + b"more" * 3
    assert unpacked(lzma.compress(TEXT) + bytes(8) + lzma.compress(b"more")) == TEXT + b"more"


@pytest.mark.parametrize("name", PACKERS)
def test_damaged(name: str) -> None:
    packed = PACKERS[name](TEXT)
    for damaged in (packed[:-9], packed[: len(packed) // 2], packed[:20] + bytes(9) + packed[29:]):
        with pytest.raises(InputError, match=rf"^catalogue 'a' is a damaged {name} file: .*; download or copy it"):
            unpacked(damaged)


@pytest.mark.parametrize("name", ["gzip", "bzip2", "xz", "zip"])
def test_ratio(name: str) -> None:
    bomb = PACKERS[name](bytes(20_000_000))
    with pytest.raises(
        InputError, match=r"200 times larger when unpacked.*, or raise the limit \(--max-size-gib, max_ratio\)$"
    ):
        unpacked(bomb)
    assert len(unpacked(bomb, max_ratio=1e6)) == len(unpacked(bomb, max_ratio=math.inf)) == 20_000_000
    small = PACKERS[name](bytes(ALWAYS_ALLOWED))
    assert len(unpacked(small)) == ALWAYS_ALLOWED


def test_nested_bombs_end_at_the_outer_size() -> None:
    with pytest.raises(InputError, match="200 times"):
        unpacked(gzip.compress(gzip.compress(gzip.compress(bytes(100_000_000)))))


def test_memory_that_an_xz_file_asks_for() -> None:
    header = bytearray(lzma.compress(b"x"))
    header[16] = 37  # dictionary of 1.5 GiB, in the block header, whose checksum follows
    size = (header[12] + 1) * 4
    header[12 + size - 4 : 12 + size] = zlib.crc32(bytes(header[12 : 12 + size - 4])).to_bytes(4, "little")
    with pytest.raises(InputError, match="damaged xz file: Memory usage limit"):
        unpacked(bytes(header))


def test_zip_of_several_files(tmp_path: Path) -> None:
    packed = zipped(("a.tle", b"first"), ("b/c.tle", b"second"))
    with pytest.raises(InputError, match=r"2 files \(a.tle, b/c.tle\); name one as ARCHIVE.zip/FILE"):
        unpacked(packed)
    with pytest.raises(InputError, match=r"no file 'd' \(a.tle, b/c.tle\)"):
        unpacked(packed, member="d")
    (tmp_path / "all.zip").write_bytes(packed)
    assert read_content(tmp_path / "all.zip" / "b" / "c.tle", kind="catalogue").data == b"second"
    with pytest.raises(InputError, match=r"0 files \(it is empty\)"):
        unpacked(zipped())
    with pytest.raises(InputError, match=r", \.\.\.\)"):
        unpacked(zipped(*((f"{i}", b"") for i in range(50))))


def test_zip_with_a_password() -> None:
    packed = bytearray(zipped(("a.tle", b"first")))
    packed[packed.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(InputError, match=r"with a password; extract 'a.tle'"):
        unpacked(bytes(packed))


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"\x28\xb5\x2f\xfd\x04\x00", "a zstd file; unpack it with `unzstd`, and give that"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "a 7z archive"),
        (b"Rar!\x1a\x07\x01\x00", "a RAR archive"),
        (b"\x1f\x9d\x90", "uncompress"),
        (b"\x04\x22\x4d\x18", "unlz4"),
        (b"a.tle".ljust(257, b"\0") + b"ustar\x0000", "a tar archive"),
        (zipped(("[Content_Types].xml", b""), ("xl/workbook.xml", b"")), "an Excel workbook; save its sheet as CSV"),
    ],
)
def test_others_are_called_by_their_names(content: bytes, name: str) -> None:
    for data in (content, gzip.compress(content)):
        with pytest.raises(InputError, match=name):
            unpacked(data)


@pytest.mark.parametrize("text", [b"BZh is a name\n1 ...", b"PKS 1\n1 ...", b"7z\n", b""])
def test_text_is_left_alone(text: bytes) -> None:
    assert unpacked(text) == text
