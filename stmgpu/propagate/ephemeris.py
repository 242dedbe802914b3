"""``stmgpu.propagate``: the ephemerides of a catalogue as an xarray Dataset in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from stmgpu.backend import BackendName, get_backend
from stmgpu.choices import MAX_AGE_DAYS
from stmgpu.errors import CapacityError, InputError, counted
from stmgpu.propagate.element_ages import age_limit, ages_text, warn
from stmgpu.propagate.grids import grid_on_host
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.propagate.settings import EphemerisSettings, operation_mode
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.propagate.variables import AXES, TITLE, VARIABLES, sets_attributes
from stmgpu.time import format_utc, to_datetime64
from stmgpu.variables import CONVENTIONS
from stmgpu.window import Window

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.catalog import Catalog
    from stmgpu.choices import ElementSets

MAX_BYTES = 8 << 30
"""Largest ephemeris that is built in memory; longer ones are written block by block by ``stmgpu propagate``."""


def propagate(
    catalog: Catalog,
    start: object,
    *,
    hours: float | None = None,
    days: float | None = None,
    step_s: float = 60.0,
    mode: str = "i",
    sets: ElementSets | None = None,
    max_age_days: float = MAX_AGE_DAYS,
    backend: BackendName = "auto",
    threads: int | None = None,
) -> xr.Dataset:
    """Positions and velocities of all objects at evenly spaced times.

    Parameters
    ----------
    catalog : Catalog
        Objects to propagate.
    start : Epoch, str or datetime64
        First time, UTC.
    hours, days : float, optional
        Length of the window, one of the two (default 24 hours); its end is included where a step falls on it.
    step_s : float
        Time step [s].
    mode : str
        Operation mode of SGP4, 'i' (improved) or 'a' (AFSPC).
    sets : {'nearest', 'newest'}, optional
        Element set of an object of which the source holds several, see :func:`stmgpu.screen`.
    max_age_days : float
        Median age of the elements beyond which `stmgpu.StaleElementsWarning` is given [d]; inf for no such warning.
    backend : str
        'auto', 'cpu', 'cuda' or 'reference'.
    threads : int, optional
        Threads of the cpu backend; default all cores.

    Returns
    -------
    xr.Dataset
        ``position`` [km] and ``velocity`` [km/s] (object, time, axis) in TEME, float64, and ``error_code``
        (object, time): 0 where the state is good, else see ``flag_meanings``. Codes 1 to 4 give NaN.

    Raises
    ------
    InputError
        If the catalogue is empty, or the window, step or mode is impossible.
    CapacityError
        If the ephemeris would take more than 8 GiB; write it to a store instead.

    Examples
    --------
    >>> import stmgpu as stm
    >>> eph = stm.propagate(stm.synthetic_catalog(n=3, seed=1), start="2025-01-01", hours=1, step_s=600)
    >>> dict(eph.position.sizes)
    {'object': 3, 'time': 7, 'axis': 3}
    """
    settings = EphemerisSettings(Window.of(start, hours, days), step_s, operation_mode(mode))
    if len(catalog) == 0:
        raise InputError("the catalogue is empty; nothing to propagate")
    catalog = ScreeningObjects(catalog).for_window(settings.window, sets).catalog
    count, limit = settings.count, age_limit(max_age_days)
    if len(catalog) * count * 100 > MAX_BYTES:
        size = len(catalog) * count * 49 / 2**30
        raise CapacityError(
            f"{counted(len(catalog), 'object')} at {counted(count, 'time')} need {size:.1f} GiB; "
            "shorten the window or write a store with `stmgpu propagate`"
        )
    warn(ages_text(catalog, settings.window, limit), stacklevel=2)
    epoch, times_s = settings.start, settings.times_s
    runner = get_backend(backend, threads)
    propagator = SGP4Propagator(catalog, runner, settings.window.parts, (0.0, float(times_s[-1])), settings.mode)
    states, code = (a[..., : propagator.n] for a in grid_on_host(propagator, runner, times_s))
    back = np.argsort(propagator.order)
    states, code = states[..., back], code[..., back]
    values: dict[str, ArrayLike] = {
        "object": catalog.norad_id,
        "time": to_datetime64(epoch.jd, epoch.fr, times_s),
        "axis": AXES,
        "position": states[:, :3].transpose(2, 0, 1),
        "velocity": states[:, 3:].transpose(2, 0, 1),
        "name": catalog.name,
        "error_code": code.T,
    }
    return xr.Dataset(
        {name: spec.of(values[name]) for name, spec in VARIABLES.items()},
        attrs={
            "Conventions": CONVENTIONS,
            "title": TITLE,
            "frame": "TEME",
            "time_system": "UTC",
            "start": format_utc(epoch),
            "step_s": settings.step_s,
            "catalog_source": catalog.source,
            "catalog_sha256": catalog.sha256,
            "catalog_digest": catalog.digest(),
            **sets_attributes(catalog),
            "backend": runner.name,
            "device": runner.device,
        },
    )
