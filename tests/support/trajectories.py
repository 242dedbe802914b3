"""Trajectories on circles, whose every state is known."""

from __future__ import annotations

from typing import Any

import numpy as np

from stmgpu.catalog.trajectories import Segment, Trajectories, Trajectory

T0 = int(np.datetime64("2025-01-01", "ns").view(np.int64))
S = 1_000_000_000


def circle(
    count: int = 40, step_s: float = 60.0, begin_s: float = 0.0, radius_km: float = 7000.0, **options: Any
) -> Segment:
    """A circular orbit: positions and velocities are exact."""
    t = begin_s + np.arange(count) * step_s
    rate = np.sqrt(398600.8 / radius_km**3)
    one, other = np.cos(rate * t), np.sin(rate * t)
    return Segment(
        T0 + np.round(t * S).astype(np.int64),
        radius_km * np.stack([one, other, 0.0 * t], axis=1),
        radius_km * rate * np.stack([-other, one, 0.0 * t], axis=1),
        **options,
    )


def several() -> Trajectories:
    return Trajectories.of(
        [
            Trajectory(
                [circle(20), circle(15, begin_s=19 * 60.0, method="hermite", degree=7)],
                25544,
                "ISS",
                "1998-067-A",
                "a.oem",
            ),
            Trajectory([circle(30, 10.0, radius_km=42164.0)], name="NEW"),
            Trajectory([circle(5), circle(50, 1.0, 1000.0, method="linear")], name="OTHER"),
        ]
    )
