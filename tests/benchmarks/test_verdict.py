"""How the scripts of benchmarks/reproduce judge a figure."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest
from support.scripts import script


@pytest.fixture
def verdict() -> ModuleType:
    return script("verdict")


@pytest.mark.parametrize(
    ("ours", "allowed", "passes"),
    [
        (9.02, {"low": 5.0, "high": 9.0}, False),
        (9.02, {"low": 5.0, "high": 9.0, "interval": (8.5, 9.7)}, True),
        (9.7, {"low": 5.0, "high": 9.0, "interval": (9.1, 10.2)}, False),
        (4.0, {"low": 5.0, "interval": (3.0, 5.0)}, True),
        (4.0, {"low": 5.0, "interval": (3.0, 4.9)}, False),
        (1.9, {"reference": 3.0, "tolerance_relative": 0.3, "interval": (1.5, 2.2)}, True),
        (1.9, {"reference": 3.0, "tolerance_relative": 0.3, "interval": (1.5, 2.0)}, False),
        (5.0, {"reference": 3.0, "tolerance_relative": 0.3, "interval": (4.0, 6.0)}, False),
        (5.0, {"reference": 3.0, "tolerance_relative": 0.3, "interval": (2.0, 6.0)}, True),
        (1.9, {"reference": 3.0, "tolerance_relative": 0.3}, False),
        (4064, {"reference": 4064, "tolerance_relative": 0.0}, True),
        (4065, {"reference": 4064, "tolerance_relative": 0.0}, False),
    ],
)
def test_an_interval_fails_only_where_it_misses_the_allowed_range(
    verdict: ModuleType, ours: float, allowed: dict[str, Any], passes: bool
) -> None:
    report = verdict.Report("intervals")
    assert report.check("figure", allowed.pop("reference", None), ours, **allowed) is passes
    assert report.finish() == (0 if passes else 1)


def test_what_was_not_run_is_named_and_not_counted(verdict: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    report = verdict.Report("two parts")
    report.check("first part", 1.0, 1.0, tolerance_relative=0.1)
    report.omit("second part", "no data")
    assert report.finish() == 0
    printed = capsys.readouterr().out
    assert "1 of 1 verdicts pass; not run: second part" in printed
    assert "not run: no data" in " ".join(printed.split())
