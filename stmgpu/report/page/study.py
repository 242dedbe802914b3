"""The document of a study's page: everything that its figures and tables show, computed once in Python."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stmgpu.report.page.study_balance import balances
from stmgpu.report.page.study_effects import costs, differences_at_end, reduction
from stmgpu.report.page.study_events import candidates, families, has_events, victims
from stmgpu.report.page.study_numbers import numbers
from stmgpu.report.page.study_series import (
    collision_series,
    collisions_by_altitude,
    density_by_year,
    operator_series,
    population_series,
)
from stmgpu.report.page.study_words import certificate, figure_warning, headline, warnings
from stmgpu.report.study.settings import settings, without_spread
from stmgpu.report.study.summary import reduced, study_summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from numpy.typing import NDArray


MOST_NAMED = 5
"""Scenarios that the page names below its title."""


def study_document(
    ds: xr.Dataset, prices: Mapping[str, float] | None = None
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Build the document of a study's page.

    Parameters
    ----------
    ds : Dataset
        An ensemble, complete or not.
    prices : mapping of str to float, optional
        Prices of removals as :func:`~stmgpu.debris.statistics.policy_effects.removal_costs` takes them; without them
        costs are counted in missions.

    Returns
    -------
    document : dict
        ``kind``, ``title``, ``subtitle``, ``headline``, ``warnings``, ``certificate``, ``notes``, and in ``study`` the
        values of the figures and tables, ready for JSON.
    columns : dict of ndarray
        float32 columns ``density`` and ``density_difference`` over (scenario, year, shell), flat.

    Raises
    ------
    InputError
        The Dataset is not an ensemble, no run is finished, or a price is unknown or negative.
    """
    small = reduced(ds)
    summary = study_summary(ds)
    names = [one["name"] for one in summary["scenarios"]]
    differences = differences_at_end(small) if len(names) > 1 else []
    density, difference = density_by_year(ds)
    columns = {"density": density.astype("f4").ravel(), "density_difference": difference.astype("f4").ravel()}
    document = {
        "kind": "study",
        "title": f"Debris study, {summary['first_year']:.0f} to {summary['last_year']:.0f}",
        "subtitle": ", ".join(names[:MOST_NAMED])
        + (f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""),
        "headline": headline(summary, differences),
        "warnings": warnings(summary, ds.attrs),
        "certificate_title": "What these numbers say",
        "certificate": certificate(summary),
        "notes": summary["notes"],
        "study": {
            "scenarios": names,
            "summary": summary,
            "warning": figure_warning(summary),
            "without_spread": list(without_spread(ds)),
            "years": numbers(ds["time"]),
            "shells": numbers([*ds["shell_lower"].to_numpy(), ds["shell_upper"].to_numpy()[-1]]),
            "population": population_series(ds, without_spread(ds)),
            "collisions": collision_series(ds),
            "collisions_by_altitude": numbers(collisions_by_altitude(ds)),
            "operators": operator_series(small),
            "differences": differences,
            **_policies(ds, small, prices),
            **_breakups(ds),
            "settings": settings(ds),
            "balances": balances(ds),
        },
    }
    return document, columns


def _policies(ds: xr.Dataset, small: xr.Dataset, prices: Mapping[str, float] | None) -> dict[str, Any]:
    """What is removed and what it costs, where a scenario removes anything."""
    if not float(small["removals"].max()) > 0.0 or small.sizes["scenario"] < 2:
        return {"reduction": None, "costs": None}
    return {"reduction": reduction(small), "costs": costs(ds, prices)}


def _breakups(ds: xr.Dataset) -> dict[str, Any]:
    """Families of breakups and rankings of objects, where the study has an event table."""
    if not has_events(ds):
        return {"families": None, "candidates": [], "victims": []}
    return {"families": families(ds), "candidates": candidates(ds), "victims": victims(ds)}
