"""The command line: a thin command for each public function.

Exit codes: 0 done, 1 something failed, 2 wrong use or input, 75 stopped on request with work left (SIGUSR1; rerun the
same command), 130 interrupted, 143 terminated.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import stmgpu.cli.libraries  # noqa: F401  # before NumPy is loaded
from stmgpu import log
from stmgpu.cli import (
    assessing,
    catalogs,
    common,
    computing,
    covariances,
    crash,
    debris,
    message_files,
    messages,
    plotting,
    report,
    reproducing,
    stores,
)
from stmgpu.cli.exit_codes import DONE, FAILED, INTERRUPTED, MISUSED, TERMINATED
from stmgpu.cli.invocation import INVOCATION
from stmgpu.cli.results import with_json
from stmgpu.errors import InputError, StmgpuError, printable

_UsageError: type[typer.BadParameter] = typer.BadParameter.__mro__[1]  # its public subclass has its attributes


class _Commands(TyperGroup):
    """Turns the library's errors into a line on standard error and an exit code."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if ctx.parent is None:
            INVOCATION.begin(args)
        return super().parse_args(ctx, args)

    def make_context(self, *args: Any, **extra: Any) -> Any:
        with _readable_usage_errors():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        try:
            with _readable_usage_errors():
                super().invoke(ctx)
            sys.stdout.flush()
        except InputError as error:
            common.fail(error, MISUSED)
        except StmgpuError as error:
            if (advice := INVOCATION.advice_after_failure()) and advice not in str(error):
                common.say(advice)
            common.fail(error, FAILED)
        except BrokenPipeError:  # the reader, such as `head`, has gone
            for stream in (sys.stdout, sys.stderr):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
            raise typer.Exit(DONE) from None
        except MemoryError:
            common.fail("out of memory; use a shorter window, a smaller threshold or fewer objects", FAILED)
        except OSError as error:
            common.fail(f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}", FAILED)
        except KeyboardInterrupt:
            common.fail(f"interrupted; {INVOCATION.how_to_resume()}", INTERRUPTED)
        except typer.Exit:
            raise
        except Exception as error:  # unexpected: shown with its traceback
            error.args = tuple(printable(part) if isinstance(part, str) else part for part in error.args)
            raise
        except SystemExit as end:
            if end.code == TERMINATED:
                common.fail(f"terminated; {INVOCATION.how_to_resume()}", TERMINATED)
            raise


@contextlib.contextmanager
def _readable_usage_errors() -> Iterator[None]:
    """Escape control characters in messages that quote the arguments."""
    try:
        yield
    except _UsageError as error:
        error.message = printable(error.message)
        raise


app = typer.Typer(
    name="stmgpu",
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
catalog_app = typer.Typer(cls=_Commands, no_args_is_help=True, help="Summarise, convert and generate catalogues.")
app.add_typer(catalog_app, name="catalog", rich_help_panel="Catalogues")
for catalog_verb in (catalogs.summary, catalogs.convert, catalogs.synthesize):
    catalog_app.command()(with_json(catalog_verb))
cdm_app = typer.Typer(
    cls=_Commands, no_args_is_help=True, help="Check, show and write conjunction data messages (CDM)."
)
app.add_typer(cdm_app, name="cdm", rich_help_panel="Risk")
for message_verb in (messages.check, messages.read, message_files.write):
    cdm_app.command()(with_json(message_verb))
covariance_app = typer.Typer(
    cls=_Commands, no_args_is_help=True, help="Learn covariance models of element sets, and test their realism."
)
app.add_typer(covariance_app, name="covariance", rich_help_panel="Risk")
for covariance_verb in (covariances.fit, covariances.check):
    covariance_app.command()(with_json(covariance_verb))
_PANELS: dict[str, tuple[Callable[..., None], ...]] = {
    "Screening": (computing.screen, computing.propagate, computing.demo),
    "Risk": (assessing.assess, messages.pc),
    "Growth of debris": (debris.evolve, debris.study, debris.scenario, crash.crash_clock),
    "Stores": (report.report, plotting.plot, plotting.view, stores.status, stores.check, stores.merge, stores.export),
    "Installation": (stores.info, reproducing.reproduce),
}
for panel, verbs in _PANELS.items():
    for verb in verbs:
        app.command(rich_help_panel=panel)(with_json(verb))
app.command("compile", rich_help_panel="Installation")(with_json(stores.compile_kernels))


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            typer.echo(f"stmgpu {version('stmgpu')}")
        except PackageNotFoundError:
            typer.echo("stmgpu, run from its sources without being installed")
        raise typer.Exit


@app.callback()
def main(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", metavar="", help="Log everything.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", metavar="", help="Warnings and errors only.")] = False,
    log_json: Annotated[
        bool, typer.Option("--log-json", metavar="", help="Messages and progress as lines of JSON.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, metavar="", help="Show the version and exit.")
    ] = False,
) -> None:
    """Screen satellite catalogues for conjunctions, all against all.

    Results go to standard output, messages and progress to standard error.
    Exit codes: 0 done, 1 failed, 2 wrong use or input, 75 stopped on request
    (SIGUSR1) with work left, 130 interrupted, 143 terminated.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of scenarios may be beyond what it can write
    log.configure(-1 if quiet else int(verbose), as_json=log_json)
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _terminated)
        signal.signal(signal.SIGUSR1, common.stop_soon)


def _terminated(signum: int, frame: object) -> None:
    """Handler of SIGTERM, with which batch systems end a job: exit and remove files that are half written."""
    raise SystemExit(TERMINATED)
