"""Tables of states: rows become arrays in blocks, and the first wrong text is named with its place."""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.errors import InputError
from stmgpu.messages import kvn, states
from stmgpu.messages.fields import OEM
from stmgpu.messages.states import Place, StateRows, StateTables


def _row(k: int) -> list[bytes]:
    return [f"2024-07-05T00:00:{k:02d}".encode(), *(str(10 * k + j).encode() for j in range(6)), b"9", b"9", b"9"]


@pytest.mark.parametrize("at_once", [1, 3, 7, 100])
def test_blocks_do_not_show(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "_ROWS_AT_ONCE", at_once)
    rows = StateRows({"OBJECT_NAME": "A"}, Place("line", 4))
    for k in range(7):
        rows.add(_row(k), 20 + k)
    segment = rows.close()
    assert segment.states.tolist() == [[10.0 * k + j for j in range(6)] for k in range(7)]
    assert np.diff(segment.nanosecond).tolist() == [1_000_000_000] * 6
    assert segment.position.tolist() == list(range(20, 27))
    assert segment.where(6) == "line 26"


@pytest.mark.parametrize(
    ("column", "text", "message"),
    [
        (1, b"1_0", "line 22: X is '1_0', allowed is a finite decimal number"),
        (6, b"inf", "line 22: Z_DOT is 'inf'"),
        (4, b"x" * 500, "line 22: X_DOT is 'xxx"),
        (0, b"noon", "line 22: EPOCH is 'noon', allowed are times such as"),
    ],
)
def test_the_first_wrong_text_is_named(column: int, text: bytes, message: str) -> None:
    rows = StateRows({}, Place("line", 4))
    for k in range(4):
        row = _row(k)
        if k >= 2:
            row[column] = text
        rows.add(row, 20 + k)
    with pytest.raises(InputError, match=message) as caught:
        rows.close()
    assert len(str(caught.value)) < 400


def test_a_segment_holds_a_state() -> None:
    with pytest.raises(InputError, match=r"^segment 3: it holds no state"):
        StateRows({}, Place("segment", 3)).close()


@pytest.mark.parametrize("at_once", [1, 5, 100])
def test_short_segments_are_converted_together(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(states, "_ROWS_AT_ONCE", at_once)
    calls = []
    read = states.parse_epochs
    monkeypatch.setattr(states, "parse_epochs", lambda texts: calls.append(len(texts)) or read(texts))
    tables, alone = StateTables(), []
    for number in range(6):
        for add in (tables.append, lambda rows: alone.append(rows.close())):
            rows = StateRows({"OBJECT_NAME": str(number)}, Place("segment", number + 1))
            for k in range(number + 1):
                rows.add(_row(10 * number + k), k)
            add(rows)
        assert len(tables) == number + 1
    together = tables.close()
    assert sum(calls) == 2 * 21
    if at_once == 100:
        assert calls[-1] == 21
    for one, other in zip(together, alone, strict=True):
        assert (one.meta, one.place, one.covariance) == (other.meta, other.place, other.covariance)
        for name in ("day", "nanosecond", "states", "position"):
            assert np.array_equal(getattr(one, name), getattr(other, name))


def test_the_first_problem_of_a_file_is_named() -> None:
    """Not the later line that ends the reading, nor a later segment."""
    head = b"CCSDS_OEM_VERS = 2.0\nCREATION_DATE = 2024-07-05T00:00:00\nORIGINATOR = X\n"
    segment = b"META_START\nOBJECT_NAME = A\nMETA_STOP\n2024-07-05T00:00:00 1 2 3 4 5 %b\n"
    good, bad, worse = segment % b"6", segment % b"six", b"META_START\nMETA_START\n"
    for text, message in (
        (good + bad + good + worse, "line 11: Z_DOT is 'six'"),
        (good + bad + bad, "line 11: Z_DOT is 'six'"),
        (bad + b"META_START\nMETA_STOP\n" + worse, "line 7: Z_DOT is 'six'"),
        (good + b"META_START\nMETA_STOP\n" + bad, "the segment that begins at line 8: it holds no state"),
        (good + good + worse, "line 13: it is 'META_START', allowed here"),
    ):
        with pytest.raises(InputError, match=f"^{message}"):
            kvn.read_segments(head + text, OEM)
