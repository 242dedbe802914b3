"""Screening against brute force: every event once, and no other, on a synthetic catalogue of all regimes.

Usage: python benchmarks/reproduce/brute_force.py [--objects 700] [--hours 6] [--threshold-km 25] [--seed 5]

Truth: stmgpu/screen/brute.py, which samples the distances of all pairs every 10 s with the sgp4 package and refines
every minimum by SciPy; it has no grid, no bound and no code in common with the engine beyond SGP4 itself. An event
whose miss is within 1 mm of the threshold may be on either side of it.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
from verdict import Report

import stmgpu as stm
from stmgpu.screen.brute import brute

START = "2025-01-01T00:00:00"
SAME_S, SAME_M, EDGE_KM = 1e-3, 1e-3, 1e-6
"""Allowed differences, and how near to the threshold an event may be on either side [km]."""
NEAR_S, FAST_KM_S = 5.0, 0.1
"""Largest difference of matched events [s]; slow pairs are nearest to each other at no sharp time."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=700)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--threshold-km", type=float, default=25.0)
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    catalog = stm.synthetic_catalog(given.objects, seed=given.seed)
    start = stm.time.parse_utc(START)
    con = stm.screen(catalog, start=START, hours=given.hours, threshold_km=given.threshold_km)
    ours = {
        (int(first), int(second)): np.flatnonzero((con.primary.values == first) & (con.secondary.values == second))
        for first, second in {*zip(con.primary.values.tolist(), con.secondary.values.tolist(), strict=True)}
    }
    times = (con.tca.values - np.datetime64(START)) / np.timedelta64(1, "ns") * 1e-9
    truth = brute(catalog, (start.jd, start.fr), duration_s=3600.0 * given.hours, threshold_km=given.threshold_km)
    used: set[int] = set()
    missed, worst_s, worst_m = 0, 0.0, 0.0
    for event in truth:
        pair = tuple(sorted(int(catalog.norad_id[event[side]]) for side in ("first", "second")))
        near = [k for k in ours.get(pair, ()) if k not in used and abs(times[k] - event["tca_s"]) < NEAR_S]
        if not near:
            missed += event["miss_km"] < given.threshold_km - EDGE_KM
            continue
        k = min(near, key=lambda number: abs(times[number] - event["tca_s"]))
        used.add(k)
        worst_m = max(worst_m, 1e3 * abs(float(con.miss_distance.values[k]) - event["miss_km"]))
        if con.relative_speed.values[k] > FAST_KM_S:
            worst_s = max(worst_s, abs(times[k] - event["tca_s"]))
    extra = sum(
        con.miss_distance.values[k] < given.threshold_km - EDGE_KM
        for k in range(con.sizes["conjunction"])
        if k not in used
    )
    report = Report(f"Screening against brute force, {given.objects} synthetic objects, {given.hours:g} h")
    report.check(
        f"events below {given.threshold_km:g} km", len(truth), con.sizes["conjunction"], note="both sides of the limit"
    )
    report.check("events missed", 0, missed, tolerance_relative=0.0)
    report.check("events that brute force has not", 0, extra, tolerance_relative=0.0)
    report.check(f"time, faster than {FAST_KM_S:g} km/s [s]", None, worst_s, high=SAME_S)
    report.check("miss distance [m]", None, worst_m, high=SAME_M)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
