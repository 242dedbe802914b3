"""Sensitivity to the length of a step: 2.5, 5 and 10 days over 50 years.

Usage: python benchmarks/reproduce/time_step.py [--data ../shared/data/debris] [--runs 5] [--years 50] [--workers 2]
       [--seed 1]

Truth: the limit of short steps. Launches, ends of missions and disposals are the same in all, positions are drawn anew,
so that what differs is chance or the step.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import numpy as np
from inputs import Parser
from runs import as_sigma, ensemble, write
from verdict import SIGMAS, Report

from stmgpu.debris import statistics
from stmgpu.debris.scenario import Scenario
from stmgpu.debris.specs import CollisionSpec, LaunchSpec, PopulationSpec, PropagationSpec
from stmgpu.time import YEAR_DAYS

STEPS = (5.0, 2.5, 10.0)
START, WINDOW = 2009, (2001.0, 2009.0)
FLOOR = 0.002
"""Part by which values may differ however small the error: a step delays what comes and goes by up to its length."""


def compare(report: Report, ds: Any) -> dict[str, Any]:
    """Each quantity at the end with steps of 2.5 and 10 days against 5 days, run by run."""
    result: dict[str, Any] = {}
    values = {
        "population": statistics.total(ds, "population"),
        "mass in orbit [t]": statistics.total(ds, "total_mass") / 1e3,
        "decays": statistics.total(ds, "decays"),
        "fragments made": statistics.total(ds, "fragments"),
        "expected collisions": statistics.collisions(ds, "all", channel="expected"),
        "expected catastrophic collisions": statistics.collisions(ds, "catastrophic", channel="expected"),
        "expected fragments": statistics.total(ds, "expected_fragments"),
    }
    runs = ds.sizes["run"]
    for name, series in values.items():
        end = series.isel(time=-1).transpose("scenario", "run").to_numpy()
        # what runs have in common is taken out; the rest, pooled over steps, is the error of a run
        rest = end - end.mean(axis=0) - end.mean(axis=1)[:, None] + end.mean()
        freedom = (len(STEPS) - 1) * (runs - 1)
        error = float((rest**2).sum() / freedom) ** 0.5 * (2.0 / runs) ** 0.5
        reference = float(end[0].mean())
        for k, step in enumerate(STEPS[1:], 1):
            ours = float(end[k].mean())
            allowed = max(SIGMAS * as_sigma(error, freedom), FLOOR * reference)
            report.check(
                f"{name}, {step:g} days against {STEPS[0]:g}",
                reference,
                ours,
                low=reference - allowed,
                high=reference + allowed,
                note=f"{100 * (ours / reference - 1):+.2f} %, standard error {100 * error / reference:.2f} %",
            )
        result[name] = {f"{step:g}": row.tolist() for step, row in zip(STEPS, end, strict=True)}
    return result


def alone(report: Report, ds: Any) -> dict[str, Any]:
    """Compare one run without collisions, in which only decay in the last step is left to chance."""
    result: dict[str, Any] = {}
    decays = float(statistics.total(ds, "decays").isel(time=-1, run=0, scenario=0))
    last_step = decays / (ds.sizes["time"] - 1) * max(STEPS) / YEAR_DAYS
    for name, series in (
        ("population", statistics.total(ds, "population")),
        ("decays", statistics.total(ds, "decays")),
    ):
        end = series.isel(time=-1, run=0).to_numpy()
        for step, ours in zip(STEPS[1:], end[1:], strict=True):
            allowed = max(FLOOR * end[0], last_step)
            report.check(
                f"no collisions: {name}, {step:g} days against {STEPS[0]:g}",
                end[0],
                ours,
                low=end[0] - allowed,
                high=end[0] + allowed,
                note=f"{100 * (ours / end[0] - 1):+.3f} %",
            )
        result[name] = {f"{step:g}": float(value) for step, value in zip(STEPS, end, strict=True)}
    return result


def main() -> int:
    parser = Parser(__doc__, f"mocat_mc/{START}.mat")
    parser.ensemble(years=50.0, runs=5)
    given = parser.parse_args()
    file = given.data / "mocat_mc" / f"{START}.mat"
    begin = time.perf_counter()
    met, calm = (
        [
            Scenario(
                name=f"{step:g} days",
                population=PopulationSpec(source="mocat", path=file, seed=1),
                propagation=PropagationSpec(step_days=step),
                collisions=CollisionSpec.model_validate({"step_days": step, **options}),
                launches=LaunchSpec(model="repeat", window=WINDOW),
            )
            for step in STEPS
        ]
        for options in ({"estimator": "expected"}, {"enabled": False})
    )
    ds, cpu = ensemble(met, given.years, given.runs, given.seed, given.workers)
    report = Report(f"Steps of 2.5, 5 and 10 days, {given.years:g} years from {START}")
    result = compare(report, ds)
    result["alone"] = alone(report, ensemble(calm, given.years, 1, given.seed, given.workers)[0])
    spent = {f"{step:g}": float(np.mean([cpu[k, run] for run in range(given.runs)])) for k, step in enumerate(STEPS)}
    report.note("CPU seconds a run: " + ", ".join(f"{step} days {s:.1f}" for step, s in spent.items()))
    report.note(
        f"MOCAT-MC's population of {START}, launches of {WINDOW[0]:g} to {WINDOW[1]:g} over and over, "
        "25-year rule at 90 %, sinusoidal solar activity, no explosions, estimator 'expected' (sampled "
        f"collisions would hide all that can be seen here). {given.runs} runs, seed {given.seed}; errors are "
        f"those of the paired differences, pooled; allowed are 3 of them (by Student), or {100 * FLOOR:g} %."
    )
    seconds = time.perf_counter() - begin
    report.note(f"{seconds:.0f} s with {given.workers} workers")
    return write(
        given.name,
        {
            "years": given.years,
            "runs": given.runs,
            "seed": given.seed,
            "seconds": seconds,
            "cpu_s": spent,
            "end": result,
        },
        report,
    )


if __name__ == "__main__":
    sys.exit(main())
