"""Conjunctions that stand on old element sets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.choices import MAX_AGE_DAYS
from stmgpu.propagate.element_ages import ElementAges

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class StaleEvents:
    """Conjunctions one of whose element sets is far from them in time.

    Parameters
    ----------
    count, events : int
        Such conjunctions, and all.
    oldest_days : float
        Largest distance of a set from its conjunction [d].
    newer : bool
        Whether some of the sets are newer than their conjunction.
    """

    count: int
    events: int
    oldest_days: float
    newer: bool


def stale_events(conjunctions: xr.Dataset, max_age_days: float = MAX_AGE_DAYS) -> StaleEvents:
    """Count the conjunctions that stand on elements further from them than a limit.

    Parameters
    ----------
    conjunctions : xr.Dataset
        Result of a screening, in memory or from a store.
    max_age_days : float
        The limit [d].
    """
    ages = np.stack([conjunctions[f"{who}_epoch_age_days"].to_numpy() for who in ("primary", "secondary")])
    far = np.abs(ages) > max_age_days  # false for trajectories, whose age is NaN
    stale = ages[far]
    return StaleEvents(
        int(far.any(axis=0).sum()), ages.shape[1], float(np.abs(stale).max(initial=0.0)), bool((stale < 0.0).any())
    )


def events_text(stale: StaleEvents, max_age_days: float = MAX_AGE_DAYS) -> str:
    """The number of such conjunctions in words; empty if there are none.

    Examples
    --------
    >>> events_text(StaleEvents(1, 1, 716.2, False))
    '1 of 1 events stands on elements older than 14 days (716 d)'
    >>> events_text(StaleEvents(56, 1004, 1945.0, False))
    '56 of 1,004 events stand on elements older than 14 days (up to 1,945 d)'
    """
    if not stale.count:
        return ""
    verb, most = ("stands", "") if stale.count == 1 else ("stand", "up to ")
    what = f"more than {max_age_days:g} days from them" if stale.newer else f"older than {max_age_days:g} days"
    return f"{stale.count:,} of {stale.events:,} events {verb} on elements {what} ({most}{stale.oldest_days:,.0f} d)"


def stale_text(conjunctions: xr.Dataset, max_age_days: float = MAX_AGE_DAYS) -> str:
    """Warning about the elements of a screening; empty if none is needed.

    Parameters
    ----------
    conjunctions : xr.Dataset
        Result of a screening, in memory or from a store.
    max_age_days : float
        Age that is no reason to warn [d].
    """
    ages, events = ElementAges.from_attributes(conjunctions.attrs), stale_events(conjunctions, max_age_days)
    if not events.count and not ages.are_old(max_age_days):
        return ""
    return "; ".join(text for text in (events_text(events, max_age_days), ages.text() if ages.objects else "") if text)
