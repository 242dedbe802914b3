"""Commands about the growth of debris: evolve, study, scenario."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from stmgpu import log
from stmgpu.cli import common
from stmgpu.cli.common import ExecutorName
from stmgpu.cli.outputs import check_outputs, check_picture
from stmgpu.cli.run_options import concluded, execution_of, quiet_fonts
from stmgpu.errors import InputError


def evolve(
    context: typer.Context,
    scenario: Annotated[
        Path, typer.Argument(metavar="SCENARIO.toml", help="Scenario file; `stmgpu scenario` writes one to begin with.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the store. A study that was begun there is gone on with.")],
    runs: Annotated[int | None, typer.Option(min=1, help="Runs of every scenario. Default: the file's.")] = None,
    years: Annotated[float | None, typer.Option(help="Years. Default: the file's.")] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the study; run k of all scenarios shares its random numbers.")
    ] = 0,
    backend: common.Backend = "auto",
    threads: common.Threads = None,
    executor: common.Executor = ExecutorName.SERIAL,
    task: common.Task = None,
    runs_per_tile: Annotated[
        int | None,
        typer.Option(
            min=1,
            rich_help_panel="Running",
            help="Runs that are evolved side by side; more than one pays on a GPU. Default: the store's, or 1.",
        ),
    ] = None,
    dry_run: common.DryRun = False,
    overwrite: common.Overwrite = False,
    resume: common.Resume = False,
    append: Annotated[
        bool,
        typer.Option(
            "--append", rich_help_panel="Running", help="Add runs to the study at --out; only what is new is computed."
        ),
    ] = False,
    workers: common.Workers = None,
    scheduler: common.Scheduler = None,
    tls_ca: common.TlsCa = None,
    tls_cert: common.TlsCert = None,
    tls_key: common.TlsKey = None,
) -> None:
    """Evolve the debris population over decades: every run of every scenario of a study."""
    from stmgpu.distribute import evolve_to_store
    from stmgpu.distribute.api import plan_study
    from stmgpu.report.study import print_study
    from stmgpu.store import open_dataset

    check_outputs(out)
    how = execution_of(context)
    inputs, document, needs = plan_study(scenario, years, runs, seed, how)
    settings = document["settings"]
    for text in settings["notes"]:
        common.note(text)
    if dry_run:
        typer.echo(f"scenarios     {', '.join(s['name'] for s in settings['scenarios'])}")
        typer.echo(
            f"runs          {settings['runs']} each, {settings['years']:g} years from {settings['begin_year']:.2f}"
        )
        typer.echo(f"tiles         {needs.tiles}")
        typer.echo(f"memory        about {needs.memory_bytes / 2**20:,.0f} MiB a worker")
        typer.echo(f"disk          about {needs.disk_bytes / 1e6:,.0f} MB")
        typer.echo(f"time          about {needs.core_seconds:,.0f} s of one core, if the population does not grow")
        for name, path in inputs.files.items():
            typer.echo(f"input         {path} (kept as {name})")
        return
    common.backend_name(backend, threads)
    common.note(
        f"scenarios: {', '.join(s['name'] for s in settings['scenarios'])}; runs: {settings['runs']} of each, "
        f"{settings['years']:g} years from {settings['begin_year']:.2f}"
    )
    run_years = len(settings["scenarios"]) * settings["runs"] * settings["years"]
    with log.progress("evolving", total=run_years, unit="run-years") as report:
        outcome = evolve_to_store(scenario, out, years, runs, seed, how, report, common.stopping)
    if concluded(outcome, out):
        print_study(open_dataset(out, "ensemble"))
        typer.echo(f"written: {out}")


def study(
    store: Annotated[Path, typer.Argument(help="Store of `stmgpu evolve`.")],
    table: Annotated[bool, typer.Option("--table", help="Print the table; also the default.")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the figure (PNG, PDF or SVG).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of the table.")] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Of a study that is still running: the runs that are finished.")
    ] = False,
) -> None:
    """Compare the scenarios of a study: table with confidence intervals, and a figure."""
    from stmgpu.report.study import plot_study, print_study, study_summary
    from stmgpu.store import open_dataset

    check_picture(plot)
    check_outputs(None, plot)
    ensemble = open_dataset(store, "ensemble", partial=partial)
    if as_json:
        typer.echo(json.dumps(study_summary(ensemble), indent=2))
    elif table or plot is None:
        print_study(ensemble)
    if plot is not None:
        with quiet_fonts():
            plot_study(ensemble, plot)
        common.note(f"written: {plot}")


def scenario(
    target: Annotated[Path, typer.Argument(help="File to write, such as removal.toml.")],
    name: Annotated[str, typer.Option(help="Which of the scenario files that come with stmgpu.")] = "removal",
) -> None:
    """Write a scenario file to begin with, and to change."""
    from stmgpu.debris.study.scenario_file import shipped_scenarios

    found = shipped_scenarios()
    if name not in found:
        raise InputError(f"there is no scenario file {name!r}; there are {', '.join(sorted(found))}")
    check_outputs(None, target)
    if target.exists():
        raise InputError(f"{target} exists; choose another name")
    target.write_bytes(found[name].read_bytes())
    typer.echo(f"written: {target}")
