"""Rows of R8 to R10: what is compared with the published figures, and what they allow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from ensemble_runs import Figure, figure, last_cycle, leo, shells, years_mean
from verdict import Report

from stmgpu.debris.scenario import Study
from stmgpu.debris.statistics import collisions, effective_reduction_factor, smoothed, wilson_interval

YEARS = 200.0
LEGEND_2006, LEGEND_2008 = "Liou and Johnson 2006", "Liou and Johnson 2008"
IADC = "IADC-12-08"
ADR = "Liou, Johnson and Hill 2010; Liou 2011"
LEGEND_TOLERANCE = 0.3
MODELS_PERCENT = (19.0, 36.0)
"""Least and largest mean growth of the six models of IADC-12-08."""

MODELS_YEARS = (5.0, 9.0)
"""Between catastrophic collisions, least and largest of the six models."""

GROWN = (633, 725)
"""Runs that grew, of all runs of the six models."""

ENOUGH = {"sampled": 60, "expected": 12}
"""Least number of runs, by estimator, that is judged."""

STABLE = 0.1
"""Growth in 190 years that still counts as stable, of either sign."""

SINCE = 1
"""Record from which growth counts in R9 and R10, the first one after the collision: 1 January 2010."""


class Judge:
    """A report that judges only where the runs are as long as those they are compared with, and enough."""

    def __init__(self, title: str, study: Study) -> None:
        self.report = Report(title)
        self.sampled = study.scenarios[0].collisions.estimator == "sampled"
        enough = ENOUGH[study.scenarios[0].collisions.estimator]
        self.judged = study.years == YEARS and study.runs >= enough
        if not self.judged:
            self.report.note(
                f"Nothing is judged: {study.years:g} years and {study.runs} runs instead of {YEARS:g} and {enough}."
            )

    def check(self, name: str, reference: Any, ours: Any, *, note: Any = "", source: str = "", **allowed: Any) -> None:
        """Add a row; a `Figure` is judged by its interval."""
        if isinstance(ours, Figure):
            note = "; ".join(str(part) for part in (ours, note) if part)
            allowed |= {"interval": (ours.low, ours.high)} if allowed else {}
            ours = ours.mean
        self.report.check(name, reference, ours, note=str(note), source=source, **(allowed if self.judged else {}))


def envelope(ds: xr.Dataset, of: Callable[[xr.Dataset], xr.DataArray]) -> tuple[Figure, str]:
    """A value of each run: mean and hull of the intervals over all Suns, and the means by Sun."""
    each = {str(name): figure(of(ds.sel(scenario=name))) for name in ds["scenario"].to_numpy()}
    found = list(each.values())
    hull = Figure(float(np.mean([x.mean for x in found])), min(x.low for x in found), max(x.high for x in found))
    return hull, ", ".join(f"{name} {x.mean:.3g} ({x.low:.3g} to {x.high:.3g})" for name, x in each.items())


def r8(ds: xr.Dataset, judge: Judge) -> None:
    """Rows of R8; each figure is the envelope over all Suns, since which one LEGEND projected is not published."""
    start, end = float(ds["time"][0]), float(ds["time"][-1])
    middle = min(start + 50.0, end)

    def settled(one: xr.Dataset) -> xr.DataArray:
        return years_mean(leo(one), middle - 5.0, middle + 5.0)

    def late_over_early(one: xr.Dataset) -> xr.DataArray:
        counted = collisions(one, "catastrophic", channel="expected")
        late = counted.isel(time=-1) - counted.sel(time=end - 50.0, method="nearest")
        return late / (counted.sel(time=middle, method="nearest") - counted.isel(time=0))

    def near(values: xr.DataArray) -> xr.DataArray:
        band = shells(values, 900.0, 1000.0)
        return last_cycle(band) / band.isel(time=0)

    def near_share(one: xr.Dataset) -> xr.DataArray:
        by_shell = collisions(one, "catastrophic", channel="expected", by_shell=True).isel(time=-1)
        return shells(by_shell, 900.0, 1000.0) / by_shell.sum("shell")

    around = {"low": 1.0 - LEGEND_TOLERANCE, "high": 1.0 + LEGEND_TOLERANCE}
    rows: list[tuple[str, Any, Callable[[xr.Dataset], xr.DataArray], dict[str, float], str]] = [
        (
            f"objects in {middle:.0f} over those in {start:.0f}",
            "about 1",
            lambda one: settled(one) / leo(one).isel(time=0),
            around,
            LEGEND_2006,
        ),
        (
            "density at 900 to 1000 km, end over start",
            3.0,
            lambda one: near(one["number"].sum("class")),
            {"tolerance_relative": LEGEND_TOLERANCE},
            LEGEND_2006,
        ),
        (
            "share of catastrophic ones at 900 to 1000 km",
            0.6,
            near_share,
            {"tolerance_relative": LEGEND_TOLERANCE},
            LEGEND_2008,
        ),
        (
            "rate of collisions at 900 to 1000 km, end over start",
            "10",
            lambda one: near(one["rate_catastrophic"] + one["rate_cratering"]),
            {},
            LEGEND_2006,
        ),
    ]
    for kind, published in (("all", 18.2), ("catastrophic", 10.8)):

        def counted(one: xr.Dataset, kind: str = kind) -> xr.DataArray:
            return collisions(one, kind, channel="expected").isel(time=-1)

        name = "collisions, of any kind" if kind == "all" else "catastrophic collisions"
        rows.append((name, published, counted, {"tolerance_relative": LEGEND_TOLERANCE}, LEGEND_2008))
    for name, published, of, allowed, source in rows:
        ours, suns = envelope(ds, of)
        judge.check(name, published, ours, note=suns, source=source, **allowed)
    for name, of in (
        (f"objects at the end over those in {middle:.0f}", lambda one: last_cycle(leo(one)) / settled(one)),
        ("expected catastrophic collisions, last 50 years over first 50", late_over_early),
    ):
        for sun in ds["scenario"].to_numpy():
            found = figure(of(ds.sel(scenario=sun)))
            judge.check(
                f"{name}: lower end, {sun}",
                "> 1",
                found.low,
                low=1.0,
                note=f"mean {found.mean:.3f}",
                source=LEGEND_2006,
            )


def r9(ds: xr.Dataset, judge: Judge) -> None:
    number = leo(ds)
    grown = last_cycle(number) / number.isel(time=SINCE) - 1.0
    plain = figure(100.0 * grown.isel(scenario=0))
    growth, note = plain, ""
    if judge.sampled:
        growth = figure(100.0 * smoothed(ds, grown).isel(scenario=0))
        note = f"luck of collisions not taken out: {plain.mean:.3g}"
    judge.check(
        "mean growth [%]",
        "29 22 19 36 33 33",
        growth,
        low=MODELS_PERCENT[0],
        high=MODELS_PERCENT[1],
        note=note,
        source=IADC,
    )
    if judge.sampled:
        runs, share = int(ds.sizes["run"]), GROWN[0] / GROWN[1]
        count = int((grown.isel(scenario=0) > 0.0).sum())
        low, high = (float(end) for end in wilson_interval(count, runs))
        judge.check(
            "share of runs that grow",
            share,
            count / runs,
            sigma=float(np.sqrt(share * (1.0 - share) / runs)),
            note=f"95 % interval {low:.2f} to {high:.2f}",
            source=IADC,
        )
    found = figure(collisions(ds, "catastrophic", channel="expected").isel(scenario=0, time=-1))
    every = Figure(*(float(ds.attrs["years"]) / x for x in (found.mean, found.high, found.low)))
    judge.check(
        "years between catastrophic collisions",
        "5 to 9",
        every,
        low=MODELS_YEARS[0],
        high=MODELS_YEARS[1],
        source=IADC,
    )


def r10(ds: xr.Dataset, judge: Judge) -> None:
    number = leo(ds)
    grown = last_cycle(number) / number.isel(time=SINCE) - 1.0
    none, two, five = (figure(grown.isel(scenario=k)) for k in range(3))
    judge.check("growth without removal", "> 0", none.mean, low=0.0, note=none, source=ADR)
    judge.check("growth, 2 a year: less than without", none.mean, two.mean, high=none.mean, note=two, source=ADR)
    judge.check("growth, 5 a year: less than with 2", two.mean, five.mean, high=two.mean, note=five, source=ADR)
    judge.check("growth, 5 a year: stable", "about 0", five.mean, high=STABLE, note=five, source=ADR)
    judge.check(
        "growth with 2 a year over that without",
        "about 0.5",
        two.mean / none.mean if none.mean > 0.0 else "no growth",
        source=ADR,
    )
    for k in (1, 2):
        less = figure(grown.isel(scenario=0) - grown.isel(scenario=k))
        judge.check(
            f"{ds['scenario'].to_numpy()[k]}: growth less by, run by run",
            "> 0",
            less.low,
            low=0.0,
            note=f"lower end of the interval; mean {less.mean:.3f}",
            source=ADR,
        )
        fewer = figure(
            collisions(ds, "catastrophic", channel="expected").isel(time=-1, scenario=0)
            - collisions(ds, "catastrophic", channel="expected").isel(time=-1, scenario=k)
        )
        judge.check(f"{ds['scenario'].to_numpy()[k]}: catastrophic collisions fewer by", None, fewer.mean, note=fewer)
    factor = effective_reduction_factor(ds).isel(time=-1)
    for k in (1, 2):
        e = factor.isel(scenario=k)
        removed = float(ds["removals"].isel(scenario=k, time=-1).sum("class").mean("run"))
        judge.check(
            f"{ds['scenario'].to_numpy()[k]}: effective reduction factor",
            None,
            float(e["estimate"]),
            note=f"95 % interval {float(e['lower']):.3g} to {float(e['upper']):.3g}; {removed:.0f} removed",
        )
