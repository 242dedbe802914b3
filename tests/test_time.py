"""UTC in two parts: texts, arrays and formatting. Truth: Python's own integers and datetime."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.utc_texts import ACCEPTED, REFUSED

from stmgpu.errors import InputError
from stmgpu.time import (
    Epoch,
    as_epoch,
    format_utc,
    from_datetime64,
    normalise,
    parse_utc,
    seconds_since,
    to_datetime64,
)


@pytest.mark.parametrize("text", ACCEPTED)
def test_parse_accepts(text: str) -> None:
    epoch = parse_utc(text)
    assert (epoch.jd, epoch.fr) == ACCEPTED[text]


@pytest.mark.parametrize("text", REFUSED)
def test_parse_refuses_and_names_value_and_forms(text: str) -> None:
    with pytest.raises(InputError, match="allowed: 2024-07-05") as caught:
        parse_utc(text)
    assert repr(text)[:40] in str(caught.value)


def test_epoch_refuses_other_parts() -> None:
    for jd, fr in ((2460496.0, 0.5), (2460496.5, 1.0), (2460496.5, -0.1), (np.nan, 0.0), (2460496.5, np.nan)):
        with pytest.raises(InputError, match=r"Epoch\.of"):
            Epoch(jd, fr)
    with pytest.raises(InputError, match="finite"):
        Epoch.of(np.inf)


@given(st.floats(-1e9, 1e9), st.integers(0, 86_399_999_999))
def test_plus_and_seconds_since_are_inverse(seconds: float, micros: int) -> None:
    start = Epoch(2460496.5, micros / 86_400e6)
    assert start.plus(seconds).seconds_since(start) == pytest.approx(seconds, abs=3e-11 + 3e-16 * abs(seconds))


def test_plus_refuses_nan() -> None:
    with pytest.raises(InputError, match="finite"):
        parse_utc("2024-07-05").plus(float("nan"))


def test_normalise_carries_a_part_that_rounds_to_a_day() -> None:
    jd, fr = normalise([2460496.5, 2460496.75, 2460497.0], [-1e-20, 0.9, -1.0])
    assert jd.tolist() == [2460496.5, 2460497.5, 2460495.5]
    np.testing.assert_allclose(fr, [0.0, 0.15, 0.5], atol=1e-15)


@given(st.integers(-9_000_000_000_000_000_000, 9_000_000_000_000_000_000))
def test_datetime64_round_trip_to_the_nanosecond(nanos: int) -> None:
    stamp = np.array(nanos, "datetime64[ns]")
    jd, fr = from_datetime64(stamp)
    assert to_datetime64(jd, fr) == stamp


def test_seconds_are_added_as_whole_nanoseconds() -> None:
    week = np.arange(604_800)
    stamps = to_datetime64(2460496.5, 0.1, week + 0.123456789)
    assert np.unique(np.diff(stamps)).tolist() == [np.timedelta64(1_000_000_000, "ns").astype("timedelta64[ns]")]
    assert str(stamps[0]) == "2024-07-05T02:24:00.123456789"


def test_missing_and_far_instants() -> None:
    assert np.isnat(to_datetime64([np.nan, 2460496.5], [0.0, np.nan])).all()
    assert np.isnan(from_datetime64(np.datetime64("NaT"))[0])
    with pytest.raises(InputError, match="1678 to 2261"):
        to_datetime64(1e7, 0.0)
    with pytest.raises(InputError, match="1678 to 2261"):
        from_datetime64(np.datetime64("9999-01-01"))
    with pytest.raises(InputError, match="parse_utc"):
        from_datetime64(["2024-07-05"])


def test_format() -> None:
    epoch = parse_utc("2024-07-05T23:59:59.9999996")
    assert format_utc(epoch) == "2024-07-06T00:00:00.000000Z"
    assert format_utc(epoch, 7) == "2024-07-05T23:59:59.9999996Z"
    assert format_utc(epoch, 0) == "2024-07-06T00:00:00Z"
    assert str(parse_utc("2024-07-05")) == "2024-07-05T00:00:00.000000Z"
    stamps = np.array([["2024-07-05T12", "NaT"]], "datetime64[h]")
    assert format_utc(stamps, 3).tolist() == [["2024-07-05T12:00:00.000Z", "NaT"]]
    for digits in (-1, 10, 1.5):
        with pytest.raises(InputError, match="0 to 9"):
            format_utc(epoch, digits)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="datetime64"):
        format_utc(5.0)


@pytest.mark.parametrize(
    "value",
    [
        "2024-07-05T12:00:00",
        np.datetime64("2024-07-05T12"),
        np.array("2024-07-05T12", "datetime64[s]"),
        dt.datetime(2024, 7, 5, 12),
        dt.datetime(2024, 7, 5, 14, tzinfo=dt.timezone(dt.timedelta(hours=2))),
        Epoch(2460496.5, 0.5),
    ],
)
def test_as_epoch(value: object) -> None:
    assert as_epoch(value) == Epoch(2460496.5, 0.5)


def test_as_epoch_keeps_the_nanoseconds_of_pandas() -> None:
    import pandas

    assert str(as_epoch(pandas.Timestamp("2024-07-05T12:00:00.123456789")).datetime64).endswith(".123456789")


@pytest.mark.parametrize("value", [None, 5, 2460496.5, np.datetime64("NaT"), ["2024-07-05"]])
def test_as_epoch_refuses(value: object) -> None:
    with pytest.raises(InputError, match="not an instant"):
        as_epoch(value)


def test_seconds_since_keeps_precision_far_away() -> None:
    start = parse_utc("2024-07-05")
    jd, fr = from_datetime64(np.datetime64("2024-07-12T00:00:00.000000001"))
    assert seconds_since(jd, fr, start) == pytest.approx(604800.000000001, abs=2e-10)
