"""Tables of states: rows become arrays in blocks, and the first wrong text is named with its place."""

from __future__ import annotations

import numpy as np
import pytest

from stmgpu.errors import InputError
from stmgpu.messages import states
from stmgpu.messages.states import Place, StateRows


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
