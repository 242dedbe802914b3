"""Commands that compute: screen, demo, propagate."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stmgpu import log
from stmgpu.choices import MAX_AGE_DAYS, OemFrame
from stmgpu.cli import common, ephemerides, object_choice
from stmgpu.cli.common import note, say
from stmgpu.cli.outputs import check_outputs, check_picture, is_standard_output, opened
from stmgpu.cli.results import result
from stmgpu.cli.run_options import RunChoices, concluded, print_plan, window_options
from stmgpu.errors import InputError, StmgpuError, counted

if TYPE_CHECKING:
    import xarray as xr

    from stmgpu.catalog import Catalog
    from stmgpu.propagate.screening_objects import ScreeningObjects
    from stmgpu.screen.settings import ScreeningSettings


@window_options
def screen(
    catalog: common.OptionalCatalog = None,
    ephemeris: ephemerides.Ephemeris = None,
    satcat: common.SatcatFile = None,
    lenient: common.Lenient = False,
    max_size_gib: common.MaxSizeGib = None,
    sets: common.Sets = "nearest",
    max_age_days: common.MaxAgeDays = MAX_AGE_DAYS,
    skip_unreadable: ephemerides.SkipUnreadable = False,
    start: common.Start = None,
    hours: common.Hours = None,
    days: common.Days = None,
    threshold_km: Annotated[
        float, typer.Option(help="Report local minima of the distance below this threshold, in km.")
    ] = 5.0,
    primaries: object_choice.Primaries = None,
    mode: object_choice.Mode = "i",
    step_s: Annotated[
        float | None,
        typer.Option(
            help="Interval of the broad phase in seconds; it does not affect the events. Default: chosen automatically."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Store to write, such as day.zarr.")] = None,
    csv: Annotated[
        Path | None, typer.Option(help="CSV file to write; replaces an existing file; - writes to standard output.")
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Figure to write: .png, .pdf or .svg.")] = None,
    *,
    choices: RunChoices,
) -> None:
    """Find every conjunction between any two objects."""
    from stmgpu.propagate.element_ages import age_limit
    from stmgpu.screen.screening import screening_objects, screening_settings
    from stmgpu.screen.settings import ScreeningSettings
    from stmgpu.window import window_seconds

    check_outputs(out, csv, plot)
    check_picture(plot)
    options = choices.options(out)
    if out is None and choices.need_a_store and not choices.dry_run:
        raise InputError("executors, tiles, --overwrite, --resume and --append need a store; name one with --out")
    if catalog is None and not ephemeris:
        raise InputError("there is nothing to screen; give a catalogue, or trajectories with --ephemeris")
    if catalog is None and satcat is not None:
        raise InputError("--satcat describes the objects of a catalogue; give one, or leave it out")
    if catalog is not None:
        common.check_catalog(catalog)
    chosen = object_choice.primaries_of(primaries, max_size_gib)
    sources = ephemerides.EphemerisSources.of(ephemeris) if ephemeris else None
    ScreeningSettings(common.checked_window(start, hours, days), threshold_km, step_s)
    age_limit(max_age_days)
    common.backend_name(choices.backend, choices.threads)
    elements = (
        None if catalog is None else common.read(catalog, satcat=satcat, lenient=lenient, max_size_gib=max_size_gib)
    )
    trajectories = None
    if sources is not None:
        trajectories = sources.read(
            elements,
            start=start,
            duration_s=window_seconds(hours, days),
            skip=skip_unreadable,
            max_size_gib=max_size_gib,
            covariances=out is not None,  # a screening has no use for them, a store keeps them
        )
    with common.warnings_said():
        objects = screening_objects(elements, trajectories)
    settings = screening_settings(
        objects,
        start=start,
        hours=hours,
        days=days,
        threshold_km=threshold_km,
        step_s=step_s,
        mode=mode,
        primaries=chosen,
    )
    if settings.primaries is not None:
        note(f"primaries: {len(settings.primaries):,} of {len(objects):,} objects")
    objects = objects.for_window(settings.window, sets)
    if elements is not None:
        elements = elements.with_sets(sets, near=settings.window.middle)
        common.note_sets(objects.catalog)
    if choices.dry_run:
        from stmgpu.distribute.jobs.screening import ScreeningJob

        print_plan(ScreeningJob.plan(objects, settings, options), options)
        return
    _note_request(elements, settings, max_age_days)
    conjunctions = _screen(objects, settings, out, choices)
    if conjunctions is not None:
        _deliver(conjunctions, out, csv=csv, plot=plot, max_age_days=max_age_days)


def demo(
    out: Annotated[Path, typer.Option(help="Folder for the store, the CSV file and the report.")] = Path("demo"),
    objects: Annotated[int, typer.Option(min=2, help="Objects of the synthetic catalogue.")] = 27_000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the synthetic catalogue.")] = 0,
    hours: Annotated[float, typer.Option(help="Length of the window in hours.")] = 24.0,
    threshold_km: Annotated[
        float, typer.Option(help="Report local minima of the distance below this threshold, in km.")
    ] = 5.0,
    backend: common.Backend = "auto",
    threads: common.Threads = None,
) -> None:
    """Screen a synthetic catalogue, all against all, into a store, a CSV file and a report to open in a browser."""
    from stmgpu.catalog import synthetic_catalog
    from stmgpu.screen.screening import screening_objects, screening_settings
    from stmgpu.screen.settings import ScreeningSettings

    store, csv, report = out / "conjunctions.zarr", out / "conjunctions.csv", out / "report.html"
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make the folder {out}: {error.strerror}; choose another with --out") from error
    check_outputs(store, csv, report)
    ScreeningSettings(common.checked_window(None, hours, None), threshold_km)
    common.backend_name(backend, threads)
    note(f"synthetic catalogue: {objects} objects, seed {seed}")
    catalog = synthetic_catalog(objects, seed=seed)
    screened = screening_objects(catalog)
    settings = screening_settings(screened, hours=hours, threshold_km=threshold_km)
    choices = RunChoices(backend=backend, threads=threads, overwrite=True)
    _note_request(catalog, settings, MAX_AGE_DAYS)
    conjunctions = _screen(screened, settings, store, choices)
    if conjunctions is not None:
        _deliver(conjunctions, store, csv=csv, report=report)


@window_options
def propagate(
    catalog: common.CatalogFile,
    out: Annotated[
        Path, typer.Option(help="Store to write, such as day.zarr, or an OEM file: .oem replaces an existing one.")
    ],
    satcat: common.SatcatFile = None,
    lenient: common.Lenient = False,
    max_size_gib: common.MaxSizeGib = None,
    sets: common.Sets = "nearest",
    max_age_days: common.MaxAgeDays = MAX_AGE_DAYS,
    start: common.Start = None,
    hours: common.Hours = None,
    days: common.Days = None,
    step_s: Annotated[float, typer.Option(help="Time step in seconds.")] = 60.0,
    ids: object_choice.Ids = None,
    name: object_choice.Name = None,
    mode: object_choice.Mode = "i",
    frame: Annotated[
        OemFrame | None, typer.Option(help="Frame of an OEM file; stores are in TEME. Default: teme.")
    ] = None,
    *,
    choices: RunChoices,
) -> None:
    """Write ephemerides of all objects (TEME, km and km/s) as a store, or as an OEM file."""
    from stmgpu.distribute.api import ephemeris_settings, run_to_store
    from stmgpu.distribute.jobs.ephemeris import EphemerisJob
    from stmgpu.propagate.codes import CODE_DECAYED
    from stmgpu.propagate.screening_objects import ScreeningObjects
    from stmgpu.propagate.settings import EphemerisSettings
    from stmgpu.store import open_dataset

    as_oem = out.suffix.lower() == ".oem"
    if as_oem and (choices.need_a_store or choices.dry_run):
        raise InputError(
            "executors, tiles, --overwrite, --resume, --append and --dry-run need a store; use --out day.zarr"
        )
    if frame is not None and not as_oem:
        raise InputError(f"--frame {frame} is for OEM files; a store is in TEME: leave it out, or use --out states.oem")
    check_outputs(*((None, out) if as_oem else (out,)))
    options = choices.options(None if as_oem else out)
    common.check_catalog(catalog)
    EphemerisSettings(common.checked_window(start, hours, days), step_s)
    common.backend_name(choices.backend, choices.threads)
    listed = common.read(catalog, satcat=satcat, lenient=lenient, max_size_gib=max_size_gib)
    elements = object_choice.chosen(listed, ids, name)
    settings = ephemeris_settings(elements, start=start, hours=hours, days=days, step_s=step_s, mode=mode)
    elements = elements.with_sets(sets, near=settings.window.middle)
    common.note_sets(elements)
    if choices.dry_run:
        print_plan(EphemerisJob.plan(ScreeningObjects(elements), settings, options), options)
        return
    common.note_window(elements, settings.window, f"step {step_s:g} s", max_age_days)
    if as_oem:
        from stmgpu.propagate.oem_files import write_oem

        with log.progress("propagating", total=settings.window.hours, unit="h") as report:
            oem = write_oem(
                elements,
                out,
                settings,
                frame=frame or "teme",
                backend=choices.backend,
                threads=choices.threads,
                report=report,
            )
        counts = _objects(listed, elements, oem.failing, oem.decayed) | {"written": oem.written}
        _report_ephemeris(counts, settings.count, out, (frame or "teme").upper())
        return
    with log.progress("propagating", total=settings.window.hours, unit="h") as report:
        options = choices.options(out, progress=report)
        outcome = run_to_store(EphemerisJob.plan(ScreeningObjects(elements), settings, options), out, options)
    if not concluded(outcome, out):
        return
    written = open_dataset(out, "ephemeris")
    codes = written.error_code
    decayed = (codes == CODE_DECAYED).any("time")
    failing = int(((codes != 0).any("time") & ~decayed).sum())
    _report_ephemeris(_objects(listed, elements, failing, int(decayed.sum())), written.sizes["time"], out)


def _objects(listed: Catalog, chosen: Catalog, failing: int, decayed: int) -> dict[str, int]:
    """How many objects an ephemeris was made of, as `--json` names them."""
    return {
        "read": len(listed) + listed.rejected_count,
        "rejected": listed.rejected_count,
        "chosen": len(chosen),
        "failed": failing,
        "decayed": decayed,
    }


def _report_ephemeris(counts: dict[str, int], times: int, out: Path, frame: str = "") -> None:
    """Report an ephemeris that was written; only that of an OEM file names its frame."""
    document = {"complete": True, "objects": counts, "times": times, "written": [out]}
    parts = [f"{counted(counts['read'], 'object')} read", f"{counts['rejected']} rejected"]
    if counts["chosen"] + counts["rejected"] < counts["read"]:
        parts.append(f"{counts['chosen']} chosen")
    parts.append(f"{counts['failed']} failing propagation")
    if counts["decayed"]:
        parts.append(f"{counts['decayed']} decayed")
    if frame:
        document["frame"] = frame
        parts += [f"{counts['written']} written", f"{times} times in {frame}"]
    else:
        parts.append(f"{times} times")
    result(document, f"{', '.join(parts)}; {out}")


def _note_request(catalog: Catalog | None, settings: ScreeningSettings, max_age_days: float) -> None:
    """Log the window and threshold of a screening, and warn of old elements."""
    common.note_window(catalog, settings.window, f"threshold {settings.threshold_km:g} km", max_age_days)


def _screen(
    objects: ScreeningObjects,
    settings: ScreeningSettings,
    out: Path | None,
    choices: RunChoices,
) -> xr.Dataset | None:
    """The result, in memory or from the store; None if the store is not complete yet."""
    from stmgpu.distribute.api import run_to_store, stage_seconds
    from stmgpu.distribute.jobs.screening import ScreeningJob
    from stmgpu.screen.screening import screen_objects
    from stmgpu.store import open_dataset

    with log.progress("screening", total=settings.window.hours, unit="h") as report:
        if out is None:
            return screen_objects(objects, settings, backend=choices.backend, threads=choices.threads, report=report)
        options = choices.options(out, progress=report)
        outcome = run_to_store(ScreeningJob.plan(objects, settings, options), out, options)
    if not concluded(outcome, out):
        return None
    conjunctions = open_dataset(out, "conjunctions")
    conjunctions.attrs["seconds"] = json.dumps(stage_seconds(out))
    return conjunctions


def _deliver(
    conjunctions: xr.Dataset,
    store: Path | None,
    *,
    csv: Path | None,
    plot: Path | None = None,
    report: Path | None = None,
    max_age_days: float = MAX_AGE_DAYS,
) -> None:
    """Write and print the result; it is printed even if a file cannot be written."""
    from stmgpu.report.screening.summary import screening_summary
    from stmgpu.report.screening.text import failing_lines, participation_text, print_result
    from stmgpu.screen.csv_table import write_csv
    from stmgpu.screen.stale_events import events_text, stale_events

    written = [path for path in (store, csv, plot, report) if path is not None and not is_standard_output(path)]
    document = {"complete": True, **screening_summary(conjunctions, max_age_days)}

    try:
        if csv is not None:
            write_csv(conjunctions, opened(csv))
        if plot is not None:
            from stmgpu.plot import overview, save

            save(overview(conjunctions), plot)
        if report is not None and store is not None:
            from stmgpu.report.page import write_page

            write_page(store, report)
    except (StmgpuError, OSError):
        result(document, partial(print_result, conjunctions), written=[])
        raise
    for line in failing_lines(conjunctions):
        say(line)
    for text in (events_text(stale_events(conjunctions, max_age_days), max_age_days), participation_text(conjunctions)):
        if text:
            say(f"warning: {text}")
    if len(conjunctions.attrs["failed_norad_id"]) and store is None:
        note("use --out to store every failing object with the time of its first failure")
    result(document, partial(print_result, conjunctions), written=written)
    if not json.loads(conjunctions.attrs["certificate"])["complete"]:
        raise StmgpuError(
            "the certificate does not hold: a pair moved more than its proven bound, so conjunctions may "
            "be missing; please report it with the catalogue and the command"
        )
