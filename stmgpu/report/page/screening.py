"""The report page of a screening: all that its table and figures show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.constants import SLOW_PAIR_KM_S
from stmgpu.report.page.columns import Column, encode
from stmgpu.report.page.document import Page
from stmgpu.screen.variables import ROW

if TYPE_CHECKING:
    import xarray as xr

_SCALES = {
    "miss_distance": 1e6,
    "relative_speed": 1e6,
    "miss_radial": 1e6,
    "miss_transverse": 1e6,
    "miss_normal": 1e6,
    "primary_epoch_age_days": 1e4,
    "secondary_epoch_age_days": 1e4,
    "altitude": 1e2,
    "latitude": 1e3,
    "longitude": 1e3,
}
"""Numbers of a row and the whole parts of their unit that are kept."""


def screening_page(ds: xr.Dataset, facts: dict[str, Any], *, rows: int) -> Page:
    """Page of conjunctions.

    Parameters
    ----------
    ds : Dataset
        Conjunctions, see :func:`stmgpu.store.open_dataset`.
    facts : dict
        Provenance of the store, see :func:`stmgpu.store.provenance`.
    rows : int
        Largest number of conjunctions in the table, the closest first.
    """
    events = ds.sizes[ROW]
    chosen = np.argsort(ds.miss_distance.to_numpy(), kind="stable")[:rows]
    shown = ds.isel({ROW: chosen})
    start = float(np.datetime64(ds.attrs["start"].rstrip("Z"), "us").astype(np.int64)) / 1e6
    content = {
        "subtitle": f"{ds.attrs['objects']:,} objects, {ds.attrs['duration_s'] / 3600:g} h from {ds.attrs['start']}",
        "start": start,
        "end": start + ds.attrs["duration_s"],
        "threshold_km": ds.attrs["threshold_km"],
        "slow_km_s": SLOW_PAIR_KM_S,
        "rows_total": events,
        "rows": len(chosen),
        "headline": [{"label": "Conjunctions", "value": f"{events:,}"}],
        "warnings": [],
        "certificate": [],
        "provenance": [{"label": "Store", "value": facts["store"]}],
        "figures": {},
    }
    return Page("screening", "Conjunction screening", content, _columns(shown))


def _columns(shown: xr.Dataset) -> list[Column]:
    """Columns by row, and by object; ``primary_object`` and ``secondary_object`` of a row are places among these."""
    tca_ms = shown.tca.to_numpy().astype("datetime64[ms]").astype(np.float64)
    pairs = np.stack([shown.primary.to_numpy(), shown.secondary.to_numpy()])
    ids, places = np.unique(pairs, return_inverse=True)
    first, second = places.reshape(pairs.shape).astype(np.uint32)
    columns = [encode("tca_ms", tca_ms), encode("primary_object", first), encode("secondary_object", second)]
    columns += [encode(name, shown[name].to_numpy(), scale=scale) for name, scale in _SCALES.items() if name in shown]
    columns.append(encode("flags", shown.flags.to_numpy().astype(np.uint32)))
    columns.append(encode("object_id", ids.astype(np.uint32)))
    return columns
