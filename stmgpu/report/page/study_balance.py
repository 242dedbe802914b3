"""Balances of a study: where its objects come from and go, and how exactly objects and mass are conserved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.debris.statistics.growth import total
from stmgpu.debris.variables import BALANCES
from stmgpu.report.page.study_numbers import mean_of_runs, numbers

if TYPE_CHECKING:
    import xarray as xr

FLOWS = (
    ("launches", "launched"),
    ("fragments", "made as fragments"),
    ("decays", "decayed"),
)
"""Flows by class that always enter or leave, and how the page calls them."""

REST = "end of mission, destroyed, removed"
"""What a balance lacks: objects that change their class at the end of the mission, break up, or are taken away."""

COUNTED = (
    ("explosions", "explosions"),
    ("scheduled_breakups", "broken up by scheduled events"),
    ("disposals", "disposals that succeeded"),
    ("disposals_failed", "disposals that failed"),
    ("removals", "missions of policies that succeeded"),
    ("removals_failed", "missions of policies that failed"),
)
"""Counts that may or may not change the number of objects: a lowered object stays for some years."""

_MEANING = {
    "count_balance": "objects present against all that entered and left",
    "mass_balance": "mass present against all that entered and left",
    "breakup_balance": "mass of one breakup",
    "momentum_balance": "momentum of one breakup",
    "energy_balance": "energy that the fragments of one impact carry beyond that of the impact",
}


def balances(ds: xr.Dataset) -> dict[str, Any]:
    """Objects at the start, flows and objects at the end by class, and the relative errors of conservation.

    Parameters
    ----------
    ds : Dataset
        An ensemble.

    Returns
    -------
    dict
        ``flows``: for each scenario rows with ``label`` and ``values`` by class, mean over the runs that reached the
        end, in the order of a balance: at the start, launched, made, decayed, :data:`REST` (what is missing), at the
        end; ``counted``: rows of the same form that are no part of it; ``mass``: rows of the mass at the start and at
        the end [t]; ``errors``: for each balance its ``meaning`` and ``largest`` relative error in any run.
    """
    reached = total(ds, "population").isel(time=-1).notnull()
    ends = ds.isel(time=[0, -1])

    def by_class(name: str, time: int) -> Any:
        return mean_of_runs(ends[name].isel(time=time).astype(np.float64).where(reached)).to_numpy()

    start, end = by_class("population", 0), by_class("population", 1)
    flows = {name: by_class(name, 1) for name, _ in FLOWS}
    left = start + flows["launches"] + flows["fragments"] - flows["decays"] - end
    rows = [
        ("at the start", start),
        *((label, -flows[name] if name == "decays" else flows[name]) for name, label in FLOWS),
        (REST, -left),
        ("at the end", end),
    ]
    counted = [(label, by_class(name, 1)) for name, label in COUNTED if name in ds]
    mass = [(label, 1e-3 * by_class("total_mass", time)) for time, label in enumerate(("at the start", "at the end"))]
    return {
        "classes": [str(name) for name in ds["class"].to_numpy()],
        "flows": _by_scenario(rows),
        "counted": _by_scenario([row for row in counted if np.nansum(row[1]) > 0.0]),
        "mass": _by_scenario(mass),
        "errors": [
            {"label": name.removesuffix("_balance"), "meaning": _MEANING[name], "largest": numbers(abs(ds[name]).max())}
            for name in BALANCES
            if name in ds
        ],
    }


def _by_scenario(rows: list[tuple[str, Any]]) -> list[list[dict[str, Any]]]:
    count = len(rows[0][1]) if rows else 0
    return [
        [{"label": label, "values": numbers(values[s]), "all": numbers(values[s].sum())} for label, values in rows]
        for s in range(count)
    ]
