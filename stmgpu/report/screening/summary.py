"""The result of a screening as plain numbers, for JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from stmgpu.choices import MAX_AGE_DAYS
from stmgpu.propagate.codes import CODES
from stmgpu.propagate.element_ages import ElementAges
from stmgpu.screen.csv_table import table_rows
from stmgpu.screen.selection import failures
from stmgpu.screen.stale_events import stale_events

if TYPE_CHECKING:
    import xarray as xr


def screening_summary(ds: xr.Dataset, max_age_days: float = MAX_AGE_DAYS) -> dict[str, Any]:
    """Summarise a screening, with all conjunctions.

    Parameters
    ----------
    ds : Dataset
        Conjunctions, in memory or from a store.
    max_age_days : float
        Age of elements beyond which events are counted [d].

    Returns
    -------
    dict
        ``start`` (UTC) and ``hours`` of the window, ``threshold_km``; ``objects``: numbers of those ``read``,
        ``rejected`` and ``failed``; ``candidates``; ``events``; ``seconds`` of each stage; ``certificate``;
        ``ages`` of the elements at the middle of the window, with the number of events on elements older than
        ``max_age_days``; ``failures``: NORAD id and error code of each object that failed; ``conjunctions``: an
        iterator of rows, see :func:`stmgpu.screen.csv_table.table_rows`.
    """
    a = ds.attrs
    failed = failures(ds)
    return {
        "start": a["start"],
        "hours": a["duration_s"] / 3600.0,
        "threshold_km": a["threshold_km"],
        "objects": {
            "read": a["objects"] + a["objects_rejected"],
            "rejected": a["objects_rejected"],
            "failed": a["objects_failed"],
        },
        "candidates": a["candidates"],
        "candidates_unrefined": a["candidates_unrefined"],
        "events": a["events"],
        "seconds": json.loads(a["seconds"]),
        "certificate": json.loads(a["certificate"]),
        "ages": {
            **ElementAges.from_attributes(a).attributes(),
            "max_age_days": max_age_days,
            "events_on_older_elements": stale_events(ds, max_age_days).count,
        },
        "failures": [
            {"norad_id": int(one), "code": int(code), "meaning": CODES[int(code)]}
            for one, code in zip(failed["norad_id"].to_numpy(), failed["code"].to_numpy(), strict=True)
        ],
        "conjunctions": table_rows(ds),
    }
