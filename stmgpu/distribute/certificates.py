"""Certificates that live as long as one cluster, and the private folder through which its processes share one.

A certificate signs itself and serves all roles. Both sides of a connection have to present it, so only processes that
hold its key can connect.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.x509 import load_pem_x509_certificate
from distributed.security import Security

from stmgpu.errors import StmgpuError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE_S = 300.0
"""Longest wait for the scheduler of a job step [s]."""

_WAIT_S = 0.1


@dataclass(frozen=True)
class Contact:
    """Address of a scheduler and the certificate that it asks for.

    Parameters
    ----------
    address : str
        Address of the scheduler, ``tls://host:port``.
    certificate, key : str
        Certificate and private key in PEM form.
    """

    address: str
    certificate: str
    key: str

    @classmethod
    def of(cls, address: str, security: Security) -> Contact:
        """Contact of a scheduler with a temporary certificate."""
        role = security.get_tls_config_for_role("scheduler")
        return cls(address, role["cert"], role["key"])

    @property
    def security(self) -> Security:
        """TLS settings of a process that holds the certificate."""
        return _security(self.certificate, self.key)


def _security(certificate: str, key: str) -> Security:
    roles = ("client", "scheduler", "worker")
    return Security(
        require_encryption=True,
        tls_ca_file=certificate,
        **{f"tls_{role}_cert": certificate for role in roles},
        **{f"tls_{role}_key": key for role in roles},
    )


@contextmanager
def private_folder(path: Path) -> Iterator[Path]:
    """Create a folder that only its owner can enter, and remove it at the end.

    Parameters
    ----------
    path : Path
        The folder. One of ours that a killed process left is replaced.

    Raises
    ------
    StmgpuError
        If something is there that belongs to another user, or is no folder.
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        if path.is_symlink() or not path.is_dir() or path.stat().st_uid != os.geteuid():
            raise StmgpuError(f"{path} is not a folder of ours; choose another folder") from None
        shutil.rmtree(path)
        path.mkdir(mode=0o700)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read; it appears complete.

    Parameters
    ----------
    path : Path
        The file.
    text : str
        Its content.
    """
    partial = path.with_name(f"{path.name}.partial")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    partial.rename(path)


def read_private(path: Path) -> str:
    """Content of a file that only its owner can read.

    Raises
    ------
    StmgpuError
        If it belongs to another user, or others may read or write it.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), encoding="utf-8") as file:
        status = os.fstat(file.fileno())
        if status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise StmgpuError(
                f"{path} belongs to user {status.st_uid} with permissions {status.st_mode & 0o777:o}; "
                f"a certificate must belong to user {os.geteuid()} with permissions 600"
            )
        return file.read()


def publish(path: Path, contact: Contact) -> None:
    """Write the contact of a scheduler for the other processes of its owner."""
    write_private(path, json.dumps(vars(contact)))


def await_contact(path: Path, *, patience_s: float = PATIENCE_S) -> Contact:
    """Wait for the contact of a scheduler.

    Parameters
    ----------
    path : Path
        File written by :func:`publish`.
    patience_s : float
        Longest wait [s].

    Raises
    ------
    StmgpuError
        If the file does not appear in time, can be read by others, or the clocks of the machines differ too much.
    """
    end = time.monotonic() + patience_s
    while not path.exists():
        if time.monotonic() > end:
            raise StmgpuError(f"no scheduler wrote {path} within {patience_s:g} s; see the log of rank 0")
        time.sleep(_WAIT_S)
    contact = Contact(**json.loads(read_private(path)))
    # a machine whose clock is behind would refuse a certificate of the future
    valid_from_s = load_pem_x509_certificate(contact.certificate.encode()).not_valid_before_utc.timestamp()
    while time.time() < valid_from_s:
        if time.monotonic() > end:
            raise StmgpuError("the clock of this machine is behind that of rank 0 by minutes; set the clocks")
        time.sleep(_WAIT_S)
    return contact
