"""Work in parts that the memory of a device holds."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from stmgpu.errors import DeviceMemoryError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stmgpu.backend import Backend

T = TypeVar("T")
_LOG = logging.getLogger(__name__)


def in_parts(
    backend: Backend, count: int, at_once: int, work: Callable[[slice], T], *, least: int = 1
) -> Iterator[tuple[slice, T]]:
    """Work on consecutive parts of a range, and on smaller ones from where the memory of the device was full.

    Parameters
    ----------
    backend : Backend
        Backend to work on.
    count : int
        Length of the range.
    at_once : int
        Planned length of a part.
    work : callable
        Gets a part as a slice; must have no effect when it fails.
    least : int
        Length of a part below which the device is too small.

    Yields
    ------
    tuple of slice and object
        Each part, and what `work` returned for it.

    Raises
    ------
    DeviceMemoryError
        If the memory is full with the shortest part, too.

    Examples
    --------
    >>> from stmgpu.backend import get_backend
    >>> [total for _, total in in_parts(get_backend("reference"), 5, 2, lambda part: sum(range(5)[part]))]
    [1, 5, 4]
    """
    begin = 0
    while begin < count:
        part = slice(begin, min(begin + max(at_once, least), count))
        try:
            with backend.on_device():
                result = work(part)
        except DeviceMemoryError as error:
            if part.stop - begin <= least:
                raise
            at_once = max(least, (part.stop - begin) // 2)
            _LOG.info("%s; going on with parts of %d instead of %d", error, at_once, part.stop - begin)
        else:
            yield part, result
            del result  # not needed while the next part is worked on
            begin = part.stop
            continue
        backend.release()  # outside the clause: the error keeps the arrays of the part that failed
