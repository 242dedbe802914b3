"""Stores whose report pages are tested: screenings of any number of rows, with the worst names, and studies."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from support.stores import BACKEND, HOURS, START, THRESHOLD_KM, small_catalog

import stmgpu as stm
from stmgpu.screen.conjunctions import conjunction_dataset
from stmgpu.screen.encounters import SLOW
from stmgpu.store.writing import write_dataset
from stmgpu.typing import Strings

FORMULAS = ("=1+1", "+SUM(A1)", "-2+3", "@cmd", "\tTAB", "\rRETURN", "'=x", "''+y", "'quoted'")
"""Names that a spreadsheet would execute, and some that only look so."""

HOSTILE = (
    *FORMULAS,
    "<script>window.injected = 1</script>",
    "</script><script>window.injected = 2</script>",
    "<!-- <script> ",
    "<img src=x onerror='window.injected = 3'>",
    '" onmouseover="window.injected = 4" x="',
    "'); window.injected = 5; ('",
    "${window.injected = 6}",
    "&lt;b&gt; &amp; &#39;",
    "back\\slash \\u0041 \\n",
    'comma, "quote" and; semicolon',
    "two\nlines",
    "line\u2028separator\u2029",
    "null\x00byte",
    "עברית العربية",
    "\u202egnp.evil\u202c",
    "e\u0301 combining, zero\u200bwidth",
    "a name that goes on and on " * 8,
    "🛰 ﷽ 𝔖𝔞𝔱",
    "ÄÖÜäöüßéèêñçøåæœłžšđþ",
)
"""Names that break a page which does not escape them."""

LETTERS = "ÄÖÜßéñçøåæłžšđþαβγδЖЯ中文字あア한"
"""Letters beyond ASCII, more than 24 of them."""

TYPES = ("PAYLOAD", "DEBRIS", "ROCKET BODY", "")
STATES = ("OPERATIONAL", "NONOPERATIONAL", "PARTIALLY OPERATIONAL", "")


@cache
def _attributes(objects: int) -> dict[str, Any]:
    """Attributes of a real screening."""
    ds = stm.screen(small_catalog(300), start=START, hours=HOURS, threshold_km=THRESHOLD_KM, backend=BACKEND)
    return {**ds.attrs, "objects": objects}


def conjunctions(rows: int, *, names: tuple[str, ...] = (), objects: int = 5000, seed: int = 1) -> xr.Dataset:
    """A screening's Dataset of made-up rows: misses by the square law, one pair in twenty slow, some ages unknown.

    Objects are called `names` in turn, otherwise by their id.
    """
    rng = np.random.default_rng(seed)
    ids = np.sort(rng.choice(np.arange(5, 20 * objects), objects, replace=False))
    one = rng.integers(0, objects, rows)
    first, second = np.sort([one, (one + rng.integers(1, objects, rows)) % objects], axis=0)
    slow = rng.random(rows) < 0.05
    rtn = rng.normal(size=(rows, 3))
    miss = THRESHOLD_KM * np.sqrt(rng.random(rows))
    rtn *= (miss / np.linalg.norm(rtn, axis=1))[:, None] if rows else 1.0
    start = np.datetime64(START, "ns")
    tca = start + np.sort(rng.integers(0, int(HOURS * 3600e6), rows)) * np.timedelta64(1000, "ns")
    ages = rng.gamma(2.0, 1.0, (2, objects))
    ages[:, rng.random(objects) < 0.02] = np.nan
    half = np.timedelta64(1500, "ms")
    columns: dict[str, Any] = {
        "tca": tca,
        "primary": ids[first],
        "secondary": ids[second],
        "miss_distance": miss,
        "relative_speed": np.where(slow, 0.003 * rng.random(rows), 0.1 + 15.0 * rng.beta(4.0, 1.5, rows)),
        **{f"miss_{axis}": rtn[:, k] for k, axis in enumerate(("radial", "transverse", "normal"))},
        "flags": np.where(slow, SLOW, 0).astype(np.int32),
        "entry": tca - half,
        "exit": tca + half,
        "altitude": (400.0 + 1200.0 * rng.beta(1.5, 3.0, rows)).astype(np.float32),
        "latitude": np.degrees(np.arcsin(rng.uniform(-0.98, 0.98, rows))).astype(np.float32),
        "longitude": rng.uniform(-180.0, 180.0, rows).astype(np.float32),
    }
    columns["regime"] = np.ones(rows, np.int8)
    for who, index, age in (("primary", first, ages[0]), ("secondary", second, ages[1])):
        columns |= {
            f"{who}_name": _names(index, ids, names),
            f"{who}_epoch_age_days": age[index] if rows else np.zeros(0),
            f"{who}_regime": np.ones(rows, np.int8),
            f"{who}_type": np.array(TYPES)[index % len(TYPES)],
            f"{who}_status": np.array(STATES)[index % len(STATES)],
            f"{who}_owner": np.full(rows, ""),
        }
    attributes = {**_attributes(objects), "events": rows, "candidates": 3 * rows}
    return conjunction_dataset(columns, {**attributes, "seconds": json.dumps({"total": 1.0})})


def _names(index: np.ndarray, ids: np.ndarray, names: tuple[str, ...]) -> Strings:
    if names:
        return np.array(names, object)[index % len(names)].astype(np.str_) if len(index) else np.zeros(0, "U1")
    return np.char.add("SAT ", ids[index].astype(np.str_)) if len(index) else np.zeros(0, "U1")


def write_conjunctions(folder: Path, rows: int, **keywords: Any) -> Path:
    """Write :func:`conjunctions` as a store; it has no elements, so that its page draws no orbits."""
    return write_dataset(conjunctions(rows, **keywords), folder / f"rows{rows}.zarr", "conjunctions")


def write_million(folder: Path) -> Path:
    """Write a million conjunctions with few columns."""
    ds = conjunctions(1_000_000, objects=2000)
    needed = ["miss_distance", "relative_speed", "miss_radial", "miss_transverse", "miss_normal", "flags"]
    return write_dataset(ds[[*needed, "primary_name", "secondary_name"]], folder / "million.zarr", "conjunctions")


def write_screening(folder: Path, *, assessed: bool = False) -> Path:
    """Screen a small synthetic catalogue into a store, whose page draws orbits, and assess it if asked."""
    store = folder / ("assessed.zarr" if assessed else "screening.zarr")
    stm.screen_to_store(
        small_catalog(), store, start=START, hours=HOURS, threshold_km=THRESHOLD_KM, backend=BACKEND, threads=1
    )
    if assessed:
        stm.assess_store(store, backend=BACKEND, threads=1)
    return store
