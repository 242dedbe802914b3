"""Every number of the headline, read off the page, against the store."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page
from support.page_stores import HOSTILE, write_conjunctions, write_screening

import stmgpu as stm
from stmgpu.errors import printable

pytestmark = pytest.mark.slow

MARKUP = ("<b>bold</b> &amp; <img src=x>", "<i>&lt;</i>")
"""Names that would vanish, or be drawn, where they were taken for markup."""


def headline_of(page: Page) -> dict[str, tuple[str, str]]:
    """Value and note by label."""
    facts = page.locator("#headline > div").evaluate_all(
        "facts => facts.map(fact => [...fact.children].map(part => part.textContent))"
    )
    return {label: (value, *rest)[:2] if rest else (value, "") for label, value, *rest in facts}


def store_of(file: Path) -> Path:
    """The store from which a page of ``page_of`` was written: it stands beside it."""
    (store,) = file.parent.glob("*.zarr")
    return store


def expected(store: Path) -> dict[str, tuple[str, str]]:
    """What the headline must say, from the Dataset alone."""
    ds = stm.open_dataset(store)
    speed, miss = ds.relative_speed.values, ds.miss_distance.values
    slow = int(np.count_nonzero(speed < 0.1))
    fast = np.where(speed < 0.1, np.inf, miss)
    pair: tuple[str, str] = ("none", "at 0.1 km/s or faster")
    if np.isfinite(fast).any():
        k = int(fast.argmin())
        names = [printable(str(ds[f"{who}_name"].values[k]), 40) for who in ("primary", "secondary")]
        value = f"{1e3 * miss[k]:.0f} m" if miss[k] < 1.0 else f"{miss[k]:.3f} km"
        pair = (value, f"{names[0]} and {names[1]}, {speed[k]:.1f} km/s")
    words = {
        "Conjunctions": (f"{len(miss):,}", f"{slow:,} of them slow: docked or co-orbital" if slow else ""),
        "Closest fast pair": pair,
        "Objects": (f"{ds.attrs['objects']:,}", "0 records rejected"),
        "Took part throughout": ("100 %", ""),
        "Age of elements": (f"{ds.attrs['median_age_days']:.1f} d", "in the median"),
        "Window": ("5.5 h", "from 2025-01-01 03:20 UTC"),
        "Threshold": ("20 km", ""),
    }
    if "pc" in ds:
        counts = json.loads(ds.attrs["triage_counts"])
        assert sum(counts.values()) == len(miss)
        others = [f"{counts[name]:,} to {name}" for name in ("improve", "watch", "dismiss") if counts.get(name)]
        words["Triage: act"] = (f"{counts.get('act', 0):,}", ", ".join(others))
        words["Highest probability"] = (
            f"{np.nanmax(ds.pc.values):.1e}".replace("e-0", "e-"),
            f"red line {ds.attrs['red_line']:.1e}".replace("e-0", "e-"),
        )
        total = float(np.nansum(ds.pc.values))
        words["Expected collisions"] = (
            f"{total:.2g}",
            f"sum over {ds.pc.notnull().sum().item():,} rows with a probability",
        )
    return words


@pytest.mark.parametrize(
    ("rows", "names", "report"),
    [(0, (), {}), (1, (), {}), (1, MARKUP, {}), (700, HOSTILE, {}), (700, HOSTILE, {"rows": 9})],
)
def test_the_headline_is_over_all_rows(
    rows: int, names: tuple[str, ...], report: dict[str, int], page_of, opened
) -> None:
    file = page_of(write_conjunctions, rows, names=names, report=report)
    assert headline_of(opened(file)) == expected(store_of(file))


@pytest.mark.parametrize("assessed", [False, True])
def test_the_headline_of_a_screening(assessed: bool, page_of, opened) -> None:
    file = page_of(write_screening, assessed=assessed)
    said, truth = headline_of(opened(file)), expected(store_of(file))
    for label, (value, note) in truth.items():
        assert said[label][0] == value, label
        assert set(note.split(", ")) <= set(re.split("[,;] ", said[label][1])), label
    assert said.keys() == truth.keys()
