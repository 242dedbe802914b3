"""``cupy.cuda.stream``: events, without times."""

from __future__ import annotations

import math

from .._state import CUDARuntimeError, check_device, current, wait

__all__ = ["Event", "get_elapsed_time"]


class Event:
    """A point in the work of the device that was current when it was made.

    Parameters
    ----------
    block, disable_timing, interprocess : bool
    """

    def __init__(self, block: bool = False, disable_timing: bool = False, interprocess: bool = False) -> None:
        if interprocess:
            raise NotImplementedError("events of the virtual device belong to one process")
        self._device, self._recorded, self._timed = current(), False, not disable_timing
        check_device(self._device)

    @property
    def done(self) -> bool:
        """Whether the device has come to this point; launches of the virtual device are done when they return."""
        check_device(self._device)
        return True

    def record(self, stream: None = None) -> None:
        """Note the point that the current stream has come to."""
        if stream is not None:
            raise NotImplementedError("the virtual device has one stream")
        check_device(current())
        if current() != self._device:
            raise CUDARuntimeError(400)
        self._recorded = True

    def synchronize(self) -> None:
        """Wait until the device has come to this point."""
        wait()


def get_elapsed_time(start_event: Event, end_event: Event) -> float:
    """Milliseconds between two events: NaN, since nothing is measured here."""
    for event in (start_event, end_event):
        if not (event._recorded and event._timed):
            raise CUDARuntimeError(400)
    return math.nan
