"""Segments that abut without a shared state. Truth: circles, and the impulses that were put between them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from support.trajectories import S, circle

from stmgpu.catalog.trajectories import Segment, Trajectories, Trajectory
from stmgpu.catalog.trajectories.joining import join_segments


def halves(gap_s: float = 60.0, impulse_km_s: float = 0.0, count: int = 20, **options: Any) -> list[Segment]:
    """Two halves of a circle; the second leaves it by an impulse in the middle of the gap."""
    first = circle(count, **options)
    begin = (count - 1) * 60.0 + gap_s
    second = circle(count, begin_s=begin, **options)
    since = np.arange(count)[:, None] * 60.0 + gap_s / 2.0
    kick = impulse_km_s * np.array([0.0, 0.0, 1.0])  # out of the plane, where motion is a sine of the orbital rate
    rate = np.sqrt(398600.8 / 7000.0**3)
    return [
        first,
        replace(
            second,
            position=second.position + kick * np.sin(rate * since) / rate,
            velocity=second.velocity + kick * np.cos(rate * since),
        ),
    ]


@pytest.mark.parametrize("gap_s", [60.0, 90.0, 10.0])
def test_free_motion_is_joined(gap_s: float) -> None:
    joined, notes = join_segments(halves(gap_s))
    assert len(joined) == 1
    assert "is bridged" in notes[0]
    assert f"{gap_s:g} s" in notes[0]
    whole = Trajectories.of([Trajectory(joined)])
    assert whole.usable_stop_ns[0] - whole.usable_start_ns[0] == (38 * 60 + gap_s) * S
    assert len(whole.time_ns) == 40
    assert whole.interpolation_error_km()[0] < 1e-6


@pytest.mark.parametrize("impulse", [1e-6, 1e-5, 1e-3])
def test_a_manoeuvre_is_never_bridged(impulse: float) -> None:
    """From 1 mm/s on."""
    joined, notes = join_segments(halves(impulse_km_s=impulse))
    assert len(joined) == 2
    assert "is not bridged: a manoeuvre lies in it" in notes[0]
    assert "no events are reported in it" in notes[0]


def test_rounded_states_are_joined() -> None:
    """States rounded to a metre and a millimetre a second differ as much inside the segments as across the gap."""
    parts = [
        replace(part, position=np.round(part.position, 3), velocity=np.round(part.velocity, 6)) for part in halves()
    ]
    assert len(join_segments(parts)[0]) == 1


def test_coarse_states_are_not_joined() -> None:
    """Rounding to 0.1 m/s hides manoeuvres of centimetres a second; so may steps that are too long for an orbit."""
    parts = [
        replace(part, position=np.round(part.position, 1), velocity=np.round(part.velocity, 4)) for part in halves()
    ]
    joined, notes = join_segments(parts)
    assert len(joined) == 2
    assert "a manoeuvre cannot be excluded, states are rounded or apart too much" in notes[0]
    segments = [circle(20, 900.0), circle(20, 900.0, begin_s=20 * 900.0)]
    joined, notes = join_segments(segments)
    assert len(joined) == 2
    assert "is not bridged" in notes[0]


@pytest.mark.parametrize(
    ("parts", "note"),
    [
        (halves(0.0), ""),  # they share a state
        (halves(91.0), ""),
        ([halves()[0], replace(halves()[1], usable_start_ns=halves()[1].time_ns[1])], ""),
        ([replace(halves()[0], usable_stop_ns=halves()[0].time_ns[-2]), halves()[1]], ""),
        ([halves()[0], halves(method="hermite", degree=7)[1]], "interpolated by different methods"),
        (halves(count=8), "a manoeuvre cannot be excluded with less than 9 states"),
    ],
)
def test_other_gaps_stay(parts: list[Segment], note: str) -> None:
    joined, notes = join_segments(parts)
    assert joined == parts
    assert [note in text for text in notes] == [True] * bool(note)


def test_states_too_close_across_a_gap_are_left_out() -> None:
    """A tenth of a second would divide the rounding of two states by itself."""
    joined, _ = join_segments(halves(0.1))
    whole = Trajectories.of([Trajectory(joined)])
    assert len(whole.time_ns) == 39
    assert whole.usable_stop_ns[0] - whole.usable_start_ns[0] == 38 * 60 * S + S // 10


def test_many_days_become_one_segment() -> None:
    days = [circle(24, begin_s=k * 24 * 60.0) for k in range(30)]
    joined, notes = join_segments(days)
    assert len(joined) == 1
    assert len(notes) == 29
    assert len(joined[0].time_ns) == 30 * 24
    assert (np.diff(joined[0].time_ns) == 60 * S).all()
