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

import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from ensemble_runs import ensemble, leo
from inputs import SPACE_WEATHER, Parser
from two_centuries import legend, mitigated, removing
from two_centuries_rows import SINCE, YEARS, Judge, r8, r9, r10

from stmgpu.debris.scenario import Study
from stmgpu.debris.statistics import collisions
from stmgpu.debris.study.scenario_file import study_from_document

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import machine

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
    parser = Parser(__doc__, SPACE_WEATHER)
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
        parser.demand(options.data, f"mocat_mc/{target.year}.mat")
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
