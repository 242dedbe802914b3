"""The command that is running: its arguments, what it prints and where, and how to resume it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from stmgpu.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

_OVERWRITE = "--overwrite"
_COMPUTING = ("screen", "propagate", "evolve")
"""Commands that can compute into a store."""


@dataclass
class Invocation:
    """One invocation of the command line.

    Attributes
    ----------
    arguments : list of str
        Arguments behind the name of the program.
    as_json : bool
        Whether the result is printed as a JSON document.
    stream : str
        Name of the result that is written to standard output itself, such as a CSV table; empty for none.
    store : Path, optional
        Store that the command computes into.
    """

    arguments: list[str] = field(default_factory=list)
    as_json: bool = False
    stream: str = ""
    store: Path | None = None
    _run_before: tuple[int, int] | None = None

    def begin(self, arguments: list[str]) -> None:
        """Start anew with other arguments."""
        self.__init__(list(arguments))  # type: ignore[misc]

    def take_standard_output(self, name: str) -> None:
        """Reserve standard output for one result; :class:`InputError` if it already has another."""
        if self.as_json or self.stream:
            other = "--json" if self.as_json else self.stream
            raise InputError(f"{other} and {name} both write to standard output; give one of them a file")
        self.stream = name

    def computes_into(self, store: Path) -> None:
        """Note the store of the command before anything is computed."""
        self.store, self._run_before = store, _stamp(store)

    def how_to_resume(self) -> str:
        """Advice for a run that ends early: the command that resumes it, or why there is nothing to resume."""
        if self.store is None:
            if not set(_COMPUTING) & set(self.arguments):
                return "rerun the same command"
            return "nothing was stored; with --out, finished tiles are kept and can be resumed"
        if _stamp(self.store) is None or (_OVERWRITE in self.arguments and _stamp(self.store) == self._run_before):
            return "nothing was computed yet; rerun the same command"
        if self.arguments[:1] == ["demo"]:
            return f"{self.store} is unfinished; the demonstration starts anew when rerun"
        return f"finished tiles are kept in {self.store}; {self.resume()}"

    def advice_after_failure(self) -> str:
        """The command that resumes the run if rerunning the same command would discard finished tiles, else empty."""
        begun = self.store is not None and _stamp(self.store) not in (None, self._run_before)
        return self.resume() if begun and _OVERWRITE in self.arguments else ""

    def resume(self) -> str:
        """The command that resumes the run in the store, with a word of advice."""
        if _OVERWRITE in self.arguments:
            again = f"resume without {_OVERWRITE}, which would discard them"
        elif "-" in self.arguments:
            again = "resume with the same standard input"
        else:
            again = "resume"
        command = shlex.join(["stmgpu", *(a for a in self.arguments if a != _OVERWRITE)])
        return f"{again}: {command}"


INVOCATION = Invocation()
"""The command that is running."""


def _stamp(store: Path) -> tuple[int, int] | None:
    """Identity of the run in a store, which changes when the store is replaced; None if there is no run."""
    from stmgpu.store.run import has_run

    if not has_run(store):
        return None
    status = (store / "run" / "run.json").stat()
    return status.st_ino, status.st_mtime_ns
