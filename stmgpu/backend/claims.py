"""Claims: which of several GPUs each worker process of a machine uses.

Workers are numbered in as many ways as there are clusters, or not at all, and a worker that is restarted may come back
under another name. So nobody hands GPUs out: a worker takes the first GPU that no other one has taken, and keeps it for
as long as it lives. A claim is an abstract Unix socket, bound to a name with the identity of the GPU. The kernel lets
one process at a time have a name and frees it with the process, however that ends. Nobody listens on the socket.
"""

from __future__ import annotations

import os
import socket
import warnings
from typing import TYPE_CHECKING

from stmgpu.errors import BackendError

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST = 256  # workers on one GPU
_held: dict[tuple[str, ...], tuple[int, socket.socket]] = {}


def claim(gpus: Sequence[str]) -> int:
    """Take one of several GPUs for this process: the first of those that the fewest other workers have taken.

    Parameters
    ----------
    gpus : sequence of str
        Identity of each GPU that this process can use; the same GPU has the same one in all processes of the machine.

    Returns
    -------
    int
        Its number among them; the same one in every call of a process.

    Raises
    ------
    BackendError
        More workers than a GPU can have.

    Examples
    --------
    >>> claim(["only one"]) == claim(["only one"]) == 0
    True
    """
    key = tuple(gpus)
    if key in _held:
        return _held[key][0]
    for others in range(_MOST):
        for number, gpu in enumerate(gpus):
            if (taken := _take(f"{gpu}/{others}")) is None:
                continue
            _held[key] = number, taken
            if others:
                warnings.warn(  # unlike a record of the log, it is seen in the output of a worker
                    f"GPU {number} is shared by {others + 1} workers, which compete for its time and memory; use no "
                    "more workers than GPUs",
                    stacklevel=2,
                )
            return number
    raise BackendError(f"each of the {len(gpus)} GPUs of this machine has {_MOST} workers; use fewer")


def _take(name: str) -> socket.socket | None:
    """A socket bound to a name, None if another process has it."""
    mine = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        mine.bind(f"\0stmgpu/{os.getuid()}/{name}")
    except OSError:
        mine.close()
        return None
    return mine
