"""Drag in the hindcast: what rocket bodies and fragments sank between two files, ours over theirs."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
from hindcast_runs import Seen
from history import YEARS, History
from verdict import Report

from stmgpu.constants import EARTH
from stmgpu.debris.population import Kind

INTERVALS = tuple(pairwise(YEARS))
DRAG = 2.2
LEAST_KM, RISEN_KM = 0.3, 1.0
"""Sinking from which a ratio means something; and rising above which an object is not the same, or was moved."""
SOUND_KM = 40.0
"""Rocket bodies that sank further are no measure of drag: a little too much of it carries them into dense air."""


def drag(report: Report, history: History, runs: dict[tuple[int, int, str], list[Seen]]) -> dict[str, Any]:
    """Decay of rocket bodies, ours over theirs: absolute, and relative to 2010 to 2018; medians and sums.

    Medians are of ratios, which need a sinking that is not lost in noise (`LEAST_KM`); at 700 to 900 km around solar
    minima that selects. Sums need no such limit.
    """
    pairs = {
        begin: sinking(history, begin, end, runs[begin, end, "nothing"][0], Kind.ROCKET_BODY)
        for begin, end in INTERVALS
    }
    ratios: dict[int, dict[int, float]] = {}
    for begin, found_pairs in pairs.items():
        for k, (real, made) in found_pairs.items():
            if real > LEAST_KM and made > 0.0:
                ratios.setdefault(k, {})[begin] = np.log(made / real)
    calm = (2010, 2013, 2015)
    everything = [value for each in ratios.values() for value in each.values()]
    found = {"all": float(np.exp(np.median(everything))), "all, sum": ratio_of_sums(pairs.values())}
    report.check(
        "sinking of rocket bodies, ours over theirs, median",
        1.0,
        found["all"],
        tolerance_relative=0.3,
        note=f"{len(everything):,} pairs of files, 500 to 900 km, masses and sizes of DISCOS, C_d {DRAG}",
    )
    report.check(
        "the same, ratio of sums",
        1.0,
        found["all, sum"],
        note=f"{sum(map(len, pairs.values())):,} pairs, also those that sank less than {LEAST_KM:g} km",
    )
    for begin, end in INTERVALS:
        mine = [
            each[begin] - np.mean([each[c] for c in calm if c in each])
            for each in ratios.values()
            if begin in each and any(c in each for c in calm)
        ]
        found[f"{begin}-{end}"] = float(np.exp(np.median(mine)))
        common = {k for k in pairs[begin] if any(k in pairs[c] for c in calm)}
        own = {k: pairs[begin][k] for k in common}
        others = [{k: v for k, v in pairs[c].items() if k in common} for c in calm]
        found[f"{begin}-{end}, sum"] = ratio_of_sums([own]) / ratio_of_sums(others)
        report.check(
            f"drag of {begin} to {end} over that of 2010 to 2018",
            1.0,
            found[f"{begin}-{end}"],
            note=f"median of the same {len(mine)} rocket bodies in both; by sums, of {len(common)}: "
            f"{found[f'{begin}-{end}, sum']:.2f}",
        )
    for name, low, high in (("700 to 800", 700.0, 800.0), ("800 to 900", 800.0, 900.0)):
        for begin, end in INTERVALS:
            seen = runs[begin, end, "nothing"][0]
            fragments = sinking(history, begin, end, seen, Kind.UNATTRIBUTED, low, high)
            sank = [made / real for real, made in fragments.values() if real > LEAST_KM and made > 0.0]
            found[f"fragments {low:.0f} {begin}"] = float(np.median(sank)) if len(sank) > 20 else None
        report.check(
            f"sinking of fragments, {name} km",
            1.0,
            "; ".join(
                f"{b}: {found[f'fragments {low:.0f} {b}']:.2f}"
                for b, _ in INTERVALS
                if found[f"fragments {low:.0f} {b}"]
            ),
            note="area-to-mass ratios drawn: medians by first year",
        )
    return found


def sinking(
    history: History, begin: int, end: int, seen: Seen, kind: Kind, low: float = 500.0, high: float = 900.0
) -> dict[int, tuple[float, float]]:
    """Decrease of the semi-major axis of nearly circular orbits by NORAD id [km]: theirs, ours."""
    p, q = history.files[begin], history.files[end]
    ids, a, _ = seen.at[end]
    theirs, ours = dict(zip(q.norad_id.tolist(), q.a_km, strict=True)), dict(zip(ids.tolist(), a, strict=True))
    height = p.a_km - EARTH.radius_km
    usable = (p.kind == kind) & (p.ecc < 0.01) & (height >= low) & (height < high)
    if kind != Kind.UNATTRIBUTED:
        usable &= p.filled == 0
    found = {}
    for k, now in zip(p.norad_id[usable].tolist(), p.a_km[usable], strict=True):
        if k in theirs and k in ours:
            real, made = now - theirs[k], now - ours[k]
            if real > -RISEN_KM and 0.5 * (real + made) < SOUND_KM:
                found[k] = (float(real), float(made))
    return found


def ratio_of_sums(pairs: Iterable[dict[int, tuple[float, float]]]) -> float:
    """Sum of our sinking over that of theirs."""
    real, made = np.array([pair for each in pairs for pair in each.values()]).sum(axis=0)
    return float(made / real)
