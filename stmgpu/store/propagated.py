"""Propagate a catalogue straight into a store, a block of times at a time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.errors import InputError
from stmgpu.propagate.sgp4 import Propagator
from stmgpu.store.ephemeris import EphemerisWriter
from stmgpu.time import as_epoch, format_utc, to_datetime64

MAX_TIMES = 10_000_000
"""Longest ephemeris of one store [times]: 115 days at one second."""


def propagate_to_store(catalog: Any, path: str | os.PathLike[str], start: Any, hours: float, step_s: float = 60.0,
                       backend: str = "auto", threads: int | None = None, overwrite: bool = False,
                       progress: Callable[[float], None] | None = None) -> Path:
    """Write the ephemeris of a whole catalogue; memory does not grow with the length of the window.

    Parameters
    ----------
    catalog
        a :class:`stmgpu.catalog.Catalog`.
    path
        folder of the store.
    start
        first time, UTC.
    hours
        length of the window; its end is included where a step falls on it.
    step_s
        step [s].
    backend, threads
        as for :func:`stmgpu.screen.screen`.
    overwrite
        replace a store of this package that is already there.
    progress
        called with the fraction done.

    Raises
    ------
    InputError
        an empty catalogue, or a window or step that is not positive.
    StoreError
        the store cannot be written.
    """
    if len(catalog) == 0:
        raise InputError("the catalogue is empty; nothing to propagate")
    if not (np.isfinite(hours) and hours > 0.0 and np.isfinite(step_s) and step_s > 0.0):
        raise InputError(f"a window of {hours} hours in steps of {step_s} s is impossible; give positive numbers")
    epoch = as_epoch(start)
    span_s = hours * 3600.0
    if span_s / step_s > MAX_TIMES:
        raise InputError(f"{hours:g} hours in steps of {step_s:g} s are {span_s / step_s:.3g} times; a store holds at "
                         f"most {MAX_TIMES:,}: shorten the window or lengthen the step")
    times_s = np.arange(int(span_s / step_s + 1e-9) + 1) * step_s
    runner = get_backend(backend, threads)
    attrs = {"start": format_utc(epoch), "step_s": step_s, "backend": runner.name, "device": runner.device,
             "catalog_source": catalog.source, "catalog_sha256": catalog.sha256, "catalog_digest": catalog.digest()}
    times = to_datetime64(epoch.jd, epoch.fr, times_s)
    with EphemerisWriter(path, catalog.norad_id, times, attrs, overwrite) as writer:
        propagator = Propagator(catalog, runner, (epoch.jd, epoch.fr), (0.0, span_s))
        place = np.argsort(propagator.order)  # internal index of each catalogue index
        for k0, k1 in writer.blocks():
            states, codes = (runner.get(a) for a in propagator.grid(times_s[k0:k1]))
            ordered = states[:, :, place].transpose(2, 0, 1)
            writer.write(k0, ordered[..., :3], ordered[..., 3:], codes[:, place].T)
            if progress is not None:
                progress(k1 / len(times_s))
    return Path(path)
