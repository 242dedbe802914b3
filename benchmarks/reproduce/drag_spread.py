"""Spread of drag among equal derelict objects, from orbits some years apart.

Usage: python benchmarks/reproduce/drag_spread.py [--data ../shared/data/debris] [--write]

Objects of MOCAT-MC's files that have one mass, to the kilogram, are taken as of one make (15 or more of them). What
their semi-major axes lost between two files goes by density, which is smooth in altitude, eccentricity and inclination,
and by C_d A/m. So the logarithm of the loss is fitted by mean altitude and its square, the span between perigee and
apogee, and cos i; what is left is the spread of drag, and of the elements' errors with it. It is given as 1.4826 times
the median absolute deviation, since among payloads some were controlled for a part of the time.

There is no published figure to compare with: this is where the default of propagation.drag_spread comes from.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from inputs import Parser

from stmgpu.constants import EARTH
from stmgpu.debris.population import Kind, Population
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.specs import PopulationSpec, PropagationSpec
from stmgpu.debris.study.preparation import initial_population

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import machine

YEARS = (2005, 2010, 2015, 2018, 2023)
PERIGEE_KM, APOGEE_KM = 500.0, 900.0
LEAST_KM = 0.3
"""Smaller losses say more of errors than of drag."""

ENOUGH = 15


def main() -> int:
    parser = Parser(__doc__, *(f"mocat_mc/{year}.mat" for year in YEARS))
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/drag_spread.json")
    options = parser.parse_args()
    files = {year: _load(options.data / "mocat_mc" / f"{year}.mat") for year in YEARS}
    makes = [make for first, last in pairwise(YEARS) for make in _makes(files, first, last)]
    print(f"{'years':11} {'class':12} {'mass kg':>8} {'objects':>8} {'sank km':>8} {'spread':>7}")
    for m in makes:
        print(
            f"{m['years']:11} {m['class']:12} {m['mass_kg']:8.0f} {m['objects']:8d} {m['sank_km']:8.2f} "
            f"{m['spread']:7.3f}"
        )
    medians = {
        name: float(np.median([m["spread"] for m in makes if name in (m["class"], "all")]))
        for name in ("rocket body", "payload")
    }
    medians["all"] = float(np.median([m["spread"] for m in makes]))
    print(
        "median:",
        ", ".join(f"{name} {value:.3f}" for name, value in medians.items()),
        f"; propagation.drag_spread is {PropagationSpec().drag_spread} by default",
    )
    if options.write:
        print(machine.write("drag_spread", {"makes": makes, "median": medians}))
    return 0


def _load(path: Path) -> Population:
    return initial_population(Scenario(population=PopulationSpec(source="mocat", path=path.resolve())))


def _makes(files: dict[int, Population], first: int, last: int) -> list[dict[str, Any]]:
    before, after = files[first], files[last]
    _, i, j = np.intersect1d(before.norad_id, after.norad_id, return_indices=True)
    i, j = i[before.norad_id[i] > 0], j[before.norad_id[i] > 0]
    then = before[i]
    sank = then.a_km - after.a_km[j]
    perigee, apogee = (then.a_km * (1.0 + sign * then.ecc) - EARTH.radius_km for sign in (-1, 1))
    found = []
    for name, kind in (("rocket body", Kind.ROCKET_BODY), ("payload", Kind.DERELICT)):
        usable = (then.kind == kind) & (sank > LEAST_KM) & (perigee > PERIGEE_KM) & (apogee < APOGEE_KM)
        masses, make, count = np.unique(np.round(then.mass_kg[usable]), return_inverse=True, return_counts=True)
        for k in np.flatnonzero(count >= ENOUGH):
            rows = np.flatnonzero(usable)[make == k]
            height = 0.5 * (perigee + apogee)[rows] - 700.0
            terms = np.stack(
                [np.ones(len(rows)), height, height**2, (apogee - perigee)[rows], np.cos(then.inc_rad[rows])], axis=1
            )
            loss = np.log(sank[rows])
            rest = loss - terms @ np.linalg.lstsq(terms, loss, rcond=None)[0]
            found.append(
                {
                    "years": f"{first} to {last}",
                    "class": name,
                    "mass_kg": float(masses[k]),
                    "objects": len(rows),
                    "sank_km": round(float(np.median(sank[rows])), 2),
                    "spread": round(float(1.4826 * np.median(np.abs(rest - np.median(rest)))), 3),
                }
            )
    return found


if __name__ == "__main__":
    raise SystemExit(main())
