"""Logging and progress. The library is silent until it is configured, as the command line does."""

from __future__ import annotations

import json
import logging
import sys
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from stmgpu.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_LONGEST = 10_000  # characters of a record, its traceback included

LINE_EVERY_S = 60.0
"""Seconds between two lines of progress where there is no terminal."""

logging.getLogger("stmgpu").addHandler(logging.NullHandler())
_LOG = logging.getLogger(__name__)


class JsonLines(logging.Formatter):
    """Formatter of one line of JSON a record: time (UTC), level, logger, message and extra fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)  # ASCII: nothing in it can command a terminal


class Plain(logging.Formatter):
    """Formatter of text in which control characters are escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Format a record."""
        return printable(super().format(record), _LONGEST)


def configure(verbose: int = 0, *, as_json: bool = False) -> None:
    """Send log records of this package to standard error.

    Parameters
    ----------
    verbose : int
        Below 0 for warnings only, 0 for information as well, above 0 for everything.
    as_json : bool
        Write one line of JSON a record, progress included, instead of text and bars.

    Examples
    --------
    >>> configure(verbose=-1)
    """
    logger = logging.getLogger("stmgpu")
    for handler in list(logger.handlers):
        if not isinstance(handler, logging.NullHandler):
            logger.removeHandler(handler)
    if as_json:
        shown: logging.Handler = logging.StreamHandler(sys.stderr)
        shown.setFormatter(JsonLines())
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.logging import RichHandler

        shown = RichHandler(console=Console(stderr=True), show_path=False, show_time=False)
        shown.setFormatter(Plain())
    else:
        shown = logging.StreamHandler(sys.stderr)
        shown.setFormatter(Plain("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S"))
    logger.addHandler(shown)
    logger.setLevel(logging.WARNING if verbose < 0 else logging.DEBUG if verbose else logging.INFO)


def is_json() -> bool:
    """Whether records become lines of JSON."""
    return any(isinstance(h.formatter, JsonLines) for h in logging.getLogger("stmgpu").handlers)


@contextmanager
def progress(task: str, *, total: float = 1.0, unit: str = "") -> Iterator[Callable[[float], None]]:
    """Show the progress of a computation: a bar on a terminal, otherwise one log line a minute.

    Parameters
    ----------
    task : str
        Name of the computation.
    total : float
        Whole amount of work, for the rate.
    unit : str
        Unit of `total`.

    Yields
    ------
    callable
        Call it with the fraction done, between 0 and 1.

    Examples
    --------
    >>> with progress("screening", total=24, unit="h") as report:
    ...     report(0.5)
    """
    if sys.stderr.isatty() and not is_json():
        yield from _bar(task, total, unit)
    else:
        yield from _lines(task, total, unit)


def _bar(description: str, total: float, unit: str) -> Iterator[Callable[[float], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    begin = time.monotonic()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(description, total=1.0, rate="")

        def report(fraction: float) -> None:
            bars.update(task, completed=fraction, rate=_rate(fraction * total, time.monotonic() - begin, unit))

        yield report


def _lines(description: str, total: float, unit: str) -> Iterator[Callable[[float], None]]:
    begin = last = time.monotonic()

    def report(fraction: float) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= LINE_EVERY_S and 0.0 < fraction < 1.0:
            last = now
            left = (now - begin) * (1.0 - fraction) / fraction
            fields = {"progress": round(fraction, 4), "seconds": round(now - begin, 1), "seconds_left": round(left, 1)}
            _LOG.info(
                "%s: %.0f %% after %.0f s, %s, about %.0f s left",
                description,
                100.0 * fraction,
                now - begin,
                _rate(fraction * total, now - begin, unit),
                left,
                extra={"fields": fields},
            )

    yield report


def _rate(done: float, seconds: float, unit: str) -> str:
    return f"{done / seconds:,.3g} {unit}/s" if seconds > 0.0 and unit else ""
