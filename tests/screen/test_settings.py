"""Settings of a screening and of an ephemeris: refusals, and the way through JSON."""

from __future__ import annotations

import json

import pytest

from stmgpu.errors import InputError
from stmgpu.propagate.settings import EphemerisSettings
from stmgpu.screen.plan import make_plan
from stmgpu.screen.settings import ScreeningSettings
from stmgpu.validation import Fields
from stmgpu.window import Window

HOUR = Window.of("2024-07-05T01:02:03.4", hours=1)


@pytest.mark.parametrize(
    "settings", [make_plan(ScreeningSettings(HOUR, 7, mode="a"), 1000).settings, EphemerisSettings(HOUR, 30)]
)
def test_settings_survive_json(settings: ScreeningSettings | EphemerisSettings) -> None:
    document = json.loads(json.dumps(settings.to_json()))
    assert type(settings).from_json(Fields(document, "settings")) == settings
    for name in document.keys() - {"start"}:
        for value in (None, [], "x"):
            with pytest.raises(InputError, match=f"settings.{name} must be|SGP4 mode"):
                type(settings).from_json(Fields(document | {name: value}, "settings"))
        with pytest.raises(InputError, match=f"settings.{name} is missing"):
            type(settings).from_json(Fields({k: v for k, v in document.items() if k != name}, "settings"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"threshold_km": 0.05}, "threshold of 0.05 km is not supported"),
        ({"threshold_km": "5"}, "threshold_km must be a number"),
        ({"step_s": 7}, "step 7 s is not supported"),
        ({"mode": "x"}, "SGP4 mode 'x' is unknown"),
        ({"window": Window.of("2024-07-05", days=31)}, "a window of 31 days is not supported"),
    ],
)
def test_impossible_settings_are_named(changed: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ScreeningSettings(**({"window": HOUR} | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize("step_s", [0, -1, float("nan"), float("inf")])
def test_an_impossible_step_of_an_ephemeris_is_named(step_s: float) -> None:
    with pytest.raises(InputError, match="use a positive step"):
        EphemerisSettings(HOUR, step_s)


def test_the_end_of_an_ephemeris_is_included_where_a_step_falls_on_it() -> None:
    window = Window.of("2024-07-05", hours=1 / 30)
    assert EphemerisSettings(window, 60.0).times_s.tolist() == [0.0, 60.0, 120.0]
    assert EphemerisSettings(window, 50.0).times_s.tolist() == [0.0, 50.0, 100.0]
