"""Syntax of KVN. Meaning is tested with the messages: tests/catalog/ccsds."""

from __future__ import annotations

import pytest

from stmgpu.errors import InputError
from stmgpu.messages.fields import OEM, OMM
from stmgpu.messages.kvn import read_records, read_segments, split_unit


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("51.6 [deg]", ("51.6", "deg")),
        ("51.6[deg]", ("51.6", "deg")),
        ("[deg]", ("", "deg")),
        ("1 []", ("1", "")),
        ("1 [a [b]", ("1", "a [b")),
        ("1 [a] [b]", ("1 [a]", "b")),
        ("1 a]", ("1 a]", None)),
        ("1 [a]]", ("1 [a]]", None)),
        ("1 [a] b", ("1 [a] b", None)),
        ("]", ("]", None)),
        ("", ("", None)),
    ],
)
def test_split_unit(text: str, expected: tuple[str, str | None]) -> None:
    assert split_unit(text) == expected


def test_records_begin_at_versions_or_names() -> None:
    data = (
        b"COMMENT of the file\n\nCCSDS_OMM_VERS = 3.0\nOBJECT_NAME = A = B\r\nCOMMENT MASS = 1\nMASS = 1 [kg]\n"
        b"OBJECT_NAME = C\nCCSDS_OMM_VERS = 3.0\n  OBJECT_NAME=\n"
    )
    records = list(read_records(data, OMM))
    assert [record.position for record in records] == [3, 7, 8]
    assert records[0].fields == {"CCSDS_OMM_VERS": "3.0", "OBJECT_NAME": "A = B", "MASS": "1"}
    assert records[1].fields == {"OBJECT_NAME": "C"}
    assert records[2].fields["OBJECT_NAME"] == ""
    assert not any(record.problem for record in records)


def test_a_problem_is_of_its_record() -> None:
    records = list(
        read_records(b"OBJECT_NAME = A\nwords\nMASS = 1\nOBJECT_NAME = B\nMASS = 1 [g]\nOBJECT_NAME = C", OMM)
    )
    assert records[0].problem == "line 'words' is not of the form KEYWORD = value"
    assert records[0].fields == {"OBJECT_NAME": "A"}
    assert records[1].problem == "unit of MASS is 'g', allowed is kg"
    assert records[2].problem == ""


@pytest.mark.parametrize(
    "value", [b"1" + b" " * 300_000 + b"x", b"[" * 300_000, b"[" * 300_000 + b"]", b"] [" * 100_000 + b"]"]
)
def test_hostile_values_take_linear_time(value: bytes) -> None:
    """Quadratic work would run for minutes."""
    assert len(list(read_records(b"OBJECT_NAME = A\nMASS = " + value, OMM))) == 1


STATES = b"2024-07-05T00:00:00 1 2 3 4 5 6\n\n2024-07-05T00:01:00 1 2 3 4 5 6 7 8 9\n"
VERSION = b"CCSDS_OEM_VERS = 2.0\n"
META = b"META_START\nOBJECT_NAME = A\nCOMMENT = x\nMETA_STOP\n"


def test_segments() -> None:
    data = b"CCSDS_OEM_VERS = 2.0\nORIGINATOR = US\n" + (META + STATES) * 2 + b"CCSDS_OEM_VERS = 1.0\n" + META + STATES
    segments = read_segments(data, OEM)
    assert [segment.where() for segment in segments] == [
        f"the segment that begins at line {line}" for line in (3, 10, 18)
    ]
    assert [segment.where(1) for segment in segments] == ["line 9", "line 16", "line 24"]
    assert all(segment.meta == {"OBJECT_NAME": "A"} for segment in segments)
    assert segments[2].states.tolist() == [[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]] * 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (META + STATES, r"line 1: it is 'META_START'; an OEM begins with CCSDS_OEM_VERS = 1.0, 2.0, 3.0"),
        (VERSION + META, "the segment that begins at line 2: it holds no state"),
        (VERSION + META + VERSION, "the segment that begins at line 2: it holds no"),
        (VERSION + STATES, "line 2: it is .*, allowed here: KEYWORD = value or META_START"),
        (VERSION + META + b"COVARIANCE_START\nMETA_START", "line 7: META_START is inside a covariance"),
    ],
)  # fmt: skip
def test_lines_out_of_place(data: bytes, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_segments(data, OEM)
