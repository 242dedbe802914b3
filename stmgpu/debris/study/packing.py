"""Runs as flat arrays by name, the form in which they are kept in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.debris.evolution.loop import RunResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


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
            "other": {"truncated_year": result.truncated_year, "notes": np.array(result.notes, np.str_)},
        }
        arrays |= {
            f"{number}/{part}/{name}": np.asarray(value)
            for part, values in parts.items()
            for name, value in values.items()
        }
    return arrays


def unpack(arrays: Mapping[str, np.ndarray]) -> dict[int, RunResult]:
    """Restore runs, by number, from the arrays of :func:`pack`."""
    parts: dict[int, dict[str, dict[str, Any]]] = {}
    for name, value in arrays.items():
        number, part, variable = name.split("/")
        parts.setdefault(int(number), {"series": {}, "events": {}, "balances": {}, "other": {}})[part][variable] = value
    return {
        number: RunResult(
            p["series"],
            p["events"],
            {k: float(v) for k, v in p["balances"].items()},
            float(p["other"]["truncated_year"]),
            tuple(p["other"]["notes"].tolist()),
        )
        for number, p in parts.items()
    }
