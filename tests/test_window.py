"""The window: hours or days, its limits, and JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from stmgpu.errors import InputError
from stmgpu.time import Epoch
from stmgpu.validation import Fields
from stmgpu.window import Window


@pytest.mark.parametrize(("length", "seconds"), [({}, 86400.0), ({"hours": 2}, 7200.0), ({"days": 0.5}, 43200.0)])
def test_a_window_is_given_in_hours_or_days(length: dict[str, Any], seconds: float) -> None:
    window = Window.of("2024-07-05T06:00", **length)
    assert (window.duration_s, window.hours) == (seconds, seconds / 3600.0)
    assert window.parts == (2460496.5, 0.25)


@pytest.mark.parametrize(
    ("length", "message"),
    [
        ({"hours": 1, "days": 1}, "in hours and in days; use one"),
        ({"hours": 0}, "window of 0.0 hours is not possible"),
        ({"days": float("nan")}, "window of nan hours is not possible"),
        ({"hours": "1"}, "hours must be a number"),
        ({"days": True}, "days must be a number"),
    ],
)
def test_impossible_windows_are_named(length: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Window.of("2024-07-05", **length)


def test_a_window_survives_json() -> None:
    window = Window.of(Epoch.of(2460496.5, 0.1 + 1e-12), hours=1 / 3)
    document = json.loads(json.dumps(window.to_json()))
    assert Window.from_json(Fields(document)) == window
    with pytest.raises(InputError, match=r"settings\.start_fr is missing"):
        Window.from_json(Fields({k: v for k, v in document.items() if k != "start_fr"}, "settings"))
    with pytest.raises(InputError, match="duration_s must be a number, got 'x'"):
        Window.from_json(Fields(document | {"duration_s": "x"}))
