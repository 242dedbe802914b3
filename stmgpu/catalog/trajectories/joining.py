"""Join segments that follow each other without a shared state, where no manoeuvre lies between them.

Files are often cut into days, so that one segment ends a step before the next begins. The object would have no
states, and so no events, in the step between. The states decide whether a manoeuvre lies in it: those on both sides of
the gap are left out in turn and interpolated across it, positions and velocities each for itself, by polynomials of
degree 7. Where the differences are as small as those of the same polynomial inside the two segments, and small enough
to show a manoeuvre of 5 mm/s, all states belong to one free motion and the segments become one. A gap that is not
bridged stays, and is told.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from stmgpu.catalog.trajectories.columns import float_column, int_column
from stmgpu.catalog.trajectories.covariances import TrajectoryCovariances
from stmgpu.catalog.trajectories.interpolation import lagrange_weights
from stmgpu.catalog.trajectories.thinning import kept_samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from stmgpu.catalog.trajectories.segments import Segment
    from stmgpu.typing import Floats

LONGEST_GAP_STEPS = 1.5
"""Longest gap that may be bridged, in steps of the segments beside it."""

MARGIN = 3.0
"""Largest difference across a gap, in multiples of the largest inside the segments."""

SLACK_KM, SLACK_KM_S = 1e-4, 1e-7
"""Difference that is allowed in any case: 0.1 m, and 0.1 mm/s."""

LARGEST_KM, LARGEST_KM_S = 5e-3, 5e-6
"""Difference above which nothing is bridged: rounding or a coarse step hides manoeuvres of this size."""

_SIDE = 4
"""States on either side of the one that is left out."""


def join_segments(segments: Sequence[Segment]) -> tuple[list[Segment], list[str]]:
    """Join segments of one object where no manoeuvre lies between them.

    Parameters
    ----------
    segments : sequence of Segment
        In the order of time.

    Returns
    -------
    segments : list of Segment
        Fewer of them, or the same.
    notes : list of str
        A line for each gap of at most 1.5 steps.
    """
    groups: list[list[Segment]] = []
    notes: list[str] = []
    for segment in segments:
        before = groups[-1][-1] if groups else None
        gap_s = None if before is None else _short_gap_s(before, segment)
        if before is None or gap_s is None:
            groups.append([segment])
            continue
        between = f"the gap of {gap_s:.9g} s between segments, from {_last(before)},"
        problem = _manoeuvre(before, segment)
        if problem:
            notes.append(f"{between} is not bridged: {problem}; no events are reported in it")
            groups.append([segment])
        else:
            notes.append(f"{between} is bridged: the states on both sides follow one free motion")
            groups[-1].append(segment)
    return [_joined(group) for group in groups], notes


def _last(segment: Segment) -> str:
    return str(int_column("time_ns", segment.time_ns)[-1:].view("datetime64[ns]").astype("datetime64[ms]")[0])


def _short_gap_s(before: Segment, after: Segment) -> float | None:
    """Length of a gap that may be bridged [s], else None; usable times that end elsewhere than the states say no."""
    a, b = (int_column("time_ns", part.time_ns) for part in (before, after))
    stop = a[-1] if before.usable_stop_ns is None else before.usable_stop_ns
    start = b[0] if after.usable_start_ns is None else after.usable_start_ns
    if stop != a[-1] or start != b[0] or len(a) < 2 or len(b) < 2:
        return None
    gap = int(b[0] - a[-1])
    return gap / 1e9 if 0 < gap <= LONGEST_GAP_STEPS * max(a[-1] - a[-2], b[1] - b[0]) else None


def _manoeuvre(before: Segment, after: Segment) -> str:
    """Why two segments cannot be one; '' if they can."""
    if (before.method, before.degree) != (after.method, after.degree):
        return "the segments are interpolated by different methods"
    sides = [int_column("time_ns", part.time_ns) for part in (before, after)]
    if min(map(len, sides)) < 2 * _SIDE + 1:
        return f"a manoeuvre cannot be excluded with less than {2 * _SIDE + 1} states on either side"
    times = np.concatenate([sides[0][-3 * _SIDE :], sides[1][: 3 * _SIDE]])
    middle = min(len(sides[0]), 3 * _SIDE)
    time_s = (times - times[0]) / 1e9
    hidden, apart = [], []
    for name, slack, largest, unit in (
        ("position", SLACK_KM, LARGEST_KM, "km"),
        ("velocity", SLACK_KM_S, LARGEST_KM_S, "km/s"),
    ):
        a, b = (float_column(name, getattr(part, name)) for part in (before, after))
        errors = _left_out(time_s, np.concatenate([a[-3 * _SIDE :], b[: 3 * _SIDE]]))
        place = np.arange(_SIDE, len(times) - _SIDE)
        across = (place > middle - 1 - _SIDE) & (place < middle + _SIDE)
        inside = errors[~across].max(initial=0.0)
        found = f"{errors[across].max():.3g} {unit}"
        if errors[across].max() > MARGIN * inside + slack:
            apart.append(found)
        elif errors[across].max() > largest:
            hidden.append(found)
    if apart:
        return f"a manoeuvre lies in it, the states on both sides differ by {' and '.join(apart)}"
    if hidden:
        return f"a manoeuvre cannot be excluded, states are rounded or apart too much ({' and '.join(hidden)})"
    return ""


def _left_out(time_s: Floats, values: Floats) -> Floats:
    """Distance of each value from the polynomial through the `_SIDE` values on either side of it, ends left out."""
    place = np.arange(_SIDE, len(time_s) - _SIDE)
    others = [place + k for k in range(-_SIDE, _SIDE + 1) if k != 0]
    weight, _ = lagrange_weights([time_s[k] for k in others], time_s[place])
    guess = sum((values[k] * w[:, None] for k, w in zip(others, weight, strict=True)), np.zeros((len(place), 3)))
    return np.asarray(np.linalg.norm(guess - values[place], axis=1))


def _joined(group: Sequence[Segment]) -> Segment:
    if len(group) == 1:
        return group[0]
    time_ns = np.concatenate([int_column("time_ns", part.time_ns) for part in group])
    keep = kept_samples(time_ns)  # two states beside a gap may be too close to each other
    return replace(
        group[0],
        time_ns=time_ns[keep],
        position=np.concatenate([float_column("position", part.position) for part in group])[keep],
        velocity=np.concatenate([float_column("velocity", part.velocity) for part in group])[keep],
        usable_stop_ns=group[-1].usable_stop_ns,
        covariance=TrajectoryCovariances.concatenate([part.covariance for part in group], [0] * len(group)),
    )
