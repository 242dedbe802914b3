"""The certificate that processes of one owner share through a file."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from distributed.security import Security

from stmgpu.distribute.certificates import Contact, await_contact, private_folder, publish, read_private, write_private
from stmgpu.errors import StmgpuError


@pytest.fixture(scope="module")
def contact() -> Contact:
    return Contact.of("tls://127.0.0.1:1", Security.temporary())


def test_another_process_gets_the_same_certificate(contact: Contact, tmp_path: Path) -> None:
    with private_folder(tmp_path / "private") as folder:
        publish(folder / "contact.json", contact)
        assert await_contact(folder / "contact.json") == contact
        assert [path.name for path in folder.iterdir()] == ["contact.json"]
    assert not (tmp_path / "private").exists()
    for role in ("client", "scheduler", "worker"):
        settings = contact.security.get_tls_config_for_role(role)
        assert (settings["ca_file"], settings["key"]) == (contact.certificate, contact.key)
    assert contact.security.require_encryption


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_nobody_else_can_read_it(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        with private_folder(tmp_path / "private") as folder:
            write_private(folder / "key", "secret")
            assert folder.stat().st_mode & 0o777 == 0o700
            assert (folder / "key").stat().st_mode & 0o777 == 0o600
            assert read_private(folder / "key") == "secret"
    finally:
        os.umask(before)


def test_a_file_that_others_can_read_is_refused(contact: Contact, tmp_path: Path) -> None:
    publish(tmp_path / "contact.json", contact)
    (tmp_path / "contact.json").chmod(0o640)
    with pytest.raises(StmgpuError, match="permissions 640; a certificate must belong to user"):
        await_contact(tmp_path / "contact.json")


def test_links_are_not_followed(tmp_path: Path) -> None:
    write_private(tmp_path / "key", "secret")
    (tmp_path / "link").symlink_to(tmp_path / "key")
    with pytest.raises(OSError, match="symbolic link"):
        read_private(tmp_path / "link")
    (tmp_path / "folder").mkdir()
    (tmp_path / "elsewhere").symlink_to(tmp_path / "folder")
    with pytest.raises(StmgpuError, match="is not a folder of ours"), private_folder(tmp_path / "elsewhere"):
        pass
    assert (tmp_path / "folder").is_dir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder to another user")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir()
    os.chown(tmp_path / "private", 65534, 65534)
    with pytest.raises(StmgpuError, match="is not a folder of ours"), private_folder(tmp_path / "private"):
        pass


def test_what_a_killed_scheduler_left_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "private").mkdir(mode=0o700)
    write_private(tmp_path / "private" / "contact.json", "old")
    with private_folder(tmp_path / "private") as folder:
        assert not list(folder.iterdir())


def test_a_scheduler_that_never_starts_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StmgpuError, match=r"no scheduler wrote .*contact.json within 0.05 s; see the log of rank 0"):
        await_contact(tmp_path / "contact.json", patience_s=0.05)


def test_a_clock_that_is_behind_waits(contact: Contact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A certificate is not valid before the second in which it was made."""
    publish(tmp_path / "contact.json", contact)
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() - 3600)
    with pytest.raises(StmgpuError, match="the clock of this machine is behind"):
        await_contact(tmp_path / "contact.json", patience_s=0.05)
