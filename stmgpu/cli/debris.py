"""Commands about the growth of debris: evolve, study, scenario."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from stmgpu import log
from stmgpu.cli import common
from stmgpu.cli.outputs import check_outputs, check_picture, is_standard_output, opened
from stmgpu.cli.results import result
from stmgpu.cli.run_options import RunChoices, concluded, plan_summary, study_options
from stmgpu.errors import InputError, counted
from stmgpu.files import writing


@study_options
def evolve(
    scenario: Annotated[
        Path, typer.Argument(metavar="SCENARIO.toml", help="Scenario file; `stmgpu scenario` writes an example.")
    ],
    out: Annotated[Path, typer.Option(help="Store to write; an unfinished study in it is resumed.")],
    runs: Annotated[
        int | None, typer.Option(min=1, help="Number of runs per scenario. Default: as in the scenario file.")
    ] = None,
    years: Annotated[
        float | None, typer.Option(help="Length of the runs in years. Default: as in the scenario file.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Seed of the study; run k of all scenarios shares its random numbers.")
    ] = 0,
    policies: common.Policies = None,
    *,
    choices: RunChoices,
) -> None:
    """Evolve the debris population over decades: every run of every scenario of a study."""
    from stmgpu.debris.study.settings import EnsembleSettings
    from stmgpu.distribute.api import run_to_store
    from stmgpu.distribute.jobs.ensemble import plan_study
    from stmgpu.report.study import print_study, study_summary
    from stmgpu.store import open_dataset
    from stmgpu.store.run_input import StudyInputs

    check_outputs(out)
    plan = plan_study(
        scenario,
        years=years,
        runs=runs,
        seed=seed,
        options=choices.options(out),
        policies=policies,
        measure=choices.dry_run,
    )
    settings, needs = plan.document.settings, plan.estimate
    assert isinstance(settings, EnsembleSettings)
    for text in settings.notes:
        common.note(text)
    length = counted(settings.years, "year", "g")
    if choices.dry_run:
        assert isinstance(plan.run_input, StudyInputs)
        lines = [
            f"scenarios     {', '.join(settings.names)}",
            f"runs          {settings.runs} each, {length} from {settings.begin_year:.2f}",
            f"tiles         {plan.document.tiles}",
            f"memory        about {needs.memory_bytes / 2**20:,.0f} MiB a worker",
            f"disk          about {needs.disk_bytes / 1e6:,.0f} MB",
            f"objects       at most {plan.run_input.objects:,}, without fragments of collisions",
            f"time          about {needs.core_seconds:,.0f} s of one core, with these objects",
            *(f"input         {path} (kept as {name})" for name, path in plan.run_input.files.items()),
        ]
        inputs = [{"name": name, "path": path} for name, path in plan.run_input.files.items()]
        result({**plan_summary(plan), "inputs": inputs}, lines)
        return
    common.backend_name(choices.backend, choices.threads)
    common.note(
        f"scenarios: {', '.join(settings.names)}; runs: {settings.runs} of each, "
        f"{length} from {settings.begin_year:.2f}"
    )
    run_years = len(settings.scenarios) * settings.runs * settings.years
    with log.progress("evolving", total=run_years, unit="run-years") as report:
        outcome = run_to_store(plan, out, choices.options(out, progress=report))
    if concluded(outcome, out):
        summary = study_summary(open_dataset(out, "ensemble"))
        result(summary, partial(print_study, summary), written=[out])


def study(
    store: Annotated[Path, typer.Argument(help="Store of `stmgpu evolve`.")],
    table: Annotated[bool, typer.Option("--table", help="Print the table (the default).")] = False,
    plot: Annotated[Path | None, typer.Option(help="Draw the figure (PNG, PDF or SVG).")] = None,
    population: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Write the objects at the end of a run as a table, with which another study can start; - writes to "
            "standard output.",
        ),
    ] = None,
    scenario: Annotated[
        str | None, typer.Option(metavar="NAME", help="Scenario of --population. Default: the first.")
    ] = None,
    run: Annotated[int | None, typer.Option(metavar="N", help="Run of --population, from 0. Default: 0.")] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Use the finished runs of a study that is still running.")
    ] = False,
    policies: common.Policies = None,
) -> None:
    """Compare the scenarios of a study: table with confidence intervals, a figure, and the objects at the end."""
    from stmgpu.report.study import print_study, study_summary
    from stmgpu.store import open_dataset

    if population is None and (scenario is not None or run is not None):
        raise InputError("--scenario and --run choose the objects of --population; give that, too")
    check_picture(plot)
    check_outputs(None, plot, population)
    common.run_policies(policies)
    ensemble = open_dataset(store, "ensemble", partial=partial)
    written = []
    if plot is not None:
        from stmgpu.plot import overview, save

        save(overview(ensemble), plot)
        written = [plot]
    if population is not None:
        from stmgpu.debris.population import write_table
        from stmgpu.debris.study.final_population import final_population

        write_table(final_population(ensemble, 0 if scenario is None else scenario, run or 0), opened(population))
        written += [population] if not is_standard_output(population) else []
    summary = study_summary(ensemble)
    shown = table or (plot is None and population is None)
    result(summary, (lambda console: print_study(summary, console)) if shown else (), written=written)


def scenario(
    target: Annotated[Path, typer.Argument(help="File to write, such as removal.toml.")],
    name: Annotated[str, typer.Option(help="Name of the example.")] = "removal",
) -> None:
    """Write an example scenario file to edit."""
    from stmgpu.debris.study.scenario_file import shipped_scenarios

    scenarios = shipped_scenarios()
    if name not in scenarios:
        raise InputError(f"there is no example {name!r}; choose one of {', '.join(sorted(scenarios))}")
    check_outputs(None, target)
    if target.exists() and not is_standard_output(target):
        raise InputError(f"{target} exists; choose another name")
    with writing(opened(target)) as file:
        file.write(scenarios[name].read_bytes())
    result({}, written=[target] if not is_standard_output(target) else [])
