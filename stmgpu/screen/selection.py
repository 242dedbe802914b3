"""Selections from a result: the closest conjunctions, those of some objects, and failed objects."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from stmgpu.constants import SLOW_PAIR_KM_S
from stmgpu.errors import InputError
from stmgpu.propagate.codes import CODES
from stmgpu.screen.variables import FAILED, FAILURES, ROW

if TYPE_CHECKING:
    import xarray as xr


def closest(conjunctions: xr.Dataset, count: int = 10) -> xr.Dataset:
    """Closest conjunctions of fast pairs.

    Pairs slower than 0.1 km/s (docked, in formation, co-orbital) are left out: their distances of metres, or zero, are
    no close approaches.

    Parameters
    ----------
    conjunctions : xr.Dataset
        Result of a screening, in memory or from a store.
    count : int
        How many conjunctions.

    Returns
    -------
    xr.Dataset
        At most `count` rows, sorted by miss distance.

    Raises
    ------
    InputError
        For a negative count.

    Examples
    --------
    >>> import stmgpu as stm
    >>> con = stm.screen(stm.synthetic_catalog(n=500, seed=1), hours=1, threshold_km=20)
    >>> stm.closest(con, 3).sizes["conjunction"]
    3
    """
    if count < 0:
        raise InputError(f"count must not be negative, got {count}")
    fast = np.flatnonzero(conjunctions.relative_speed.to_numpy() >= SLOW_PAIR_KM_S)
    order = np.argsort(conjunctions.miss_distance.to_numpy()[fast], kind="stable")
    return conjunctions.isel({ROW: fast[order[:count]]})


def involving(conjunctions: xr.Dataset, norad_id: npt.ArrayLike) -> xr.Dataset:
    """Conjunctions in which an object, or one of several, is the primary or the secondary.

    Parameters
    ----------
    conjunctions : xr.Dataset
        Result of a screening, in memory or from a store.
    norad_id : int or array_like of int
        One or more NORAD ids.

    Returns
    -------
    xr.Dataset
        The rows with any of them, in their order.

    Raises
    ------
    InputError
        If `norad_id` holds anything but whole numbers.

    Examples
    --------
    >>> import stmgpu as stm
    >>> con = stm.screen(stm.synthetic_catalog(n=500, seed=1), hours=1, threshold_km=20)
    >>> one = int(con.secondary[0])
    >>> stm.involving(con, one).sizes["conjunction"] >= 1
    True
    """
    ids = np.atleast_1d(np.asarray(norad_id))
    if ids.dtype.kind not in "iu" and ids.size:
        raise InputError(f"norad_id must be one or more whole numbers, got {norad_id!r}")
    rows = np.isin(conjunctions.primary.to_numpy(), ids) | np.isin(conjunctions.secondary.to_numpy(), ids)
    return conjunctions.isel({ROW: np.flatnonzero(rows)})


def failures(conjunctions: xr.Dataset) -> pd.DataFrame:
    """Objects that could not be propagated at some node of a screening.

    Such an object takes part wherever its states are good.

    Parameters
    ----------
    conjunctions : xr.Dataset
        Result of a screening, in memory or from a store.

    Returns
    -------
    pandas.DataFrame
        A row for each object, sorted by time: ``norad_id``, error ``code``, ``time`` of the first failing node (UTC)
        and ``meaning`` of the code.

    Raises
    ------
    InputError
        If the Dataset has lost the attributes that hold them.

    Examples
    --------
    >>> import stmgpu as stm
    >>> con = stm.screen(stm.synthetic_catalog(n=500, seed=1), hours=1)
    >>> list(stm.failures(con))
    ['norad_id', 'code', 'time', 'meaning']
    """
    missing = [f"{FAILED}{name}" for name in FAILURES if f"{FAILED}{name}" not in conjunctions.attrs]
    if missing:
        raise InputError(
            f"the Dataset has no attribute {missing[0]!r}; give the result of a screening with its attributes"
        )
    ids, codes, times = (np.atleast_1d(conjunctions.attrs[f"{FAILED}{name}"]) for name in FAILURES)
    return pd.DataFrame(
        {
            "norad_id": ids.astype(np.int64),
            "code": codes.astype(np.int8),
            "time": np.array([str(time).rstrip("Z") for time in times], "datetime64[ns]"),
            "meaning": np.array([CODES[int(code)] for code in codes], np.str_),
        }
    )
