"""Screening in memory: ``stmgpu.screen``."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.backend import BackendName, get_backend
from stmgpu.catalog import Catalog
from stmgpu.catalog.ids import IdChoice
from stmgpu.catalog.trajectories.trajectories import Trajectories
from stmgpu.choices import MAX_AGE_DAYS
from stmgpu.errors import InputError
from stmgpu.progress import Progress, Report, reporting
from stmgpu.propagate.element_ages import age_limit, warn
from stmgpu.propagate.screening_objects import ScreeningObjects
from stmgpu.propagate.settings import operation_mode
from stmgpu.screen.conjunctions import build_dataset
from stmgpu.screen.engine import run
from stmgpu.screen.plan import make_plan
from stmgpu.screen.settings import ScreeningSettings
from stmgpu.screen.stale_events import stale_text
from stmgpu.time import Epoch, as_epoch
from stmgpu.window import Window, window_seconds

if TYPE_CHECKING:
    import numpy.typing as npt
    import xarray as xr

    from stmgpu.choices import ElementSets


def screen(
    catalog: Catalog | None,
    *,
    start: object = None,
    hours: float | None = None,
    days: float | None = None,
    threshold_km: float = 5.0,
    step_s: float | None = None,
    mode: str = "i",
    ephemeris: Trajectories | None = None,
    primaries: IdChoice | str | npt.ArrayLike | None = None,
    sets: ElementSets | None = None,
    max_age_days: float = MAX_AGE_DAYS,
    backend: BackendName = "auto",
    threads: int | None = None,
    progress: Progress = None,
) -> xr.Dataset:
    """Find every conjunction between any two objects.

    Parameters
    ----------
    catalog : Catalog or None
        Objects to screen; None to screen an ephemeris alone.
    start : Epoch, str or datetime64, optional
        Start of the window, UTC; default the catalogue's median epoch rounded up to the hour.
    hours, days : float, optional
        Length of the window, one of the two (default 24 hours; a minute to 30 days).
    threshold_km : float
        Report local minima of distance below this, 0.1 to 200 [km].
    step_s : float, optional
        Interval of the broad phase [s]; default the planner's choice. The events do not depend on it.
    mode : str
        Operation mode of SGP4: 'i' (improved) or 'a' (AFSPC).
    ephemeris : Trajectories, optional
        Trajectories to screen against the catalogue and against each other, as `stmgpu.read_oem` returns them. A
        trajectory replaces the elements of its object; pairs of two objects with elements are not reported then.
    primaries : int, array_like of int or str, optional
        NORAD ids, or a text such as "25544,40000-40010": screen only pairs with at least one of these objects. The rows
        are those of the whole screening, and the time falls with the share of the primaries. Default all objects, or
        those of the ephemeris.
    sets : {'nearest', 'newest'}, optional
        Element set of an object of which the source holds several: the one nearest to the middle of the window, or the
        newest. Default 'nearest', or what `Catalog.with_sets` chose before.
    max_age_days : float
        Age of element sets beyond which `stmgpu.StaleElementsWarning` counts the conjunctions that stand on them [d];
        inf for no such warning. It does not change the result.
    backend : str
        'auto', 'cpu', 'cuda' or 'reference'.
    threads : int, optional
        Threads of the cpu backend; default all cores.
    progress : callable or bool, optional
        Called with the fraction done; True shows a bar of ``tqdm``.

    Returns
    -------
    xr.Dataset
        Conjunctions along the dimension ``conjunction``, sorted by (tca, primary, secondary), see
        :func:`stmgpu.screen.conjunctions.build_dataset`. Every local minimum below the threshold inside the window
        appears once; minima at the window's two ends are flagged.

    Raises
    ------
    InputError
        If the window, threshold, step or mode is impossible, or there is nothing to screen.
    BackendError
        If the backend cannot run here.

    Examples
    --------
    >>> import stmgpu as stm
    >>> cat = stm.synthetic_catalog(n=500, seed=1)
    >>> con = stm.screen(cat, hours=1, threshold_km=10)
    >>> list(con.miss_distance.dims)
    ['conjunction']
    """
    objects = screening_objects(catalog, ephemeris)
    settings = screening_settings(
        objects,
        start=start,
        hours=hours,
        days=days,
        threshold_km=threshold_km,
        step_s=step_s,
        mode=mode,
        primaries=primaries,
    )
    objects = objects.for_window(settings.window, sets)
    limit = age_limit(max_age_days)
    with reporting(progress, "screening") as report:
        conjunctions = screen_objects(objects, settings, backend=backend, threads=threads, report=report)
    warn(stale_text(conjunctions, limit), stacklevel=2)
    return conjunctions


def screen_objects(
    objects: ScreeningObjects,
    settings: ScreeningSettings,
    *,
    backend: BackendName = "auto",
    threads: int | None = None,
    report: Report | None = None,
) -> xr.Dataset:
    """Screen objects in memory; see :func:`screen`.

    Parameters
    ----------
    objects : ScreeningObjects
        Objects to screen.
    settings : ScreeningSettings
        Window, threshold, step and mode.
    backend : str
        'auto', 'cpu', 'cuda' or 'reference'.
    threads : int, optional
        Threads of the cpu backend; default all cores.
    report : callable, optional
        Called with the fraction done.
    """
    plan, objects = make_plan(settings, len(objects)), objects.with_primaries(settings.primaries)
    runner = get_backend(backend, threads)
    with runner.on_device():
        result = run(objects, plan, runner, report)
        conjunctions = build_dataset(result.part, result.followed, objects, plan)
    conjunctions.attrs |= {
        "backend": runner.name,
        "device": runner.device,
        "seconds": json.dumps({k: round(v, 4) for k, v in result.part.seconds.items()}),
    }
    return conjunctions


def screening_objects(catalog: Catalog | None, ephemeris: Trajectories | None = None) -> ScreeningObjects:
    """Objects of a catalogue, of trajectories, or of both.

    Raises
    ------
    InputError
        If an argument has another type, or there is nothing to screen.
    """
    if catalog is not None and not isinstance(catalog, Catalog):
        raise InputError(f"screen takes a Catalog, got {type(catalog).__name__}; read a file with stmgpu.read_catalog")
    if ephemeris is None:
        if catalog is None:
            raise InputError("there is nothing to screen; give a catalogue, or an ephemeris")
        return ScreeningObjects(catalog)
    if not isinstance(ephemeris, Trajectories):
        raise InputError(
            f"an ephemeris must be Trajectories, got {type(ephemeris).__name__}; read a file with stmgpu.read_oem"
        )
    if len(ephemeris) == 0:
        raise InputError("the ephemeris is empty; give trajectories, or leave it out to screen the catalogue alone")
    return ScreeningObjects.of(Catalog.empty() if catalog is None else catalog, ephemeris)


def screening_settings(
    objects: ScreeningObjects,
    *,
    start: object = None,
    hours: float | None = None,
    days: float | None = None,
    threshold_km: float = 5.0,
    step_s: float | None = None,
    mode: str = "i",
    primaries: IdChoice | str | npt.ArrayLike | None = None,
) -> ScreeningSettings:
    """Settings of a screening from the arguments of :func:`screen`.

    Raises
    ------
    InputError
        If an argument is impossible, or there are no objects.
    """
    duration_s = window_seconds(hours, days)
    if len(objects) == 0:
        raise InputError("the catalogue is empty; nothing to screen")
    window = Window(default_start(objects) if start is None else as_epoch(start), duration_s)
    ids = None if primaries is None else tuple(IdChoice.of(primaries).among(objects.norad_id).tolist())
    return ScreeningSettings(window, threshold_km, step_s, operation_mode(mode), ids)


def default_start(objects: Catalog | ScreeningObjects) -> Epoch:
    """Default start of a window.

    Parameters
    ----------
    objects : Catalog or ScreeningObjects
        Objects to screen or to propagate.

    Returns
    -------
    Epoch
        First usable time of the trajectories, or else the catalogue's median epoch rounded up to the hour.
    """
    if isinstance(objects, ScreeningObjects):
        if objects.any_trajectory:
            return as_epoch(np.datetime64(int(objects.trajectories.usable_start_ns.min()), "ns"))
        objects = objects.catalog
    median = objects.median_epoch()
    hour = math.ceil(np.round(median.fr * 24.0, 9))
    return Epoch.of(median.jd, hour / 24.0)
