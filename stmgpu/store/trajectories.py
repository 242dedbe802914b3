"""Trajectories out of an ephemeris store, for screening."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.catalog.trajectories.trajectories import Trajectories
from stmgpu.errors import CapacityError, InputError
from stmgpu.store.reading import open_dataset
from stmgpu.time import as_epoch, to_datetime64

if TYPE_CHECKING:
    import os

MAX_BYTES = 4 << 30
"""Largest part of an ephemeris that is screened at once [bytes of states]."""

_MARGIN = 16
"""Samples beside the window that are read too: as many as an interpolation takes."""


def read_ephemeris(path: str | os.PathLike[str], start: Any = None, duration_s: float | None = None) -> Trajectories:
    """The states of an ephemeris store around a window, as trajectories to screen.

    Parameters
    ----------
    path
        folder of a complete store of kind 'ephemeris'.
    start, duration_s
        window, UTC and [s]; default all of it.

    Raises
    ------
    InputError
        the store has no times in the window.
    CapacityError
        more than 4 GiB of states; take a shorter window.
    StoreError
        no complete ephemeris store.
    """
    ds = open_dataset(path, "ephemeris")
    times = ds.time.to_numpy()
    first, last = 0, len(times)
    if start is not None and duration_s is not None:
        epoch = as_epoch(start)
        begin, end = to_datetime64(epoch.jd, epoch.fr, np.array([0.0, duration_s]))
        first, last = np.searchsorted(times, begin, side="right") - 1, np.searchsorted(times, end) + 1
        if last <= 1 or first >= len(times) - 1:
            raise InputError(f"the ephemeris {path} has no states in the window: it holds {times[0]} to {times[-1]}")
        first, last = max(int(first) - _MARGIN, 0), min(int(last) + _MARGIN, len(times))
    size = (last - first) * ds.sizes["object"] * 48
    if size > MAX_BYTES:
        raise CapacityError(
            f"the window takes {size / 2**30:.1f} GiB of states of {path}; at most "
            f"{MAX_BYTES / 2**30:.0f} GiB can be screened at once: shorten the window"
        )
    return Trajectories.from_dataset(ds.isel(time=slice(first, last)).load())
