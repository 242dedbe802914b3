"""Objects of trajectories in a catalogue."""

from __future__ import annotations

import dataclasses

import numpy as np
from support.trajectories import circle

import stmgpu as stm
from stmgpu.catalog.trajectories import Trajectories, Trajectory


def test_matches_by_id_or_designator() -> None:
    cat = stm.synthetic_catalog(5, seed=1)
    cat = dataclasses.replace(
        cat, object_id=np.array(["", "1998-067A", "", "2024-001AB", ""]), norad_id=np.array([11, 22, 33, 44, 25544])
    )
    t = Trajectories.of(
        [
            Trajectory([circle()], 33),
            Trajectory([circle()], object_id="1998-067-A"),
            Trajectory([circle()], object_id="24001ab"),
            Trajectory([circle()], object_id="2024-001A"),
            Trajectory([circle()]),
        ]
    )
    assert t.matches(cat).tolist() == [2, 1, 3, -1, -1]
