"""R4 and R5: collisions and conjunctions of 19,647 objects against deterministic runs of esa/cascade.

Usage: python benchmarks/reproduce/deterministic.py [--data FOLDER] [--seed N] [--backend B] [--only R4] [--integrate]

R4: 20 runs of 20 years from positions that are off by up to 1 km in x, y and z. Ours: 8 such draws, mean elements moved
    by J2 and drag in cascade's atmosphere to 12 epochs each, mean anomalies random, windows of 3 h screened to 1 km, a
    conjunction below D counted as (R / D)^2 collisions.
R5: its example "one week of LEO", 284,340 conjunctions below 5 km. What that number counts: see :func:`recorded`.
    --integrate screens trajectories integrated with cascade's own forces (6 minutes) instead of moved mean elements.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from cascade_orbits import EPOCH, Decades, Elements, States, apsidal_rate, fitted
from numpy.typing import NDArray
from verdict import Report

import stmgpu as stm
from stmgpu.backend import Backend, get_backend
from stmgpu.catalog import Catalog
from stmgpu.debris.collisions.deterministic import collision_rate
from stmgpu.errors import InputError
from stmgpu.propagate.sgp4 import SGP4Propagator
from stmgpu.time import Epoch

Array = NDArray[np.float64]
DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "debris"
EPOCH_NS = int(np.datetime64("2022-03-01T00:00:00", "ns").view(np.int64))
RADIUS_KM, YEAR_DAYS, YEARS = 6378.137, 365.25, 20.0
SHELL_KM = (535.0, 565.0)

# R4
REALISATIONS, EPOCHS, HOURS, WITHIN_KM = 8, 12, 3.0, 1.0
FIRST_DAYS = (0.0, 15.0, 30.0, 45.0, 60.0, 75.0, 90.0)
PERTURBED_KM = 1.0
"""cascade's runs differ by their initial positions: uniform from -1 to 1 km is added to x, y and z. That spreads axes
by 1.2 km and eccentricities by 1e-4, and so thins the shells: unperturbed states give 1.83 collisions a year, and twice
the share of slow ones."""

# R5: cascade's example, its settings and its re-entries (days after the start, as it prints them)
PUBLISHED, THRESHOLD_KM, WEEK_DAYS = 284_340, 5.0, 7.0
CHUNK_S, CHUNKS = 135.0, 120
REENTRIES = (
    0.0011409,
    0.0041031,
    0.0057063,
    0.0072671,
    0.0181532,
    0.0295531,
    0.0433145,
    0.0608019,
    0.0734482,
    0.0789137,
    0.0791691,
    0.1159317,
    0.1577919,
    0.5272321,
    0.6734418,
    1.1280070,
    1.1870444,
    1.3261691,
    1.4093022,
    1.5253802,
    1.5763910,
    1.9777627,
    2.8590610,
    3.1482805,
    3.1630508,
    3.1672791,
    3.2632245,
    3.4012765,
    4.2118172,
    5.0876283,
    5.1581364,
    5.8669000,
    6.1272412,
    6.7922755,
)


# ------------------------------------------------------------------------------------------------ R5
def recorded(times_s: Array) -> tuple[int, int, float]:
    """Conjunctions that cascade records, given sorted times: recorded, true, and the last second simulated.

    A superstep is 120 chunks of 135 s, found and kept chunk by chunk; a re-entry ends it early. The chunks behind its
    end then still hold what an earlier superstep found in them, and all 120 are appended to the record: those are
    counted again (seen in esa-cascade 0.1.7, whose list holds events from before a step's start after every re-entry
    that follows a longer step). The loop ends with the first superstep that passes 7 days.
    """
    now, counted, true = 0.0, 0, 0
    kept = np.zeros(CHUNKS, np.int64)
    falls = [day * 86_400.0 for day in REENTRIES]
    while now < WEEK_DAYS * 86_400.0:
        end = now + CHUNKS * CHUNK_S
        if falls and falls[0] < end:
            end = falls.pop(0)
        used = int(np.ceil((end - now) / CHUNK_S))
        edges = np.append(now + CHUNK_S * np.arange(used), end)
        kept[:used] = np.diff(np.searchsorted(times_s, edges))
        counted += int(kept.sum())
        true += int(kept[:used].sum())
        now = end
    return counted, true, now


def week(states: States, elements: Elements, backend: str, integrate: bool) -> Array:
    """Times [s] of all conjunctions below 5 km in 8 days, sorted."""
    if integrate:
        from cascade_forces import Flight

        flight = Flight(states, EPOCH_NS)
    times = []
    for day in range(int(WEEK_DAYS) + 1):
        begin = Epoch.of(EPOCH.jd, EPOCH.fr + day)
        if integrate:
            found = stm.screen(
                None, start=begin, days=1, threshold_km=THRESHOLD_KM, backend=backend, ephemeris=flight.next_day()
            )
        else:
            found = stm.screen(
                elements.drifted(day * 86_400.0).catalog(begin),
                start=begin,
                days=1,
                threshold_km=THRESHOLD_KM,
                backend=backend,
            )
        times.append((found.tca.to_numpy().astype("datetime64[ns]").view(np.int64) - EPOCH_NS) / 1e9)
    return np.sort(np.concatenate(times))


def r5(report: Report, states: States, catalog: Catalog, elements: Elements, backend: str, integrate: bool) -> None:
    """One week of conjunctions."""
    as_given = stm.screen(catalog, start=EPOCH, days=WEEK_DAYS, threshold_km=THRESHOLD_KM, backend=backend)
    for within in (5.0, 2.0, 1.0):
        rate = collision_rate(
            as_given, norad_id=catalog.norad_id, radius_m=catalog.hard_body_radius_m, days=WEEK_DAYS, within_km=within
        )
        report.check(
            f"SGP4 (with J3), 7 days: collisions a year from misses below {within:g} km",
            None,
            rate["rate"],
            note=f"{rate['conjunctions']:,.0f} conjunctions, ±{rate['sigma']:.2g}; "
            f"{rate['slow']:.2g} of it from slow pairs",
        )
    times = week(states, elements, backend, integrate)
    counted, true, end = recorded(times)
    report.check(
        "conjunctions below 5 km, as cascade records them",
        PUBLISHED,
        counted,
        tolerance_relative=0.02,
        source="esa/cascade, example one week of LEO",
    )
    report.check("  of them different events", None, true, note=f"to {end / 86_400.0:.3f} days, where its loop ends")
    report.check(
        "  in 7 days",
        None,
        int(np.searchsorted(times, WEEK_DAYS * 86_400.0)),
        note="falling day by day, because without J3 the apsides of shells part",
    )
    report.note(
        "R5: "
        + (
            "trajectories integrated with J2, C22, S22 and drag."
            if integrate
            else "SGP4 elements made anew for each day from mean elements under J2, without drag, C22, S22."
        )
    )


# ------------------------------------------------------------------------------------------------ R4
@dataclass(frozen=True)
class Runs:
    """Collisions of the published runs: run, day, altitude [km], relative speed [km/s]; re-entries of each run."""

    run: NDArray[np.int64]
    day: Array
    altitude_km: Array
    speed_km_s: Array
    reentries: Array

    @classmethod
    def read(cls, folder: Path) -> Runs:
        """Of the folder mc20yr."""
        files = sorted(folder.glob("out*_collision_log.txt"))
        if not files:
            raise InputError(f"{folder} has no collision logs; give the folder of the debris data with --data")
        rows = [
            (run, *(float(x) for x in line.replace("[", " ").replace("]", " ").split(",")))
            for run, file in enumerate(files)
            for line in file.read_text().splitlines()
            if line.strip()
        ]
        table = np.array(rows)
        falls = [
            sum(1 for line in file.read_text().splitlines() if line.strip())
            for file in sorted(folder.glob("out*_decay_log.txt"))
        ]
        return cls(
            table[:, 0].astype(np.int64),
            table[:, 1],
            np.linalg.norm(table[:, 4:7], axis=1) / 1e3 - RADIUS_KM,
            np.linalg.norm(table[:, 7:10] - table[:, 13:16], axis=1) / 1e3,
            np.array(falls, np.float64),
        )


@dataclass(frozen=True)
class Sample:
    """One window: realisation, day, expected collisions a year, and of that: in the shell, slower than 1 km/s, times
    the speed."""

    realisation: int
    day: float
    rate: float
    shell: float
    slow: float
    speed: float


def window(elements: Elements, realisation: int, day: float, rng: np.random.Generator, backend: Backend) -> Sample:
    """Screen 3 h with random mean anomalies."""
    mean = rng.uniform(0.0, 2.0 * np.pi, len(elements.id))
    catalog = Elements(
        elements.id, elements.a_km, elements.ecc, elements.inc, elements.raan, elements.argp, mean, elements.radius_m
    ).catalog(EPOCH)
    found = stm.screen(catalog, start=EPOCH, hours=HOURS, threshold_km=WITHIN_KM, backend=backend.name)
    place = np.zeros(int(catalog.norad_id.max()) + 1, np.int64)
    place[catalog.norad_id] = np.arange(len(catalog))
    first, second = place[found.primary.to_numpy()], place[found.secondary.to_numpy()]
    size_km = 1e-3 * (catalog.hard_body_radius_m[first] + catalog.hard_body_radius_m[second])
    chance = (size_km / WITHIN_KM) ** 2 * YEAR_DAYS * 24.0 / HOURS
    altitude, speed = altitudes(catalog, first, found, backend), found.relative_speed.to_numpy()
    shell = (altitude > SHELL_KM[0]) & (altitude < SHELL_KM[1])
    return Sample(
        realisation,
        day,
        float(chance.sum()),
        float(chance[shell].sum()),
        float(chance[speed < 1.0].sum()),
        float((chance * speed).sum()),
    )


def altitudes(catalog: Catalog, first: NDArray[np.int64], found: xr.Dataset, backend: Backend) -> Array:
    """Altitude of each conjunction's primary [km]."""
    propagator = SGP4Propagator(catalog, backend, (EPOCH.jd, EPOCH.fr), (0.0, HOURS * 3600.0))
    column = np.argsort(propagator.order)
    seconds = (found.tca.to_numpy().astype("datetime64[ns]").view(np.int64) - EPOCH_NS) / 1e9
    states, _ = propagator.at(backend.put(column[first]), backend.put(seconds))
    return np.asarray(np.linalg.norm(backend.get(states)[:3], axis=0)) - RADIUS_KM


def r4(report: Report, runs: Runs, states: States, elements: Elements, seed: int, backend: Backend) -> None:
    """Twenty years of collisions."""
    rng = np.random.default_rng(seed)
    orderly = Decades(elements, states.drag_per_m, backend)
    first = [window(orderly.until(day), -1, day, rng, backend).rate for day in FIRST_DAYS]
    report.check(
        "unperturbed states, collisions a year on days " + " ".join(f"{day:g}" for day in FIRST_DAYS),
        None,
        " ".join(f"{x:.1f}" for x in first),
        note="pulses, see below",
    )
    samples, falls = [], []
    for r in range(REALISATIONS):
        drawn = states.perturbed(PERTURBED_KM, rng)
        decades = Decades(fitted(drawn, backend)[1], drawn.drag_per_m, backend)
        # systematic sampling with a random start: every day has the same chance, and the mean is unbiased
        start = rng.uniform()
        for k in range(EPOCHS):
            day = (k + start) / EPOCHS * YEARS * YEAR_DAYS
            samples.append(window(decades.until(day), r, day, rng, backend))
        decades.until(YEARS * YEAR_DAYS)
        falls.append(float(np.isfinite(decades.reentry_days).sum()))

    each = np.array(
        [[(s.rate, s.shell, s.slow, s.speed) for s in samples if s.realisation == r] for r in range(REALISATIONS)]
    ).mean(axis=1)
    n_runs = len(runs.reentries)
    per_run = np.bincount(runs.run, minlength=n_runs)
    ours, theirs = each[:, 0], per_run / YEARS
    report.check(
        "collisions a year",
        float(theirs.mean()),
        float(ours.mean()),
        sigma=float(np.hypot(error(ours), error(theirs))),
        note=f"±{error(theirs):.2f} and ±{error(ours):.2f}; {len(samples)} windows of "
        f"{HOURS:g} h, {REALISATIONS} realisations: " + " ".join(f"{x:.2f}" for x in ours),
        source=f"{len(runs.run)} collisions in {n_runs} runs of esa/cascade",
    )
    inside = (runs.altitude_km > SHELL_KM[0]) & (runs.altitude_km < SHELL_KM[1])
    for name, mask, column in (
        (f"  share at {SHELL_KM[0]:g}-{SHELL_KM[1]:g} km", inside, 1),
        ("  share below 1 km/s", runs.speed_km_s < 1.0, 2),
    ):
        share, ratio = float(mask.mean()), each[:, column].sum() / each[:, 0].sum()
        report.check(
            name,
            share,
            float(ratio),
            sigma=float(np.hypot(ratio_error(each[:, column], each[:, 0]), np.sqrt(share * (1.0 - share) / len(mask)))),
        )
    speed = float(each[:, 3].sum() / each[:, 0].sum())
    report.check(
        "  mean relative speed [km/s]",
        float(runs.speed_km_s.mean()),
        speed,
        sigma=float(np.hypot(ratio_error(each[:, 3], each[:, 0]), error(runs.speed_km_s))),
    )
    pulses(report, runs, inside, samples, elements)
    edges = np.linspace(0.0, YEARS, 5) * YEAR_DAYS
    quarter = [
        np.mean([s.rate for s in samples if low <= s.day < high]) * YEARS / 4.0
        for low, high in itertools.pairwise(edges)
    ]
    published = np.histogram(runs.day, edges)[0] / n_runs
    report.check(
        "collisions in each 5 years", " ".join(f"{x:.1f}" for x in published), " ".join(f"{x:.1f}" for x in quarter)
    )
    report.check(
        "re-entries in 20 years",
        float(runs.reentries.mean()),
        float(np.mean(falls)),
        sigma=float(np.hypot(error(runs.reentries), error(np.array(falls)))),
        note=f"±{error(runs.reentries):.1f} and ±{error(np.array(falls)):.1f}; ours: perigee below 150 km",
    )
    report.note(
        f"R4: seed {seed}; mean anomalies uniform, since axes that are off by 1.2 km carry objects a degree a "
        "day along their orbits. J3 off, as in cascade."
    )


def pulses(report: Report, runs: Runs, inside: NDArray[np.bool_], samples: list[Sample], elements: Elements) -> None:
    """Collisions of the Starlink shell come in pulses: whenever its common apsides lie symmetrically to the equator,
    orbits that cross on the way up and down do so at the same height; that is twice a turn of the perigee."""
    height = elements.a_km - RADIUS_KM
    starlink = (height > 545.0) & (height < 555.0) & (np.abs(np.degrees(elements.inc) - 53.0) < 0.2)
    rate = apsidal_rate(elements.a_km[starlink], elements.ecc[starlink], elements.inc[starlink])
    period = np.pi / float(np.median(rate)) / 86_400.0
    day = runs.day[inside]
    trial = np.arange(30.0, 120.0, 0.05)
    power = np.abs(np.exp(2j * np.pi * day / trial[:, np.newaxis]).sum(axis=1)) ** 2 / len(day)
    best = float(trial[power.argmax()])
    report.check(
        "period of the shell's collisions [days]",
        best,
        period,
        tolerance_relative=0.01,
        note=f"ours: half a turn of the perigee by J2; Rayleigh power of the logs' {power.max():.0f} (chance: some 8)",
    )
    near = np.abs((day / best + 0.5) % 1.0 - 0.5) < 0.1
    when, weight = np.array([s.day for s in samples]), np.array([s.shell for s in samples])
    mine = np.abs((when / period + 0.5) % 1.0 - 0.5) < 0.1
    share = float(near.mean())
    of_realisation = np.array([s.realisation for s in samples])
    both = np.array(
        [
            [weight[chosen & mine].sum(), weight[chosen].sum()]
            for chosen in (of_realisation == r for r in range(REALISATIONS))
        ]
    )
    report.check(
        "  share in the fifth of the period around its start",
        share,
        float(both[:, 0].sum() / both[:, 1].sum()),
        sigma=float(np.hypot(ratio_error(both[:, 0], both[:, 1]), np.sqrt(share * (1 - share) / len(day)))),
        note="without pulses 0.2",
    )
    report.check(
        "  windows: lowest, median, highest rate a year",
        None,
        " ".join(f"{x:.2f}" for x in np.percentile([s.rate for s in samples], [0, 50, 100])),
    )


def error(values: Array) -> float:
    """Standard error of a mean."""
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def ratio_error(above: Array, below: Array) -> float:
    """Standard error of the ratio of two sums (by linearisation)."""
    rest = above - above.sum() / below.sum() * below
    return error(rest) / float(below.mean())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, help="folder with cascade/ (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--backend", default="auto")
    parser.add_argument("--only", choices=("R4", "R5"))
    parser.add_argument("--integrate", action="store_true", help="R5 with integrated trajectories (6 minutes)")
    args = parser.parse_args()
    begin = time.perf_counter()
    backend = get_backend(args.backend)
    report = Report("R4, R5: deterministic collisions and conjunctions")
    try:
        states = States.read(args.data / "cascade")
        catalog, elements, off = fitted(states, backend)
        report.check("SGP4 elements of the states: largest error [km]", None, off, high=1e-6)
        if args.only != "R5":
            r4(report, Runs.read(args.data / "cascade" / "mc20yr"), states, elements, args.seed, backend)
        if args.only != "R4":
            r5(report, states, catalog, elements, backend.name, args.integrate)
    except InputError as problem:
        print(problem, file=sys.stderr)
        return 2
    report.note(f"{time.perf_counter() - begin:.0f} s on {backend.name}.")
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
