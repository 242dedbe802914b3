"""R8 to R10: two centuries in low orbit without launches (LEGEND), with disposal (IADC), with removal (NASA).

Usage: python benchmarks/reproduce/evolution.py [--targets R8 R9 R10] [--runs N] [--workers 2] [--seed 1]
       [--data ../shared/data/debris] [--write]

R8   J.-C. Liou and N. L. Johnson (2006), "Risks in space from orbiting debris", Science 311, 340, and (2008),
     "Instability of the present LEO satellite populations", Adv. Space Res. 41, 1046: LEGEND, no launches after 2004.
R9   IADC-12-08, "Stability of the future LEO environment" (2013): six models, launches of 2001 to 2009 repeated.
R10  J.-C. Liou, N. L. Johnson and N. M. Hill (2010), "Controlling the growth of future LEO debris populations with
     active debris removal", Acta Astronautica 66, 648, and Liou (2011), Adv. Space Res. 47, 1865.

Their initial populations are not public: proxies are named in the output. Each target takes five to fifteen minutes on
two cores. Other numbers of years than 200 are for trying things out; nothing is judged then.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from ensemble_runs import Figure, ensemble, figure, last_cycle, leo, shells, years_mean
from verdict import Report

from stmgpu.debris.scenario import Study
from stmgpu.debris.statistics import collisions, effective_reduction_factor, smoothed, wilson_interval
from stmgpu.debris.study.scenario_file import study_from_document

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import machine

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

SAID = {
    "sun": "Solar activity: observed up to the file's end, then whole past cycles drawn at random in every run, since "
    "the studies, too, projected past cycles, each in its own way. The sinusoid (123 +- 45) would make the mean "
    "density 9 % lower at 800 km and 6 % higher at 400 km.",
    "cube": "Collisions: shell lattice of 50 km cells, one sample every 5 days (LEGEND: Cube of 10 km).",
    "cycle": "Numbers of objects are effective ones in 200 to 2000 km, 10 cm and larger; those at the end are means "
    "of the last 11 years.",
}

WHY_R8 = (
    "Each figure is the hull of the 95 % intervals under three Suns: past cycles drawn at random, past cycles in their "
    "order, a sinusoid. LEGEND's own projection of the Sun is not published, and density at 900 to 1000 km depends on "
    "it more than on anything else that was varied.",
    "LEGEND's 'probability of collision at 900 to 1000 km grows tenfold' is given for information. It is near what the "
    "number of pairs of objects grows by if the objects triple, 3^2. Our rate goes by cross-sections: at the start "
    "60 % of it is between intact objects, whose number does not grow, so no Sun makes it ten times as high. Judged "
    "instead, with 'greater than 1' stated before the run: expected catastrophic collisions in the last 50 years over "
    "those in the first.",
    "Equal satellites must not keep together: before drag differed among them (propagation.drag_spread, measured by "
    "drag_spread.py) and the members of a constellation kept apart, Iridium's satellites met each other in a layer of "
    "1 km below 800 km for two centuries. Both changes were made after that was seen.",
)
"""How R8 is judged, and what is known of it."""

COLLISION = {"year": 2009.1121, "ids": [24946, 22675], "type": "collision", "speed_km_s": 11.7, "scale": 1.265}
"""Iridium 33 and Cosmos 2251, 10 February 2009: 1,586 fragments catalogued by October 2009, 1,254 by the model."""

SINCE = 1
"""Record from which growth counts in R9 and R10, the first one after the collision: 1 January 2010."""


def base(data: Path, year: int) -> dict[str, Any]:
    """Settings common to all scenarios: no explosions, no avoidance, and as in the published models one density for all
    runs, without CO2.

    Two that are controlled do not meet: satellites of one constellation keep apart by their phases, which Cube draws.
    """
    return {
        "population": {"source": "mocat", "path": str((data / "mocat_mc" / f"{year}.mat").resolve())},
        "environment": {
            "density": "nrlmsis",
            "co2_scenario": "none",
            "density_sigma": 0.0,
            "solar": {
                "model": "bootstrap",
                "space_weather": str((data / "space_weather" / "sw19571001.txt").resolve()),
            },
        },
        "collisions": {"avoidance": 1.0, "avoidance_both": 0.0, "estimator": "sampled"},
        "breakups": {"min_length_m": 0.1},
    }


def legend(data: Path) -> dict[str, Any]:
    """R8: no launches and no disposal, under each of the Suns that the result is judged over."""
    nobody = {"payload": 0.0, "rocket_body": 0.0, "constellation": 0.0}
    study = expected(base(data, 2005))
    weather = study["environment"]["solar"]["space_weather"]
    suns = [
        {"name": "cycles at random", "environment": {"solar": {"model": "bootstrap", "space_weather": weather}}},
        {"name": "cycles in order", "environment": {"solar": {"model": "repeat", "space_weather": weather}}},
        {"name": "sinusoid", "environment": {"solar": {"model": "sinusoid"}}},
    ]
    del study["environment"]["solar"]
    return {**study, "launches": {"model": "none"}, "disposal": nobody, "scenario": suns}


def mitigated(data: Path) -> dict[str, Any]:
    """R9, which is also the initial phase of R10."""
    return {
        **base(data, 2009),
        "name": "disposal",
        "events": [COLLISION],
        "launches": {"model": "repeat", "window": [2001.0, 2009.0]},
        "disposal": {
            "mode": "lower",
            "rule_years": 25.0,
            "constellation_rule_years": 25.0,
            "payload": 0.9,
            "rocket_body": 0.9,
            "constellation": 0.9,
            "mission_years": 8.0,
        },
    }


def expected(document: dict[str, Any]) -> dict[str, Any]:
    """The same study with less scatter, for targets that are means."""
    return {**document, "collisions": {**document["collisions"], "estimator": "expected"}}


def removing(data: Path) -> dict[str, Any]:
    """R10: removal of 0, 2 and 5 objects per year from 2020, by P m."""
    changes: list[dict[str, Any]] = [{"name": "no removal"}]
    changes += [
        {"name": f"{k} a year", "removal": [{"rank": "risk", "per_year": k, "from_year": 2020.0}]} for k in (2, 5)
    ]
    return {**expected(mitigated(data)), "scenario": changes}


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


@dataclasses.dataclass(frozen=True)
class Target:
    """Target of a reproduction: title, year of the proxy, scenario file as a table, comparison, number of runs."""

    title: str
    year: int
    document: Callable[[Path], dict[str, Any]]
    compare: Callable[[xr.Dataset, Judge], None]
    runs: int


TARGETS = {
    "R8": Target("no launches after 2004 (LEGEND), each figure the envelope over three Suns", 2005, legend, r8, 12),
    "R9": Target("launches of 2001 to 2009 repeated, 25-year rule kept by 90 % (IADC-12-08)", 2009, mitigated, r9, 60),
    "R10": Target("removal of 0, 2 and 5 objects a year from 2020 on (LEGEND)", 2009, removing, r10, 12),
}


def remarks(ds: xr.Dataset, judge: Judge, target: str, study: Study, seed: int) -> None:
    """Proxies used, and internal checks of the runs."""
    note = judge.report.note
    published = {"R8": "LEGEND's of 2004, modelled since 1957", "R10": "LEGEND's of 2009"}.get(
        target, "MASTER's of 1 May 2009"
    )
    proxy = f"of 1 January {TARGETS[target].year}"
    note(
        f"Proxy: {float(leo(ds).isel(scenario=0, time=0).mean()):,.0f} objects in 200 to 2000 km of MOCAT-MC's "
        f"catalogued population {proxy}, perigees below 2000 km, instead of {published}, 10 cm and larger."
    )
    note(f"Filled in: {'; '.join(ds.attrs['notes'])}.")
    if target == "R8":
        for text in WHY_R8:
            note(text)
    else:
        note(
            "The proxy is older than the collision of Iridium 33 and Cosmos 2251, whose fragments MASTER's population "
            "of May 2009 contains: it is scheduled, with as many fragments as the catalogue had in October, and growth "
            f"counts from 1 January 2010, {float(leo(ds).isel(scenario=0, time=SINCE).mean()):,.0f} objects."
        )
        note(
            "Launches: those of 2001 to 2008 that are still in the population; what decayed before is not "
            "repeated. Upper stages and payloads are disposed of alike: lowered to decay within 25 years, 90 % "
            "succeed."
        )
    if target == "R10":
        note(
            "Estimator 'expected', since means are compared: every encounter sheds its expected fragments, so they "
            "are not buried in the luck of a few collisions. The spread of runs is not that of collisions that happen "
            "or do not, so the share of runs that grow is not judged."
        )
    if target == "R10":
        note("Removed at once, ranked anew every year by mean-field collision rate times mass.")
    for key in ("sun", "cube", "cycle"):
        note(SAID[key])
    worst = {name: float(np.abs(ds[name]).max()) for name in ("count_balance", "mass_balance", "breakup_balance")}
    note(
        f"{study.runs} runs of {study.years:g} years, seed {seed}, common random numbers; cut off: "
        f"{int(ds['truncated_year'].notnull().sum())}; largest relative error of counts {worst['count_balance']:.1g}, "
        f"mass {worst['mass_balance']:.1g}, a breakup's mass {worst['breakup_balance']:.1g}."
    )


def decades(ds: xr.Dataset) -> dict[str, Any]:
    """Means over runs every ten years, for a file."""
    some = ds.isel(time=slice(None, None, 10))
    found: dict[str, Any] = {"year": some["time"].to_numpy().tolist()}
    for k, name in enumerate(ds["scenario"].to_numpy().tolist()):
        part = some.isel(scenario=k).mean("run")
        classes = part["number"].sum("shell")
        found[name] = {
            "effective_number": {
                str(c): classes.sel({"class": c}).round(1).values.tolist() for c in ds["class"].to_numpy()
            },
            "effective_number_900_1000_km": leo(part, 900.0, 1000.0).round(1).values.tolist(),
            "catastrophic_expected": collisions(part, "catastrophic", channel="expected").round(3).values.tolist(),
            "all_expected": collisions(part, "all", channel="expected").round(3).values.tolist(),
        }
    return found


def write(target: str, judge: Judge, ds: xr.Dataset, study: Study, seed: int) -> Path:
    """Put the target into benchmarks/results/evolution.json, beside those already there."""
    file = machine.RESULTS / "evolution.json"
    known = json.loads(file.read_text(encoding="utf-8"))["targets"] if file.is_file() else {}
    known[target] = {
        "title": judge.report.title,
        "runs": study.runs,
        "years": study.years,
        "seed": seed,
        "rows": [dataclasses.asdict(row) for row in judge.report.rows],
        "notes": judge.report.notes,
        "series": decades(ds),
        **{k: v for k, v in machine.describe().items() if k in ("machine", "commit")},
    }
    return machine.write("evolution", {"targets": {key: known[key] for key in TARGETS if key in known}})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(__file__).resolve().parents[3] / "shared" / "data" / "debris",
        help="folder with mocat_mc/2005.mat, 2009.mat and space_weather/sw19571001.txt",
    )
    parser.add_argument("--targets", nargs="+", choices=TARGETS, default=list(TARGETS))
    parser.add_argument("--years", type=float, default=YEARS)
    parser.add_argument("--runs", type=int, help="of each scenario (default 12 for R8 and R10, 60 for R9)")
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="write benchmarks/results/evolution.json")
    options = parser.parse_args()
    failed = 0
    for name in options.targets:
        target = TARGETS[name]
        needed = [options.data / "mocat_mc" / f"{target.year}.mat", options.data / "space_weather" / "sw19571001.txt"]
        missing = [str(file) for file in needed if not file.is_file()]
        if missing:
            print(f"not there: {', '.join(missing)}; --data FOLDER, the folder of these", file=sys.stderr)
            return 2
        study = study_from_document(
            {**target.document(options.data), "years": options.years, "runs": options.runs or target.runs},
            Path(),
            name,
        )
        ds = ensemble(study, options.seed, options.workers)
        judge = Judge(f"{name}: {target.title}", study)
        target.compare(ds, judge)
        remarks(ds, judge, name, study, options.seed)
        failed |= judge.report.finish()
        if options.write:
            print(write(name, judge, ds, study, options.seed))
    return failed


if __name__ == "__main__":
    sys.exit(main())
