"""What a figure is given: conjunctions, an ensemble, or something that it cannot draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from stmgpu.constants import SLOW_PAIR_KM_S
from stmgpu.debris.population.population import Population
from stmgpu.errors import InputError
from stmgpu.screen.variables import ROW

if TYPE_CHECKING:
    from stmgpu.typing import Bools, Times

_CURES = {
    "pc": "assess them first, with stmgpu.assess or `stmgpu assess`",
    "miss_major": "assess them first, with stmgpu.assess or `stmgpu assess`",
    "primary_epoch_age_days": "they come from trajectories or messages, which have no elements",
}
_CURE = "screen again with this version of stmgpu"


def kind_of(source: object) -> str:
    """Kind of a result: 'conjunctions', 'messages', 'ensemble', 'population', or '' for anything else.

    Examples
    --------
    >>> import stmgpu as stm
    >>> kind_of(stm.screen(stm.synthetic_catalog(10), hours=0.1))
    'conjunctions'
    """
    if isinstance(source, Population):
        return "population"
    if not isinstance(source, xr.Dataset):
        return ""
    if ROW in source.dims and "miss_distance" in source.variables:
        return "messages" if "message_id" in source.variables else "conjunctions"
    return "ensemble" if {"scenario", "run", "time"} <= set(source.dims) else ""


def conjunctions_of(source: Any, *needed: str, figure: str) -> xr.Dataset:
    """The conjunctions that a figure draws.

    Parameters
    ----------
    source : xr.Dataset
        What the figure was given.
    *needed : str
        Variables that it cannot do without.
    figure : str
        Name of the figure, for messages.

    Raises
    ------
    InputError
        If these are no conjunctions, a variable is missing, or there are none to draw.
    """
    if kind_of(source) not in ("conjunctions", "messages"):
        raise InputError(f"{figure} draws conjunctions, not {named(source)}; pass the result of stmgpu.screen")
    for name in needed:
        if name not in source.variables:
            raise InputError(f"{figure} needs {name}, which these conjunctions lack; {_CURES.get(name, _CURE)}")
    if not source.sizes[ROW]:
        raise InputError(f"there are no conjunctions for {figure}; screen with a larger threshold or a longer window")
    conjunctions: xr.Dataset = source
    return conjunctions


def ensemble_of(source: Any, *needed: str, figure: str, records: int = 1) -> xr.Dataset:
    """The ensemble that a figure draws; arguments and errors as for :func:`conjunctions_of`.

    Parameters
    ----------
    records : int
        Records in time that the figure needs at least.
    """
    if kind_of(source) != "ensemble":
        raise InputError(f"{figure} draws a debris study, not {named(source)}; pass the result of stmgpu.evolve")
    for name in needed:
        if name not in source.variables:
            raise InputError(f"{figure} needs {name}, which this study lacks; evolve it with this version of stmgpu")
    if source.sizes["time"] < records:
        raise InputError(f"{figure} needs {records} records in time, and the study has {source.sizes['time']}")
    if not source["population"].isel(time=0).notnull().any():
        raise InputError(f"no run of this study is finished, so {figure} has nothing to draw; wait for the first run")
    ensemble: xr.Dataset = source
    return ensemble


def named(source: object) -> str:
    """A result in words, for messages."""
    words = {"messages": "assessed messages", "ensemble": "a debris study", "population": "a population"}
    kind = kind_of(source)
    if kind == "conjunctions":
        return "the conjunctions of a screening"
    if kind:
        return words[kind]
    return "this Dataset" if isinstance(source, xr.Dataset) else f"a {type(source).__name__}"


def fast(con: xr.Dataset) -> Bools:
    """Conjunctions of pairs faster than 0.1 km/s: slower ones stay together, and their distance is no approach."""
    quick: Bools = con["relative_speed"].to_numpy() >= SLOW_PAIR_KM_S
    return quick


def start_and_hours(con: xr.Dataset) -> tuple[np.datetime64, float]:
    """Start of the window and its length [h]; of conjunctions without a window, those of their times."""
    if "start" in con.attrs and "duration_s" in con.attrs:
        return np.datetime64(str(con.attrs["start"]).rstrip("Z"), "ns"), float(con.attrs["duration_s"]) / 3600.0
    tca: Times = con["tca"].to_numpy()
    start = tca.min().astype("datetime64[h]").astype("datetime64[ns]")
    return start, max(float((tca.max() - start) / np.timedelta64(1, "h")), 1.0)


def hours_after(con: xr.Dataset) -> np.ndarray[Any, np.dtype[np.float64]]:
    """TCA in hours after the start of the window."""
    hours: np.ndarray[Any, np.dtype[np.float64]] = (con["tca"].to_numpy() - start_and_hours(con)[0]) / np.timedelta64(
        1, "h"
    )
    return hours


def start_label(con: xr.Dataset) -> str:
    """Label of an axis with hours after the start."""
    start = np.datetime_as_string(start_and_hours(con)[0].astype("datetime64[m]"))
    return f"time after {start.replace('T', ' ')} UTC [h]"
