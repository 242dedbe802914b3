"""Genealogy of breakups, and removal evaluated on stored runs.

Every fragment has the event that made it as its cause. So every event has at most two parents, the events that made the
objects that took part in it, and events form a directed acyclic graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from stmgpu.debris.variables import CATASTROPHIC, CRATERING, MISSIONS
from stmgpu.errors import InputError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from stmgpu.typing import Bools, Floats, Ints


def genealogy(ds: xr.Dataset) -> xr.Dataset:
    """Compute parents, generation and number of descendants of every event.

    Parameters
    ----------
    ds : Dataset
        An ensemble; its event table is read into memory.

    Returns
    -------
    Dataset
        Over (event): ``first_parent`` and ``second_parent``, rows in the event table of the events that made the two
        objects (-1 if it was not a fragment); ``generation``, 1 for events among original objects, else one more than
        the largest of its parents; ``descendants``, number of events that follow from it.

    Raises
    ------
    InputError
        The ensemble has no event table (the estimators 'expected' and 'none' sample nothing), or a cause is not in it.
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
        raise InputError(
            "the event table has a cycle: an event is its own ancestor; recompute the study, its store is damaged"
        )
    columns = {
        "first_parent": ("event", first, {"long_name": "event that made the first object, -1 for none"}),
        "second_parent": ("event", second, {"long_name": "event that made the second object, -1 for none"}),
        "generation": ("event", generation, {"units": "1", "long_name": "generation of the event"}),
        "descendants": (
            "event",
            _count_descendants(first, second, generation),
            {"units": "1", "long_name": "number of events that follow from it"},
        ),
    }
    return xr.Dataset(columns)


def _parents(ds: xr.Dataset) -> tuple[Ints, Ints]:
    """Return the rows of the events that made the first and the second object of every event; -1 for none."""
    if "event_id" not in ds:
        raise InputError("the ensemble has no event table; use collisions.estimator = 'sampled'")
    number = ds["event_id"].to_numpy()
    family = ds["event_scenario"].to_numpy().astype(np.int64) * ds.sizes["run"] + ds["event_run"].to_numpy()
    makers = np.flatnonzero(~np.isin(ds["event_type"].to_numpy(), MISSIONS))
    order = makers[np.lexsort((number[makers], family[makers]))]
    keys = np.empty(len(order), dtype=[("family", np.int64), ("number", np.int64)])
    keys["family"], keys["number"] = family[order], number[order]
    parents = []
    for which in ("first", "second"):
        cause = ds[f"event_{which}_cause"].to_numpy()
        wanted = np.empty(len(cause), dtype=keys.dtype)
        wanted["family"], wanted["number"] = family, cause
        k = np.minimum(np.searchsorted(keys, wanted), max(len(order) - 1, 0))
        hit = (keys[k] == wanted) if len(order) else np.zeros(len(cause), np.bool_)
        missing = np.flatnonzero((cause != 0) & ~hit)
        if len(missing):
            raise InputError(
                f"event {number[missing[0]]} has the cause {cause[missing[0]]}, which is not an event of its run; "
                "the event table is incomplete, so recompute the study"
            )
        parents.append(np.where(cause != 0, order[k] if len(order) else -1, -1).astype(np.int64))
    return parents[0], parents[1]


def _count_descendants(first: Ints, second: Ints, generation: Ints) -> Ints:
    """Count the descendants of every event, each once even if several paths lead to it."""
    count = np.zeros(len(first), np.int64)
    above: dict[int, set[int]] = {}
    has_parent = np.flatnonzero((first >= 0) | (second >= 0))
    for k in has_parent[np.argsort(generation[has_parent], kind="stable")].tolist():
        ancestry: set[int] = set()
        for parent in (int(first[k]), int(second[k])):
            if parent >= 0:
                ancestry |= {parent} | above.get(parent, set())
        above[k] = ancestry
        count[list(ancestry)] += 1
    return count


def ancestors(ds: xr.Dataset, event: int) -> Ints:
    """List all events that an event follows from, directly or indirectly.

    Parameters
    ----------
    ds : Dataset
        An ensemble, or the result of :func:`genealogy`.
    event : int
        Row in the event table.

    Returns
    -------
    int64
        Rows in the event table, ascending.
    """
    first, second = _pair(ds)
    rows: set[int] = set()
    waiting = [int(event)]
    while waiting:
        k = waiting.pop()
        for parent in (int(first[k]), int(second[k])):
            if parent >= 0 and parent not in rows:
                rows.add(parent)
                waiting.append(parent)
    return np.array(sorted(rows), np.int64)


def descendants(ds: xr.Dataset, events: ArrayLike) -> Bools:
    """Find the events that follow from some events, directly or indirectly.

    The given events are included only if one follows from another.

    Parameters
    ----------
    ds : Dataset
        An ensemble, or the result of :func:`genealogy`.
    events : array_like
        Rows in the event table, or a mask over it.

    Returns
    -------
    bool
        Mask over the event table.
    """
    first, second = _pair(ds)
    seeds = np.zeros(len(first), np.bool_)
    seeds[np.asarray(events)] = True
    return _below(first, second, seeds)


def _pair(ds: xr.Dataset) -> tuple[Ints, Ints]:
    if "first_parent" in ds:
        return ds["first_parent"].to_numpy(), ds["second_parent"].to_numpy()
    return _parents(ds)


def _below(first: Ints, second: Ints, seeds: Bools) -> Bools:
    """Return the descendants of the seeds, by one sweep per generation."""
    below = np.zeros(len(seeds), np.bool_)
    while True:
        dropped = below | seeds
        more = ((first >= 0) & dropped[first]) | ((second >= 0) & dropped[second])
        if (more == below).all():
            return below
        below = more


def collisions_without(
    ds: xr.Dataset,
    removed: Iterable[int] | Mapping[int, float],
    *,
    by: str = "uid",
    types: tuple[int, ...] = (CATASTROPHIC,),
) -> xr.Dataset:
    """Count the collisions of stored runs without some objects, by pruning their event trees.

    Every event in which a removed object takes part after its removal is dropped, with all events that follow from its
    fragments.

    Objects that a dropped collision had destroyed survive and may collide later, which is neglected. Since random
    numbers are keyed by objects, a repeated run without the removed objects would have the kept events and those of the
    survivors: the collisions left are a **lower bound**, and those avoided an upper bound. ``survivor_years`` times the
    collision rate of such an object is the expected number of collisions missed. It is neglected, too, that removal
    policies would have chosen other objects.

    Parameters
    ----------
    ds : Dataset
        An ensemble with sampled collisions; its event table is read into memory.
    removed : iterable of int, or mapping of int to float
        Objects removed before the start, or the decimal year of the removal of each object.
    by : {'uid', 'norad'}
        Identifiers in ``removed``. Uids of the initial population are the rows of the population file, from 0.
    types : tuple of int
        Event types to count.

    Returns
    -------
    Dataset
        Over (scenario, run): ``collisions`` (as stored), ``collisions_left``, ``avoided`` (their difference),
        ``avoided_first`` (those in which a removed object takes part), ``fragments_avoided`` (of all dropped events),
        ``survivor_years``.

    Raises
    ------
    InputError
        The ensemble has no event table, ``by`` is unknown, or a NORAD id is 0.

    Notes
    -----
    MEDEE evaluates removal by post-processing stored runs, too (CNES; 6th European Conference on Space Debris,
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
        raise InputError("NORAD id 0 stands for objects without one; omit it from the removed objects")
    first, second = _parents(ds)
    keys = np.array(sorted(year), np.int64)
    since = np.array([year[int(k)] for k in keys])
    suffix = "" if by == "uid" else "_norad"
    when, kind = ds["event_time"].to_numpy(), ds["event_type"].to_numpy()
    hits = [_since(ds[f"event_{who}{suffix}"].to_numpy(), keys, since, when) for who in ("first", "second")]
    hit = (hits[0] | hits[1]) & ~np.isin(kind, MISSIONS)
    below = _below(first, second, hit)
    dropped = hit | below
    counted = np.isin(kind, types)
    groups = (ds["event_scenario"].to_numpy(), ds["event_run"].to_numpy())
    shape = (ds.sizes["scenario"], ds.sizes["run"])

    def tally(amount: Bools | Floats) -> Floats:
        sums = np.zeros(shape)
        np.add.at(sums, groups, amount.astype(np.float64))
        return sums

    end = np.broadcast_to(_ends(ds), shape)[groups]
    survivors = np.zeros(len(when))
    for who, is_removed, parent in (("first", hits[0], first), ("second", hits[1], second)):
        # survivors: destroyed in the stored run, neither removed nor a fragment of a dropped event
        is_dropped_fragment = (parent >= 0) & dropped[parent]
        victim = (kind == CATASTROPHIC) | ((kind == CRATERING) & (who == "second"))
        survivors += dropped & victim & ~is_removed & ~is_dropped_fragment
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
    finished = ds["population"].isel(time=0, drop=True).notnull().any("class").to_numpy()
    return xr.Dataset(
        {
            name: (
                ("scenario", "run"),
                np.where(finished, value, np.nan),
                {"units": "a" if name == "survivor_years" else "1", "long_name": names[name]},
            )
            for name, value in values.items()
        },
        coords=coords,
        attrs={"removed": len(keys), "by": by, "note": "lower bound of collisions left; see collisions_without"},
    )


def _since(who: Ints, keys: Ints, since: Floats, when: Floats) -> Bools:
    """Return whether an object of ``keys`` takes part in each event after its removal."""
    if not len(keys):
        return np.zeros(len(who), np.bool_)
    k = np.minimum(np.searchsorted(keys, who), len(keys) - 1)
    takes_part: Bools = (keys[k] == who) & (when >= since[k])
    return takes_part


def _ends(ds: xr.Dataset) -> Floats:
    """Return the last year of each run (scenario, run)."""
    last = float(ds["time"].to_numpy()[-1])
    cut = ds["truncated_year"].to_numpy()
    return np.where(np.isnan(cut), last, cut)
