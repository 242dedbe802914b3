"""Headline, warnings and certificate of a screening's page, in words."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.choices import MAX_AGE_DAYS
from stmgpu.constants import SLOW_PAIR_KM_S
from stmgpu.errors import counted, printable
from stmgpu.propagate.element_ages import ElementAges
from stmgpu.report.assessment import a_model_alone
from stmgpu.report.screening.text import participation_text
from stmgpu.risk.triage import DECISIONS
from stmgpu.screen.selection import closest
from stmgpu.screen.stale_events import events_text, stale_events
from stmgpu.time import format_utc

if TYPE_CHECKING:
    import xarray as xr

Fact = dict[str, str]
"""``label`` and ``value``, and perhaps a ``note``."""


def subtitle(ds: xr.Dataset) -> str:
    """Window and threshold in a line."""
    start = np.datetime64(str(ds.attrs["start"]).rstrip("Z"), "us")
    end = start + np.timedelta64(round(float(ds.attrs["duration_s"]) * 1e6), "us")
    return f"{_minutes(start)} to {_minutes(end)} UTC, every pair that comes within {ds.attrs['threshold_km']:g} km"


def headline(ds: xr.Dataset) -> list[Fact]:
    """What a reader wants to know first."""
    a = ds.attrs
    slow = int((ds.relative_speed.to_numpy() < SLOW_PAIR_KM_S).sum())
    objects, failed = int(a["objects"]), int(a["objects_failed"])
    ages = ElementAges.from_attributes(a)
    facts = [
        _fact(
            "Conjunctions",
            f"{ds.sizes['conjunction']:,}",
            f"{slow:,} of them slow: docked or co-orbital" if slow else "",
        ),
        _closest_fact(ds),
        _fact("Objects", f"{objects:,}", f"{counted(a['objects_rejected'], 'record', ',')} rejected"),
        _fact(
            "Took part throughout",
            f"{_share(objects - failed, objects)} %",
            f"{failed:,} decayed or could not be propagated" if failed else "",
        ),
    ]
    if ages.objects:
        facts.append(
            _fact(
                "Age of elements",
                f"{ages.median_days:.1f} d",
                "in the median" + (f"; {ages.old:,} older than 30 d" if ages.old else ""),
            )
        )
    facts += [
        _fact(
            "Window",
            _hours(float(a["duration_s"]) / 3600.0),
            f"from {_minutes(np.datetime64(str(a['start']).rstrip('Z'), 'us'))} UTC",
        ),
        _fact("Threshold", f"{a['threshold_km']:g} km", ""),
    ]
    return facts + (_risk_facts(ds) if "pc" in ds else [])


def warnings(ds: xr.Dataset) -> list[str]:
    """What a reader must know before believing a number."""
    a = ds.attrs
    texts = []
    if not a.get("complete", 1):
        texts.append(
            f"This run is unfinished: {a['tiles_done']} of {counted(a['tiles'], 'tile')} are done. "
            "Conjunctions of the others are missing, and shallow minima of slow pairs are not removed yet."
        )
    if "certificate" in a and a["candidates"] and not json.loads(a["certificate"])["complete"]:
        texts.append("The certificate does not hold: pairs may be missing. Run the screening again and report this.")
    if text := participation_text(ds):
        texts.append(_sentence(text))
    if "primary_epoch_age_days" in ds and (text := events_text(stale_events(ds), MAX_AGE_DAYS)):
        texts.append(_sentence(text))
    if "pc" in ds and a_model_alone(ds):
        texts.append(_sentence(str(a["covariance_notice"])))
    return texts


def certificate_parts(ds: xr.Dataset) -> list[Fact]:
    """The certificate: what it says, what it rests on, and what it does not say."""
    a = ds.attrs
    if "certificate" not in a:
        text = "This run is unfinished. It gets its certificate when its last tile is done."
        return [{"heading": "None yet", "text": text}]
    c = json.loads(a["certificate"])
    objects, failed = int(a["objects"]), int(a["objects_failed"])
    held = c["complete"] or not a["candidates"]
    inside = f"every approach within {a['threshold_km']:g} km of the computed positions is in this result."
    if not held:
        says = "The check of the bounds failed in this run, so conjunctions may be missing."
    elif not failed:
        says = f"No conjunction is missing. For all {counted(objects, 'object', ',')}, which took part throughout the "
        says += f"window, {inside}"
    else:
        says = (
            f"Of the {objects - failed:,} of {objects:,} objects that took part throughout the window, no conjunction "
        )
        says += f"is missing: {inside}"
    stateless = counted(a["candidates_unrefined"], "candidate")
    measured = (
        f"Before a pair is discarded, a bound proves that it stays apart. The run measured this bound with full "
        f"propagation on {c['pairs_measured']:,} pairs of its own: the largest deviation was {c['largest_ratio']:.3f} "
        f"of the bound, and below 1 the bound holds. {stateless} had no state at a trial time."
        if a["candidates"]
        else "No two objects came near enough to be candidates, so nothing was measured."
    )
    if "interpolation_error_km" in c:
        measured += f" Ephemerides are interpolated to within {c['interpolation_error_km']:.3g} km."
    silent = (
        "That the elements were right: positions from element sets are off by about a kilometre after a day, and more "
        "later. That no object outside the catalogue came near. Anything about manoeuvres after the epoch of the "
        "elements, or about times at which an object had no state. A miss distance is no probability of collision"
    )
    silent += ", and the probabilities here rest on the covariances that the provenance names." if "pc" in ds else "."
    return [
        {"heading": "What it says", "text": says},
        {"heading": "What it rests on", "text": measured},
        {"heading": "What it does not say", "text": silent},
    ]


def _closest_fact(ds: xr.Dataset) -> Fact:
    nearest = closest(ds, 1)
    if not nearest.sizes["conjunction"]:
        return _fact("Closest fast pair", "none", f"at {SLOW_PAIR_KM_S:g} km/s or faster")
    one = nearest.isel(conjunction=0)
    names = [
        printable(str(one[f"{who}_name"].item()) if f"{who}_name" in one else "", 40) or f"object {int(one[who])}"
        for who in ("primary", "secondary")
    ]
    miss = float(one.miss_distance)
    value = f"{miss * 1e3:.0f} m" if miss < 1.0 else f"{miss:.3f} km"
    return _fact("Closest fast pair", value, f"{names[0]} and {names[1]}, {float(one.relative_speed):.1f} km/s")


def _risk_facts(ds: xr.Dataset) -> list[Fact]:
    counts = json.loads(ds.attrs["triage_counts"])
    acting = [name for name in DECISIONS.values() if counts.get(name)]
    pc = ds.pc.to_numpy()
    largest = float(np.nanmax(pc)) if np.isfinite(pc).any() else math.nan
    without = int(ds.attrs["rows_without_probability"])
    return [
        _fact(
            "Triage: act",
            f"{counts.get('act', 0):,}",
            ", ".join(f"{counts[name]:,} to {name}" for name in acting if name != "act"),
        ),
        _fact(
            "Highest probability",
            "none" if math.isnan(largest) else _power(largest),
            f"red line {_power(float(ds.attrs['red_line']))}" + (f"; {without:,} without one" if without else ""),
        ),
        _fact(
            "Expected collisions",
            f"{float(ds.attrs['expected_collisions']):.2g}",
            f"sum over {len(pc) - without:,} rows with a probability",
        ),
    ]


def _fact(label: str, value: str, note: str) -> Fact:
    return {"label": label, "value": value, **({"note": note} if note else {})}


def _power(value: float) -> str:
    """Small number as the table writes it.

    Examples
    --------
    >>> _power(8.04e-4)
    '8.0e-4'
    """
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits}e{int(exponent)}"


def _share(part: int, whole: int) -> str:
    """Percentage that says 100 only where nothing is missing."""
    return "100" if part == whole else f"{min(100.0 * part / whole, 99.9):.1f}"


def _hours(hours: float) -> str:
    return f"{hours / 24.0:g} d" if hours >= 48.0 and hours % 24.0 == 0.0 else f"{hours:g} h"


def _minutes(when: np.datetime64) -> str:
    text = str(format_utc(when.astype("datetime64[ns]"), 0)).rstrip("Z").replace("T", " ")
    return text.removesuffix(":00")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
