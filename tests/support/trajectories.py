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


MEME_NAME = "MEME_{number}_{name}_1900000_Operational_1404432000_UNCLASSIFIED.txt"


def meme(times: np.ndarray, states: np.ndarray, *, stop: str = "", covariance: bool = True) -> bytes:
    """A Modified ITC file: datetime64 times [UTC], states in EME2000; covariance k is (k + 1) 1e-8 times 1 to 21."""
    span = [str(t.astype("datetime64[s]")).replace("T", " ") for t in (times[0], times[-1])]
    lines = [
        "created:2024-07-08 00:10:00 UTC",
        f"ephemeris_start:{span[0]} UTC ephemeris_stop:{stop or span[1]} UTC step_size:60",
        "ephemeris_source:blend",
        *(["UVW"] if covariance else []),
    ]
    for k, (time, state) in enumerate(zip(times, states, strict=True)):
        year = time.astype("datetime64[Y]")
        day = int((time.astype("datetime64[D]") - year.astype("datetime64[D]")).astype(int)) + 1
        clock = str(time.astype("datetime64[ms]"))[11:].replace(":", "")
        lines.append(f"{year}{day:03d}{clock} " + " ".join(f"{x:.10f}" for x in state))
        for row in range(3 if covariance else 0):
            lines.append(" ".join(f"{1e-8 * (k + 1) * (j + 1):.10e}" for j in range(7 * row, 7 * row + 7)))
    return ("\n".join(lines) + "\n").encode()
