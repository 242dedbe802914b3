"""What the phases share: options, the growing part of the report, time, and comparisons."""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from stmgpu.backend import Backend, get_backend
from stmgpu.catalog import Catalog, read_catalog, synthetic_catalog

ROOT = Path(__file__).resolve().parents[2]
REPEATS = 3


@dataclass
class Phase:
    """One phase while it runs.

    Attributes
    ----------
    options : Namespace
        Options of the command.
    part : Path
        File of this phase's part of the report, written by :meth:`save`.
    until : float
        Time at which the phase is ended from outside, on the clock ``time.monotonic``.
    result : dict
        What the phase has found up to now.
    problems : list of str
        What is wrong.
    """

    options: argparse.Namespace
    part: Path
    until: float
    result: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @cached_property
    def candidate(self) -> Any:
        """The backend that is checked."""
        return get_backend(self.options.backend)

    @cached_property
    def measured(self) -> bool:
        """False on the virtual device, whose seconds say nothing about a GPU."""
        return not hasattr(self.candidate.xp, "virtual")

    @cached_property
    def catalog(self) -> Catalog:
        """The catalogue that is screened."""
        chosen = self.options.catalog
        return read_catalog(chosen) if chosen else synthetic_catalog(self.options.objects)

    def left(self) -> float:
        """Seconds until the phase is ended."""
        return self.until - time.monotonic()

    def problem(self, text: str) -> None:
        """Note and print a problem."""
        self.problems.append(text)
        print(f"PROBLEM: {text}", flush=True)

    def say(self, text: str) -> None:
        """Print a line; the report is saved first, so that what was said is in it."""
        self.save()
        print(text, flush=True)

    def save(self) -> None:
        """Write this phase's part of the report."""
        write_json(self.part, {"result": self.result, "problems": self.problems})

    def timed(self, run: Callable[[], Any], wait: Callable[[Any], Any], repeats: int = REPEATS) -> tuple[Any, Seconds]:
        """The result of the first run, and the seconds of it and of the fastest of some further ones."""
        begin = time.perf_counter()
        result = run()
        wait(result)
        first = time.perf_counter() - begin if self.measured else None
        seconds: Seconds = {"first_s": first, "best_s": first, "runs": 1}
        self.repeat(seconds, run, wait, repeats)
        return result, seconds

    def repeat(
        self, seconds: Seconds, run: Callable[[], Any], wait: Callable[[Any], Any], repeats: int = REPEATS
    ) -> None:
        """Run again, while there is time, and note the fastest of these runs."""
        fastest = math.inf
        for _ in range(repeats):
            begin = time.perf_counter()
            wait(run())
            fastest = min(fastest, time.perf_counter() - begin)
            seconds["runs"] = (seconds["runs"] or 0) + 1
            seconds["best_s"] = fastest if self.measured else None
            if self.left() < 3.0 * fastest:
                break


Seconds = dict[str, float | None]


def rate(count: float, seconds: float | None) -> float | None:
    """Count a second; None where no time was measured."""
    return count / seconds if seconds else None


def shown(value: float | None, form: str = ",.4g") -> str:
    """A number as text, or that it was not measured."""
    return "not measured" if value is None else format(value, form)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document in one step; values that are not finite become null."""
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(_finite(document), indent=2, allow_nan=False) + "\n", encoding="utf-8")
    part.replace(path)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextmanager
def baseline(backend: str) -> Iterator[Backend]:
    """The backend to compare with: the CPU, in its scalar build when the CPU itself is checked."""
    before = os.environ.get("STMGPU_ISA")
    if backend == "cpu":
        os.environ["STMGPU_ISA"] = "scalar"
    try:
        yield get_backend("cpu")
    finally:
        if before is None:
            os.environ.pop("STMGPU_ISA", None)
        else:
            os.environ["STMGPU_ISA"] = before


def differing(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Where two arrays of one shape have different bytes and are not both NaN."""
    words = np.dtype(f"i{a.dtype.itemsize}")
    different: np.ndarray = np.ascontiguousarray(a).view(words) != np.ascontiguousarray(b).view(words)
    if a.dtype.kind == "f" and different.any():
        different &= ~(np.isnan(a) & np.isnan(b))
    return different


def differing_names(found: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Names of the arrays that do not have the same bytes."""
    return sorted(
        name for name, values in expected.items() if np.asarray(found[name]).tobytes() != np.asarray(values).tobytes()
    )
