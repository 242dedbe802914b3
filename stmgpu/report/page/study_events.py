"""Breakups and removals of a study: generations, the largest families, and the objects that matter most."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.debris.policy.ranking import INTACT
from stmgpu.debris.population.population import CLASS_NAMES
from stmgpu.debris.statistics.genealogy import collisions_without, descendants, genealogy
from stmgpu.debris.variables import EVENT_TYPES, MISSIONS, REMOVAL
from stmgpu.report.page.study_numbers import numbers

if TYPE_CHECKING:
    import xarray as xr

    from stmgpu.typing import Ints

MOST_FAMILIES, MOST_EVENTS = 12, 200
"""Families of a scenario that the page shows, and events of a family."""

MOST_CANDIDATES, MOST_VICTIMS = 20, 10
"""Objects of a ranking that the page shows: chosen by policies, and taken out of stored runs."""

_LAUNCHED = 1 << 40
"""Uid from which objects are launched or made during a run; those below are rows of the initial population."""


def has_events(ds: xr.Dataset) -> bool:
    """Whether the ensemble has an event table with any row."""
    return "event_id" in ds and ds.sizes["event"] > 0


def families(ds: xr.Dataset) -> dict[str, Any]:
    """Which breakup led to which: events by generation, and the families with the most descendants.

    Parameters
    ----------
    ds : Dataset
        An ensemble with events.

    Returns
    -------
    dict
        ``generations``: for each scenario the breakups of generation 1, 2, ... per finished run; ``families``: for each
        scenario the largest families, each with ``run``, ``size`` (events with the first one) and ``events``, at most
        :data:`MOST_EVENTS` in order of time: ``year``, ``type``, ``altitude`` [km], ``fragments``, ``generation``,
        ``descendants``, ``parents`` (numbers within the family) and ``objects``, the two classes and masses [kg];
        ``counted``: families of each scenario with more than one event.
    """
    tree = genealogy(ds)
    kind, scenario = ds["event_type"].to_numpy(), ds["event_scenario"].to_numpy()
    is_breakup = ~np.isin(kind, MISSIONS)
    finished = _finished_runs(ds)
    generation, following = tree["generation"].to_numpy(), tree["descendants"].to_numpy()
    depth = int(generation[is_breakup].max(initial=1))
    generations, largest, counted = [], [], []
    for s in range(ds.sizes["scenario"]):
        mine = is_breakup & (scenario == s)
        count = np.bincount(generation[mine], minlength=depth + 1)[1:]
        generations.append(numbers(count / max(finished[s], 1)))
        roots = np.flatnonzero(mine & (generation == 1) & (following > 0))
        best = roots[np.lexsort((roots, -following[roots]))][:MOST_FAMILIES]
        counted.append(len(roots))
        largest.append([_family(ds, tree, int(root)) for root in best])
    return {"generations": generations, "families": largest, "counted": counted}


def _family(ds: xr.Dataset, tree: xr.Dataset, root: int) -> dict[str, Any]:
    rows = np.append(root, np.flatnonzero(descendants(tree, [root])))
    when = ds["event_time"].to_numpy()
    rows = rows[np.lexsort((rows, when[rows], tree["generation"].to_numpy()[rows]))][:MOST_EVENTS]
    place = {int(row): k for k, row in enumerate(rows)}
    parents = [tree[f"{which}_parent"].to_numpy()[rows] for which in ("first", "second")]
    events = ds[[name for name in ds if str(name).startswith("event_")]].isel(event=rows)
    return {
        "run": int(events["event_run"][0]),
        "size": int(tree["descendants"][root]) + 1,
        "events": [
            {
                "year": numbers(one["event_time"]),
                "type": _type_name(int(one["event_type"])),
                "altitude": numbers(one["event_altitude"]),
                "fragments": numbers(one["event_fragments"]),
                "generation": int(tree["generation"][row]),
                "descendants": int(tree["descendants"][row]),
                "parents": sorted({place[int(p[k])] for p in parents if int(p[k]) in place}),
                "objects": _objects(one),
            }
            for k, row in enumerate(rows)
            for one in (events.isel(event=k),)
        ],
    }


def candidates(ds: xr.Dataset) -> list[list[dict[str, Any]]]:
    """Objects that the policies chose, ranked by how surely and how early, for each scenario.

    Returns
    -------
    list of list of dict
        For each scenario at most :data:`MOST_CANDIDATES` objects: ``object``, ``class``, ``mass`` [kg], ``altitude``
        [km], ``chosen`` (runs in which it was removed), ``runs``, ``turn`` (mean number of its removal within a run,
        from 1) and ``year`` (mean). Objects chosen in more runs come first, of these the earlier ones.
    """
    columns = {name: ds[f"event_{name}"].to_numpy() for name in ("scenario", "run", "time", "first", "type")}
    details = {name: ds[f"event_first_{name}"].to_numpy() for name in ("norad", "class", "mass")}
    altitude, finished = ds["event_altitude"].to_numpy(), _finished_runs(ds)
    tables = []
    for s in range(ds.sizes["scenario"]):
        rows = np.flatnonzero((columns["type"] == REMOVAL) & (columns["scenario"] == s))
        rows = rows[np.lexsort((rows, columns["time"][rows], columns["run"][rows]))]
        _, begin, size = np.unique(columns["run"][rows], return_index=True, return_counts=True)
        turn = np.arange(len(rows)) - np.repeat(begin, size) + 1
        uid, first, member, chosen = np.unique(
            columns["first"][rows], return_index=True, return_inverse=True, return_counts=True
        )
        mean_turn, mean_year = (
            np.bincount(member, values) / np.maximum(chosen, 1) for values in (turn, columns["time"][rows])
        )
        tables.append(
            [
                {
                    "object": _name(int(uid[k]), int(details["norad"][row])),
                    "class": CLASS_NAMES[details["class"][row]],
                    "mass": numbers(details["mass"][row]),
                    "altitude": numbers(altitude[row]),
                    "chosen": int(chosen[k]),
                    "runs": int(finished[s]),
                    "turn": numbers(mean_turn[k]),
                    "year": numbers(mean_year[k]),
                }
                for k in np.lexsort((uid, mean_turn, -chosen))[:MOST_CANDIDATES]
                for row in (rows[first[k]],)
            ]
        )
    return tables


def victims(ds: xr.Dataset) -> list[dict[str, Any]]:
    """Intact objects of the start whose absence would have spared the first scenario the most fragments.

    The stored runs of the first scenario are pruned, so the numbers are upper bounds, see
    :func:`~stmgpu.debris.statistics.genealogy.collisions_without`. Only objects with a collision in some run are tried.

    Returns
    -------
    list of dict
        At most :data:`MOST_VICTIMS` objects: ``object``, ``class``, ``mass`` [kg], ``hit`` (runs in which it collided),
        ``runs``, ``avoided`` and ``fragments`` (collisions and fragments avoided in a run, at most, in the mean).
    """
    kind, scenario = ds["event_type"].to_numpy(), ds["event_scenario"].to_numpy()
    rows = np.flatnonzero((kind < 2) & (scenario == 0))  # catastrophic and cratering collisions
    parts = []
    for which in ("first", "second"):
        uid = ds[f"event_{which}"].to_numpy()[rows]
        original = (uid >= 0) & (uid < _LAUNCHED) & np.isin(ds[f"event_{which}_class"].to_numpy()[rows], INTACT)
        details = [ds[f"event_{which}_{name}"].to_numpy()[rows] for name in ("norad", "class", "mass")]
        columns = [uid, *details, ds["event_run"].to_numpy()[rows], ds["event_fragments"].to_numpy()[rows]]
        parts.append([column[original] for column in columns])
    uid, norad, cls, mass, run, fragments = (np.concatenate(pair) for pair in zip(*parts, strict=True))
    known, first, member = np.unique(uid, return_index=True, return_inverse=True)
    weight = np.bincount(member, fragments, len(known))
    found = []
    for k in np.lexsort((known, -weight))[:MOST_VICTIMS]:
        left = collisions_without(ds, [int(known[k])]).isel(scenario=0)
        row = first[k]
        found.append(
            {
                "object": _name(int(known[k]), int(norad[row])),
                "class": CLASS_NAMES[cls[row]],
                "mass": numbers(mass[row]),
                "hit": len(np.unique(run[member == k])),
                "runs": int(left["avoided"].notnull().sum()),
                "avoided": numbers(left["avoided"].mean()),
                "fragments": numbers(left["fragments_avoided"].mean()),
            }
        )
    return sorted(found, key=lambda one: -(one["fragments"] or 0.0))


def _finished_runs(ds: xr.Dataset) -> Ints:
    present = ds["population"].isel(time=0, drop=True).notnull().any("class")
    return present.sum("run").to_numpy()


def _type_name(kind: int) -> str:
    return EVENT_TYPES[kind].replace("_", " ")


def _objects(event: xr.Dataset) -> list[dict[str, Any]]:
    found = []
    for which in ("first", "second"):
        kind = int(event[f"event_{which}_class"])
        if kind >= 0:
            uid, norad, cause = (int(event[f"event_{which}{part}"]) for part in ("", "_norad", "_cause"))
            name = _name(uid, norad, cause)
            found.append({"object": name, "class": CLASS_NAMES[kind], "mass": numbers(event[f"event_{which}_mass"])})
    return found


def _name(uid: int, norad: int, cause: int = 0) -> str:
    """Name of an object for the reader: its NORAD id, or where it came from."""
    if cause:
        return "a fragment"
    if norad:
        return f"NORAD {norad}"
    return f"row {uid}" if uid < _LAUNCHED else "a launched object"
