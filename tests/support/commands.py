"""Commands as a user gives them, and what a refused one looks like."""

from __future__ import annotations

import re

from typer.testing import CliRunner, Result

from stmgpu.cli import app


def stmgpu(*arguments: object) -> Result:
    """Run a command."""
    return CliRunner().invoke(app, [str(a) for a in arguments])


def refused(result: Result, message: str, code: int = 2) -> None:
    """It ended with this code and one line, in which this stands."""
    assert result.exit_code == code, (result.stderr, result.exception)
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert lines[-1].startswith("stmgpu: "), lines
    assert len(lines) == 1, lines
    assert re.search(message, lines[-1]), lines
