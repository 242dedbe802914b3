"""Modified ITC files. Truth: the numbers that were written; a public Starlink file for the form, where it is."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.paths import SHARED
from support.trajectories import MEME_NAME, meme

from stmgpu.catalog.trajectories.reading import ReadOptions, read_one
from stmgpu.errors import InputError
from stmgpu.messages.itc import read_segment

NAME = MEME_NAME.format(number=91001, name="A_B-7")
TIMES = np.datetime64("2024-12-31T23:58:42.5", "ms") + np.arange(5) * np.timedelta64(60, "s")
STATES = np.arange(30.0).reshape(5, 6) - 7000.25
TEXT = meme(TIMES, STATES)


def test_the_numbers_written() -> None:
    segment, notes = read_segment(TEXT, f"/some/folder/{NAME}.gz")
    assert notes == []
    assert segment.meta["OBJECT_ID"] == "91001"
    assert segment.meta["OBJECT_NAME"] == "A_B-7"
    assert (segment.meta["REF_FRAME"], segment.meta["TIME_SYSTEM"]) == ("EME2000", "UTC")
    times = segment.day.astype("datetime64[D]") + segment.nanosecond.astype("timedelta64[ns]")
    assert (times == TIMES).all()  # across the end of a leap year
    assert np.array_equal(segment.states, STATES)
    assert segment.covariance is not None
    assert segment.covariance.frame == ("UVW",) * 5
    assert np.allclose(segment.covariance.values, 1e-8 * np.outer(np.arange(1, 6), np.arange(1, 22)), rtol=1e-10)
    assert segment.where(2) == "line 13"


@pytest.mark.parametrize("change", [(b"\n", b"\r\n"), (b" -", b"  -"), (b" -", b"\t-")])
def test_other_blanks(change: tuple[bytes, bytes]) -> None:
    segment, _ = read_segment(TEXT.replace(*change), NAME)
    assert np.array_equal(segment.states, STATES)


def test_without_covariance() -> None:
    segment, _ = read_segment(meme(TIMES, STATES, covariance=False), NAME)
    assert segment.covariance is None
    assert np.array_equal(segment.states, STATES)
    assert segment.where(1) == "line 5"


def test_states_that_end_early_are_told() -> None:
    _, notes = read_segment(meme(TIMES, STATES, stop="2025-01-01 01:00:00"), NAME)
    assert len(notes) == 1
    assert "its header says 2024-12-31T23:58:42 to 2025-01-01T01:00:00; it is cut" in notes[0]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (b"-6994.2500000000", b"-6994.2500000000 1", "line 9: it has 8 fields, allowed are 7: EPOCH and 6 numbers"),
        (b"1.0000000000e-08", b"x", "line 6: CX_X is 'x', allowed is a finite decimal number"),
        (b"1.0000000000e-08", b"1_0", "line 6: CX_X is '1_0'"),
        (b"1.0000000000e-08", b"nan", "line 6: CX_X is 'nan'"),
        (b"1.0000000000e-08", b"-1e-8", "line 5: variance CX_X is -1e-08, below 0"),
        (b"2025001000042.500", b"2025366000042.500", "line 13: EPOCH is '2025366000042.500', allowed are UTC times"),
        (b"2024366235942.500", b"2024366236142.500", "line 9: EPOCH is '2024366236142.500'"),
        (b"created:2024", b"created 2024", "line 1: it is 'created 2024"),
        (b"ephemeris_stop:", b"ephemeris_end:", "its header has no ephemeris_stop"),
        (b"ephemeris_stop:2025", b"ephemeris_stop:x", "ephemeris_stop is 'x.*allowed are times such as"),
    ],
)
def test_what_is_refused(old: bytes, new: bytes, problem: str) -> None:
    assert old in TEXT
    with pytest.raises(InputError, match=problem):
        read_segment(TEXT.replace(old, new, 1), NAME)


def test_cut_files_are_refused() -> None:
    lines = TEXT.split(b"\n")
    with pytest.raises(InputError, match="line 22: the file is cut: a state has 4 lines"):
        read_segment(b"\n".join(lines[:22]), NAME)
    with pytest.raises(InputError, match="line 22: it has 1 field,"):
        read_segment(b"\n".join(lines[:21]) + b"\n1.0", NAME)
    with pytest.raises(InputError, match="it holds no state; after line 4"):
        read_segment(b"\n".join(lines[:4]), NAME)


def test_the_name_is_needed() -> None:
    with pytest.raises(InputError, match="only the name of such a file states object and frame"):
        read_segment(TEXT, "starlink.txt")


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=300), st.integers(0, len(TEXT)), st.integers(0, 40))
def test_any_damage_is_named_or_read(junk: bytes, at: int, gone: int) -> None:
    source = io.BytesIO(TEXT[:at] + junk + TEXT[at + gone :])
    source.name = NAME
    try:
        message = NAME if len(read_one(source, ReadOptions())[0]) == 1 else "nothing"
    except InputError as error:
        message = str(error)
    assert NAME in message


def test_a_public_file() -> None:
    folder = SHARED / "data/pc/messages/starlink"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    path = next(folder.glob("MEME_*"))
    segment, notes = read_segment(path.read_bytes(), path.name)
    assert segment.meta["OBJECT_ID"] == "100002"
    assert segment.states[3].tolist()[:3] == [4100.2841153576, 4752.4711235761, -2397.9630290836]
    assert segment.covariance is not None
    assert segment.covariance.values[0, [0, 2, 20]].tolist() == [4.6153540932e-07, 7.7911064994e-07, 5.4255694850e-12]
    assert len(notes) == 1  # an excerpt
