"""Runs as flat arrays by name, the form in which they are kept in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.debris.evolution.loop import RunResult
from stmgpu.debris.population.population import Population, columns
from stmgpu.debris.variables import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


_PARTS = ("series", "events", "balances", "other", "final")
_NO_CONSTELLATIONS = np.empty(0, np.str_)


def pack(results: Iterable[tuple[int, RunResult]]) -> dict[str, np.ndarray]:
    """Flatten runs into arrays by name.

    Parameters
    ----------
    results : iterable of (int, RunResult)
        Run numbers and runs.

    Returns
    -------
    dict of str to ndarray
        Names are ``number/part/variable``; :func:`unpack` restores the runs.
    """
    arrays: dict[str, np.ndarray] = {}
    for number, result in results:
        parts: dict[str, Mapping[str, Any]] = {
            "series": result.series,
            "events": result.events,
            "balances": result.balances,
            "final": {} if result.final is None else _fields(result.final),
            "other": {
                "truncated_year": result.truncated_year,
                "notes": np.array(result.notes, np.str_),
                "constellations": np.array(result.constellations, np.str_),
            },
        }
        arrays |= {
            f"{number}/{part}/{name}": np.asarray(value)
            for part, values in parts.items()
            for name, value in values.items()
        }
    return arrays


def unpack(arrays: Mapping[str, np.ndarray]) -> dict[int, RunResult]:
    """Restore runs, by number, from the arrays of :func:`pack`, also those of versions that recorded less.

    Versions without scheduled events had none, so the events of their runs are not scheduled; versions without series
    by constellation named no constellations. Series that they did not record are left out.
    """
    parts: dict[int, dict[str, dict[str, Any]]] = {}
    for name, value in arrays.items():
        number, part, variable = name.split("/")
        parts.setdefault(int(number), {name: {} for name in _PARTS})[part][variable] = value
    return {
        number: RunResult(
            p["series"],
            _events(p["events"]),
            {k: float(v) for k, v in p["balances"].items()},
            float(p["other"]["truncated_year"]),
            tuple(p["other"]["notes"].tolist()),
            _population(p["final"]) if p["final"] else None,
            tuple(p["other"].get("constellations", _NO_CONSTELLATIONS).tolist()),
        )
        for number, p in parts.items()
    }


def _events(table: dict[str, Any]) -> dict[str, Any]:
    """Complete the event table of a version without scheduled events; ValueError if other columns are missing."""
    missing = [name for name in EVENTS if name not in table and name not in ("scenario", "run", "scheduled")]
    if missing:
        raise ValueError(
            f"the event table of a run lacks {', '.join(missing)}: it is damaged, or of a version that did not record "
            "them; evolve the study anew into another store"
        )
    if "scheduled" in table:
        return table
    return {**table, "scheduled": np.zeros(len(table["time"]), EVENTS["scheduled"][0])}


def _fields(population: Population) -> dict[str, Any]:
    """Columns of a population, its epoch and the names of its constellations."""
    names = np.array(population.constellation_names, np.str_)
    fields = {name: getattr(population, name) for name in columns()}
    return {**fields, "epoch_year": population.epoch_year, "constellation_names": names, "source": population.source}


def _population(fields: dict[str, Any]) -> Population:
    """Restore a population from :func:`_fields`."""
    own = {name: fields[name] for name in columns()}
    return Population(
        epoch_year=float(fields["epoch_year"]),
        constellation_names=tuple(fields["constellation_names"].tolist()),
        source=str(fields["source"]),
        **own,
    )
