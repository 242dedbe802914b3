"""Triage: the table row by row, what is never dismissed, lines from files, the order of urgency."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stmgpu.errors import InputError
from stmgpu.risk.triage import ACT, DECISIONS, DISMISS, IMPROVE, WATCH, counts, line_names, lines, ranked, triage

CARA = lines("cara")
NAN = np.nan


@pytest.mark.parametrize(
    ("pc", "pc_max", "diluted", "is_valid", "decision", "reason"),
    [
        (1e-4, 1e-3, False, True, ACT, "Pc is at or above the red line of 0.0001"),
        (2e-4, 1e-3, True, True, ACT, "Pc is at or above the red line of 0.0001"),
        (9.9e-5, 1e-4, True, True, IMPROVE, "Pc is diluted, its maximum is at or above the red line of 0.0001: better"),
        (1e-12, 1e-3, True, True, IMPROVE, "Pc is diluted, its maximum is at or above the red line of 0.0001: better"),
        (9.9e-5, 1e-4, False, True, WATCH, "Pc is between the lines of 1e-07 and 0.0001"),
        (1e-7, 9e-5, True, True, WATCH, "Pc is between the lines of 1e-07 and 0.0001"),
        (1e-7, NAN, False, True, WATCH, "Pc is between the lines of 1e-07 and 0.0001"),
        (9e-8, 2e-7, True, True, WATCH, "Pc is diluted: it is below 1e-07, but its maximum is not"),
        (9e-8, NAN, True, True, WATCH, "Pc is diluted: it is below 1e-07, but its maximum is not"),
        (9e-8, 1e-2, False, True, DISMISS, "Pc is below 1e-07, and better data cannot raise it to that"),
        (9e-8, 9.5e-8, True, True, DISMISS, "Pc is below 1e-07, and better data cannot raise it to that"),
        (0.0, 0.0, False, True, DISMISS, "Pc is below 1e-07, and better data cannot raise it to that"),
        (NAN, 1e-4, False, False, IMPROVE, "no valid Pc, the maximum is at or above the red line of 0.0001: better"),
        (0.5, 0.6, False, False, IMPROVE, "no valid Pc, the maximum is at or above the red line of 0.0001: better"),
        (NAN, NAN, False, True, IMPROVE, "neither a valid Pc nor a maximum: better data or another method"),
        (NAN, 0.0, False, True, WATCH, "no valid Pc; a maximum below 0.0001 does not bound it where the method fails"),
        (0.0, 0.0, False, False, WATCH, "no valid Pc; a maximum below 0.0001 does not bound it where the method fails"),
    ],
)
def test_the_table(pc: float, pc_max: float, diluted: bool, is_valid: bool, decision: int, reason: str) -> None:
    code, why = triage([pc], pc_max, diluted, is_valid, CARA)
    assert (code.tolist(), code.dtype) == ([decision], np.int8)
    assert str(why[0]).startswith(reason)


def test_only_a_valid_and_small_probability_is_dismissed() -> None:
    """Random rows: whoever is dismissed has a valid Pc below the line that no better data would raise to it."""
    rng = np.random.default_rng(3)
    n = 20_000
    pc, pc_max = (np.where(rng.random(n) < 0.2, NAN, 10.0 ** rng.uniform(-10, 0, n)) for _ in range(2))
    diluted, valid = rng.random((2, n)) < 0.5
    code, _ = triage(pc, pc_max, diluted, valid, CARA)
    dismissed = code == DISMISS
    assert 1000 < dismissed.sum() < n
    assert (valid & (pc < 1e-7))[dismissed].all()
    assert (~diluted | (pc_max < 1e-7))[dismissed].all()
    np.testing.assert_array_equal(code == ACT, valid & (pc >= 1e-4))
    assert sum(counts(code).values()) == n
    assert list(counts(code)) == ["act", "improve", "watch", "dismiss"]
    assert set(code.tolist()) == set(DECISIONS)


def test_presets_and_files(tmp_path: Path) -> None:
    assert line_names() == ["1e-5", "1e-6", "cara"]
    found = [(one.act, one.watch, one.name) for one in map(lines, ("cara", "1e-5", "1e-6"))]
    assert found == [(1e-4, 1e-7, "cara"), (1e-5, 1e-7, "1e-5"), (1e-6, 1e-7, "1e-6")]
    assert all(lines(name).source for name in line_names())
    (tmp_path / "mine.toml").write_text('source = "us"\nact = 4.4e-4\nwatch = 1e-6\n')
    mine = lines(str(tmp_path / "mine.toml"))
    assert triage([4.4e-4, 4.3e-4, 9e-7], 1.0, False, True, mine)[0].tolist() == [ACT, WATCH, DISMISS]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("act = 1e-4\nwatch = 1e-7", "source is missing"),
        ('source = ""\nact = 1e-4\nwatch = 1e-7', "source is '', allowed is printable text"),
        ('source = "us"\nwatch = 1e-7', "act is missing"),
        ('source = "us"\nact = "1e-4"\nwatch = 1e-7', "act must be a number, got '1e-4'"),
        ('source = "us"\nact = 1e-4\nwatch = 0', "act is 0.0001 and watch 0, allowed is 0 < watch <= act <= 1"),
        ('source = "us"\nact = 1e-7\nwatch = 1e-4', "act is 1e-07 and watch 0.0001, allowed is 0 < watch <= act <= 1"),
        ('source = "us"\nact = nan\nwatch = 1e-4', "act is nan and watch 0.0001, allowed is 0 < watch <= act <= 1"),
        ('source = "us"\nact = 1e-4\nwatch = 1e-7\nred = 1', "'red' is unknown, allowed are source, act, watch"),
        ("act = ", "is not TOML"),
    ],
)
def test_wrong_lines(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises(InputError) as caught:
        lines(str(tmp_path / "mine.toml"))
    assert message in str(caught.value)
    assert "mine.toml" in str(caught.value)


def test_what_is_no_probability_or_no_name() -> None:
    with pytest.raises(InputError, match=r"the lines '1e-3' are unknown; allowed are 1e-5, 1e-6, cara, and a file"):
        lines("1e-3")
    with pytest.raises(InputError, match=r"file of lines file 'absent.toml' cannot be read"):
        lines("absent.toml")
    with pytest.raises(InputError, match="pc is -1, allowed is 0 to 1"):
        triage([-1.0], [0.1], [False], [True], CARA)
    with pytest.raises(InputError, match="pc_max is 2, allowed is 0 to 1"):
        triage([0.1], [2.0], [False], [True], CARA)
    assert triage([], [], [], [], CARA)[0].shape == (0,)


def test_the_most_urgent_come_first() -> None:
    decision = np.array([WATCH, IMPROVE, ACT, IMPROVE, DISMISS, ACT, WATCH, IMPROVE, IMPROVE])
    pc = np.array([1e-6, 1e-5, 2e-4, 1e-9, 1e-9, 1e-3, NAN, NAN, NAN])
    pc_max = np.array([1e-6, 1e-3, 2e-4, 1e-3, 1e-9, 1e-3, 1e-5, 1e-3, 1e-2])
    p_act = np.array([0.9, 0.1, 0.0, 0.4, 0.0, 0.0, 0.9, NAN, NAN])
    assert ranked(decision, pc, pc_max, p_act).tolist() == [5, 2, 3, 1, 8, 7, 0, 6, 4]


def test_objects_without_relative_velocity_are_watched() -> None:
    """They would fill the list of what is to be improved; a valid probability or maximum does not change that."""
    codes, reasons = triage([np.nan, np.nan, 1e-3], [np.nan, 1.0, 1.0], True, [False, False, True], CARA, together=True)
    assert codes.tolist() == [WATCH, WATCH, ACT]
    assert "do not move relative to each other" in reasons[0]
