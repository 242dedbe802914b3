"""Segments of messages. Truth: the metadata and numbers that were written."""

from __future__ import annotations

import pytest
from support.trajectories import circle

from stmgpu.catalog.ccsds.oem_writer import format_oem
from stmgpu.catalog.trajectories import Trajectories, Trajectory, conversion
from stmgpu.catalog.trajectories.reading import ReadOptions, read_one
from stmgpu.errors import InputError

TEXT = format_oem(Trajectories.of([Trajectory([circle(10)], 7)])).replace(b"USEABLE", b"COMMENT USEABLE")
MATRIX = (
    b"COVARIANCE_START\nEPOCH = 2025-01-01T00:00:00\n1\n0 1\n0 0 1\n0 0 0 1\n0 0 0 0 1\n0 0 0 0 0 %b\nCOVARIANCE_STOP"
)


def test_states_a_step_outside_the_stated_time_are_read() -> None:
    """They serve interpolation; events are reported in the stated time."""
    stop = b"STOP_TIME = 2025-01-01T00:09:00.000000000"
    assert stop in TEXT
    t, notes = read_one(TEXT.replace(stop, b"STOP_TIME = 2025-01-01T00:08:00"), ReadOptions())
    assert len(t.time_ns) == 10
    assert t.usable_stop_ns[0] == t.time_ns[8]
    assert "to 60 s after STOP_TIME; the time between the two is used" in notes[0]
    with pytest.raises(InputError, match="all must lie between the two, or one step outside"):
        read_one(TEXT.replace(stop, b"STOP_TIME = 2025-01-01T00:07:00"), ReadOptions())


def test_numbers_beyond_any_orbit_are_refused() -> None:
    with pytest.raises(InputError, match=r"line 18: X is 1e\+300; allowed are km and km/s of an object in orbit"):
        read_one(TEXT.replace(b" 7000.0 ", b" 1e300 ", 1), ReadOptions())
    assert len(read_one(TEXT + MATRIX % b"1", ReadOptions())[0].covariance) == 1
    with pytest.raises(InputError, match=r"a covariance holds a number above 1e\+30"):
        read_one(TEXT + MATRIX % b"1e300", ReadOptions())


def test_many_gaps_are_counted() -> None:
    parts = [circle(2, begin_s=180.0 * k) for k in range(14)]
    t, notes = read_one(format_oem(Trajectories.of([Trajectory(parts, 7, "MANY")])), ReadOptions())
    assert len(t.segment_object) == 14
    assert notes == []  # gaps of two steps are no question
    parts = [circle(2, begin_s=120.0 * k) for k in range(14)]
    t, notes = read_one(format_oem(Trajectories.of([Trajectory(parts, 7, "MANY")])), ReadOptions())
    assert len(t.segment_object) == 14
    assert len(notes) == 11
    assert notes[-1].endswith("MANY: 3 more gaps between segments")


def test_times_of_all_metadata_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading a single time takes as long as reading hundreds."""
    calls, read = [], conversion.parse_epochs
    monkeypatch.setattr(conversion, "parse_epochs", lambda texts: calls.append(sorted(texts)) or read(texts))
    parts = [circle(2, begin_s=180.0 * k) for k in range(14)]
    text = format_oem(Trajectories.of([Trajectory(parts, 7, "MANY")]))
    t, _ = read_one(text, ReadOptions())
    assert t.usable_start_ns.tolist() == [int(part.time_ns[0]) for part in parts]
    assert len(calls) == 1
    assert len(calls[0]) == 28
    with pytest.raises(InputError, match=r"that begins at line 165: USEABLE_STOP_TIME is 'soon', allowed are times"):
        read_one(text.replace(b"STOP_TIME = 2025-01-01T00:31:00.000000000", b"STOP_TIME = soon"), ReadOptions())
