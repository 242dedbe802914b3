"""Ports on which processes wait for connections, and what they say to somebody who does not speak TLS."""

from __future__ import annotations

import contextlib
import socket

import psutil


def listening(*processes: int) -> set[tuple[str, int]]:
    """Address and port of every socket on which processes wait for connections."""
    found = set()
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            found |= {
                (connection.laddr.ip, connection.laddr.port)
                for connection in psutil.Process(process).net_connections("tcp")
                if connection.status == psutil.CONN_LISTEN
            }
    return found


def with_children(process: int) -> list[int]:
    """A process and all below it."""
    return [process, *(child.pid for child in psutil.Process(process).children(recursive=True))]


def answers_without_tls(port: int) -> bool:
    """Whether a port of this machine says more to a request of HTTP than that it wants TLS.

    An alert of TLS is a record of type 21 and of major version 3 (RFC 8446, section 5.1).
    """
    reply = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(1 << 12):
                reply += part
    return reply != b"" and reply[:2] != b"\x15\x03"
