"""The library is silent unless configured, and progress in a batch log is a line now and then."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from stmgpu import log


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    logger = logging.getLogger("stmgpu")
    before = list(logger.handlers), logger.level
    yield
    logger.handlers[:], level = before
    logger.setLevel(level)


def test_silent_unless_configured() -> None:
    code = "import logging, stmgpu.log; logging.getLogger('stmgpu.screen').warning('loud')"
    quiet = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert quiet.stderr == ""
    loud = subprocess.run(
        [sys.executable, "-c", code.replace("; logging", "; stmgpu.log.configure(); logging")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert loud.stderr.endswith("WARNING loud\n")


def test_configuring_twice_does_not_double_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    log.configure()
    log.configure()
    logging.getLogger("stmgpu.anything").info("once")
    assert capsys.readouterr().err.count("once") == 1


def test_a_line_a_minute_without_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "LINE_EVERY_S", 0.0)
    log.configure()
    with log.progress("screening", total=24.0, unit="h") as report:
        report(0.25)
        report(1.0)
    shown = capsys.readouterr().err
    assert shown.count("screening: 25 %") == 1
    assert "h/s" in shown
    assert "left" in shown
    monkeypatch.setattr(log, "LINE_EVERY_S", 60.0)
    with log.progress("screening") as report:
        report(0.5)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("kind", ["batch log", "terminal", "JSON"])
def test_records_do_not_command_the_terminal(
    kind: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "terminal":
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    log.configure(as_json=kind == "JSON")
    logging.getLogger("stmgpu.anything").warning("name %s of tile", "\x1b]0;owned\x07\x9b2J\r[red]")
    shown = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().err)  # colours of Rich
    assert not any(c in shown for c in "\x1b\x07\x9b\r")
    assert "owned" in shown
    assert "[red]" in shown
    assert "\\x1b]0;owned\\x07\\x9b2J\\r" in shown or kind == "JSON"
