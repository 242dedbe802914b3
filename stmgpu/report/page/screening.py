"""The report page of a screening: all that its table and figures show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stmgpu.backend import get_backend
from stmgpu.catalog.object_data import STATUS_CODES
from stmgpu.constants import SLOW_PAIR_KM_S
from stmgpu.errors import StoreError, counted
from stmgpu.propagate.element_ages import ElementAges
from stmgpu.report.page.columns import Column, encode
from stmgpu.report.page.document import Page
from stmgpu.report.page.objects import PageObjects
from stmgpu.report.page.provenance import provenance_facts
from stmgpu.report.page.screening_columns import USED, chosen_rows, row_columns
from stmgpu.report.page.screening_figures import fast_only, figure_data
from stmgpu.report.page.screening_words import certificate_parts, headline, subtitle, warnings
from stmgpu.risk import socrates_table
from stmgpu.risk.triage import DECISIONS
from stmgpu.risk.variables import FLAGS as RISK_FLAGS
from stmgpu.risk.variables import METHODS
from stmgpu.screen.selection import failures
from stmgpu.screen.variables import FLAGS, ROW
from stmgpu.window import Window

if TYPE_CHECKING:
    import xarray as xr

    from stmgpu.propagate.screening_objects import ScreeningObjects

_LICENCE = (
    "stmgpu knows of none; the owner of the catalogue states it. This page holds the elements of the objects in its "
    "table: before passing it on, see whether the owner allows that (the agreements of Space-Track and CelesTrak have "
    "rules about it)."
)
_LICENCE_OF_SYNTHETIC = "A synthetic catalogue made by stmgpu: no licence is needed for the numbers here."


def screening_page(
    ds: xr.Dataset, facts: dict[str, Any], *, rows: int, screened: ScreeningObjects | None = None
) -> Page:
    """Page of conjunctions.

    Parameters
    ----------
    ds : Dataset
        Conjunctions, see :func:`stmgpu.store.open_dataset`.
    facts : dict
        Provenance of the store, see :func:`stmgpu.store.provenance`.
    rows : int
        Largest number of conjunctions in the table, the closest first. Figures and counts are over all.
    screened : ScreeningObjects, optional
        What was screened: its elements draw the orbits, their inclinations a figure, and its states give the maximum
        probability of SOCRATES.

    Returns
    -------
    Page
        Document and columns.
    """
    if "certificate" not in ds.attrs:
        ds = ds.assign_attrs(_attributes_of_tiles(ds, screened))
    ds = ds[[name for name in USED if name in ds.variables]]
    chosen = chosen_rows(ds, rows)
    objects = PageObjects.of(ds, screened)
    fast = fast_only(ds, SLOW_PAIR_KM_S)
    start = float(np.datetime64(str(ds.attrs["start"]).rstrip("Z"), "us").astype(np.int64)) / 1e6
    synthetic = str(ds.attrs.get("catalog_source", "")).startswith("synthetic")
    content = {
        "subtitle": subtitle(ds),
        "headline": headline(ds),
        "warnings": warnings(ds) + _left_out(ds, facts),
        "start": start,
        "end": start + float(ds.attrs["duration_s"]),
        "threshold_km": ds.attrs["threshold_km"],
        "slow_km_s": SLOW_PAIR_KM_S,
        "rows": len(chosen),
        "rows_total": ds.sizes[ROW],
        "fast_total": fast.sizes[ROW],
        "notes": _notes(ds, len(chosen), objects),
        "codes": {
            "flags": FLAGS,
            "status": {name: code for code, name in STATUS_CODES.items() if code},
            **({"pc_flags": RISK_FLAGS, "pc_method": METHODS, "triage": DECISIONS} if "pc" in ds else {}),
        },
        "meanings": {str(name): str(ds[name].attrs.get("long_name", "")) for name in ds.variables},
        "figures": figure_data(fast, objects),
        "certificate": certificate_parts(ds),
        "provenance": provenance_facts(facts, _LICENCE_OF_SYNTHETIC if synthetic else _LICENCE),
    }
    columns = row_columns(ds, chosen, objects)
    if screened is not None:
        columns += _socrates_columns(ds.isel({ROW: chosen}), screened, facts["settings"]["mode"])
    return Page("screening", "Conjunction screening", content, columns)


def _socrates_columns(shown: xr.Dataset, screened: ScreeningObjects, mode: str) -> list[Column]:
    """Maximum probability and dilution of the rows by the rules of SOCRATES; none where no kernels can run."""
    backend = get_backend()
    if not (backend.runs_kernels and shown.sizes[ROW]):
        return []
    table = socrates_table(shown, screened, mode=mode, backend=backend)
    return [
        encode("socrates_probability", table.probability.astype(np.float32)),
        encode("socrates_dilution", table.dilution_km, scale=1e6),
    ]


def _attributes_of_tiles(ds: xr.Dataset, screened: ScreeningObjects | None) -> dict[str, Any]:
    """Attributes that a finished result has, for the finished tiles of a run."""
    if screened is None:
        raise StoreError("the result lacks its certificate and the objects that were screened; run the screening again")
    window = Window.of(ds.attrs["start"], float(ds.attrs["duration_s"]) / 3600.0, None)
    return {
        "objects": len(screened),
        "objects_rejected": screened.rejected_count,
        "objects_failed": len(failures(ds)),
        "catalog_source": screened.source,
        **ElementAges.of(screened.catalog, window).attributes(),
    }


def _left_out(ds: xr.Dataset, facts: dict[str, Any]) -> list[str]:
    """Warning about an assessment that the store has and the result does not."""
    if "assessment" not in facts or "pc" in ds:
        return []
    return [
        "The assessment in this store is unfinished or stands on other conjunctions, and is left out: assess again."
    ]


def _notes(ds: xr.Dataset, shown: int, objects: PageObjects) -> dict[str, str]:
    """What the table (if it has not every row, or none) and the figures are about."""
    events = ds.sizes[ROW]
    slow = int((ds.relative_speed.to_numpy() < SLOW_PAIR_KM_S).sum())
    table = ""
    if not events:
        table = f"No two objects came within {ds.attrs['threshold_km']:g} km of each other in this window."
    if shown < events:
        table = (
            f"The table has the closest {shown:,} of {events:,} conjunctions. Filters choose among these; every figure "
            "and count that is not filtered is over all."
        )
    figures = f"Counted over all {events - slow:,} conjunctions at {SLOW_PAIR_KM_S:g} km/s or faster"
    figures += f"; the {slow:,} slower ones (docked, in formation, co-orbital) are left out." if slow else "."
    inferred = int(objects.kinds()[1].sum())
    if inferred:
        figures += f" Types of {counted(inferred, 'object', ',')} are inferred from their names."
    return {"table": table, "figures": figures}
