"""Choice of one element set for each object whose source holds several."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, cast, get_args

import numpy as np

from stmgpu.choices import ElementSets
from stmgpu.errors import InputError
from stmgpu.time import as_epoch, format_utc, seconds_since

if TYPE_CHECKING:
    from stmgpu.catalog.catalog import Catalog
    from stmgpu.typing import Floats, Ints


def element_sets(sets: object) -> ElementSets:
    """The rule of that name; `InputError` for any other value.

    Examples
    --------
    >>> element_sets("nearest")
    'nearest'
    """
    if sets not in get_args(ElementSets):
        raise InputError(f"sets {sets!r} is unknown; choose 'nearest' or 'newest'")
    return cast("ElementSets", sets)


def choose(catalog: Catalog, sets: ElementSets, near: object = None) -> Catalog:
    """The same objects, each with one of its element sets; see `Catalog.with_sets`."""
    rule = element_sets(sets)
    if rule == "nearest" and near is None:
        raise InputError("the sets nearest to an instant are wanted, but none is given; use near, such as '2025-01-01'")
    instant = None if rule == "newest" else as_epoch(near)
    told = rule if instant is None else f"{rule} to {format_utc(instant)}"
    every = catalog.all_sets
    if every is None:
        return dataclasses.replace(catalog, sets=told)
    distance_s = (
        np.zeros(len(every)) if instant is None else np.abs(seconds_since(every.epoch_jd, every.epoch_fr, instant))
    )
    best = best_of_each(every.norad_id, every.epoch_jd, every.epoch_fr, distance_s)
    objects = np.flatnonzero(np.isin(catalog.norad_id, every.norad_id))
    chosen = best[np.searchsorted(every.norad_id[best], catalog.norad_id[objects])]
    columns = {}
    for name in catalog.column_names():
        old, new = getattr(catalog, name), getattr(every, name)[chosen]
        columns[name] = old.astype(np.result_type(old, new))  # the longer of two kinds of text
        columns[name][objects] = new
    return dataclasses.replace(catalog, **columns, sets=told)


def best_of_each(norad_id: Ints, epoch_jd: Floats, epoch_fr: Floats, distance_s: Floats) -> Ints:
    """Index of the set of each object with the least distance; of those the newest, of equally new ones the last.

    Parameters
    ----------
    norad_id : ndarray of int64, shape (n,)
        Objects of the sets, in the order of the source.
    epoch_jd, epoch_fr : ndarray of float64, shape (n,)
        Their epochs in two parts, UTC [d].
    distance_s : ndarray of float64, shape (n,)
        Distance from the instant that matters [s]; zeros to take the newest.

    Returns
    -------
    ndarray of int64, shape (objects,)
        Indices, by rising id.

    Examples
    --------
    >>> best_of_each(np.array([5, 3, 5]), np.array([0.5, 0.5, 1.5]), np.zeros(3), np.zeros(3)).tolist()
    [1, 2]
    """
    order = np.lexsort((np.arange(len(norad_id)), epoch_fr, epoch_jd, -distance_s, norad_id))
    return np.asarray(order[np.append(norad_id[order][1:] != norad_id[order][:-1], True)])
