"""The command that assesses conjunctions: collision probabilities, their sources, and what to do about them."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stmgpu import log
from stmgpu.choices import SlowMethods
from stmgpu.cli import common
from stmgpu.cli.invocation import INVOCATION
from stmgpu.cli.messages import list_rejected, read_messages
from stmgpu.cli.outputs import check_outputs, is_standard_output, opened
from stmgpu.cli.results import result
from stmgpu.cli.run_options import RunChoices, assessment_options, concluded, print_plan
from stmgpu.errors import InputError, StmgpuError

if TYPE_CHECKING:
    import xarray as xr


@assessment_options
def assess(
    store: Annotated[Path | None, typer.Argument(help="Store of a screening, such as week.zarr.")] = None,
    cdm: Annotated[
        list[Path] | None,
        typer.Option(
            "--cdm",
            metavar="FILE",
            help="Assess conjunction data messages instead, with the states and covariances that they state; a folder "
            "stands for the files in it. May be repeated.",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Store to write for messages, such as events.zarr.")] = None,
    covariance: Annotated[
        str | None,
        typer.Option(
            metavar="SOURCE",
            help="Covariances: tle, a model by regime and age of the elements; rtn:R,T,N, standard deviations in "
            "metres; or a file. Default: tle.",
        ),
    ] = None,
    radii: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="Hard-body radii: socrates, cara, tracss, fixed:METRES or a file. Default: socrates, or what messages "
            "state.",
        ),
    ] = None,
    lines: Annotated[
        str,
        typer.Option(metavar="LINES", help="Lines of the triage: cara (1e-4 and 1e-7), 1e-5, 1e-6 or a TOML file."),
    ] = "cara",
    decision_hours: Annotated[
        float | None,
        typer.Option(
            help="Time before TCA at which a decision is made, in hours: the forecast is for it. Default: 24."
        ),
    ] = None,
    slow: Annotated[
        SlowMethods | None,
        typer.Option(
            help="Where curved and slow encounters get a Pc: where covariances are stated, or for all, also those of a "
            "model, which takes up to seconds for each of them. Default: stated."
        ),
    ] = None,
    samples: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="N",
            help="Monte Carlo samples of each conjunction for which no method holds, or that nc_3d only bounds; such "
            "rows get limits. 0 for none.",
        ),
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the samples.")] = 0,
    csv: Annotated[
        Path | None, typer.Option(help="CSV file to write; replaces an existing file; - writes to standard output.")
    ] = None,
    *,
    choices: RunChoices,
) -> None:
    """Assess the conjunctions in a store: collision probabilities, what they stand on, and what to do.

    The assessment is written into the store, and the same command resumes it. With other
    options it is replaced; the conjunctions stay as they are.
    """
    from stmgpu.distribute.api import run_to_store
    from stmgpu.distribute.jobs.assessment import place_of, plan_assessment
    from stmgpu.report.assessment import PRINTED
    from stmgpu.risk.settings import DECISION_HOURS, AssessmentSettings
    from stmgpu.store import open_dataset
    from stmgpu.store.reading import open_assessed

    if cdm or out is not None:
        for option, value in (("covariance", covariance), ("decision-hours", decision_hours), ("slow", slow)):
            if value is not None:
                raise InputError(f"--{option} is for conjunctions of a screening, not for messages: leave it out")
        drawn = (samples, seed)
        _assess_messages(store, cdm or [], out, csv, radii=radii, lines=lines, drawn=drawn, choices=choices)
        return
    if store is None:
        raise InputError("there is nothing to assess; name the store of a screening, or messages with --cdm")
    check_outputs(None, csv)
    common.backend_name(choices.backend, choices.threads)
    hours = DECISION_HOURS if decision_hours is None else decision_hours
    settings = AssessmentSettings(
        covariance or "tle", radii or "socrates", lines, hours, slow or "stated", samples, seed
    )
    if choices.dry_run:
        options = choices.options(None)
        print_plan(plan_assessment(store, settings, options), options)
        return
    place = place_of(store)
    INVOCATION.computes_into(place)
    with log.progress("assessing", total=1.0, unit="") as report:
        options = choices.options(None, progress=report)
        outcome = run_to_store(plan_assessment(store, settings, options), place, options)
    if concluded(outcome, place):
        every_row = csv is not None or INVOCATION.as_json
        _deliver(open_dataset(store, "conjunctions") if every_row else open_assessed(store, PRINTED), store, csv)


def _assess_messages(
    store: Path | None,
    cdm: list[Path],
    out: Path | None,
    csv: Path | None,
    *,
    radii: str | None,
    lines: str,
    drawn: tuple[int, int],
    choices: RunChoices,
) -> None:
    """Assess messages into a store of their own."""
    from stmgpu.backend import get_backend
    from stmgpu.risk.message_assessment import assess_messages
    from stmgpu.risk.radii import radius_rule
    from stmgpu.risk.triage import lines as lines_of
    from stmgpu.store import check_target, open_dataset
    from stmgpu.store.encounters import write_messages

    if store is not None:
        raise InputError("a store and messages are given; assess one of them: leave out the store, or --cdm and --out")
    if not cdm or out is None:
        raise InputError("messages need --cdm FILE and --out STORE, both of them")
    if choices.need_a_store or choices.dry_run:
        raise InputError("executors, tiles and --dry-run are for the store of a screening; leave them out with --cdm")
    check_outputs(None, csv)
    if os.path.lexists(out):
        raise InputError(f"{out} exists; choose another path, or remove it first")
    check_target(out)
    limits, rule = lines_of(lines), None if radii is None else radius_rule(radii)
    backend = get_backend(common.backend_name(choices.backend, choices.threads), threads=choices.threads)
    messages, rejected = read_messages(cdm)
    samples, seed = drawn
    table, states = assess_messages(
        messages, limits, radii=rule, samples=samples, seed=seed, on_rejected=rejected.append, backend=backend
    )
    list_rejected(rejected)
    write_messages(table, states, out)
    _deliver(open_dataset(out, "messages"), out, csv)


def _deliver(con: xr.Dataset, store: Path, csv: Path | None) -> None:
    """Write and print the result; it is printed even if a file cannot be written."""
    from stmgpu.report.assessment import assessment_summary, print_assessment
    from stmgpu.screen.csv_table import write_csv

    document = {"complete": True, **assessment_summary(con)}
    try:
        if csv is not None:
            write_csv(con, opened(csv))
    except (StmgpuError, OSError):
        result(document, partial(print_assessment, con), written=[])
        raise
    written = [path for path in (store, csv) if path is not None and not is_standard_output(path)]
    result(document, partial(print_assessment, con), written=written)
