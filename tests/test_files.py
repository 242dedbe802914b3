"""Files that appear complete or not at all."""

import errno
import os

import pytest

import stmgpu as stm
from stmgpu.errors import InputError, StoreError
from stmgpu.files import replacing


def test_replaces_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")
    with replacing(path) as file:
        file.write(b"new")
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_an_error_keeps_the_old_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replacing(path) as file:
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.csv"]


def test_a_full_disk_names_the_file(tmp_path):
    path = tmp_path / "a.csv"
    with pytest.raises(StoreError, match=r"cannot write .*a\.csv: No space left"), replacing(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize(
    "write",
    [
        lambda path: stm.write_catalog(stm.synthetic_catalog(5), path, "csv"),
        lambda path: stm.write_csv(stm.screen(stm.synthetic_catalog(5), hours=1, backend="reference"), path),
    ],
)
def test_links_and_devices_are_not_replaced(tmp_path, write):
    target, link, pipe = tmp_path / "target", tmp_path / "link", tmp_path / "pipe"
    target.write_bytes(b"old")
    link.symlink_to(target)
    os.mkfifo(pipe)
    for path in (link, pipe, tmp_path):
        with pytest.raises(InputError, match="no ordinary file"):
            write(path)
    assert target.read_bytes() == b"old"
    assert link.is_symlink()
