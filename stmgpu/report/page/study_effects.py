"""What the policies of a study change at its end: paired differences, reduction per removal, costs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from stmgpu.debris.statistics.growth import collisions, total
from stmgpu.debris.statistics.policy_effects import (
    collisions_avoided_per_removal,
    cost_per_collision_avoided,
    effective_reduction_factor,
    paired_difference,
)
from stmgpu.report.page.study_numbers import RESAMPLES, interval_at_end, interval_curves, numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

MISSIONS = {"per_removal": 1.0}
"""Prices where none are given: the cost is counted in missions."""


def differences_at_end(small: xr.Dataset) -> list[dict[str, Any]]:
    """Paired differences from the first scenario at the end, by quantity.

    Parameters
    ----------
    small : Dataset
        The sums of an ensemble, see :func:`stmgpu.report.study.summary.reduced`.

    Returns
    -------
    list of dict
        ``label``, ``unit`` and ``rows``: for every scenario but the first its number in ``scenario``, ``mid``, ``low``,
        ``high``, ``runs`` and ``gain``.
    """
    last = small.isel(time=slice(-1, None))
    quantities = [
        ("objects", "objects", total(last, "population")),
        ("catastrophic collisions, expected", "collisions", collisions(last, channel="expected")),
        ("mass in orbit", "t", total(last, "total_mass") * 1e-3),
    ]
    parts = []
    for label, unit, values in quantities:
        paired = paired_difference(last, values)
        rows = [
            {**_row(paired, s), "gain": numbers(paired["gain"].isel(scenario=s, time=-1))}
            for s in range(1, small.sizes["scenario"])
        ]
        parts.append({"label": label, "unit": unit, "rows": rows})
    return parts


def reduction(small: xr.Dataset) -> dict[str, Any]:
    """Objects and collisions fewer per object removed.

    Returns
    -------
    dict
        ``objects`` and ``collisions``: rows as in :func:`differences_at_end`, with ``removed``, of the scenarios that
        remove more than the first; ``curves``: the factor in objects over time, by scenario.
    """
    factor = effective_reduction_factor(small, resamples=RESAMPLES)
    last = small.isel(time=slice(-1, None))
    rows = {}
    for name, ratio in (
        ("objects", effective_reduction_factor(last)),
        ("collisions", collisions_avoided_per_removal(last)),
    ):
        removed = ratio["removed"].isel(time=-1).to_numpy()
        rows[name] = [
            {**_row(ratio, s), "removed": numbers(removed[s])}
            for s in range(1, small.sizes["scenario"])
            if removed[s] > 0.0
        ]
    return {**rows, "curves": interval_curves(factor)}


def costs(ds: xr.Dataset, prices: Mapping[str, float] | None) -> dict[str, Any]:
    """Cost of a collision avoided, cost and worth of the policies.

    Parameters
    ----------
    ds : Dataset
        An ensemble.
    prices : mapping of str to float, optional
        Prices as :func:`~stmgpu.debris.statistics.policy_effects.removal_costs` takes them; default one unit for each
        mission.

    Returns
    -------
    dict
        ``prices``, ``unit`` and ``rows``: for each scenario that removes objects its number in ``scenario``, and
        ``cost_per_collision``, ``cost``, ``avoided`` and ``net_present_value``, each with ``mid``, ``low``, ``high``;
        ``open`` is true where the cost has no upper limit, so that the runs do not show that any collision is avoided.
    """
    chosen = dict(MISSIONS if prices is None else prices)
    if ds.sizes["time"] < 2:
        return {"prices": chosen, "unit": "", "rows": []}
    found = cost_per_collision_avoided(ds, chosen)
    rows = []
    for s in range(1, ds.sizes["scenario"]):
        one = found.isel(scenario=s)
        if not math.isfinite(float(one["cost"])):
            continue
        parts = {
            name: {
                "mid": numbers(one[name]),
                "low": numbers(one[f"{name}_lower"]),
                "high": numbers(one[f"{name}_upper"]),
            }
            for name in ("cost_per_collision", "cost", "avoided", "net_present_value")
        }
        is_open = math.isinf(float(one["cost_per_collision_upper"]))
        rows.append({"scenario": s, "open": is_open, "runs": int(one["runs_used"]), **parts})
    return {"prices": chosen, "unit": "missions" if prices is None else "money", "rows": rows}


def _row(interval: xr.Dataset, scenario: int) -> dict[str, Any]:
    return {"scenario": scenario, **interval_at_end(interval, scenario)}
