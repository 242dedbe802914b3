"""The command that assesses conjunctions: collision probabilities, their sources, and what to do about them."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stmgpu import log
from stmgpu.cli import common
from stmgpu.cli.invocation import INVOCATION
from stmgpu.cli.outputs import check_outputs, is_standard_output, opened
from stmgpu.cli.results import result
from stmgpu.cli.run_options import RunChoices, assessment_options, concluded, print_plan
from stmgpu.errors import StmgpuError

if TYPE_CHECKING:
    import xarray as xr


@assessment_options
def assess(
    store: Annotated[Path, typer.Argument(help="Store of a screening, such as week.zarr.")],
    covariance: Annotated[
        str,
        typer.Option(
            metavar="SOURCE",
            help="Covariances: tle, a model by regime and age of the elements; rtn:R,T,N, standard deviations in "
            "metres; or a file.",
        ),
    ] = "tle",
    radii: Annotated[
        str,
        typer.Option(metavar="RULE", help="Hard-body radii: socrates, cara, tracss, fixed:METRES or a file."),
    ] = "socrates",
    lines: Annotated[
        str,
        typer.Option(metavar="LINES", help="Lines of the triage: cara (1e-4 and 1e-7), 1e-5, 1e-6 or a TOML file."),
    ] = "cara",
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
    from stmgpu.risk.settings import AssessmentSettings
    from stmgpu.store import open_dataset

    check_outputs(None, csv)
    common.backend_name(choices.backend, choices.threads)
    settings = AssessmentSettings(covariance, radii, lines)
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
        _deliver(open_dataset(store, "conjunctions"), store, csv)


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
