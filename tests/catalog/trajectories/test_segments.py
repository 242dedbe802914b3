"""Trajectories from objects with segments."""

from __future__ import annotations

import numpy as np
import pytest
from support.trajectories import T0, S, circle

from stmgpu.catalog.trajectories import SYNTHETIC_ID, Segment, Trajectories, Trajectory
from stmgpu.errors import InputError


def test_trajectories_that_are_none() -> None:
    with pytest.raises(InputError, match="has no segment"):
        Trajectories.of([Trajectory([], name="X")])
    with pytest.raises(InputError, match="has 1 sample;"):
        Trajectories.of([Trajectory([circle(1)])])
    with pytest.raises(InputError, match="states of a segment"):
        Trajectories.of([Trajectory([Segment(T0 + np.arange(4) * S, np.ones((3, 3)), np.ones((4, 3)))])])


def test_synthetic_ids_leave_out_those_that_are_taken() -> None:
    t = Trajectories.of([Trajectory([circle()]), Trajectory([circle()], SYNTHETIC_ID), Trajectory([circle()])])
    assert t.norad_id.tolist() == [SYNTHETIC_ID + 1, SYNTHETIC_ID, SYNTHETIC_ID + 2]
