"""Times of messages. Truth: Python's datetime and Fraction; the reader of single times; IERS Bulletin C."""

from __future__ import annotations

import datetime as dt
from dataclasses import astuple
from fractions import Fraction

import erfa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.utc_texts import ACCEPTED, REFUSED

from stmgpu.errors import InputError
from stmgpu.messages.times import parse_epochs, parse_utc_many, to_tai, utc_intervals
from stmgpu.time import NS_PER_DAY, Epoch, parse_utc, to_datetime64

NS = 1_000_000_000


def test_many_agree_with_one_by_one() -> None:
    texts = [*ACCEPTED, *REFUSED]
    jd, fr, valid = parse_utc_many(texts)
    assert valid.tolist() == [True] * len(ACCEPTED) + [False] * len(REFUSED)
    assert list(zip(jd[valid], fr[valid], strict=True)) == list(ACCEPTED.values())
    assert np.isnan(jd[~valid]).all()
    assert np.isnan(fr[~valid]).all()


# one text at a time also goes through the array path, where the odd ones above would not
@pytest.mark.parametrize("text", [*ACCEPTED, *REFUSED])
def test_array_path_alone(text: str) -> None:
    jd, fr, valid = parse_utc_many([text])
    assert valid[0] == (text in ACCEPTED)
    if valid[0]:
        assert (jd[0], fr[0]) == ACCEPTED[text]


@given(
    st.datetimes(dt.datetime(1900, 1, 1), dt.datetime(2199, 12, 31)),
    st.integers(0, 9),
    st.booleans(),
    st.sampled_from("T "),
)
def test_array_path_against_python(when: dt.datetime, digits: int, zulu: bool, separator: str) -> None:
    text = when.strftime(f"%Y-%m-%d{separator}%H:%M:%S")
    text += "." + f"{when.microsecond:06d}000"[:digits] if digits else ""
    text += "Z" * zulu
    jd, fr, valid = parse_utc_many([text])
    assert valid[0]
    assert Epoch(jd[0], fr[0]) == parse_utc(text)
    kept = int(f"{when.microsecond:06d}000"[:digits].ljust(9, "0"))
    nanos = (when.hour * 3600 + when.minute * 60 + when.second) * 10**9 + kept
    assert fr[0] == float(Fraction(nanos, 86_400 * 10**9))
    assert jd[0] == when.toordinal() + 1721424.5


@given(st.lists(st.text(max_size=40), max_size=5))
def test_many_never_raise(texts: list[str]) -> None:
    jd, _, valid = parse_utc_many(texts)
    assert len(jd) == len(valid) == len(texts)


def test_nothing_to_read() -> None:
    assert [len(part) for part in parse_utc_many([])] == [0, 0, 0]
    assert [len(part) for part in parse_epochs([])] == [0, 0, 0]


@settings(max_examples=300, deadline=None)
@given(
    st.datetimes(dt.datetime(1972, 1, 1), dt.datetime(2200, 12, 31)),
    st.text("0123456789", max_size=14),
    st.booleans(),
    st.sampled_from(["", "Z"]),
)
def test_epochs_against_the_reader_of_single_times(time: dt.datetime, decimals: str, by_day: bool, zulu: str) -> None:
    text = time.strftime("%Y-%jT%H:%M:%S" if by_day else "%Y-%m-%dT%H:%M:%S")
    text += ("." + decimals if decimals else "") + zulu
    day, nanosecond, valid = parse_epochs([text.encode(), b"x", text.encode()])
    assert valid.tolist() == [True, False, True]
    total = int(day[0]) * 86_400 * NS + int(nanosecond[0])
    exact = (time.replace(microsecond=0) - dt.datetime(1970, 1, 1)) // dt.timedelta(seconds=1) * NS
    scale = 10 ** len(decimals)
    assert total == exact + (2 * int(decimals or 0) * NS + scale) // (2 * scale)
    assert abs(to_datetime64(*astuple(parse_utc(text))).astype(np.int64) - total) <= 1


@pytest.mark.parametrize(
    "text",
    [
        "2024-07-05",
        "2024-7-5T00:00:00",
        "2024-02-30T00:00:00",
        "2023-366T00:00:00",
        "2024-000T00:00:00",
        "2024-07-05T24:00:00",
        "2024-07-05T12:00:60",
        "2024-07-05T12:60:00",
        "2024-07-05T12:00:00.",
        "2024-07-05 12:00:00",
        "2024-07-05T12:00:00ZZ",
        "1971-01-01T00:00:00",
        "2201-01-01T00:00:00",
        "２024-07-05T12:00:00",
        "2024-07-05T12:00:0",
        "2024-07-05T12:00:00+01:00",
        "",
        "T" * 40,
        "2024-07-05T12:00:00\0",
        "2024-07-05T12:00:00\x00.5",
    ],
)
def test_texts_that_are_no_epochs(text: str) -> None:
    assert not parse_epochs([text.encode()])[2].any()
    assert not parse_epochs([text.encode()] * 40)[2].any()


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["2024-02-29T23:59:60.5Z", "2023-366T12:00:00", "2100-12-31T00:00:59.123456789", "1972-060T23:59"]),
    st.lists(st.tuples(st.integers(0, 29), st.sampled_from("0123456789-:T.Z \0")), max_size=3),
)
def test_many_epochs_are_read_as_single_ones_are(text: str, changes: list[tuple[int, str]]) -> None:
    characters = list(text)
    for place, character in changes:
        characters[place % len(characters)] = character
    one = parse_epochs(["".join(characters).encode()])
    many = parse_epochs(["".join(characters).encode()] * 40)
    assert [part.tolist() * 40 for part in one] == [part.tolist() for part in many]


def _tai(system: str, text: bytes) -> int:
    day, nanosecond, valid = parse_epochs([text])
    assert valid.all()
    return int(to_tai(system, day, nanosecond)[0])


def test_tdb_is_tt_with_its_periodic_terms() -> None:
    """Truth: the 787 terms of Fairhead and Bretagnon in ERFA, at the Earth's centre; the short series keeps 10 us."""
    day = np.linspace(730, 84_000, 3000).astype(np.int64)
    nanosecond = np.arange(3000) * 7_654_321_987 % NS_PER_DAY
    ahead = (to_tai("TT", day, nanosecond) - to_tai("TDB", day, nanosecond)) * 1e-9
    truth = erfa.dtdb(2440587.5 + day, nanosecond / NS_PER_DAY, 0.0, 0.0, 0.0, 0.0)
    assert np.abs(truth).max() > 1.6e-3
    assert np.abs(ahead - truth).max() < 10e-6


def test_time_systems_as_tai() -> None:
    """In 2024: TAI - UTC = 37 s, TT - TAI = 32.184 s, TAI - GPS = 19 s."""
    same = [("UTC", b"2024-07-05T00:00:00"), ("TAI", b"2024-07-05T00:00:37"), ("GPS", b"2024-07-05T00:00:18")]
    assert len({_tai(system, text) for system, text in [*same, ("TT", b"2024-07-05T00:01:09.184")]}) == 1
    with pytest.raises(InputError, match="time system 'UT1' is not supported; allowed: UTC, TAI, TT, GPS"):
        _tai("UT1", b"2024-07-05T00:00:00")


def test_second_60_only_where_there_is_one() -> None:
    assert _tai("UTC", b"2017-01-01T00:00:00") - _tai("UTC", b"2016-12-31T23:59:60") == NS
    with pytest.raises(InputError, match="no leap second at the end of 2017-12-31"):
        _tai("UTC", b"2017-12-31T23:59:60")
    with pytest.raises(InputError, match="second 60 does not exist in GPS"):
        _tai("GPS", b"2016-12-31T23:59:60")


def test_intervals_meet_at_leap_seconds() -> None:
    first, last = _tai("UTC", b"2015-01-01T00:00:00"), _tai("UTC", b"2018-01-01T00:00:00")
    intervals = utc_intervals(first, last)
    assert [interval.offset_ns // NS for interval in intervals] == [35, 36, 37]
    leaps = [np.datetime64(day, "ns").astype(np.int64) for day in ("2015-07-01", "2017-01-01")]
    assert [interval.end_ns for interval in intervals[:-1]] == leaps
    assert [interval.begin_ns for interval in intervals[1:]] == leaps
    assert len(utc_intervals(last, last + NS_PER_DAY)) == 1
