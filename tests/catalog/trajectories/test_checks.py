"""Checks of trajectories: each wrong value is named with its place."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from support.trajectories import S, several

from stmgpu.errors import InputError

ROW = np.arange(120)[:, None]
BROKEN = {
    "times fall": (
        lambda t: {"time_ns": np.concatenate([t.time_ns[:5], t.time_ns[3:4], t.time_ns[6:]])},
        "times must rise",
    ),
    "too far apart": (
        lambda t: {"time_ns": np.where((ROW[:, 0] >= 10) & (ROW[:, 0] < 20), t.time_ns + 15_000 * S, t.time_ns)},
        "4 hours",
    ),
    "not finite": (lambda t: {"position": np.where(ROW == 21, np.nan, t.position)}, "segment 2, sample 2"),
    "metres": (lambda t: {"position": t.position * 1000.0}, "check the unit: km"),
    "underground": (lambda t: {"position": t.position * 0.9}, "km from the Earth's centre"),
    "metres per second": (lambda t: {"velocity": t.velocity * 1000.0}, "check the unit: km/s"),
    "a jump": (lambda t: {"position": np.where(ROW == 8, -t.position, t.position)}, "times the spacing"),
    "id": (lambda t: {"norad_id": np.array([0, 1, 2])}, "allowed is 1 to 999999999"),
    "ids": (lambda t: {"norad_id": np.array([5, 7, 5])}, "ids must be unique"),
    "usable": (lambda t: {"usable_start_ns": t.usable_start_ns - S}, "not covered by its samples"),
    "usable order": (lambda t: {"usable_stop_ns": t.usable_start_ns}, "not after its start"),
    "overlap": (
        lambda t: {
            "time_ns": np.where((ROW[:, 0] >= 20) & (ROW[:, 0] < 35), t.time_ns - 120 * S, t.time_ns),
            "usable_start_ns": t.usable_start_ns - np.array([0, 120, 0, 0, 0]) * S,
            "usable_stop_ns": t.usable_stop_ns - np.array([0, 120, 0, 0, 0]) * S,
        },
        "must not overlap",
    ),
    "method": (lambda t: {"method": np.array(["spline"] * 5)}, "allowed: lagrange, hermite, linear"),
    "degree": (lambda t: {"degree": np.zeros(5, np.int64)}, "degree is 0"),
    "name": (lambda t: {"name": np.array(["a\nb", "", ""])}, "printable"),
    "shape": (lambda t: {"position": t.position[:-1]}, r"shape \(119, 3\), allowed is \(120, 3\)"),
    "offsets": (lambda t: {"offset": np.array([0, 20, 10, 65, 70, 120])}, "rise from 0"),
    "owner": (lambda t: {"segment_object": np.array([0, 0, 2, 2, 2])}, "in their order"),
    "years": (lambda t: {"time_ns": t.time_ns - 60 * 365 * 86_400 * S}, "outside the years"),
    "type": (lambda t: {"time_ns": t.time_ns * 1.5}, "column 'time_ns'"),
}


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_what_is_refused(case: str) -> None:
    change, message = BROKEN[case]
    t = several()
    with pytest.raises(InputError, match=message):
        dataclasses.replace(t, **change(t))
