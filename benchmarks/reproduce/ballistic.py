"""Ballistic coefficients of rocket bodies fitted from what they sank, judged on years that were not fitted.

Usage: python benchmarks/reproduce/ballistic.py [--data ../shared/data/debris] [--name ballistic]

Truth: semi-major axes in the populations that MOCAT-MC publishes for 2000 to 2023 (MIT ARCLab; Space-Track, ESA
DISCOS). Judged is the sum of what the model sinks over the sum of what the objects really sank, for circular orbits
that begin between 500 and 900 km, by type. Two ways of leaving years out: each interval between files is predicted from
all others, and 2010 to 2023 from 2000 to 2010.

Rule of the verdict, written before the first result: both ratios of SL-14 and of SL-16 lie within 10 % of 1. With the
area-to-mass ratios of DISCOS they were 1.81 and 0.81. Other types and classes are shown, not judged.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from history import YEARS, History
from inputs import SPACE_WEATHER, Parser
from numpy.typing import NDArray
from runs import write
from verdict import Report

from stmgpu.constants import EARTH
from stmgpu.debris.environment import Environment
from stmgpu.debris.population import Kind, Population
from stmgpu.debris.population.ballistic import measure, shrink, types_of
from stmgpu.debris.population.sinking import Sinking, Track, modelled_sinking, sinking_of
from stmgpu.debris.specs import EnvironmentSpec, SolarSpec

DRAG, DECAY_KM = 2.2, 150.0
LOW_KM, HIGH_KM, ROUND = 500.0, 900.0, 0.01
SPLIT = 2010.0
ALLOWED = 0.1
PUBLISHED = {"SL-14": 1.81, "SL-16": 0.81}
"""Ratios with the area-to-mass ratios of DISCOS, from a review of this project."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

TYPES: dict[str, Callable[[Floats, Floats], Bools]] = {
    "SL-14": lambda mass, inc: (np.abs(mass - 1388) < 3) & (np.abs(inc - 82.5) < 0.3),
    "SL-16": lambda mass, inc: (mass > 8000) & (np.abs(inc - 71) < 0.1),
    "SL-3": lambda mass, inc: (np.abs(mass - 1427) < 4) & ((np.abs(inc - 81.2) < 0.3) | (np.abs(inc - 97.6) < 0.5)),
    "SL-8": lambda mass, inc: (np.abs(mass - 1425) < 8) & (np.abs(inc - 74) < 0.2),
    "Chinese, polar": lambda mass, inc: (inc > 97) & (mass > 900) & (mass < 4100) & (np.abs(mass - 1427) > 10),
    "all": lambda mass, inc: np.ones(len(mass), np.bool_),
}
"""By mass [kg] and inclination [deg], which single out a type among rocket bodies of known size."""


class Bodies:
    """Rocket bodies of all files, and their pairs of dates."""

    def __init__(self, folder: Path, seed: int) -> None:
        history = History(folder, seed)
        latest: dict[int, tuple[int, int]] = {}
        for year in YEARS:
            p = history.files[year]
            for k in np.flatnonzero(p.kind == Kind.ROCKET_BODY).tolist():
                latest[int(p.norad_id[k])] = (year, k)
        self.ids = np.array(sorted(latest))
        parts = {year: history.files[year] for year in YEARS}
        self.mass, self.radius, self.area_to_mass, self.stated = (
            np.array([take(parts[latest[i][0]], latest[i][1]) for i in self.ids.tolist()])
            for take in (
                lambda p, k: p.mass_kg[k],
                lambda p, k: p.radius_m[k],
                lambda p, k: p.area_to_mass[k],
                lambda p, k: p.filled[k] == 0,
            )
        )
        self.kind = np.full(len(self.ids), int(Kind.ROCKET_BODY), np.int8)
        self.type = types_of(self.kind, self.mass, self.radius, self.stated)
        self.pairs = sinking_of(Track.concatenate([track_of(p, self.ids) for p in parts.values()]))
        self.row = np.searchsorted(self.ids, self.pairs.norad_id)


def track_of(p: Population, ids: NDArray[np.int64]) -> Track:
    rows = np.flatnonzero(np.isin(p.norad_id, ids) & (p.kind == Kind.ROCKET_BODY))
    year = np.full(len(rows), p.epoch_year)
    return Track(p.norad_id[rows], year, p.a_km[rows], p.ecc[rows], p.inc_rad[rows], np.zeros(len(rows), np.bool_))


def fitted(bodies: Bodies, used: Bools, air: Environment) -> tuple[Floats, dict[str, int]]:
    """C_d A/m of all bodies from some of the pairs, and counts."""
    table = DRAG * bodies.area_to_mass
    found = measure(bodies.pairs[used], bodies.row[used], table, air, decay_km=DECAY_KM, rotating=True)
    log_factor, outlying = shrink(found, bodies.kind, bodies.type)
    counts = {
        "measured": int(np.isfinite(found.variance).sum()),
        "jumps": int(found.jumps.sum()),
        "outlying": int(outlying.sum()),
    }
    return table * np.exp(log_factor), counts


def predicted(pairs: Sinking, ballistic: Floats, air: Environment) -> Floats:
    return modelled_sinking(pairs, ballistic, air, decay_km=DECAY_KM, rotating=True)


def judge(report: Report, bodies: Bodies, air: Environment) -> dict[str, Any]:
    """Ratios of sums by type: with the table, each interval from the others, and later years from earlier ones."""
    pairs, row = bodies.pairs, bodies.row
    height = pairs.a_km - EARTH.radius_km
    shown = (height >= LOW_KM) & (height < HIGH_KM) & (pairs.ecc < ROUND) & bodies.stated[row]
    table = predicted(pairs, DRAG * bodies.area_to_mass[row], air)
    others, covered = np.zeros(len(pairs)), np.zeros(len(pairs), np.bool_)
    for begin, end in pairwise(YEARS):
        within = (pairs.begin == begin) & (pairs.end == end)
        apart = (pairs.end <= begin) | (pairs.begin >= end)
        ballistic, _ = fitted(bodies, apart, air)
        others[within] = predicted(pairs[within], ballistic[row[within]], air)
        covered |= within
    early, late = pairs.end <= SPLIT, pairs.begin >= SPLIT
    ballistic, counts = fitted(bodies, early, air)
    forward = np.zeros(len(pairs))
    forward[late] = predicted(pairs[late], ballistic[row[late]], air)
    report.note(f"fitted from 2000 to {SPLIT:.0f}: {counts}")
    found: dict[str, Any] = {"counts": counts}
    for name, belongs in TYPES.items():
        of = shown & belongs(bodies.mass[row], np.degrees(pairs.inc_rad))
        values = {}
        for way, lower, which in (
            ("DISCOS", table, covered),
            ("each interval from the others", others, covered),
            (f"after {SPLIT:.0f} from before", forward, late),
        ):
            w = of & which
            values[way] = float(lower[w].sum() / pairs.sank_km[w].sum())
            judged = name in PUBLISHED and way != "DISCOS"
            report.check(
                f"{name}, {way}",
                PUBLISHED[name] if way == "DISCOS" and name in PUBLISHED else 1.0,
                values[way],
                tolerance_relative=ALLOWED if judged else None,
                note=f"{int(w.sum())} pairs, {len(np.unique(row[w]))} objects",
            )
        found[name] = values
    return found


def main() -> int:
    parser = Parser(__doc__, "mocat_mc/2000.mat", SPACE_WEATHER)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--name", help="write results/NAME.json")
    given = parser.parse_args()
    begin = time.process_time()
    spec = EnvironmentSpec(solar=SolarSpec(model="repeat", space_weather=given.data / SPACE_WEATHER))
    air = Environment.build(spec, YEARS[0], YEARS[-1])
    report = Report("Ballistic coefficients of rocket bodies from their sinking, 2000 to 2023")
    result = judge(report, Bodies(given.data / "mocat_mc", given.seed), air)
    seconds = time.process_time() - begin
    report.note(f"NRLMSIS 2.1 at the observed F10.7 and Ap, CO2 of SSP2-4.5, C_d {DRAG}; {seconds:.0f} s of CPU")
    return write(given.name, {"seed": given.seed, "seconds": seconds, **result}, report)


if __name__ == "__main__":
    sys.exit(main())
