"""Moves every 30 days against moves every 5 days, with meetings every 5 days in both, over 40 years.

Usage: python benchmarks/reproduce/moves.py [--data ../shared/data/debris] [--runs 10] [--years 40] [--workers 2]
       [--seed 1]

Truth: moves every 5 days. Both draw the same positions in the same steps, so that runs are compared in pairs. Verdicts:
the population of every year within 2 %, mean over runs; and 0 within the 95 % interval (Student) of the difference of
the expected collisions at the end, of all and of catastrophic ones, by the estimator 'expected'.
"""

from __future__ import annotations

import sys

import numpy as np
from inputs import Parser
from runs import ensemble, write
from scipy.stats import t
from verdict import Report

from stmgpu.debris import statistics
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.specs import CollisionSpec, PopulationSpec, PropagationSpec

START = 2023
MOVES = (5.0, 30.0)
POPULATION = 0.02


def main() -> int:
    parser = Parser(__doc__, f"mocat_mc/{START}.mat")
    parser.ensemble(years=40.0, runs=10)
    given = parser.parse_args()
    file = given.data / "mocat_mc" / f"{START}.mat"
    scenarios = [
        Scenario(
            name=f"moves every {days:g} days",
            population=PopulationSpec(source="mocat", path=file, seed=1),
            propagation=PropagationSpec(step_days=days),
            collisions=CollisionSpec(estimator="expected", step_days=5.0, avoidance=0.0),
        )
        for days in MOVES
    ]
    ds, cpu = ensemble(scenarios, given.years, given.runs, given.seed, given.workers)
    report = Report(f"Moves every 30 and 5 days, {given.years:g} years from {START}")
    often, seldom = statistics.total(ds, "population").transpose("scenario", "run", "time").to_numpy()
    ratio = seldom.mean(axis=0) / often.mean(axis=0)
    worst = float(ratio[np.argmax(np.abs(ratio - 1.0))])
    report.check("population, worst year, over that with 5 days", 1.0, worst, tolerance_relative=POPULATION)
    result: dict[str, object] = {"population_ratio": ratio.tolist()}
    for kind in ("all", "catastrophic"):
        values = (
            statistics.collisions(ds, kind, channel="expected").isel(time=-1).transpose("scenario", "run").to_numpy()
        )
        difference = values[1] - values[0]
        half = float(t.ppf(0.975, given.runs - 1) * difference.std(ddof=1) / given.runs**0.5)
        report.check(
            f"expected collisions, {kind}: difference",
            0.0,
            float(difference.mean()),
            low=-half,
            high=half,
            note=f"{values[0].mean():.3f} with 5 days, {values[1].mean():.3f} with 30",
        )
        result[kind] = values.tolist()
    for name in ("decays", "fragments"):
        before, after = statistics.total(ds, name).isel(time=-1).mean("run").to_numpy()
        report.check(name, float(before), float(after), note=f"{100.0 * (after / before - 1.0):+.2f} %")
    spent = {f"{days:g}": float(np.mean([cpu[k, r] for r in range(given.runs)])) for k, days in enumerate(MOVES)}
    report.note("CPU seconds a run: " + ", ".join(f"{days} days {s:.1f}" for days, s in spent.items()))
    return write(
        given.name, {"years": given.years, "runs": given.runs, "seed": given.seed, "cpu_s": spent} | result, report
    )


if __name__ == "__main__":
    sys.exit(main())
