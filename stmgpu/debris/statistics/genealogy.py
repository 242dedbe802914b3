"""Which breakup led to which: the event table as a family, and removal evaluated on stored runs without running them
again.

Every fragment knows the event that made it. So every event knows which events made the objects that took part in it (at
most two), and these theirs: a directed graph without loops, as causes come before effects.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from stmgpu.debris.variables import CATASTROPHIC, CRATERING, REMOVAL
from stmgpu.errors import InputError


def genealogy(ds: xr.Dataset) -> xr.Dataset:
    """Parents and generation of every event.

    Parameters
    ----------
    ds
        an ensemble; its event table is read into memory.

    Returns
    -------
    Dataset (event): ``first_parent`` and ``second_parent``, places in the event table of the events that made the two
    objects (-1: the object was no fragment); ``generation``, 1 for events among objects that no event made, else one
    more than the latest of the parents'; ``descendants``, number of events that would not have been what they were
    without this one.

    Raises
    ------
    InputError
        no event table (nothing is sampled with the estimators 'expected' and 'none'), or a cause that is not in it.
    """
    first, second = _parents(ds)
    n = len(first)
    generation = np.ones(n, np.int64)
    for _ in range(n + 1):
        older = np.maximum(np.where(first >= 0, generation[first], 0), np.where(second >= 0, generation[second], 0))
        if (older + 1 == generation).all():
            break
        generation = older + 1
    else:
        raise InputError("the event table is no family: some event is its own ancestor; the store is damaged")
    found = {
        "first_parent": ("event", first, {"long_name": "event that made the first object, -1 for none"}),
        "second_parent": ("event", second, {"long_name": "event that made the second object, -1 for none"}),
        "generation": ("event", generation, {"units": "1", "long_name": "generation of the event"}),
        "descendants": (
            "event",
            _count_descendants(first, second, generation),
            {"units": "1", "long_name": "number of events that follow from it"},
        ),
    }
    return xr.Dataset(found)


def _parents(ds: xr.Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Places of the events that made the first and the second object of every event; -1 for none."""
    if "event_id" not in ds:
        raise InputError("the ensemble has no event table; events are kept with collisions.estimator = 'sampled'")
    number = ds["event_id"].to_numpy()
    family = ds["event_scenario"].to_numpy().astype(np.int64) * ds.sizes["run"] + ds["event_run"].to_numpy()
    makers = np.flatnonzero(ds["event_type"].to_numpy() != REMOVAL)
    order = makers[np.lexsort((number[makers], family[makers]))]
    keys = np.empty(len(order), dtype=[("family", np.int64), ("number", np.int64)])
    keys["family"], keys["number"] = family[order], number[order]
    found = []
    for which in ("first", "second"):
        cause = ds[f"event_{which}_cause"].to_numpy()
        wanted = np.empty(len(cause), dtype=keys.dtype)
        wanted["family"], wanted["number"] = family, cause
        k = np.minimum(np.searchsorted(keys, wanted), max(len(order) - 1, 0))
        hit = (keys[k] == wanted) if len(order) else np.zeros(len(cause), np.bool_)
        lost = np.flatnonzero((cause != 0) & ~hit)
        if len(lost):
            raise InputError(
                f"event {number[lost[0]]} has the cause {cause[lost[0]]}, which is no event of its run; "
                "the event table is not complete"
            )
        found.append(np.where(cause != 0, order[k] if len(order) else -1, -1).astype(np.int64))
    return found[0], found[1]


def _count_descendants(
    first: NDArray[np.int64], second: NDArray[np.int64], generation: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Number of descendants of every event; each counts once, however many ways lead to it."""
    count = np.zeros(len(first), np.int64)
    above: dict[int, set[int]] = {}
    has_parent = np.flatnonzero((first >= 0) | (second >= 0))
    for k in has_parent[np.argsort(generation[has_parent], kind="stable")].tolist():
        mine: set[int] = set()
        for parent in (int(first[k]), int(second[k])):
            if parent >= 0:
                mine |= {parent} | above.get(parent, set())
        above[k] = mine
        count[list(mine)] += 1
    return count


def ancestors(ds: xr.Dataset, event: int) -> NDArray[np.int64]:
    """Places of all events that an event follows from, directly or not.

    Parameters
    ----------
    ds
        an ensemble, or what :func:`genealogy` made of it.
    event
        place in the event table.
    """
    first, second = _pair(ds)
    found: set[int] = set()
    waiting = [int(event)]
    while waiting:
        k = waiting.pop()
        for parent in (int(first[k]), int(second[k])):
            if parent >= 0 and parent not in found:
                found.add(parent)
                waiting.append(parent)
    return np.array(sorted(found), np.int64)


def descendants(ds: xr.Dataset, events: Any) -> NDArray[np.bool_]:
    """Which events follow from some of these, directly or not; the given ones are not counted among them unless one
    follows from another.

    Parameters
    ----------
    ds
        an ensemble, or what :func:`genealogy` made of it.
    events
        places in the event table, or a mask over it.

    Returns
    -------
    Mask over the event table.
    """
    first, second = _pair(ds)
    seeds = np.zeros(len(first), np.bool_)
    seeds[np.asarray(events)] = True
    return _below(first, second, seeds)


def _pair(ds: xr.Dataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if "first_parent" in ds:
        return ds["first_parent"].to_numpy(), ds["second_parent"].to_numpy()
    return _parents(ds)


def _below(first: NDArray[np.int64], second: NDArray[np.int64], seeds: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Events below the seeds; one sweep a generation."""
    found = np.zeros(len(seeds), np.bool_)
    while True:
        dropped = found | seeds
        more = ((first >= 0) & dropped[first]) | ((second >= 0) & dropped[second])
        if (more == found).all():
            return found
        found = more


def collisions_without(
    ds: xr.Dataset,
    removed: Iterable[int] | Mapping[int, float],
    by: str = "uid",
    types: tuple[int, ...] = (CATASTROPHIC,),
) -> xr.Dataset:
    """Collisions of stored runs if some objects had been removed, by pruning event trees: no run is repeated.

    Every event in which a removed object takes part after its removal is dropped, and with it all events that follow
    from its fragments.

    What it neglects: an object that a dropped collision had destroyed lives on and may collide later. With the random
    numbers of a run hanging on its objects, a repetition without the removed objects would hold the kept events and
    those of the survivors: so the collisions left are a **lower bound**, and those avoided an upper bound. How far off
    they may be is said by ``survivor_years``: times the collision rate of one such object it is the expected number of
    collisions missed. That removal policies would have chosen other objects is neglected too.

    Parameters
    ----------
    ds
        an ensemble with sampled collisions; its event table is read into memory.
    removed
        objects that are removed before the start; or a mapping from each to the decimal year of its removal.
    by
        'uid' or 'norad': what ``removed`` holds. Uids of the initial population are the rows of the population file
        (counted from 0); objects without a NORAD id cannot be chosen by it.
    types
        event types to count.

    Returns
    -------
    Dataset (scenario, run): ``collisions`` (as stored), ``collisions_left``, ``avoided`` (their difference),
    ``avoided_first`` (those in which a removed object itself takes part; the rest follows from them),
    ``fragments_avoided`` (fragments of all dropped events), ``survivor_years``.

    Raises
    ------
    InputError
        no event table, an unknown ``by``, NORAD id 0.

    Notes
    -----
    Evaluating removal by post-processing stored runs is what MEDEE does (CNES; 6th European Conference on Space Debris,
    paper 166, 2013).
    """
    if by not in ("uid", "norad"):
        raise InputError(f"by = {by!r} is unknown; choose 'uid' or 'norad'")
    year = (
        {int(k): float(v) for k, v in removed.items()}
        if isinstance(removed, Mapping)
        else {int(k): -np.inf for k in removed}
    )
    if by == "norad" and 0 in year:
        raise InputError("NORAD id 0 stands for objects without one; leave it out of the removed objects")
    first, second = _parents(ds)
    keys = np.array(sorted(year), np.int64)
    since = np.array([year[int(k)] for k in keys])
    suffix = "" if by == "uid" else "_norad"
    when, kind = ds["event_time"].to_numpy(), ds["event_type"].to_numpy()
    hits = [_since(ds[f"event_{who}{suffix}"].to_numpy(), keys, since, when) for who in ("first", "second")]
    hit = (hits[0] | hits[1]) & (kind != REMOVAL)
    below = _below(first, second, hit)
    dropped = hit | below
    counted = np.isin(kind, types)
    groups = (ds["event_scenario"].to_numpy(), ds["event_run"].to_numpy())
    shape = (ds.sizes["scenario"], ds.sizes["run"])

    def tally(amount: NDArray[Any]) -> NDArray[np.float64]:
        sums = np.zeros(shape)
        np.add.at(sums, groups, amount.astype(np.float64))
        return sums

    end = np.broadcast_to(_ends(ds), shape)[groups]
    survivors = np.zeros(len(when))
    for who, gone, parent in (("first", hits[0], first), ("second", hits[1], second)):
        # destroyed as stored, and still there without the removed objects: not one of them, and no fragment of a
        # dropped event
        made = (parent >= 0) & dropped[parent]
        victim = (kind == CATASTROPHIC) | ((kind == CRATERING) & (who == "second"))
        survivors += dropped & victim & ~gone & ~made
    values = {
        "collisions": tally(counted),
        "collisions_left": tally(counted & ~dropped),
        "avoided": tally(counted & dropped),
        "avoided_first": tally(counted & hit),
        "fragments_avoided": tally(np.where(dropped, ds["event_fragments"].to_numpy(), 0.0)),
        "survivor_years": tally(survivors * np.maximum(end - when, 0.0)),
    }
    names = {
        "collisions": "collisions as stored",
        "collisions_left": "collisions without the removed objects, at least",
        "avoided": "collisions avoided, at most",
        "avoided_first": "collisions of the removed objects themselves",
        "fragments_avoided": "fragments not made, at most",
        "survivor_years": "years from dropped collisions to the end, summed over the objects they destroyed",
    }
    coords = {dim: ds[dim] for dim in ("scenario", "run") if dim in ds.coords}
    there = ds["population"].isel(time=0, drop=True).notnull().any("class").to_numpy()  # others are not finished yet
    return xr.Dataset(
        {
            name: (
                ("scenario", "run"),
                np.where(there, value, np.nan),
                {"units": "a" if name == "survivor_years" else "1", "long_name": names[name]},
            )
            for name, value in values.items()
        },
        coords=coords,
        attrs={"removed": len(keys), "by": by, "note": "lower bound of collisions left; see collisions_without"},
    )


def _since(
    who: NDArray[np.int64], keys: NDArray[np.int64], since: NDArray[np.float64], when: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Whether an object of ``keys`` takes part after its removal."""
    if not len(keys):
        return np.zeros(len(who), np.bool_)
    k = np.minimum(np.searchsorted(keys, who), len(keys) - 1)
    return (keys[k] == who) & (when >= since[k])


def _ends(ds: xr.Dataset) -> NDArray[np.float64]:
    """When each run ends (scenario, run)."""
    last = float(ds["time"].to_numpy()[-1])
    cut = ds["truncated_year"].to_numpy()
    return np.where(np.isnan(cut), last, cut)
