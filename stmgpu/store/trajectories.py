"""Trajectories from an ephemeris store, for screening."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.trajectories.trajectories import Trajectories
from stmgpu.errors import CapacityError, InputError
from stmgpu.store.reading import open_dataset
from stmgpu.store.writing import reading
from stmgpu.time import as_epoch, to_datetime64

if TYPE_CHECKING:
    import os

MAX_BYTES = 4 << 30
"""Largest part of an ephemeris that is screened at once [bytes of states]."""

_MARGIN = 16
"""Samples on either side of the window that are read too, as interpolation needs."""


def read_ephemeris(path: str | os.PathLike[str], start: object = None, duration_s: float | None = None) -> Trajectories:
    """The states of an ephemeris store around a window, as trajectories to screen.

    Parameters
    ----------
    path : path-like
        Folder of a complete store of kind 'ephemeris'.
    start : Epoch, str or datetime64, optional
        Start of the window, UTC; default the whole ephemeris.
    duration_s : float, optional
        Length of the window [s].

    Returns
    -------
    Trajectories
        States in the window and 16 samples on either side, which interpolation needs.

    Raises
    ------
    InputError
        If the store has no times in the window.
    CapacityError
        If there are more than 4 GiB of states; choose a shorter window.
    StoreError
        If there is no complete ephemeris store, or it is damaged.
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
    with reading(Path(path)):  # numbers are read, and their checksums compared, here
        states = ds.isel(time=slice(first, last)).load()
    return Trajectories.from_dataset(states)
