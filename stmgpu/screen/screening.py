"""``stmgpu.screen``: the library call behind the command line."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from stmgpu.backend import get_backend
from stmgpu.catalog import Catalog
from stmgpu.catalog.trajectories.trajectories import Trajectories
from stmgpu.errors import InputError
from stmgpu.propagate.screening_objects import Objects
from stmgpu.screen.conjunctions import build_dataset
from stmgpu.screen.engine import run
from stmgpu.screen.plan import Plan, make_plan
from stmgpu.time import Epoch, as_epoch


def screen(
    catalog: Catalog | None,
    start: Any = None,
    hours: float | None = None,
    days: float | None = None,
    threshold_km: float = 5.0,
    backend: str = "auto",
    threads: int | None = None,
    step_s: float | None = None,
    mode: str = "i",
    progress: Callable[[float], None] | None = None,
    ephemeris: Trajectories | None = None,
) -> xr.Dataset:
    """Find every conjunction of every object with every other.

    Parameters
    ----------
    catalog
        objects to screen.
    start
        start of the window, UTC: ISO text, ``datetime64`` or :class:`stmgpu.time.Epoch`; default the catalogue's
        median epoch rounded up to the hour.
    hours, days
        length of the window, one of the two (default 24 hours; a minute to 30 days).
    threshold_km
        report local minima of distance below this, 0.1 to 200 km.
    backend
        'auto', 'cpu', 'cuda' or 'reference'.
    threads
        threads of the cpu backend, default all cores.
    step_s
        interval of the broad phase instead of the planner's choice; the events do not depend on it.
    mode
        SGP4 operation mode, 'i' (improved, default) or 'a' (AFSPC).
    progress
        called with the fraction done.
    ephemeris
        trajectories to screen against the catalogue and against each other, such as :func:`stmgpu.read_oem` gives.
        Each stands for its object, whose elements in the catalogue are left out; pairs of two objects with elements
        are not reported then. ``catalog`` may be None.

    Returns
    -------
    xr.Dataset with dimension ``conjunction``, sorted by (tca, primary, secondary), see
    :func:`stmgpu.screen.conjunctions.build_dataset`. Every local minimum below the threshold inside the window appears
    once; minima at the window's two ends are flagged.

    Raises
    ------
    InputError
        impossible window, threshold, step or mode, or an empty catalogue.
    BackendError
        the backend cannot run here.

    Examples
    --------
    >>> import stmgpu as stm
    >>> cat = stm.synthetic_catalog(n=500, seed=1)
    >>> con = stm.screen(cat, hours=1, threshold_km=10)
    >>> list(con.miss_distance.dims)
    ['conjunction']
    """
    objects = population(catalog, ephemeris)
    plan = plan_of(objects, start, hours, days, threshold_km, step_s, mode)
    runner = get_backend(backend, threads)
    result = run(objects, plan, runner, mode, progress)
    found = build_dataset(result.part, result.followed, objects, plan)
    found.attrs |= {
        "backend": runner.name,
        "device": runner.device,
        "seconds": json.dumps({k: round(v, 4) for k, v in result.part.seconds.items()}),
    }
    return found


def population(catalog: Catalog | None, ephemeris: Trajectories | None) -> Catalog | Objects:
    """What is screened: a catalogue, trajectories, or both; :class:`InputError` for what is neither."""
    if catalog is not None and not isinstance(catalog, Catalog):
        raise InputError(f"screen takes a Catalog, got {type(catalog).__name__}; read a file with stmgpu.read_catalog")
    if ephemeris is None:
        if catalog is None:
            raise InputError("there is nothing to screen; give a catalogue, or an ephemeris")
        return catalog
    if not isinstance(ephemeris, Trajectories):
        raise InputError(
            f"an ephemeris must be Trajectories, got {type(ephemeris).__name__}; read a file with stmgpu.read_oem"
        )
    return Objects.of(Catalog.empty() if catalog is None else catalog, ephemeris)


def plan_of(
    catalog: Catalog | Objects,
    start: Any,
    hours: float | None,
    days: float | None,
    threshold_km: float,
    step_s: float | None = None,
    mode: str = "i",
) -> Plan:
    """The plan that a screening with these arguments follows; they are those of :func:`screen`, checked here."""
    if hours is not None and days is not None:
        raise InputError("give the window in hours or in days, not both")
    window_h = 24.0 * _number("days", days) if days is not None else _number("hours", 24.0 if hours is None else hours)
    if not math.isfinite(window_h) or window_h <= 0.0:
        raise InputError(f"a window of {window_h} hours is impossible; give a positive number")
    if mode not in ("i", "a"):
        raise InputError(f"SGP4 mode {mode!r} is unknown; choose 'i' (improved) or 'a' (AFSPC)")
    if len(catalog) == 0:
        raise InputError("the catalogue is empty; nothing to screen")
    when = default_start(catalog) if start is None else as_epoch(start)
    return make_plan(
        (when.jd, when.fr),
        window_h * 3600.0,
        _number("threshold_km", threshold_km),
        len(catalog),
        None if step_s is None else _number("step_s", step_s),
    )


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise InputError(f"{name} must be a number, got {value!r}")
    return float(value)


def default_start(catalog: Catalog | Objects) -> Epoch:
    """The catalogue's median epoch rounded up to the hour; the beginning of the trajectories where there are some."""
    if isinstance(catalog, Objects):
        first = int(catalog.trajectories.usable_start_ns.min())
        return as_epoch(np.datetime64(first, "ns"))
    median = catalog.median_epoch()
    hour = math.ceil(np.round(median.fr * 24.0, 9))
    return Epoch.of(median.jd, hour / 24.0)
