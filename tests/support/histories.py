"""Histories of element sets whose errors are known.

The truth of each object is a polar orbit without drag, which SGP4 describes exactly by mean elements that move at
constant rates. Its sets are that truth with normal errors of the mean anomaly, the mean motion and the plane.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sgp4.api import WGS72, Satrec

from stmgpu.catalog import Catalog
from stmgpu.catalog.trajectories import Segment, Trajectories, Trajectory
from stmgpu.catalog.trajectories.covariances import TrajectoryCovariances, lower_of
from stmgpu.catalog.writer import format_catalog
from stmgpu.propagate.oem_files import format_oem
from stmgpu.risk.rotations import local_axes
from stmgpu.time import Epoch, parse_utc, to_datetime64
from stmgpu.typing import Floats

EPOCH = parse_utc("2025-03-01")
HEIGHT_KM, ECC, INC = 650.0, 0.0005, np.pi / 2.0
AXIS_KM = 6378.135 + HEIGHT_KM
MOTION = 60.0 * np.sqrt(398600.8 / AXIS_KM**3)
"""Mean motion [rad/min]."""


@dataclass(frozen=True)
class Noise:
    """Standard deviations of the errors of an element set.

    Attributes
    ----------
    start_km : float
        Along the orbit at epoch.
    drift_km_day : float
        Growth along the orbit.
    plane_km : float
        Normal to the orbit.
    bias_km : float
        Along the orbit at epoch, common to all sets of an object.
    """

    start_km: float = 0.05
    drift_km_day: float = 1.0
    plane_km: float = 0.1
    bias_km: float = 0.0


def truth_of(objects: int, seed: int) -> list[Satrec]:
    """Objects in polar orbits."""
    rng = np.random.default_rng(seed)
    found = []
    for k in range(objects):
        sat = Satrec()
        days = EPOCH.jd + EPOCH.fr - 2433281.5
        node, argp, mean = rng.uniform(0.0, 2.0 * np.pi, 3)
        sat.sgp4init(WGS72, "i", k + 1, days, 0.0, 0.0, 0.0, ECC, argp, INC, mean, MOTION, node)
        found.append(sat)
    return found


def sets_of(truth: list[Satrec], noise: Noise, *, sets: int, every_days: float, seed: int) -> list[Catalog]:
    """One catalogue for each time of new sets."""
    rng = np.random.default_rng(seed)
    n = len(truth)
    bias = rng.normal(size=n) * noise.bias_km
    catalogs = []
    for k in range(sets):
        days = k * every_days
        epoch = Epoch.of(EPOCH.jd, EPOCH.fr + days)
        columns: dict[str, Floats] = {}
        for name, rate in (("mean_anomaly", "mo"), ("argp", "argpo"), ("raan", "nodeo")):
            moving = {"mo": "mdot", "argpo": "argpdot", "nodeo": "nodedot"}[rate]
            columns[name] = np.array([getattr(s, rate) + getattr(s, moving) * days * 1440.0 for s in truth])
        ahead_km = bias + rng.normal(size=n) * noise.start_km
        drift = rng.normal(size=n) * noise.drift_km_day / AXIS_KM / 1440.0
        columns["mean_anomaly"] += ahead_km / AXIS_KM
        columns["raan"] += rng.normal(size=n) * noise.plane_km / AXIS_KM
        catalogs.append(
            Catalog.from_columns(
                norad_id=np.arange(1, n + 1),
                epoch=epoch,
                bstar=0.0,
                eccentricity=ECC,
                inclination=INC + rng.normal(size=n) * noise.plane_km / AXIS_KM,
                mean_motion=MOTION + drift,
                **{name: np.mod(values, 2.0 * np.pi) for name, values in columns.items()},
            )
        )
    return catalogs


def states_of(truth: list[Satrec], *, days: float, step_s: float) -> Trajectories:
    """True states of all objects."""
    count = int(days * 86400.0 / step_s) + 1
    seconds = np.arange(count) * step_s
    times = to_datetime64(EPOCH.jd, EPOCH.fr, seconds)
    objects = []
    for sat in truth:
        code, r, v = sat.sgp4_array(np.full(count, EPOCH.jd), EPOCH.fr + seconds / 86400.0)
        assert not code.any()
        objects.append(Trajectory([Segment(times, r, v)], sat.satnum, f"T{sat.satnum}"))
    return Trajectories.of(objects)


def write_history(history: Path, states: Path, predicted: Path) -> None:
    """A file of all element sets of 20 objects in four days, true states of 12, predicted ones of their first day."""
    truth = truth_of(20, seed=4)
    parts = [format_catalog(day, "csv") for day in sets_of(truth, Noise(), sets=8, every_days=0.5, seed=5)]
    history.write_bytes(parts[0] + b"".join(part.split(b"\n", 1)[1] for part in parts[1:]))
    states.write_bytes(format_oem(states_of(truth[:12], days=4.0, step_s=3600.0)))
    day, _ = predicted_of(states_of(truth[:12], days=1.0, step_s=600.0), (10.0, 100.0, 10.0), every=18, seed=6)
    predicted.write_bytes(format_oem(day))


def predicted_of(
    truth: Trajectories, sigma_m: tuple[float, float, float], *, every: int, seed: int
) -> tuple[Trajectories, Floats]:
    """Ephemerides with a covariance at every k-th state, and their errors [m], constant along the axes of each object.

    Errors follow the covariance, which has no correlations.
    """
    rng = np.random.default_rng(seed)
    errors = rng.normal(size=(len(truth), 3)) * sigma_m
    objects = []
    for k, error in enumerate(errors):
        rows = slice(int(truth.offset[k]), int(truth.offset[k + 1]))
        r, v, times = truth.position[rows], truth.velocity[rows], truth.time_ns[rows]
        axes = local_axes("RTN", np.hstack([r, v]))
        epochs = times[::every]
        matrix = np.diag([*sigma_m, 0.1, 0.1, 0.1]) ** 2 * 1e-6
        covariance = TrajectoryCovariances(
            np.zeros(len(epochs), np.int64),
            epochs,
            np.full(len(epochs), "RTN"),
            lower_of(np.broadcast_to(matrix, (len(epochs), 6, 6))),
        )
        moved = r + 1e-3 * np.einsum("nij,j->ni", axes, error)
        objects.append(Trajectory([Segment(times, moved, v, covariance=covariance)], int(truth.norad_id[k]), f"P{k}"))
    return Trajectories.of(objects), errors
