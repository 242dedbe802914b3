"""Commands about stores and about what is installed: info, status, check, merge, export, compile."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stmgpu.cli import common
from stmgpu.cli.outputs import check_outputs, is_standard_output, opened
from stmgpu.cli.results import WIDTH, result
from stmgpu.errors import BackendError, InputError, StmgpuError, counted

if TYPE_CHECKING:
    from stmgpu.backend import BackendName
    from stmgpu.debris.scenario import Scenario
    from stmgpu.debris.study.settings import EnsembleSettings

_NAME_WIDTH = 18

Store = Annotated[Path, typer.Argument(help="Folder of a store, such as week.zarr.")]


def info(
    store: Annotated[
        Path | None, typer.Argument(help="Store whose provenance to show. Default: describe this installation.")
    ] = None,
) -> None:
    """Show backends, devices, versions and caches, or the provenance of a store."""
    from stmgpu.versions import describe

    facts: dict[str, Any]
    if store is None:
        facts = {name.replace(" ", "_"): fact for name, fact in describe().items()}
    else:
        from stmgpu.store import provenance

        facts = provenance(store)
    shown: dict[str, Any] = dict(facts if store is not None else describe())
    settings = None if store is None else _study_settings(store)
    if settings is not None:
        shown["settings"] = _brief(settings)
        if facts["attributes"].get("notes"):  # they begin with those of the settings
            del shown["settings"]["notes"]
    result(facts, [line for name, value in shown.items() for line in _lines(name, value)])


def _study_settings(store: Path) -> EnsembleSettings | None:
    """Settings of the study in a store; None for other kinds, and for a store that was not computed in tiles."""
    from stmgpu.debris.study.settings import EnsembleSettings
    from stmgpu.store.run import has_run, open_run

    settings = open_run(store).document.settings if has_run(store) else None
    return settings if isinstance(settings, EnsembleSettings) else None


def _brief(settings: EnsembleSettings) -> dict[str, Any]:
    """Settings of a study in brief: differences of the first scenario from the defaults, of others from the first."""
    from pydantic import ValidationError

    from stmgpu.debris.scenario import Scenario

    try:
        scenarios = [Scenario.model_validate(s) for s in settings.scenarios]
    except ValidationError:  # damaged, or a policy that is not imported
        return settings.to_json()
    brief: dict[str, Any] = {}
    base = _flat(Scenario())
    for scenario in scenarios:
        values = _flat(scenario)
        absent = dict.fromkeys(base.keys() - values.keys(), "-")
        changed = {name: value for name, value in values.items() if base.get(name) != value}
        brief[f"scenario {scenario.name!r}"] = changed | absent or "as the first" if brief else changed or "defaults"
        if len(brief) == 1:
            base = values
    return brief | {name: value for name, value in settings.to_json().items() if name != "scenarios"}


def _flat(scenario: Scenario) -> dict[str, Any]:
    """Settings of a scenario by their full names; of a policy the differences from its defaults, in a line."""
    values: dict[str, Any] = {}

    def add(table: dict[str, Any], prefix: str) -> None:
        for key, value in table.items():
            if isinstance(value, dict):
                add(value, f"{prefix}{key}.")
            else:
                values[prefix + key] = value

    add(scenario.model_dump(mode="json", exclude={"name", "removal"}), "")
    for number, policy in enumerate(scenario.removal, 1):
        words = policy.model_dump(mode="json", exclude_defaults=True, exclude={"rank"})
        values[f"removal {number}"] = ", ".join([policy.rank, *(f"{k} {json.dumps(v)}" for k, v in words.items())])
    return values


def _lines(name: str, value: object, indent: int = 0) -> Iterator[str]:
    space = " " * indent
    if isinstance(value, dict) and value:
        yield f"{space}{name}"
        for key, inner in value.items():
            yield from _lines(str(key), inner, indent + 2)
    elif name == "notes" and isinstance(value, list):
        left = len(value) - common.SHOWN_REJECTIONS
        more = [f"and {left} more; --json has all"] if left > 0 else []
        for number, text in enumerate([*value[: common.SHOWN_REJECTIONS], *more]):
            yield from _folded("" if number else name, text, indent)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for number, inner in enumerate(value, 1):
            yield from _lines(f"{name} {number}", inner, indent)
    else:
        shown = " ".join(map(str, value)) if isinstance(value, list) else "none" if value == {} else str(value)
        yield from _folded(name, shown, indent)


def _folded(name: str, text: str, indent: int) -> Iterator[str]:
    """A name and its value in lines of at most 80 columns; a word that is too long stands below its name."""
    head = f"{' ' * indent}{name:<{max(_NAME_WIDTH - indent, 1)}} "
    parts = textwrap.wrap(text, WIDTH - len(head), break_long_words=False, break_on_hyphens=False) or [""]
    if max(map(len, parts)) > WIDTH - len(head):
        yield head.rstrip()
        head = " " * (indent + 2)
        parts = textwrap.wrap(text, WIDTH - len(head), break_long_words=False, break_on_hyphens=False)
    for number, part in enumerate(parts):
        yield f"{head if number == 0 else ' ' * len(head)}{part}"


def status(store: Store) -> None:
    """Show how far the run in a store is: tiles done, running, failed and missing, by whom and since when."""
    from stmgpu.distribute.status import status as status_of

    facts = status_of(store)
    result(facts, _status_lines(facts))
    if facts["problems"]:
        raise StmgpuError(f"problems found in {store}: {len(facts['problems'])}; see `stmgpu check {store}`")


def _status_lines(facts: dict[str, Any]) -> Iterator[str]:
    yield from _run_lines(facts)
    if "assessment" in facts:
        yield from _run_lines(facts["assessment"])


def _run_lines(facts: dict[str, Any]) -> Iterator[str]:
    yield from _lines("store", f"{facts['store']}: {facts['kind'] or 'unreadable'}, {facts['state']}")
    for problem in facts["problems"]:
        yield from _lines("problem", problem)
    if "tiles" not in facts:
        return
    counts = ", ".join(f"{count} {name}" for name, count in facts["tiles"].items() if name != "all" and count)
    yield from _lines("tiles", f"{facts['tiles']['all']}: {counts}")
    if facts["last_tile"]:
        yield from _lines("last tile", facts["last_tile"])
    for note in facts["running"]:
        yield from _lines("running", f"{note['tile']} by {_who(note)} since {note.get('since')}")
    for tile, reason in facts["failed"].items():
        yield from _lines("failed", f"{tile}: {reason}")
    if facts["missing"]:
        left = len(facts["missing"]) - common.SHOWN_REJECTIONS
        more = f" and {left} more; --json has all" if left > 0 else ""
        yield from _lines("missing", ", ".join(facts["missing"][: common.SHOWN_REJECTIONS]) + more)
    for session in facts["sessions"]:
        ended = f" to {session['end']}" if session["end"] else ""
        tiles = f", {counted(session['tiles'], 'tile')}" if session["tiles"] is not None else ""
        text = f"{session['state']}: {_who(session)}, {session['executor']}, {session['begin']}{ended}{tiles}"
        yield from _lines("session", text)


def _who(record: dict[str, Any]) -> str:
    return f"{record.get('user')} on {record.get('host')} (process {record.get('process')})"


def check(
    store: Store,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Discard damaged tiles; rerun the command that made the store to compute them again.",
        ),
    ] = False,
) -> None:
    """Verify every file of a store against its hash, and print a remedy for each problem."""
    from stmgpu.store import check_store

    findings = check_store(store, repair=repair)
    document = {
        "store": store,
        "problems": len(findings),
        "findings": [{"problem": finding.what, "remedy": finding.cure} for finding in findings],
    }
    result(document, map(str, findings) if findings else f"{store} is complete and undamaged")
    if findings:
        raise StmgpuError(f"problems found in {store}: {len(findings)}; follow the remedies above")


def merge(
    store: Store,
    parts: Annotated[list[Path] | None, typer.Argument(help="Stores with other tiles of the same run.")] = None,
    backend: common.Backend = "auto",
    threads: common.Threads = None,
    policies: common.Policies = None,
) -> None:
    """Complete a store whose tiles are all done, after copying tiles from other stores of the same run."""
    from stmgpu.distribute import merge_store

    common.run_policies(policies)
    outcome = merge_store(store, parts or (), backend=backend, threads=threads)
    if not outcome.complete:
        shown = ", ".join(outcome.missing[: common.SHOWN_REJECTIONS])
        raise StmgpuError(
            f"{len(outcome.missing)} of {outcome.tiles} tiles are missing: {shown}"
            f"{' ...' if len(outcome.missing) > common.SHOWN_REJECTIONS else ''}; rerun the command that "
            "made the store"
        )
    document = {"complete": True, "store": store, "tiles": outcome.tiles, "tiles_done": outcome.tiles}
    result(document, f"{store} is complete: {counted(outcome.tiles, 'tile')}")


def export(
    store: Store,
    crate: Annotated[
        Path | None, typer.Argument(help="Folder to create for an RO-Crate; the store is copied into it.")
    ] = None,
    socrates: Annotated[
        Path | None,
        typer.Option(
            help="CSV file to write with the columns of SOCRATES: the conjunctions with their maximum probability; "
            "replaces an existing file; - writes to standard output."
        ),
    ] = None,
    radii: Annotated[
        str,
        typer.Option(
            metavar="RULE", help="Hard-body radii for --socrates: cara, socrates, tracss, fixed:METRES or a file."
        ),
    ] = "socrates",
    backend: common.Backend = "auto",
    threads: common.Threads = None,
) -> None:
    """Write the result of a store in another form: an RO-Crate with data and provenance, or a table of SOCRATES."""
    if crate is None and socrates is None:
        raise InputError("there is nothing to export; name a folder for an RO-Crate, or a file with --socrates")
    check_outputs(None, socrates)
    document: dict[str, Any] = {}
    written = []
    if socrates is not None:
        document["conjunctions"] = _write_socrates(store, socrates, radii, backend, threads)
        written.append(socrates)
    if crate is not None:
        from stmgpu.store.crate import write_crate

        written.append(write_crate(store, crate))
    result(document, written=[path for path in written if not is_standard_output(path)])


def _write_socrates(store: Path, path: Path, radii: str, backend: BackendName, threads: int | None) -> int:
    """Write the conjunctions of a store as SOCRATES does, and return their number."""
    from stmgpu.backend import get_backend
    from stmgpu.messages.socrates import write_socrates
    from stmgpu.propagate.screening_objects import ScreeningObjects
    from stmgpu.risk import socrates_table
    from stmgpu.risk.radii import radius_rule
    from stmgpu.screen.settings import ScreeningSettings
    from stmgpu.store import open_dataset
    from stmgpu.store.run import open_run

    rule = radius_rule(radii)
    conjunctions = open_dataset(store, "conjunctions")
    run = open_run(store)
    objects, settings = run.run_input(), run.document.settings
    assert isinstance(objects, ScreeningObjects)
    assert isinstance(settings, ScreeningSettings)
    runner = get_backend(common.backend_name(backend, threads), threads=threads)
    table = socrates_table(conjunctions, objects, radii=rule, mode=settings.mode, backend=runner)
    write_socrates(table, opened(path))
    return len(table)


def compile_kernels(
    arch: Annotated[
        list[str] | None,
        typer.Option(
            help="Architecture of the GPUs, such as sm_90; may be repeated. Default: that of this machine's first GPU."
        ),
    ] = None,
    warm_up: Annotated[
        bool,
        typer.Option(
            "--warm-up/--no-warm-up",
            help="Where there is a GPU of the architecture, also run a little of everything on it, so that CuPy "
            "compiles its own kernels into its cache.",
        ),
    ] = True,
) -> None:
    """Compile all CUDA kernels into the cache; works on machines without a GPU, such as login nodes."""
    from stmgpu.backend.cuda import CudaBackend
    from stmgpu.backend.nvrtc import compile_all

    try:
        gpu, reason = f"sm_{CudaBackend().arch}", ""
    except BackendError as error:
        gpu, reason = "", str(error)
    if not (arch or gpu):
        raise InputError(f"name an architecture with --arch, such as sm_90, since there is no GPU: {reason}")
    arch = arch or [gpu]
    paths = list(compile_all(arch))
    document: dict[str, Any] = {"written": paths, "gpu": None}
    if warm_up and gpu and (gpu in arch or gpu.removeprefix("sm_") in arch):
        from stmgpu.cli.warm_up import warm_up as run_warm_up

        done = run_warm_up()
        document["gpu"] = {
            "device": done.device,
            "cupy_cache": done.cache,
            "cupy_kernels": done.compiled,
            "cupy_kernels_cached": done.cached,
            "seconds": done.seconds,
        }
        common.note(
            f"{done.device}: CuPy compiled {done.compiled} kernels in {done.seconds:.1f} s, {done.cached} are in "
            f"{done.cache or 'memory only (CUPY_CACHE_IN_MEMORY)'}"
        )
    else:
        common.note("CuPy compiles its own kernels in the first run on a GPU, or when this command is run on one")
    result(document, map(str, paths))
